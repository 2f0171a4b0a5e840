"""Thousands of damaged messages, the same ones each time: whatever the gateway makes of them, what it sends on is
well-formed (the scripted peers parse strictly), it answers no more than it was asked, and it lives."""
import random

from support import wire
from support.client import Client

SEED = 20261122
ROUNDS = 2500
PIECES = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"\0",
    b"\x7f",
    b"\xff",
    b"0",
    b"-",
    b"+",
    b"chunked",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: websocket\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"%00",
    b"/../",
    b'"',
    b"f" * 20,
]


def damage(chance, message):
    message = bytearray(message)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(message) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            message[at:at] = chance.choice(PIECES)
        elif kind == 1 and at < len(message):
            message[at] = chance.randrange(256)
        elif kind == 2:
            del message[at : at + chance.randrange(1, 6)]
        elif kind == 3:
            end = at + chance.randrange(1, 30)
            message[at:at] = message[at:end]
        else:
            message[at:at] = bytes([chance.choice(b"\r\n\t :;,\x00\x0b")])
    return bytes(message)


REQUESTS = [
    wire.request("GET", "/a/b?c=d", [("Accept", "*/*"), ("X-A", "b")]),
    wire.request("POST", "/p", [("Content-Type", "text/plain")], b"hello"),
    wire.request(
        "POST",
        "/c",
        [("Transfer-Encoding", "chunked"), ("Trailer", "X-T")],
        wire.chunked(b"hello", b"world", trailers=[("X-T", "1")]),
    ),
    wire.request("GET", "http://gateway.test/abs", [("Connection", "keep-alive, X-P"), ("X-P", "1")]),
    wire.request("PUT", "/e", [("Expect", "100-continue")], b"12345"),
    wire.request("GET", "/w", [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]),
    wire.request("GET", "/one") + wire.request("POST", "/two", body=b"abc") + wire.request("GET", "/three"),
]


def test_whatever_a_client_sends_upstreams_get_well_formed_requests(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=b"ok"), server={"timeouts": {"header": "2s", "body": "2s"}})
    chance = random.Random(SEED)
    for i in range(ROUNDS):
        data = damage(chance, REQUESTS[i % len(REQUESTS)])
        with Client(("127.0.0.1", gw.port)) as client:
            client.try_send(data)
            try:
                client.half_close()
            except OSError:
                pass
            answers = 0
            while client.reader.buffer or client.reader.fill():
                try:
                    answer = client.read_head(keep_informational=True)
                    client.read_body(answer, "GET")
                except wire.Truncated:
                    break
                assert answer.status in (100, 200) or 400 <= answer.status < 506, (data, answer)
                answers += answer.status >= 200
            assert answers <= data.count(b" HTTP/1.") + 1, data
    assert up.failures == []
    assert gw.get("/after").status == 200


RESPONSES = [
    wire.response(200, [("Content-Type", "text/plain"), ("X-A", "b")], b"hello"),
    wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-T")])
    + wire.chunked(b"hello", b"world", trailers=[("X-T", "1")]),
    wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a>")]) + wire.response(404, [("Connection", "close")], b"none"),
    wire.head("HTTP/1.1 204 No Content", [("X-A", "b")]),
    wire.head("HTTP/1.0 200 OK", [("Content-Type", "text/plain")]) + b"until close",
    wire.head("HTTP/1.1 304 Not Modified", [("Content-Length", "5"), ("ETag", '"x"')]),
    wire.head("HTTP/1.1 302 Found", [("Location", "/x"), ("Content-Length", "0"), ("Set-Cookie", "a=b")]),
]


def test_whatever_an_upstream_sends_clients_get_well_formed_answers(world):
    chance = random.Random(SEED)
    script = {}

    def answer(request, connection):
        if request.target == "/fine":
            return wire.response(body=b"fine")
        connection.send(script["data"])
        connection.close()
        return None

    gw, up = world.proxy(answer, upstream={"retry": {"attempts": 0}})
    for i in range(ROUNDS):
        script["data"] = damage(chance, RESPONSES[i % len(RESPONSES)])
        with Client(("127.0.0.1", gw.port)) as client:
            client.send(wire.request("GET", f"/{i}", [("Connection", "close")]))
            try:
                client.read_response()
            except wire.Truncated:
                continue
            rest = client.reader.to_end()
            assert rest == b"", (script["data"], rest)
        if i % 10 == 0:
            assert gw.get("/fine").body == b"fine", script["data"]
