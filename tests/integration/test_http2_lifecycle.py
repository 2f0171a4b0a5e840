"""HTTP/2 connections from their beginning to their end: stop, reload, idleness, and flow control both ways
(SPEC sections 1, 5 and 12; RFC 9113 sections 5.2 and 6.8)."""
import contextlib
import hashlib
import signal
import socket
import ssl
import threading

import pytest

from support import wire
from support.gateway import proxy_config, respond_config, wait_until
from support.http2 import Code, proxy, serving
from support.upstream import Gate

MIB = 1 << 20
GROWTH = 16 * MIB  # what the gateway's memory may grow for one connection
PIECE = bytes(range(256)) * 256  # 64 KiB
NOTICE = 0x7FFFFFFF  # the last stream of a GOAWAY that only gives notice
OPEN_LIMITS = {"limits": {"body_bytes": "1GiB"}}


def held(gate):
    def handler(request, connection):
        if request.path == "/held":
            gate.hold()
        return wire.response(body=b"finished")

    return handler


# Stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_gives_notice_and_finishes_what_is_under_way(world, number):
    gate = Gate()
    gw, up = proxy(world, held(gate), server={"drain_timeout": "20s"})
    session = gw.http2()
    streams = [session.request("GET", "/held") for _ in range(20)]
    up.wait_requests(20)
    gw.signal(number)
    assert session.wait(lambda: session.goaways, "a GOAWAY")
    assert session.goaways == [(Code.NO_ERROR, NOTICE)]
    late = session.request("GET", "/late")  # on its way before the client heard of the end
    assert session.response(late).body == b"finished"
    gate.open()
    assert [session.response(s).body for s in streams] == [b"finished"] * 20
    assert session.wait_closed() == Code.NO_ERROR
    last = session.goaways[-1][1]
    assert late <= last < NOTICE
    assert gw.wait_exit() == 0


def test_a_stop_ends_idle_connections_at_once(world):
    gw = world.gateway(respond_config(("r", "/r"), server=serving({"drain_timeout": "30s"})))
    sessions = [gw.http2() for _ in range(10)]
    assert [s.get("/r").status for s in sessions[:5]] == [200] * 5
    gw.signal(signal.SIGTERM)
    assert [s.wait_closed(5) for s in sessions] == [Code.NO_ERROR] * 10
    assert gw.wait_exit(5) == 0


def test_a_stop_waits_no_longer_than_drain_timeout(world):
    gate = Gate()
    gw, up = proxy(world, held(gate), server={"drain_timeout": "500ms"})
    session = gw.http2()
    number = session.request("GET", "/held")
    up.wait_requests(1)
    gw.signal(signal.SIGTERM)
    session.wait(lambda: False, "the end of the connection", 8)
    assert session.goaways and not session.streams[number].ended
    gw.wait_exit()
    gate.open()


def test_a_stop_in_an_upload_and_a_download_finishes_both(world):
    def both(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"first"))
        content = b"".join(connection.body_pieces(request))
        return wire.chunked(content)

    gw, _ = proxy(world, both, read_body=False, server={"drain_timeout": "20s", **OPEN_LIMITS})
    session = gw.http2()
    number = session.request("POST", "/", body=b"a" * 1000, end=False)
    session.wait(lambda: session.streams[number].size, "the beginning of the answer")
    gw.signal(signal.SIGTERM)
    assert session.wait(lambda: session.goaways, "a GOAWAY")
    session.send(number, b"b" * MIB, end=True)
    assert session.response(number).body == b"first" + b"a" * 1000 + b"b" * MIB
    assert session.wait_closed() == Code.NO_ERROR and gw.wait_exit() == 0


def test_a_client_under_load_loses_nothing_in_a_stop(world):
    """Every request up to the last stream of the last GOAWAY is answered whole."""
    gw = world.gateway(respond_config(("r", "/r"), server=serving({"drain_timeout": "10s", "workers": 2})))
    session = gw.http2()
    numbers, told = [], False
    while not session.goaways or session.goaways[-1][1] == NOTICE:
        if len(numbers) > 300 and not told:
            gw.signal(signal.SIGTERM)
            told = True
        numbers.append(session.request("GET", "/r"))
        number = numbers[-20:][0]
        session.wait(lambda: session.streams[number].over or len(session.goaways) > 1, "an answer")
        if session.closed:
            break
    session.wait_closed()
    last = session.goaways[-1][1]
    answered = [n for n in numbers if session.streams[n].ended and session.streams[n].text == "r"]
    assert [n for n in numbers if n <= last] == answered and len(answered) > 280
    assert gw.wait_exit() == 0


# Reload


def generation(upstream, i):
    return proxy_config(upstream, server=serving({"workers": 2}), route={"response": {"set": {"X-G": str(i)}}})


def test_reloads_under_many_streams_lose_none(world):
    gate = Gate()
    up = world.upstream(held(gate))
    gw = world.gateway(generation(up, 0))
    sessions = [gw.http2() for _ in range(4)]
    old = [(s, s.request("GET", "/held")) for s in sessions for _ in range(5)]
    up.wait_requests(20)
    for i in range(1, 11):
        gw.reload(generation(up, i))
        running = [(s, s.request("GET", f"/{i}")) for s in sessions for _ in range(20)]
        wait_until(lambda: gw.get("/probe").headers.one("x-g") == str(i))
        assert all(s.response(n).body == b"finished" for s, n in running)
        assert [s.get("/new").headers.one("x-g") for s in sessions] == [str(i)] * 4
    gate.open()
    answers = [s.response(n) for s, n in old]
    assert [(a.body, a.headers.one("x-g")) for a in answers] == [(b"finished", "0")] * 20
    assert not any(s.goaways or s.closed for s in sessions)


def test_an_upload_goes_on_over_a_reload(world):
    up = world.upstream(lambda r, c: wire.response(200, [("X-Sum", hashlib.sha1(r.body).hexdigest())]))
    gw = world.gateway(generation(up, 0))
    session = gw.http2()
    number = session.request("POST", "/", body=b"a" * 1000, end=False)
    gw.reload(generation(up, 1))
    wait_until(lambda: gw.get("/probe").headers.one("x-g") == "1")
    session.send(number, b"b" * 300_000, end=True)
    assert session.response(number).headers.one("x-sum") == hashlib.sha1(b"a" * 1000 + b"b" * 300_000).hexdigest()


# Idleness


@pytest.mark.parametrize("requests", [0, 1, 3])
def test_an_idle_connection_is_told_goodbye(world, requests):
    gw = world.gateway(respond_config(("r", "/r"), server=serving({"timeouts": {"idle": "300ms", "header": "300ms"}})))
    session = gw.http2()
    for _ in range(requests):
        assert session.get("/r").status == 200
    assert session.wait_closed(5) == Code.NO_ERROR


def test_a_connection_with_a_stream_under_way_is_not_idle(world):
    pace = threading.Event()

    def slow(request, connection):
        pace.wait(0.8)
        return wire.response(body=b"ok")

    short = {"idle": "200ms", "header": "200ms", "body": "200ms", "write": "200ms"}
    session = proxy(world, slow, server={"timeouts": short})[0].http2()
    assert session.get("/").body == b"ok"
    assert session.wait_closed(5) == Code.NO_ERROR


# Downloads


def offering_h2(authority):
    context = ssl.create_default_context(cafile=str(authority.trusted))
    context.set_alpn_protocols(["h2"])
    return context


@pytest.mark.parametrize("secure", [False, True])
def test_a_reader_that_takes_100_mib_slowly_holds_no_other_stream(world, authority, secure):
    size = 100 * MIB
    done = threading.Event()

    def answer(request, connection):
        if request.path == "/small":
            return wire.response(body=b"small" * 1000)
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", size)]))
        for _ in range(size // len(PIECE)):
            connection.send(PIECE)
        done.set()

    files = authority.issue("gateway", ["localhost"]).files if secure else None
    gw = world.gateway(proxy_config(world.upstream(answer), server=serving(tls=files)))
    session = gw.http2(tls=offering_h2(authority) if secure else None, server_name="localhost")
    session.get("/small")
    before = gw.resident_bytes()
    slow = session.request("GET", "/large", held=True)
    stream = session.head(slow)
    assert [session.get("/small").size for _ in range(50)] == [5000] * 50
    assert stream.size <= 65535 and not done.is_set()
    digest, turns = hashlib.sha1(), 0
    while stream.pieces or not stream.over:
        for piece in stream.pieces:
            digest.update(piece)
        stream.pieces.clear()
        session.release(slow)
        turns += 1
        if turns % 100 == 0:
            assert session.get("/small").size == 5000
        session.wait(lambda: stream.pieces or stream.over, "more of the answer")
    expected = hashlib.sha1(PIECE * (size // len(PIECE)))
    assert stream.size == size and digest.digest() == expected.digest()
    assert gw.growth(before, "VmHWM") < GROWTH


def test_many_stalled_downloads_cost_a_bounded_amount_each(world):
    def flood(request, connection):
        if request.path == "/small":
            return wire.response(body=b"small")
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", 100 * MIB)]))
        connection.send_until_blocked(PIECE, 100 * MIB)
        connection.reset()

    gw, up = proxy(world, flood, upstream={"pool": {"connections": 100, "per_endpoint": 100}})
    before = gw.resident_bytes()
    session = gw.http2()
    numbers = [session.request("GET", "/large", held=True) for _ in range(40)]
    for number in numbers:
        session.head(number)
    assert session.get("/small").text == "small"
    up.wait_for(lambda u: all(r.connection.closed.is_set() for r in u.requests if r.path == "/large"), 30)
    assert all(session.streams[n].size <= 65535 for n in numbers)
    assert gw.growth(before, "VmHWM") < 40 * 512 * 1024


def test_streams_share_the_connection_fairly(world):
    """A small answer does not wait behind large ones that began before it."""
    large = b"x" * (16 * MIB)
    gw, _ = proxy(world, lambda r, c: wire.response(body=large if r.path == "/large" else b"small" * 1000))
    session = gw.http2()
    numbers = [session.request("GET", "/large") for _ in range(4)]
    for number in numbers:
        session.wait(lambda: session.streams[number].size, "the beginning of the answer")
    small = session.request("GET", "/small")
    assert session.response(small).size == 5000
    assert not any(session.streams[n].over for n in numbers)
    assert all(session.response(n, 30).size == len(large) for n in numbers)


def test_windows_are_given_back_for_answers_that_were_cancelled(world):
    gw, _ = proxy(world, lambda r, c: wire.response(body=b"x" * (MIB if r.path == "/large" else 50_000)))
    session = gw.http2()
    for _ in range(30):
        number = session.request("GET", "/large")
        session.wait(lambda: session.streams[number].size, "the beginning of the answer")
        session.cancel(number)
    assert session.get("/small").size == 50_000 and session.goaways == []


# Uploads


@contextlib.contextmanager
def stalled(world):
    """A gateway before an upstream that reads no upload of /stalled, until the end."""
    go = threading.Event()

    def unwilling(request, connection):
        if request.path == "/stalled":
            go.wait(30)
            return connection.reset()
        connection.read_body(request)
        return wire.response(200, [("X-Size", len(request.body))])

    patient = {"timeout": "60s", "pool": {"connections": 100, "per_endpoint": 100}}
    gw, up = proxy(world, unwilling, read_body=False, receive_buffer=65536, server=OPEN_LIMITS, upstream=patient)
    yield gw, up
    go.set()


def test_an_upload_that_the_upstream_does_not_read_stops_at_the_window(world):
    with stalled(world) as (gw, up):
        before = gw.resident_bytes()
        session = gw.http2()
        number = session.request("POST", "/stalled", [("content-length", 100 * MIB)], end=False)
        sent = session.send(number, PIECE * 1600, patience=1)
        assert 65535 <= sent < 16 * MIB, f"the gateway took {sent} bytes that nobody read"
        assert session.h2.local_flow_control_window(number) == 0
        assert gw.growth(before, "VmHWM") < GROWTH
        assert session.fetch("POST", "/", body=b"x" * 3 * MIB).headers.one("x-size") == str(3 * MIB)
        assert session.get("/").status == 200 and not session.streams[number].over


def test_many_stalled_uploads_leave_room_for_others(world):
    with stalled(world) as (gw, up):
        before = gw.resident_bytes()
        session = gw.http2()
        numbers = [session.request("POST", "/stalled", end=False) for _ in range(20)]
        for number in numbers:
            session.send(number, PIECE * 200, patience=0.3)
        assert session.fetch("POST", "/", body=b"x" * MIB).headers.one("x-size") == str(MIB)
        assert gw.growth(before, "VmHWM") < 20 * MIB
        assert session.goaways == []


@pytest.mark.parametrize("path", ["/cancelled", "/refused"])
def test_windows_are_given_back_for_uploads_that_came_to_nothing(world, path):
    config = proxy_config(world.upstream(), server=serving(OPEN_LIMITS), route={"path": "/up/{rest...}"})
    config["routes"].append({"path": "/refused", "methods": ["GET"], "view": "respond", "text": "got"})
    session = world.gateway(config).http2()
    for _ in range(40):  # 2.4 MB, many times the window of a connection
        number = session.request("POST", "/up/x" if path == "/cancelled" else path, end=False)
        session.send(number, b"x" * 60_000)
        if path == "/cancelled":
            session.cancel(number)
        else:
            assert session.response(number).status == 405
    assert session.fetch("POST", "/up/y", body=b"y" * 500_000).status == 200
    assert session.goaways == []
