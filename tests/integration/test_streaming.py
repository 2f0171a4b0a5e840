"""Bodies are streamed: piece by piece, with back-pressure, in memory that does not grow with them (SPEC section 5)."""
import hashlib
import socket
import threading

import pytest

from support import wire
from support.gateway import wait_until

MIB = 1 << 20
LARGE = 64 * MIB
PIECE = bytes(range(256)) * 256  # 64 KiB
OPEN_LIMITS = {"limits": {"body_bytes": "1GiB"}}
BUFFERS = 40 * MIB  # more than the kernel's buffers on the way can hold
GROWTH = 16 * MIB  # what the gateway's memory may grow for one connection whatever its body


def test_server_sent_events_arrive_one_by_one(world):
    asked = threading.Semaphore(0)

    def events(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(5):
            assert asked.acquire(timeout=10)
            connection.send(wire.chunk(b"data: %d\n\n" % i))
        connection.send(b"0\r\n\r\n")

    gw, _ = world.proxy(events)
    client = gw.connect().send(wire.request("GET", "/events"))
    head = client.read_head()
    pieces = client.body_pieces(head)
    for i in range(5):  # the next event is sent only when this one was seen
        asked.release()
        assert next(pieces) == b"data: %d\n\n" % i
    assert list(pieces) == []


def test_events_of_an_upstream_that_ends_with_its_connection_arrive_one_by_one(world):
    asked = threading.Semaphore(0)

    def events(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for i in range(3):
            assert asked.acquire(timeout=10)
            connection.send(b"data: %d\n\n" % i)
        connection.close()

    gw, _ = world.proxy(events)
    client = gw.connect().send(wire.request("GET", "/events"))
    pieces = client.body_pieces(client.read_head())
    for i in range(3):
        asked.release()
        assert next(pieces) == b"data: %d\n\n" % i


def test_the_head_of_an_answer_does_not_wait_for_its_body(world):
    go = threading.Event()

    def slow(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        assert go.wait(10)
        connection.send(b"body")

    gw, _ = world.proxy(slow)
    client = gw.connect().send(wire.request("GET", "/"))
    head = client.read_head()
    go.set()
    assert client.read_body(head).body == b"body"


def test_an_upload_reaches_the_upstream_before_it_is_complete(world):
    first = threading.Event()

    def watch(request, connection):
        pieces = connection.body_pieces(request)
        assert next(pieces) == b"first"
        first.set()
        assert b"".join(pieces) == b"second"
        return wire.response(body=b"ok")

    gw, _ = world.proxy(watch, read_body=False)
    client = gw.connect().send(wire.request("POST", "/", [("Transfer-Encoding", "chunked")]) + wire.chunk(b"first"))
    assert first.wait(10)
    client.send(wire.chunked(b"second"))
    assert client.read_response().status == 200


def test_bodies_flow_both_ways_at_once(world):
    def echo(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in connection.body_pieces(request):
            connection.send(wire.chunk(piece))
        connection.send(b"0\r\n\r\n")

    gw, _ = world.proxy(echo, read_body=False)
    client = gw.connect().send(wire.request("POST", "/", [("Transfer-Encoding", "chunked")]) + wire.chunk(b"one"))
    pieces = client.body_pieces(client.read_head())
    assert next(pieces) == b"one"
    client.send(wire.chunk(b"two"))
    assert next(pieces) == b"two"
    client.send(b"0\r\n\r\n")
    assert list(pieces) == []


@pytest.mark.parametrize("framing", ["sized", "chunked", "until close"])
def test_a_large_download_arrives_whole_in_bounded_memory(world, framing):
    def large(request, connection):
        if request.target == "/small":
            return wire.response(body=b"x" * 100000)
        kind = {"sized": [("Content-Length", LARGE)], "chunked": [("Transfer-Encoding", "chunked")], "until close": []}[
            framing
        ]
        connection.send(wire.head("HTTP/1.1 200 OK", kind))
        for _ in range(LARGE // len(PIECE)):
            connection.send(wire.chunk(PIECE) if framing == "chunked" else PIECE)
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")
        if framing == "until close":
            connection.close()

    gw, _ = world.proxy(large)
    gw.get("/small")
    before = gw.resident_bytes()
    client = gw.connect().send(wire.request("GET", "/"))
    digest, size = hashlib.sha1(), 0
    head = client.read_head()
    for piece in client.body_pieces(head):
        digest.update(piece)
        size += len(piece)
    assert size == LARGE
    expected = hashlib.sha1()
    for _ in range(LARGE // len(PIECE)):
        expected.update(PIECE)
    assert digest.digest() == expected.digest()
    assert gw.growth(before, "VmHWM") < GROWTH


@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_a_large_upload_arrives_whole_in_bounded_memory(world, framing):
    def measure(request, connection):
        size, digest = 0, hashlib.sha1()
        for piece in connection.body_pieces(request):
            size += len(piece)
            digest.update(piece)
        return wire.response(body=f"{size} {digest.hexdigest()}")

    gw, _ = world.proxy(measure, read_body=False, server=OPEN_LIMITS)
    gw.fetch("POST", "/", body=b"x" * 100000)
    before = gw.resident_bytes()
    client = gw.connect()
    client.send(
        wire.request(
            "POST", "/", [("Content-Length", LARGE) if framing == "sized" else ("Transfer-Encoding", "chunked")]
        )
    )
    expected = hashlib.sha1()
    for _ in range(LARGE // len(PIECE)):
        client.send(wire.chunk(PIECE) if framing == "chunked" else PIECE)
        expected.update(PIECE)
    if framing == "chunked":
        client.send(b"0\r\n\r\n")
    assert client.read_response().text == f"{LARGE} {expected.hexdigest()}"
    assert gw.growth(before, "VmHWM") < GROWTH


def test_a_slow_reader_blocks_the_upstream_and_costs_no_memory(world):
    accepted = []

    def flood(request, connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", 4 * BUFFERS)]))
        accepted.append(connection.send_until_blocked(PIECE, 4 * BUFFERS))
        connection.reset()

    gw, up = world.proxy(flood)
    before = gw.resident_bytes()
    client = gw.connect(receive_buffer=65536).send(wire.request("GET", "/"))
    client.read_head()
    up.wait_for(lambda u: u.open == 0, 30)
    assert accepted[0] < BUFFERS, f"the gateway took {accepted[0]} bytes that nobody read"
    assert gw.growth(before, "VmHWM") < GROWTH


def test_a_slow_reader_gets_everything_in_the_end(world):
    size = 20 * MIB
    gw, up = world.proxy(lambda r, c: wire.response(body=b"y" * size))
    client = gw.connect(receive_buffer=16384).send(wire.request("GET", "/"))
    up.wait_requests(1)
    head = client.read_head()
    assert client.read_body(head).body == b"y" * size
    assert client.get("/again").status == 200


def test_an_upload_that_the_upstream_does_not_read_blocks_the_client(world):
    go = threading.Event()

    def unwilling(request, connection):
        go.wait(20)
        connection.reset()

    gw, up = world.proxy(unwilling, read_body=False, receive_buffer=65536, server=OPEN_LIMITS)
    before = gw.resident_bytes()
    client = gw.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    client.send(wire.request("POST", "/", [("Content-Length", 4 * BUFFERS)]))
    up.wait_requests(1)
    from support.upstream import Connection

    sent = Connection(client.sock, 0).send_until_blocked(PIECE, 4 * BUFFERS)
    go.set()
    assert sent < BUFFERS, f"the gateway took {sent} bytes that nobody read"
    assert gw.growth(before, "VmHWM") < GROWTH


def test_many_slow_readers_cost_a_fixed_buffer_each(world):
    def flood(request, connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", 4 * BUFFERS)]))
        connection.send_until_blocked(PIECE, 4 * BUFFERS, patience=2)
        connection.reset()

    gw, up = world.proxy(flood, upstream={"pool": {"connections": 100, "per_endpoint": 100}})
    before = gw.resident_bytes()
    clients = [gw.connect(receive_buffer=16384).send(wire.request("GET", "/")) for _ in range(40)]
    for client in clients:
        client.read_head()
    up.wait_for(lambda u: len(u.connections) == 40 and u.open == 0, 60)
    assert gw.growth(before, "VmHWM") < 40 * 512 * 1024


def test_stream_idle_ends_an_answer_that_fell_silent_visibly(world):
    def silent(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"only this"))
        assert connection.peer_closed(10)

    gw, up = world.proxy(silent, route={"stream_idle": "300ms"})
    client = gw.connect().send(wire.request("GET", "/"))
    with pytest.raises(wire.Truncated):
        client.read_response()
    up.wait_for(lambda u: u.open == 0)


def test_stream_idle_does_not_end_an_answer_that_keeps_talking(world):
    ticks = threading.Event()

    def slow(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(8):
            ticks.wait(0.15)  # the pace of this upstream: well under stream_idle each, well over it in all
            connection.send(wire.chunk(b"tick"))
        connection.send(b"0\r\n\r\n")

    gw, _ = world.proxy(slow, route={"stream_idle": "600ms"})
    assert gw.connect().get("/").body == b"tick" * 8


def test_the_routes_timeout_does_not_cut_a_stream_that_has_begun(world):
    ticks = threading.Event()

    def slow(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(8):
            ticks.wait(0.1)
            connection.send(wire.chunk(b"tick"))
        connection.send(b"0\r\n\r\n")

    gw, _ = world.proxy(slow, route={"timeout": "300ms"})
    assert gw.connect().get("/").body == b"tick" * 8


def test_the_upstreams_timeout_does_not_cut_a_stream_that_has_begun(world):
    ticks = threading.Event()

    def slow(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(8):
            ticks.wait(0.1)
            connection.send(wire.chunk(b"tick"))
        connection.send(b"0\r\n\r\n")

    gw, _ = world.proxy(slow, upstream={"timeout": "300ms", "retry": {"attempt_timeout": "300ms"}})
    assert gw.connect().get("/").body == b"tick" * 8


def test_memory_comes_back_after_many_streams(world):
    gw, _ = world.proxy(lambda r, c: wire.response(body=b"x" * MIB))
    for _ in range(20):
        gw.get("/")
    before = gw.resident_bytes()
    for _ in range(200):
        assert len(gw.get("/").body) == MIB
    wait_until(lambda: gw.growth(before) < 4 * MIB, what="memory given back")
