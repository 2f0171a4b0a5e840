"""What an attacker does to an HTTP/2 connection: each attack ends with the right code, costs a bounded amount of memory,
and harms no other connection (RFC 9113 sections 5.4, 6 and 10.5)."""
import contextlib
import threading

import pytest

from support import wire
from support.gateway import respond_config
from support.http2 import (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITY, PUSH_PROMISE,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, Code, Setting, frame, proxy, pseudo, rst_stream, serving, settings,
    window_update,
)

MIB = 1 << 20
GROWTH = 16 * MIB  # what the gateway's memory may grow for one connection whatever it does
CALM = Code.ENHANCE_YOUR_CALM


@pytest.fixture
def served(world):
    """A gateway that passes everything on to an upstream; a connection of somebody else is on it, and unharmed in the
    end, and the gateway's memory did not grow."""
    gw, up = proxy(world, upstream={"pool": {"connections": 200, "per_endpoint": 200}})
    with unharmed(gw):
        yield gw, up


@contextlib.contextmanager
def unharmed(gw, growth=GROWTH):
    bystander = gw.http2()
    under_way = bystander.request("POST", "/bystander", body=b"not ", end=False)
    before = gw.resident_bytes()
    yield
    assert gw.growth(before, "VmHWM") < growth
    bystander.send(under_way, b"harmed", end=True)
    assert bystander.response(under_way).status == 200 and bystander.get("/bystander").status == 200
    assert bystander.goaways == []


def wait_abandoned(upstream):
    """No call of the attacker goes on."""
    upstream.wait_for(lambda u: all(r.connection.closed.is_set() or r.complete for r in u.requests if r.path == "/"))


def held(hold):
    def handler(request, connection):
        if request.path == "/held":
            hold.wait(20)
        return wire.response(body=b"ok")

    return handler


def test_a_broken_preface_is_no_connection(served):
    gw, _ = served
    for begin in [PREFACE[:-4] + b"XX\r\n", PREFACE + wire.request("GET", "/"), PREFACE + frame(PING, 0, b"8 bytes!")]:
        assert gw.frames(begin).ending() in (None, Code.PROTOCOL_ERROR, Code.FRAME_SIZE_ERROR), begin


def test_a_preface_that_stops_midway_is_dropped_after_the_header_timeout(world):
    gw, _ = proxy(world, server={"timeouts": {"header": "200ms", "idle": "200ms"}})
    for begin in (PREFACE[:5], PREFACE[:20], PREFACE):
        with gw.connect().send(begin) as client:
            assert not client.reader.to_end().startswith(b"HTTP/1.1 200")


# Frames out of order, or of a wrong size. Stream 1 is an upload under way.

CONNECTION_ERRORS = {
    "PING of 7 bytes": (frame(PING, 0, b"7 bytes"), Code.FRAME_SIZE_ERROR),
    "SETTINGS of 5 bytes": (frame(SETTINGS, 0, b"\0\3\0\0\1"), Code.FRAME_SIZE_ERROR),
    "SETTINGS that acknowledges and sets": (frame(SETTINGS, 0, b"\0\3\0\0\0\1", ACK), Code.FRAME_SIZE_ERROR),
    "RST_STREAM of 3 bytes": (frame(RST_STREAM, 1, b"\0\0\1"), Code.FRAME_SIZE_ERROR),
    "WINDOW_UPDATE of 3 bytes": (frame(WINDOW_UPDATE, 0, b"\0\0\1"), Code.FRAME_SIZE_ERROR),
    "GOAWAY of 4 bytes": (frame(GOAWAY, 0, b"\0\0\0\0"), Code.FRAME_SIZE_ERROR),
    "HEADERS of 1 MiB": (frame(HEADERS, 3, b"x" * 20000, END_HEADERS, size=MIB), Code.FRAME_SIZE_ERROR),
    "an unknown frame of 1 MiB": (frame(0xEE, 0, b"x" * 20000, size=MIB), Code.FRAME_SIZE_ERROR),
    "DATA on stream 0": (frame(DATA, 0, b"x"), Code.PROTOCOL_ERROR),
    "HEADERS on stream 0": (frame(HEADERS, 0, b"\x82", END_HEADERS), Code.PROTOCOL_ERROR),
    "HEADERS on an even stream": (frame(HEADERS, 2, b"\x82\x84\x86\x41\x01a", 5), Code.PROTOCOL_ERROR),
    "DATA on an idle stream": (frame(DATA, 5, b"x"), Code.PROTOCOL_ERROR),
    "RST_STREAM on stream 0": (rst_stream(0), Code.PROTOCOL_ERROR),
    "RST_STREAM on an idle stream": (rst_stream(5), Code.PROTOCOL_ERROR),
    "WINDOW_UPDATE on an idle stream": (window_update(5, 1), Code.PROTOCOL_ERROR),
    "WINDOW_UPDATE by nothing": (window_update(0, 0), Code.PROTOCOL_ERROR),
    "WINDOW_UPDATE beyond 2^31": (window_update(0, 0x7FFFFFFF), Code.FLOW_CONTROL_ERROR),
    "PING on a stream": (frame(PING, 1, b"8 bytes!"), Code.PROTOCOL_ERROR),
    "SETTINGS on a stream": (frame(SETTINGS, 1), Code.PROTOCOL_ERROR),
    "GOAWAY on a stream": (frame(GOAWAY, 1, b"\0" * 8), Code.PROTOCOL_ERROR),
    "PRIORITY on stream 0": (frame(PRIORITY, 0, b"\0\0\0\3\1"), Code.PROTOCOL_ERROR),
    "PUSH_PROMISE": (frame(PUSH_PROMISE, 1, b"\0\0\0\2\x82\x84\x86", END_HEADERS), Code.PROTOCOL_ERROR),
    "CONTINUATION behind nothing": (frame(CONTINUATION, 1, b"\x82", END_HEADERS), Code.PROTOCOL_ERROR),
    "PING within a header block": (frame(HEADERS, 3, b"\x82", 1) + frame(PING, 0, b"8 bytes!"), Code.PROTOCOL_ERROR),
    "CONTINUATION of another stream": (frame(HEADERS, 3, b"\x82", 1) + frame(CONTINUATION, 5, b"\x84", 4), Code.PROTOCOL_ERROR),
    "DATA with more padding than bytes": (frame(DATA, 1, b"\xffx", PADDED), Code.PROTOCOL_ERROR),
    "HEADERS with more padding than bytes": (frame(HEADERS, 3, b"\xff\x82", END_HEADERS | PADDED), Code.PROTOCOL_ERROR),
    "ENABLE_PUSH of 2": (settings((Setting.ENABLE_PUSH, 2)), Code.PROTOCOL_ERROR),
    "MAX_FRAME_SIZE of 100": (settings((Setting.MAX_FRAME_SIZE, 100)), Code.PROTOCOL_ERROR),
    "INITIAL_WINDOW_SIZE of 2^31": (settings((Setting.INITIAL_WINDOW_SIZE, 1 << 31)), Code.FLOW_CONTROL_ERROR),
    "HPACK index 0": (frame(HEADERS, 3, b"\x80", 5), Code.COMPRESSION_ERROR),
    "HPACK index 200": (frame(HEADERS, 3, b"\xff\x49", 5), Code.COMPRESSION_ERROR),
    "an HPACK integer without end": (frame(HEADERS, 3, b"\xff" + b"\xff" * 20, 5), Code.COMPRESSION_ERROR),
    "an HPACK string longer than its block": (frame(HEADERS, 3, b"\x82\x40\x7fabc", 5), Code.COMPRESSION_ERROR),
    "an HPACK table of 2 GB": (frame(HEADERS, 3, b"\x3f\xe1\xff\xff\xff\x07\x82", 5), Code.COMPRESSION_ERROR),
    "HPACK in a broken Huffman code": (frame(HEADERS, 3, b"\x82\x40\x84\xff\xff\xff\xff\x01a", 5), Code.COMPRESSION_ERROR),
}


@pytest.mark.parametrize("name", CONNECTION_ERRORS)
def test_an_error_of_the_connection_has_its_code(served, name):
    gw, up = served
    attack, code = CONNECTION_ERRORS[name]
    raw = gw.frames()
    raw.send(raw.post(1), frame(DATA, 1, b"begin"), attack)
    assert raw.ending() == code
    wait_abandoned(up)
    assert not [r for r in up.completed if r.path == "/"]


STREAM_ERRORS = {
    "WINDOW_UPDATE beyond 2^31": (window_update(1, 0x7FFFFFFF), Code.FLOW_CONTROL_ERROR),
    "WINDOW_UPDATE by nothing": (window_update(1, 0), Code.PROTOCOL_ERROR),
    "PRIORITY of 4 bytes": (frame(PRIORITY, 1, b"\0\0\0\3"), Code.FRAME_SIZE_ERROR),
    "DATA behind the end": (frame(DATA, 1, b"x", END_STREAM) + frame(DATA, 1, b"x"), Code.STREAM_CLOSED),
    "HEADERS behind the end": (frame(DATA, 1, b"x", END_STREAM) + frame(HEADERS, 1, b"\x82", 5), Code.STREAM_CLOSED),
}


@pytest.mark.parametrize("name", STREAM_ERRORS)
def test_an_error_of_a_stream_has_its_code(world, name):
    hold = threading.Event()
    gw, _ = proxy(world, held(hold))
    attack, code = STREAM_ERRORS[name]
    with unharmed(gw):
        raw = gw.frames()
        raw.send(raw.post(1, "/held"), attack)
        assert raw.outcome(1) in (("reset", code), ("goaway", code))
        hold.set()


def test_what_is_unknown_is_ignored(served):
    gw, _ = served
    raw = gw.frames()
    raw.send(
        frame(0xEE, 0, b"what is this"), frame(0xEF, 77, b"", 0xFF), frame(10, 1, b"\0\0"), settings((0xABCD, 5)),
        frame(PRIORITY, 5, b"\0\0\0\3\1"), frame(PING, 0, b"8 bytes!", 0xFE), raw.get(1),
    )
    assert raw.outcome(1) == ("status", 200)


# Floods


def rapid_reset(raw):
    return (raw.get(n) + rst_stream(n) for n in range(1, 40_000, 2))


def provoked_resets(raw):
    """The gateway is made to reset the streams itself."""
    return (raw.post(n) + window_update(n, 0x7FFFFFFF) for n in range(1, 40_000, 2))


def empty_data(raw):
    yield raw.post(1)
    for _ in range(500):
        yield frame(DATA, 1) * 1000


def continuations(size, value, frames):
    """A header block of many frames, of one field whose value is not there yet; `value`: its length in HPACK."""

    def pieces(raw):
        yield frame(HEADERS, 1, raw.block(pseudo()) + b"\x00\x03x-a" + value, END_STREAM)
        for _ in range(frames):
            yield frame(CONTINUATION, 1, b"a" * size)

    return pieces


def endless_fields(raw):
    yield frame(HEADERS, 1, raw.block(pseudo()), END_STREAM)
    for _ in range(2000):
        yield frame(CONTINUATION, 1, b"\x00\x03x-a\x01b" * 2000)


def repeated(piece, times=500):
    return lambda raw: (piece * 1000 for _ in range(times))


FLOODS = {
    "rapid reset": rapid_reset,
    "resets that are provoked": provoked_resets,
    "PING": repeated(frame(PING, 0, b"8 bytes!")),
    "SETTINGS": repeated(settings((Setting.INITIAL_WINDOW_SIZE, 65535))),
    "empty SETTINGS": repeated(settings()),
    "PRIORITY": repeated(frame(PRIORITY, 1, b"\0\0\0\3\1")),
    "PRIORITY of many streams": lambda raw: (frame(PRIORITY, n, b"\0\0\0\1\1") for n in range(3, 400_000, 2)),
    "WINDOW_UPDATE": repeated(window_update(0, 1)),
    "empty DATA": empty_data,
    "CONTINUATION of nothing": continuations(0, b"\x7f\xe1\xd3\x03", 50_000),  # 60,000 bytes
    "CONTINUATION of a byte": continuations(1, b"\x7f\xe1\xd3\x03", 50_000),
    "a value without end": continuations(16384, b"\x7f\x81\xff\xff\x03", 4096),  # 8 MB
    "fields without end": endless_fields,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_told_to_calm_down(served, name):
    gw, up = served
    raw = gw.frames()
    code = raw.flood(FLOODS[name](raw))
    assert code == CALM or (name, code) == ("a value without end", Code.COMPRESSION_ERROR)
    wait_abandoned(up)


@pytest.mark.parametrize("name", ["PING", "SETTINGS"])
def test_a_flood_whose_answers_nobody_reads_costs_no_memory(world, name):
    gw, _ = proxy(world, server={"timeouts": {"write": "500ms"}})
    with unharmed(gw):
        raw = gw.frames(receive_buffer=4096)
        assert raw.flood(FLOODS[name](raw), read=False) in (CALM, None)
        assert raw.reader.eof


@pytest.mark.parametrize(
    "piece",
    [
        frame(PING, 0, b"8 bytes!", ACK), frame(SETTINGS, 0, flags=ACK), rst_stream(1), window_update(1, 1),
        frame(GOAWAY, 0, b"\0" * 8), frame(0xEE, 0, b"unknown"), frame(0xEE, 1, b"x" * 10_000), frame(DATA, 1, b"x"),
    ],
    ids=["PING ACK", "SETTINGS ACK", "RST_STREAM", "WINDOW_UPDATE", "GOAWAY", "unknown", "large unknown", "late DATA"],
)
def test_what_changes_nothing_costs_nothing(served, piece):
    """Stream 1 is over. Whether the gateway bears it or not, it takes no memory."""
    gw, _ = served
    raw = gw.frames()
    raw.send(raw.get(1), rst_stream(1))
    assert raw.flood((piece * 100 for _ in range(1000)), patience=0.5) in (None, CALM, Code.PROTOCOL_ERROR, Code.STREAM_CLOSED)


def test_a_header_block_that_never_ends_is_dropped_after_the_header_timeout(world):
    gw, up = proxy(world, server={"timeouts": {"header": "300ms"}})
    with unharmed(gw):
        raw = gw.frames()
        raw.send(frame(HEADERS, 1, raw.block(pseudo()), END_STREAM))
        assert raw.ending(5) in (CALM, Code.PROTOCOL_ERROR, Code.NO_ERROR)
    assert [r.path for r in up.requests if r.path != "/bystander"] == []


def test_ordinary_use_is_no_flood(served):
    gw, _ = served
    session = gw.http2()
    for turn in range(20):
        for _ in range(5):
            session.h2.ping(b"8 bytes!")
        session.h2.update_settings({Setting.INITIAL_WINDOW_SIZE: 65535 + turn})
        numbers = [session.request("GET", "/") for _ in range(50)]
        for number in numbers[::10]:  # a browser that goes to another page
            if not session.streams[number].over:
                session.cancel(number)
        assert all(session.response(n).status == 200 for n in set(numbers) - set(numbers[::10]))
    assert session.goaways == []


# Header lists


def test_an_hpack_bomb_is_refused(served):
    gw, up = served
    raw = gw.frames()
    raw.send(raw.headers(1, [*pseudo(), ("x-bomb", "b" * 3900)]))
    assert raw.outcome(1) == ("status", 200)
    entry = bytes([0x80 | 62])  # the newest of the dynamic table
    bomb = raw.block(pseudo()) + entry * 16000  # 62 MB
    raw.send(frame(HEADERS, 3, bomb, 5))
    assert raw.outcome(3) in (("status", 431), ("goaway", CALM), ("reset", CALM), ("reset", Code.PROTOCOL_ERROR))
    assert len([r for r in up.requests if r.path == "/"]) == 1


# Streams and windows


@pytest.mark.parametrize("acknowledged", [False, True])
def test_streams_beyond_the_limit_are_refused(world, acknowledged):
    hold = threading.Event()
    pool = {"connections": 500, "per_endpoint": 500}
    gw, up = proxy(world, held(hold), upstream={"pool": pool})
    with unharmed(gw):
        limit = gw.http2().settings_seen[Setting.MAX_CONCURRENT_STREAMS]
        raw = gw.frames()
        if acknowledged:
            raw.send(frame(SETTINGS, flags=ACK))
        numbers = range(1, 2 * limit + 40, 2)
        raw.send(*(raw.get(n, "/held") for n in numbers))
        last = raw.outcome(numbers[-1])
        refused = [("reset", Code.REFUSED_STREAM)]
        assert last in (refused + [("reset", Code.PROTOCOL_ERROR), ("goaway", Code.PROTOCOL_ERROR)] if acknowledged else refused)
        assert up.most_busy <= limit + 1
        hold.set()
        assert last[0] == "goaway" or raw.outcome(1) == ("status", 200)


@pytest.mark.parametrize("kind", ["respond", "proxy-fetch"])
def test_windows_that_stay_shut_end_the_connection_after_the_write_timeout(world, kind):
    large = b"x" * (4 * MIB)
    server = serving({"timeouts": {"write": "500ms"}})
    if kind == "respond":
        routes = [{"path": "/large", "view": "respond", "text": "x" * 60_000}, ("other", "/bystander")]
        gw = world.gateway(respond_config(*routes, server=server))
    else:
        gw, _ = proxy(world, lambda r, c: wire.response(body=large if r.path == "/large" else b"ok"), server=server)
    with unharmed(gw):
        raw = gw.frames(PREFACE + settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        raw.send(*(raw.get(n, "/large") for n in range(1, 120, 2)))
        assert raw.ending() == CALM


def test_a_connection_window_that_stays_shut_ends_the_connection_too(world):
    gw, _ = proxy(world, lambda r, c: wire.response(body=b"x" * MIB if r.path == "/large" else b"ok"),
                  server={"timeouts": {"write": "500ms"}})
    with unharmed(gw):
        raw = gw.frames(PREFACE + settings((Setting.INITIAL_WINDOW_SIZE, 0x7FFFFFFF)))
        raw.send(*(raw.get(n, "/large") for n in range(1, 60, 2)))
        assert raw.ending() == CALM


def test_content_beyond_the_window_is_an_error(world):
    hold = threading.Event()

    def unwilling(request, connection):
        if request.path != "/large":
            return wire.response(body=b"ok")
        hold.wait(20)
        connection.reset()

    gw, _ = proxy(world, unwilling, read_body=False, receive_buffer=65536, server={"limits": {"body_bytes": "1GiB"}})
    bystander, before = gw.http2(), gw.resident_bytes()
    raw = gw.frames()
    raw.send(raw.post(1, "/large"), frame(DATA, 1, b"x" * 16384) * 4096)
    assert raw.outcome(1) in (("reset", Code.FLOW_CONTROL_ERROR), ("goaway", Code.FLOW_CONTROL_ERROR))
    hold.set()
    assert gw.growth(before, "VmHWM") < GROWTH and bystander.get("/").status == 200


def test_windows_opened_byte_by_byte_are_served_in_bounds(world):
    gw, _ = proxy(world, lambda r, c: wire.response(body=b"x" * (8 * MIB) if r.path == "/large" else b"ok"))
    with unharmed(gw):
        raw = gw.frames(PREFACE + settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        raw.send(raw.get(1, "/large"))
        assert raw.outcome(1) == ("status", 200)
        for _ in range(200):
            raw.send(window_update(1, 1))
            assert raw.data(1) == b"x"
