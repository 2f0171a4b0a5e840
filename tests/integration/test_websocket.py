"""Upgrades: a real WebSocket client and server talk through the gateway; raw tunnels show its edges (SPEC section 5)."""
import asyncio
import socket
import threading

import pytest
import websockets

from support import wire
from support.echo import EchoServer
from support.gateway import proxy_config

UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
]
SWITCH = wire.head(
    "HTTP/1.1 101 Switching Protocols",
    [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
)


@pytest.fixture
def echo(world):
    return world.own(EchoServer())


def talk(gw, conversation, **kw):
    async def run():
        async with websockets.connect(f"ws://127.0.0.1:{gw.port}/chat", max_size=None, **kw) as ws:
            return await asyncio.wait_for(conversation(ws), 20)

    return asyncio.run(run())


def test_messages_go_through_both_ways(world, echo):
    gw = world.gateway(proxy_config(echo.url))

    async def conversation(ws):
        for message in ["hello", "", "\u00e9\u4e2d\U0001f600", b"", b"\0\xff" * 100]:
            await ws.send(message)
            assert await ws.recv() == message

    talk(gw, conversation)


def test_large_messages_go_through_whole(world, echo):
    gw = world.gateway(proxy_config(echo.url))
    big = bytes(range(256)) * 4096 * 8  # 8 MiB

    async def conversation(ws):
        await ws.send(big)
        assert await ws.recv() == big

    talk(gw, conversation, compression=None)


def test_pings_subprotocols_and_extensions_go_through(world, echo):
    gw = world.gateway(proxy_config(echo.url))

    async def conversation(ws):
        assert ws.subprotocol == "chat.v2"
        assert [e.name for e in ws.extensions] == ["permessage-deflate"]
        await (await ws.ping(b"are you there"))
        await ws.send("x" * 100000)
        assert await ws.recv() == "x" * 100000

    talk(gw, conversation, subprotocols=["chat.v1", "chat.v2"])


def test_a_close_goes_through_with_its_code(world, echo):
    gw = world.gateway(proxy_config(echo.url))

    async def conversation(ws):
        await ws.close(4001, "done here")
        return ws.close_code

    assert talk(gw, conversation) == 4001
    echo.stop()
    assert echo.closes == [(4001, "done here")]


def test_many_conversations_go_on_at_once(world, echo):
    gw = world.gateway(
        proxy_config(echo.url, server={"workers": 2}, upstream={"pool": {"connections": 100, "per_endpoint": 100}})
    )

    async def one(i):
        async with websockets.connect(f"ws://127.0.0.1:{gw.port}/{i}") as ws:
            for k in range(20):
                await ws.send(f"{i}-{k}")
                assert await ws.recv() == f"{i}-{k}"

    async def run():
        await asyncio.wait_for(asyncio.gather(*(one(i) for i in range(50))), 30)

    asyncio.run(run())


def test_the_upstream_sees_the_upgrade_with_forwarded_fields(world):
    gw, up = world.proxy(lambda r, c: c.send(SWITCH) or c.peer_closed(10) and None)
    client = gw.connect().send(wire.request("GET", "/chat?room=1", UPGRADE))
    assert client.read_head().status == 101
    headers = up.last().headers
    assert up.last().target == "/chat?room=1"
    assert headers.tokens("connection") == ["upgrade"] and headers.one("upgrade").lower() == "websocket"
    assert (
        headers.one("sec-websocket-key") == "dGhlIHNhbXBsZSBub25jZQ==" and headers.one("x-forwarded-for") == "127.0.0.1"
    )


def test_the_101_reaches_the_client_with_its_fields(world):
    gw, _ = world.proxy(lambda r, c: c.send(SWITCH) or c.peer_closed(10) and None)
    answer = gw.connect().send(wire.request("GET", "/", UPGRADE)).read_head()
    assert answer.headers.one("upgrade").lower() == "websocket" and answer.headers.tokens("connection") == ["upgrade"]
    assert answer.headers.one("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def echo_bytes(request, connection):
    connection.send(SWITCH)
    while piece := connection.reader.some():
        connection.send(piece)
    connection.send(b"bye")


def test_bytes_that_come_with_the_heads_are_part_of_the_tunnel(world):
    def eager(request, connection):
        connection.send(SWITCH + b"early from the server;")
        echo_bytes_after(connection)

    def echo_bytes_after(connection):
        while piece := connection.reader.some():
            connection.send(piece)

    gw, _ = world.proxy(eager)
    client = gw.connect().send(wire.request("GET", "/", UPGRADE) + b"early from the client")
    assert client.read_head().status == 101
    wanted = b"early from the server;early from the client"
    assert client.reader.exactly(len(wanted), "tunnel") == wanted


def test_a_tunnel_carries_any_bytes(world):
    gw, _ = world.proxy(echo_bytes)
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    data = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n\0\xff" * 5000
    threading.Thread(target=client.send, args=(data,), daemon=True).start()
    assert client.reader.exactly(len(data), "tunnel") == data


def test_an_end_of_the_client_reaches_the_upstream_and_its_last_words_come_back(world):
    gw, up = world.proxy(echo_bytes)
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    client.send(b"last")
    client.half_close()
    assert client.reader.to_end() in (b"lastbye", b"last")
    up.wait_for(lambda u: u.open == 0)


def test_an_end_of_the_upstream_reaches_the_client(world):
    def short(request, connection):
        connection.send(SWITCH + b"hello and goodbye")
        connection.close()

    gw, _ = world.proxy(short)
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    assert client.reader.to_end() == b"hello and goodbye"


def test_a_reset_of_the_client_ends_the_upstreams_side(world):
    gw, up = world.proxy(echo_bytes)
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    client.reset()
    up.wait_for(lambda u: u.open == 0, 4)


def test_a_reset_of_the_upstream_ends_the_clients_side(world):
    def break_off(request, connection):
        connection.send(SWITCH)
        connection.reader.some()
        connection.reset()

    gw, _ = world.proxy(break_off)
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    client.send(b"x")
    assert client.reader.to_end() == b""


def test_a_tunnel_has_back_pressure(world):
    taken = []

    def flood(request, connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.send(SWITCH)
        taken.append(connection.send_until_blocked(b"x" * 65536, 160 << 20))
        connection.reset()

    gw, up = world.proxy(flood)
    before = gw.resident_bytes()
    client = gw.connect(receive_buffer=65536).send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    up.wait_for(lambda u: u.open == 0, 30)
    assert taken[0] < 40 << 20
    assert gw.growth(before, "VmHWM") < 16 << 20


@pytest.mark.parametrize("status", [200, 400, 403, 404, 426, 503])
def test_an_upstream_that_refuses_the_upgrade_is_answered_on_normally(world, status):
    gw, up = world.proxy(lambda r, c: wire.response(status, [("X-Why", "not today")], b"no upgrade"))
    client = gw.connect()
    answer = client.request("GET", "/", UPGRADE)
    assert (answer.status, answer.body, answer.headers.one("x-why")) == (status, b"no upgrade", "not today")
    if "close" not in answer.headers.tokens("connection"):
        assert client.get("/again").status == status


def test_upgrade_idle_ends_a_silent_tunnel(world):
    gw, up = world.proxy(lambda r, c: c.send(SWITCH) or c.peer_closed(10) and None, route={"upgrade_idle": "300ms"})
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    assert client.reader.to_end() == b""
    up.wait_for(lambda u: u.open == 0)


def test_neither_the_routes_timeout_nor_stream_idle_nor_the_clients_timeouts_end_a_tunnel(world):
    gw, up = world.proxy(
        echo_bytes,
        route={"timeout": "200ms", "stream_idle": "200ms"},
        upstream={"timeout": "200ms"},
        server={"timeouts": {"header": "200ms", "body": "200ms", "idle": "200ms"}},
    )
    client = gw.connect().send(wire.request("GET", "/", UPGRADE))
    client.read_head()
    client.sock.settimeout(1)
    with pytest.raises(TimeoutError):
        client.reader.fill()
    client.sock.settimeout(10)
    client.send(b"still here")
    assert client.reader.exactly(10, "tunnel") == b"still here"


@pytest.mark.parametrize(
    "origin, status",
    [
        ("https://app.example", 101),
        ("https://evil.example", 403),
        ("http://app.example", 403),
        ("https://app.example.evil.example", 403),
        ("https://app.example:8443", 403),
        ("null", 403),
        ("https://APP.example", 101),
    ],
)
def test_websocket_origins_are_enforced(world, origin, status):
    gw, up = world.proxy(
        lambda r, c: c.send(SWITCH) or c.peer_closed(10) and None,
        route={"websocket": {"origins": ["https://app.example"]}},
    )
    client = gw.connect().send(wire.request("GET", "/", UPGRADE + [("Origin", origin)]))
    assert client.read_head().status == status
    assert len(up.requests) == (1 if status == 101 else 0)


def test_websocket_origins_do_not_touch_plain_requests(world):
    gw, _ = world.proxy(route={"websocket": {"origins": ["https://app.example"]}})
    assert gw.get("/", [("Origin", "https://evil.example")]).status == 200


@pytest.mark.parametrize("name", ["h2c", "TLS/1.0", "h2c, websocket"])
def test_an_upgrade_to_http_2_is_never_tunnelled(world, name):
    """h2c smuggling: a tunnel that speaks HTTP/2 behind the gateway's back."""
    gw, up = world.proxy()
    answer = gw.connect().request(
        "GET",
        "/",
        [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", name), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")],
    )
    assert answer.status in (200, 400)
    for request in up.requests:
        assert "h2c" not in request.headers.tokens("upgrade") and "http2-settings" not in request.headers


def test_a_101_without_an_upgrade_asked_for_is_502(world):
    gw, up = world.proxy(lambda r, c: SWITCH if r.target == "/odd" else wire.response(body=b"ok"))
    client = gw.connect()
    assert client.get("/odd").status == 502
    assert gw.get("/next").body == b"ok"
    assert up.requests[0].connection.index != up.requests[1].connection.index


def test_upgrade_in_http_1_0_is_ignored(world):
    gw, up = world.proxy()
    assert gw.connect().request("GET", "/", UPGRADE, version="HTTP/1.0").status == 200
    assert "upgrade" not in up.last().headers


@pytest.mark.parametrize(
    "fields",
    [[("X-A", "b")], [("Connection", "Upgrade"), ("Upgrade", "other/1")], [("Connection", "Upgrade"), ("Upgrade", "")]],
)
def test_a_101_without_the_protocol_that_was_asked_for_is_502(world, fields):
    """RFC 9110 section 7.8: the server names the protocol that it switches to, one that the client offered."""

    def odd(request, connection):
        connection.send(wire.head("HTTP/1.1 101 Switching Protocols", fields))
        connection.peer_closed(5)

    gw, up = world.proxy(odd)
    assert gw.connect().send(wire.request("GET", "/", UPGRADE)).read_head().status == 502
    up.wait_for(lambda u: u.open == 0)


@pytest.mark.parametrize("framing", [("Content-Length", "5"), ("Transfer-Encoding", "chunked")])
def test_a_101_with_a_body_is_502(world, framing):
    fields = [("Connection", "Upgrade"), ("Upgrade", "websocket"), framing]

    def odd(request, connection):
        connection.send(wire.head("HTTP/1.1 101 Switching Protocols", fields))
        connection.peer_closed(5)

    gw, up = world.proxy(odd)
    assert gw.connect().send(wire.request("GET", "/", UPGRADE)).read_head().status == 502


def test_an_upgrade_with_a_body_keeps_its_body_out_of_the_tunnel(world):
    def either(request, connection):
        if "websocket" in request.headers.tokens("upgrade"):
            connection.send(SWITCH)
            connection.send(b"tunnel:" + connection.reader.some())
            return None
        return wire.response(body=b"plain:" + request.body)

    gw, up = world.proxy(either)
    client = gw.connect().send(wire.request("POST", "/", UPGRADE, b"hello"))
    answer = client.read_head()
    assert up.last().body == b"hello"
    if answer.status == 101:
        client.send(b"after")
        assert client.reader.exactly(12, "tunnel") == b"tunnel:after"
    else:
        assert client.read_body(answer).body == b"plain:hello"
