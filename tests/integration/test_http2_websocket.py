"""WebSocket over HTTP/2 (RFC 8441): an extended CONNECT becomes an upgrade at an HTTP/1.1 upstream."""
import threading

import pytest
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from support import wire
from support.echo import EchoServer
from support.gateway import proxy_config, wait_until
from support.http2 import Code, proxy, serving

SOCKET = [("sec-websocket-version", "13")]
SWITCH = "HTTP/1.1 101 Switching Protocols"


@pytest.fixture
def echo(world):
    return world.own(EchoServer())


def chat(session, path="/chat", headers=(), protocol="websocket"):
    """Begins an extended CONNECT; its pseudo-fields stand before the others."""
    return session.request("CONNECT", path, [(":protocol", protocol), *SOCKET, *headers], end=False)


def message(content, opcode=Opcode.BINARY):
    return Frame(opcode, content).serialize(mask=True)


class Messages:
    """The frames that came on a stream, one by one."""

    def __init__(self, session, number):
        self.session, self.stream, self.taken = session, session.streams[number], 0

    def exactly(self, size):
        end = self.taken + size
        self.session.wait(lambda: self.stream.size >= end or self.stream.over, f"{size} bytes")
        found, self.taken = self.stream.body[self.taken : end], end
        assert len(found) == size, self.stream
        return found

    def next(self):
        first, length = self.exactly(2)
        if length >= 126:
            length = int.from_bytes(self.exactly(2 if length == 126 else 8), "big")
        return first & 15, self.exactly(length)


def accept_of(request):
    return [("Connection", "Upgrade"), ("Upgrade", "websocket"),
            ("Sec-WebSocket-Accept", accept_key(request.headers.one("sec-websocket-key")))]


def echo_bytes(request, connection):
    connection.send(wire.head(SWITCH, accept_of(request)))
    while piece := connection.reader.some():
        connection.send(piece)
    connection.send(b"bye")
    connection.close()


def test_messages_go_through_both_ways(world, echo):
    session = world.gateway(proxy_config(echo.url, server=serving())).http2()
    number = chat(session)
    assert session.head(number).status == 200
    messages = Messages(session, number)
    for content in [b"hello", b"", b"\0\xff" * 100, b"x" * 70_000, b"y" * 1_000_000]:
        session.send(number, message(content))
        assert messages.next() == (Opcode.BINARY, content)
    session.send(number, message("\u00e9\u4e2d".encode(), Opcode.TEXT))
    assert messages.next() == (Opcode.TEXT, "\u00e9\u4e2d".encode())
    session.send(number, message(b"there?", Opcode.PING))
    assert messages.next() == (Opcode.PONG, b"there?")
    session.send(number, message((4001).to_bytes(2, "big") + b"done", Opcode.CLOSE), end=True)
    assert messages.next() == (Opcode.CLOSE, (4001).to_bytes(2, "big") + b"done")
    assert session.response(number).ended
    echo.stop()
    assert echo.closes == [(4001, "done")]


def test_many_conversations_and_requests_share_a_connection(world, echo):
    pool = {"connections": 100, "per_endpoint": 100}
    session = world.gateway(proxy_config(echo.url, server=serving(), upstream={"pool": pool})).http2()
    numbers = [chat(session, f"/{i}") for i in range(40)]
    assert [session.head(n).status for n in numbers] == [200] * 40
    messages = [Messages(session, n) for n in numbers]
    for turn in range(5):
        for number in numbers:
            session.send(number, message(f"{number}-{turn}".encode()))
        assert [m.next()[1] for m in reversed(messages)] == [f"{n}-{turn}".encode() for n in reversed(numbers)]
    assert session.get("/plain").status == 426  # the echo server's answer to what is no upgrade


def test_the_upstream_sees_an_upgrade(world):
    gw, up = proxy(world, echo_bytes)
    session = gw.http2()
    number = chat(session, "/chat?room=1", [("sec-websocket-protocol", "chat.v2"), ("origin", "https://a.example")])
    answer = session.head(number)
    assert answer.status == 200
    assert not {"upgrade", "connection", "sec-websocket-accept"} & {n for n, _ in answer.headers}
    got = up.last()
    assert (got.method, got.target, got.version) == ("GET", "/chat?room=1", "HTTP/1.1")
    assert got.headers.tokens("connection") == ["upgrade"] and got.headers.one("upgrade").lower() == "websocket"
    assert len(got.headers.one("sec-websocket-key")) == 24 and got.headers.one("sec-websocket-version") == "13"
    assert got.headers.one("sec-websocket-protocol") == "chat.v2" and got.headers.one("origin") == "https://a.example"
    assert got.headers.one("host") == up.authority and got.headers.one("x-forwarded-host") == "gateway.test"
    assert "content-length" not in got.headers and "transfer-encoding" not in got.headers


def test_the_chosen_subprotocol_comes_back(world, echo):
    session = world.gateway(proxy_config(echo.url, server=serving())).http2()
    answer = session.head(chat(session, headers=[("sec-websocket-protocol", "chat.v1, chat.v2")]))
    assert answer.headers.one("sec-websocket-protocol") == "chat.v2"


def test_bytes_that_come_with_the_upstreams_head_arrive(world):
    def eager(request, connection):
        connection.send(wire.head(SWITCH, accept_of(request)) + b"early")
        connection.peer_closed(10)

    session = proxy(world, eager)[0].http2()
    number = chat(session)
    session.send(number, b"early, too")
    assert Messages(session, number).exactly(5) == b"early"


def test_an_end_of_the_client_reaches_the_upstream_and_its_last_words_come_back(world):
    gw, up = proxy(world, echo_bytes)
    session = gw.http2()
    number = chat(session)
    session.head(number)
    session.send(number, b"last", end=True)
    answer = session.response(number)
    assert answer.ended and answer.body == b"lastbye"
    up.wait_for(lambda u: u.open == 0)


def test_an_end_of_the_upstream_ends_the_stream(world):
    def short(request, connection):
        connection.send(wire.head(SWITCH, accept_of(request)) + b"hello and goodbye")
        connection.close()

    session = proxy(world, short)[0].http2()
    answer = session.response(chat(session))
    assert answer.ended and answer.body == b"hello and goodbye" and session.goaways == []


def test_a_reset_of_the_upstream_resets_the_stream(world):
    def break_off(request, connection):
        connection.send(wire.head(SWITCH, accept_of(request)))
        connection.reader.some()
        connection.reset()

    session = proxy(world, break_off)[0].http2()
    number = chat(session)
    assert session.head(number).status == 200
    session.send(number, b"x")
    session.response(number)
    assert session.goaways == []


@pytest.mark.parametrize("leave", ["cancel", "close"])
def test_a_client_that_leaves_ends_the_upstreams_side(world, leave):
    gw, up = proxy(world, echo_bytes)
    session = gw.http2()
    number = chat(session)
    session.head(number)
    session.cancel(number) if leave == "cancel" else session.client.close()
    up.wait_for(lambda u: u.open == 0, 5)


@pytest.mark.parametrize("status", [200, 400, 403, 404, 426, 503])
def test_an_upstream_that_refuses_is_answered_on(world, status):
    """200 of an upstream is no switch: it must not look like one (RFC 8441 section 5)."""
    gw, _ = proxy(world, lambda r, c: wire.response(status, [("X-Why", "not today")], b"no upgrade"))
    session = gw.http2()
    answer = session.response(chat(session))
    if status == 200:
        assert answer.status in (501, 502)
    else:
        assert (answer.status, answer.body, answer.headers.one("x-why")) == (status, b"no upgrade", "not today")
    assert session.goaways == []


def test_an_upstream_whose_accept_is_wrong_is_502(world):
    fields = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
    gw, up = proxy(world, lambda r, c: c.send(wire.head(SWITCH, fields)) or c.peer_closed(10) and None)
    session = gw.http2()
    assert session.head(chat(session)).status == 502
    up.wait_for(lambda u: u.open == 0)


@pytest.mark.parametrize("origin, status", [("https://app.example", 200), ("https://evil.example", 403)])
def test_websocket_origins_are_enforced(world, origin, status):
    gw, up = proxy(world, echo_bytes, route={"websocket": {"origins": ["https://app.example"]}})
    session = gw.http2()
    assert session.head(chat(session, headers=[("origin", origin)])).status == status
    assert len(up.requests) == (1 if status == 200 else 0)


def test_a_plain_connect_is_501(world):
    gw, up = proxy(world)
    raw = gw.frames()
    raw.send(raw.headers(1, [(":method", "CONNECT"), (":authority", "other.test:443")], 4), raw.get(3))
    assert {raw.outcome(1), raw.outcome(3)} == {("status", 501), ("status", 200)}
    assert [r.method for r in up.requests] == ["GET"]


@pytest.mark.parametrize("protocol", ["connect-udp", "h2c", "webtransport", "websocket, h2c", ""])
def test_another_protocol_is_refused(world, protocol):
    gw, up = proxy(world)
    session = gw.http2()
    answer = session.response(chat(session, protocol=protocol))
    assert answer.status in (400, 501) or answer.reset == Code.PROTOCOL_ERROR
    assert up.requests == [] and session.get("/").status == 200


def test_a_route_that_takes_no_upgrade_refuses(world):
    config = proxy_config("http://127.0.0.1:1", server=serving())
    config["routes"] = [{"path": "/chat", "view": "respond", "text": "no socket"}]
    session = world.gateway(config).http2()
    assert session.response(chat(session)).status in (400, 404, 405, 426, 501)


def test_upgrade_idle_ends_a_silent_conversation(world):
    gw, up = proxy(world, echo_bytes, route={"upgrade_idle": "300ms"})
    session = gw.http2()
    number = chat(session)
    assert session.head(number).status == 200
    session.response(number)
    up.wait_for(lambda u: u.open == 0)
    assert session.goaways == []


def test_no_other_timeout_ends_a_conversation(world):
    short = "200ms"
    gw, _ = proxy(
        world, echo_bytes, route={"timeout": short, "stream_idle": short}, upstream={"timeout": short},
        server={"timeouts": {"header": short, "body": short, "idle": short}},
    )
    session = gw.http2()
    number = chat(session)
    assert session.head(number).status == 200
    with pytest.raises(TimeoutError):
        session.wait(lambda: session.closed or session.streams[number].over, "an end", timeout=1)
    session.send(number, b"still here")
    assert Messages(session, number).exactly(10) == b"still here"


def test_a_client_that_ends_and_goes_leaves_no_tunnel_to_an_upstream_that_is_deaf(world):
    heard, over = threading.Event(), threading.Event()

    def deaf(request, connection):
        connection.send(wire.head(SWITCH, accept_of(request)))
        while connection.reader.some():
            pass
        heard.set()
        assert over.wait(30)

    path = world.directory / "access.log"
    config = proxy_config(world.upstream(deaf), server=serving(), log={"file": str(path)})
    session = world.gateway(config, log_file=path).http2()
    number = chat(session)
    assert session.head(number).status == 200
    session.send(number, b"", end=True)
    assert heard.wait(10)
    session.cancel(number)
    wait_until(lambda: "/chat" in path.read_text(), what="the end of the tunnel")
    over.set()
