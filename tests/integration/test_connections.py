"""The life of client connections: keep-alive, pipelining, closing, half-closing, leaving (RFC 9112 section 9)."""
import threading

import pytest

from support import wire
from support.gateway import respond_config
from support.upstream import Gate


def echo_path(request, connection):
    return wire.response(body=request.target.encode() + b" " + request.body)


def test_a_connection_serves_many_requests(world):
    gw, up = world.proxy(echo_path)
    client = gw.connect()
    for i in range(50):
        assert client.get(f"/{i}").text.strip() == f"/{i}"
    assert len(up.connections) == 1


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "x-a , close"])
def test_connection_close_is_answered_and_obeyed(world, value):
    gw, _ = world.proxy()
    client = gw.connect()
    answer = client.get("/", [("Connection", value)])
    assert answer.status == 200 and "close" in answer.headers.tokens("connection")
    client.assert_closed()


def test_requests_after_connection_close_are_not_served(world):
    gw, up = world.proxy(echo_path)
    client = gw.connect()
    client.send(wire.request("GET", "/1", [("Connection", "close")]) + wire.request("GET", "/2"))
    assert client.read_response().text.strip() == "/1"
    client.assert_closed()
    assert [r.target for r in up.requests] == ["/1"]


def test_http_1_0_connection_is_closed_after_its_answer(world):
    gw, _ = world.proxy()
    client = gw.connect()
    assert client.get("/", version="HTTP/1.0").status == 200
    client.assert_closed()


def test_pipelined_requests_are_answered_in_order(world):
    gate = Gate()

    def slow_first(request, connection):
        if request.target == "/0":
            gate.hold()
        return echo_path(request, connection)

    gw, up = world.proxy(slow_first)
    client = gw.connect().send(b"".join(wire.request("GET", f"/{i}") for i in range(10)))
    up.wait_requests(1)
    gate.open()
    assert [client.read_response().text.strip() for _ in range(10)] == [f"/{i}" for i in range(10)]


def test_a_thousand_pipelined_requests_are_answered_in_order(world):
    gw = world.gateway(respond_config(("r", "/{id}", {"text": "{id}"})))
    client = gw.connect()
    sender = threading.Thread(target=client.send, args=(b"".join(wire.request("GET", f"/{i}") for i in range(1000)),))
    sender.start()
    assert [client.read_response().status for _ in range(1000)] == [200] * 1000
    sender.join()


def test_pipelined_requests_with_bodies_keep_their_bodies(world):
    gw, up = world.proxy(echo_path)
    client = gw.connect()
    client.send(
        wire.request("POST", "/a", body=b"first")
        + wire.request("POST", "/b", [("Transfer-Encoding", "chunked")], wire.chunked(b"sec", b"ond"))
        + wire.request("GET", "/c")
        + wire.request("PUT", "/d", body=b"fourth")
    )
    assert [client.read_response().text for _ in range(4)] == ["/a first", "/b second", "/c ", "/d fourth"]


def test_pipelined_head_and_get_do_not_confuse_their_bodies(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 200 OK", [("Content-Length", "4")]) + (b"" if r.method == "HEAD" else b"body")
    )
    client = gw.connect().send((wire.request("HEAD", "/") + wire.request("GET", "/")) * 3)
    for _ in range(3):
        assert client.read_response("HEAD").headers.one("content-length") == "4"
        assert client.read_response("GET").body == b"body"


def test_a_pipelined_error_does_not_overtake(world):
    gate = Gate()

    def slow(request, connection):
        gate.hold()
        return wire.response(body=b"slow")

    gw, up = world.proxy(slow)
    client = gw.connect().send(wire.request("GET", "/") + b"BROKEN\r\n\r\n")
    up.wait_requests(1)
    gate.open()
    assert client.read_response().body == b"slow"
    assert client.read_response().status == 400
    client.assert_closed()


def test_a_half_closed_client_gets_its_answer(world):
    gate = Gate()

    def slow(request, connection):
        gate.hold()
        return wire.response(body=b"late but here")

    gw, up = world.proxy(slow)
    client = gw.connect().send(wire.request("GET", "/"))
    client.half_close()
    up.wait_requests(1)
    gate.open()
    assert client.read_response().body == b"late but here"
    client.assert_closed()


def test_a_half_closed_client_gets_all_its_pipelined_answers(world):
    gw, up = world.proxy(echo_path)
    client = gw.connect().send(b"".join(wire.request("GET", f"/{i}") for i in range(5)))
    client.half_close()
    assert [client.read_response().text.strip() for _ in range(5)] == [f"/{i}" for i in range(5)]
    client.assert_closed()


def test_a_half_closed_client_gets_a_large_answer_whole(world):
    gw, _ = world.proxy(lambda r, c: wire.response(body=b"z" * 5_000_000))
    client = gw.connect().send(wire.request("GET", "/"))
    client.half_close()
    assert len(client.read_response().body) == 5_000_000


def test_a_client_that_ends_its_connection_before_a_request_gets_nothing(world):
    gw, _ = world.proxy()
    client = gw.connect()
    client.half_close()
    client.assert_closed()


def test_a_client_that_ends_in_the_middle_of_a_head_is_closed_without_harm(world):
    gw, up = world.proxy()
    client = gw.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
    client.half_close()
    rest = client.reader.to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    assert gw.get("/after").status == 200
    assert [r.target for r in up.requests] == ["/after"]


@pytest.mark.parametrize(
    "headers, body", [([("Content-Length", "10")], b"12345"), ([("Transfer-Encoding", "chunked")], b"5\r\n123")]
)
def test_a_client_that_ends_in_the_middle_of_a_body_never_makes_a_whole_request(world, headers, body):
    gw, up = world.proxy()
    client = gw.connect().send(wire.request("POST", "/cut", headers) + body)
    client.half_close()
    rest = client.reader.to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 4")
    assert gw.get("/after").status == 200
    assert [r.target for r in up.completed] == ["/after"]


@pytest.mark.parametrize("extra", [b"", wire.request("GET", "/next")], ids=["alone", "with a pipelined request behind"])
def test_a_client_that_resets_cancels_the_call_to_the_upstream(world, extra):
    left = threading.Event()

    def watch(request, connection):
        if connection.peer_closed(3):
            left.set()

    gw, up = world.proxy(watch)
    client = gw.connect().send(wire.request("GET", "/") + extra)
    up.wait_requests(1)
    client.reset()
    assert left.wait(4), "the upstream's connection stayed open"


def test_a_client_that_resets_during_its_upload_cancels_the_call_to_the_upstream(world):
    gw, up = world.proxy(lambda r, c: c.peer_closed(3) and None, read_body=False)
    client = gw.connect().send(wire.request("POST", "/", [("Content-Length", "100")]) + b"x" * 10)
    up.wait_requests(1)
    client.reset()
    up.wait_for(lambda u: u.open == 0, 4)


def test_a_client_that_leaves_during_a_download_cancels_the_call_to_the_upstream(world):
    def endless(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(wire.chunk(b"x" * 10000))

    gw, up = world.proxy(endless)
    client = gw.connect().send(wire.request("GET", "/"))
    assert client.read_head().status == 200
    client.close()
    up.wait_for(lambda u: u.open == 0, 5)


def test_clients_that_left_leak_neither_connections_nor_files(world):
    gw, up = world.proxy(lambda r, c: c.peer_closed(5) and None)
    before = gw.open_files()
    for i in range(20):
        client = gw.connect().send(wire.request("GET", "/"))
        up.wait_requests(i + 1)
        client.reset()
    up.wait_for(lambda u: u.open == 0, 8)
    gw.wait_files(before)


def test_a_client_may_send_its_body_slower_than_the_upstream_is_ready_to_read(world):
    gw, up = world.proxy(echo_path)
    client = gw.connect().send(wire.request("POST", "/", [("Content-Length", "6")]))
    for byte in b"abcdef":
        client.send(bytes([byte]))
    assert client.read_response().text == "/ abcdef"


def test_an_unread_body_does_not_become_the_next_request(world):
    """A respond route reads no body: what it left unread must not be taken for a request."""
    gw = world.gateway(respond_config(("r", "/r")))
    client = gw.connect()
    smuggled = wire.request("GET", "/r")
    for _ in range(3):
        client.send(wire.request("GET", "/r", body=smuggled))
        answer = client.read_response()
        assert answer.status == 200
        if "close" in answer.headers.tokens("connection"):
            break
    client.half_close()
    assert client.reader.to_end() == b"", "a body was answered as a request"


@pytest.mark.parametrize("target, status", [("/none", 404), ("/only-get", 405)])
def test_the_body_of_a_refused_request_does_not_become_the_next_request(world, target, status):
    gw = world.gateway(respond_config(("only-get", "/only-get", {"methods": ["GET"]})))
    client = gw.connect()
    client.send(wire.request("POST", target, body=wire.request("GET", "/only-get")))
    assert client.read_response().status == status
    client.half_close()
    assert client.reader.to_end() == b""


def test_what_is_left_of_an_upload_after_an_early_answer_does_not_become_the_next_request(world):
    def early(request, connection):
        if request.target == "/early":
            return wire.response(401, [], b"no")
        return wire.response(body=request.target.encode())

    gw, up = world.proxy(early, read_body=False)
    smuggled = wire.request("GET", "/smuggled")
    client = gw.connect().send(wire.request("POST", "/early", [("Content-Length", len(smuggled))]))
    answer = client.read_response()
    assert answer.status == 401
    if client.try_send(
        smuggled + wire.request("GET", "/real", [("Connection", "close")])
    ) and "close" not in answer.headers.tokens("connection"):
        assert client.read_response().text == "/real"
    client.reader.to_end()
    assert "/smuggled" not in [r.target for r in up.requests]


def test_many_clients_at_once_are_all_answered(world):
    gw, _ = world.proxy(echo_path, server={"workers": 2})
    clients = [gw.connect() for _ in range(200)]
    for i, client in enumerate(clients):
        client.send(wire.request("GET", f"/{i}"))
    for i, client in enumerate(clients):
        assert client.read_response().text.strip() == f"/{i}"
