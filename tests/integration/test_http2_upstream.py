"""Upstreams with http2: true (SPEC section 2): calls share connections, and what happens to one of them, or to the
connection, comes to no more than it must."""
import os
import ssl
import threading

import pytest

from support import http2
from support.gateway import proxy_config, wait_until
from support.http2 import Code, Session, Setting
from support.http2_upstream import Http2Upstream
from support.upstream import Gate

CONTENT = os.urandom(1024 * 1024)


@pytest.fixture
def serve(world):
    """A gateway whose one upstream is scripted by a handler; both."""

    def make(handler=None, *, settings=None, tls=None, on_connection=None, route=None, server=None, **upstream):
        made = world.own(Http2Upstream(handler, settings, tls, on_connection))
        config = proxy_config(
            made.url, route=route, server=http2.serving(server), upstream={"http2": True, **upstream}
        )
        return world.gateway(config), made

    return make


def session(gateway, **settings):
    return Session(gateway.connect(), **settings)


def in_threads(count, work):
    results = [None] * count

    def run(i):
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    return results


def holding(serve):
    """An upstream that holds /held until its gate is opened."""
    gate = Gate()

    def handler(request, stream):
        if request.target == "/held":
            gate.hold()
        stream.answer()

    gateway, upstream = serve(handler)
    return gateway, upstream, gate


def test_a_request_by_http_1_1_is_one_of_http_2_there(serve):
    gateway, upstream = serve(lambda request, stream: stream.answer(b"there", 201, [("x-from", "up")]))
    answer = gateway.connect().get("/a/b?c=d", [("Connection", "x-hop"), ("X-Hop", "1"), ("X-Mine", "2"), ("TE", "gzip")])
    assert (answer.status, answer.text, answer.headers.one("x-from")) == (201, "there", "up")
    request = upstream.requests[0]
    assert request.pseudo == {
        ":method": "GET",
        ":scheme": "http",
        ":authority": f"127.0.0.1:{upstream.port}",
        ":path": "/a/b?c=d",
    }
    assert request.headers.one("x-mine") == "2"
    assert request.headers.one("te") == "trailers"
    for name in ("connection", "x-hop", "host", "transfer-encoding", "upgrade", "keep-alive"):
        assert name not in request.headers, name


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 300_000, len(CONTENT)])
@pytest.mark.parametrize("chunked", [False, True])
def test_content_of_all_sizes_passes_both_ways(serve, size, chunked):
    gateway, upstream = serve(lambda request, stream: stream.answer(stream.read_all()))
    client = gateway.connect()
    body = CONTENT[:size]
    for _ in range(2):
        if chunked:
            pieces = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[i : i + 50_000] for i in range(0, size, 50_000)))
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
            answer = client.read_response("POST")
        else:
            answer = client.request("POST", "/", body=body)
        assert answer.status == 200
        assert answer.body == body
    assert len(upstream.connections) == 1
    if not chunked:
        assert upstream.requests[0].headers.one("content-length") == str(size)


def test_calls_at_once_share_a_connection(serve):
    gate = Gate()

    def handler(request, stream):
        gate.hold()
        stream.answer(request.target.encode())

    gateway, upstream = serve(handler)
    clients = [gateway.connect() for _ in range(40)]
    for i, client in enumerate(clients):
        client.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i)
    upstream.wait_requests(40)
    gate.open()
    for i, client in enumerate(clients):
        assert client.read_response().text == f"/{i}"
    assert len(upstream.connections) == 1


def test_the_upstream_says_how_many_calls_a_connection_takes(serve):
    gate = Gate()

    def handler(request, stream):
        gate.hold()
        stream.answer()

    gateway, upstream = serve(handler, settings={Setting.MAX_CONCURRENT_STREAMS: 2}, pool={"connections": 3})
    clients = [gateway.connect() for _ in range(10)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream.wait_requests(6)
    assert len(upstream.connections) == 3
    gate.open()
    assert [c.read_response().status for c in clients] == [200] * 10
    assert len(upstream.connections) == 3


def test_who_waits_beyond_max_pending_is_refused(serve):
    gate = Gate()

    def handler(request, stream):
        gate.hold()
        stream.answer()

    gateway, upstream = serve(
        handler, settings={Setting.MAX_CONCURRENT_STREAMS: 1}, pool={"connections": 1}, max_pending=1
    )
    first, second = gateway.connect(), gateway.connect()
    first.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream.wait_requests(1)
    second.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: gateway.connect().get("/").status == 503, what="a refusal")
    gate.open()
    assert first.read_response().status == 200
    assert second.read_response().status == 200


def test_trailers_pass_both_ways(serve):
    gateway, upstream = serve(
        lambda request, stream: stream.answer(stream.read_all(), trailers=[("x-sum", "7")])
    )
    h2 = session(gateway)
    answer = h2.fetch("POST", "/", body=b"abc", trailers=[("x-of", "client")])
    assert (answer.status, answer.body, answer.ended) == (200, b"abc", True)
    assert list(answer.trailers) == [("x-sum", "7")]
    assert upstream.requests[0].trailers.one("x-of") == "client"
    client = gateway.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Of: one\r\n\r\n")
    assert client.read_response("POST").trailers.one("x-sum") == "7"
    assert upstream.requests[1].trailers.one("x-of") == "one"


def test_content_passes_both_ways_at_once(serve):
    def handler(request, stream):
        stream.head(200)
        for piece in iter(stream.read, b""):
            stream.send(b"<" + piece + b">")
        stream.end([("x-end", "1")])

    gateway, _ = serve(handler)
    h2 = session(gateway)
    number = h2.request("POST", "/", end=False)
    stream = h2.head(number)
    for i in range(5):
        h2.send(number, b"%d" % i)
        expected = b"".join(b"<%d>" % n for n in range(i + 1))
        assert h2.wait(lambda e=expected: stream.body == e, f"piece {i}")
    h2.end(number)
    assert h2.response(number).trailers.one("x-end") == "1"


def test_interim_answers_and_answers_without_content(serve):
    def handler(request, stream):
        stream.head(103, [("link", "</a.css>")])
        stream.head(204 if request.method == "GET" else 200, [("x-a", "1")], end=True)

    gateway, _ = serve(handler)
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = client.read_response()
        assert [i.status for i in answer.informational] == [103]
        assert answer.status == 204
        assert client.request("HEAD", "/").headers.one("x-a") == "1"


def test_what_one_client_does_not_read_holds_up_no_other(serve):
    def handler(request, stream):
        if request.target != "/large":
            return stream.answer()
        stream.head()
        request.sent = stream.send(CONTENT * 64, end=True, patience=1)

    gateway, upstream = serve(handler)
    slow = gateway.connect(receive_buffer=4096)
    slow.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    slow.read_head()
    for _ in range(20):
        assert gateway.connect().get("/").text == "ok"
    wait_until(lambda: hasattr(upstream.requests[0], "sent"), what="the window shut")
    assert upstream.requests[0].sent < 16 * len(CONTENT)
    assert len(upstream.connections) == 1
    slow.reset()
    wait_until(lambda: upstream.requests[0].reset == Code.CANCEL, what="the reset")
    assert gateway.connect().get("/").text == "ok"
    assert len(upstream.connections) == 1


def test_a_client_that_leaves_resets_its_stream_alone(serve):
    gateway, upstream, gate = holding(serve)
    other = gateway.connect()
    other.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream.wait_requests(1)
    leaving = gateway.connect()
    leaving.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    gone = upstream.wait_requests(2)
    leaving.close()
    upstream.wait_for(lambda u: gone.reset is not None)
    assert gone.reset == Code.CANCEL
    gate.open()
    assert other.read_response().text == "ok"
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("code", [Code.INTERNAL_ERROR, Code.CANCEL, Code.NO_ERROR])
def test_a_reset_before_the_answer_is_502_and_repeated_if_it_may_be(serve, code):
    def handler(request, stream):
        stream.read_all()
        if len(upstream.requests) % 2:
            return stream.reset(code)
        stream.answer()

    gateway, upstream = serve(handler)
    assert gateway.connect().get("/").text == "ok"
    assert len(upstream.requests) == 2
    assert gateway.connect().request("POST", "/", body=b"once").status == 502
    assert len(upstream.requests) == 3
    assert len(upstream.connections) == 1


def test_without_retries_a_reset_stream_is_not_repeated(serve):
    def handler(request, stream):
        if request.target == "/reset":
            return stream.reset(Code.INTERNAL_ERROR)
        stream.answer()

    gateway, upstream = serve(handler, retry={"attempts": 0})
    assert gateway.connect().get("/").text == "ok"  # the connection has carried a call
    assert gateway.connect().get("/reset").status == 502
    assert [r.target for r in upstream.requests] == ["/", "/reset"]


@pytest.mark.parametrize("trailers", [[("x-large", "l" * 70_000)], [(f"x-{i}", "y") for i in range(300)]])
def test_trailers_that_are_too_many_make_no_whole_answer(serve, trailers):
    def handler(request, stream):
        stream.head()
        stream.send(b"half")
        stream.end(trailers)

    gateway, _ = serve(handler)
    answer = session(gateway).get()
    assert answer.reset is not None and not answer.ended


def test_a_reset_within_the_answer_cuts_it(serve):
    def handler(request, stream):
        stream.head()
        stream.send(b"half")
        stream.reset()

    gateway, upstream = serve(handler)
    h2 = session(gateway)
    answer = h2.get()
    assert answer.reset is not None and not answer.ended
    client = gateway.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(Exception, match="cut|ended|trunc|body"):
        client.read_response()
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("method,body", [("GET", None), ("POST", b"small"), ("DELETE", None)])
def test_a_refused_stream_is_repeated_whatever_it_is(serve, method, body):
    def handler(request, stream):
        stream.read_all() if body else None
        if len(upstream.requests) == 1:
            return stream.reset(Code.REFUSED_STREAM)
        stream.answer(request.method.encode())

    gateway, upstream = serve(handler, retry=0)
    assert gateway.connect().request(method, "/", body=body).text == method
    assert len(upstream.requests) == 2


def test_what_is_refused_again_and_again_is_502(serve):
    gateway, upstream = serve(lambda request, stream: stream.reset(Code.REFUSED_STREAM))
    answer = gateway.connect().request("POST", "/", body=b"x")
    assert (answer.status, "refused" in answer.text) == (502, True)
    assert 2 <= len(upstream.requests) <= 4


def test_a_stream_above_the_last_of_goaway_is_repeated_elsewhere(serve):
    gate = Gate()

    def handler(request, stream):
        if request.target == "/first":
            gate.hold()
        elif stream.connection.index == 0:
            return stream.connection.goaway(1)
        stream.answer(b"%d" % stream.connection.index)

    gateway, upstream = serve(handler, retry=0)
    first = gateway.connect()
    first.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream.wait_requests(1)
    assert gateway.connect().request("POST", "/second", body=b"x").text == "1"
    gate.open()
    assert first.read_response().text == "0"
    upstream.wait_for(lambda u: u.connections[0].ended)
    assert gateway.connect().get("/third").text == "1"


def test_goaway_without_a_stream_ends_an_idle_connection(serve):
    gateway, upstream = serve()
    assert gateway.connect().get("/").text == "ok"
    upstream.connections[0].goaway(1)
    upstream.wait_for(lambda u: u.open == 0)
    assert gateway.connect().request("POST", "/", body=b"x").text == "ok"
    assert len(upstream.connections) == 2


def test_a_connection_that_breaks_fails_its_calls_and_no_more(serve):
    gate = Gate()

    def handler(request, stream):
        if stream.connection.index == 0:
            gate.hold()
        stream.answer()

    gateway, upstream = serve(handler, retry=0)
    clients = [gateway.connect() for _ in range(5)]
    for client in clients:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
    upstream.wait_requests(5)
    upstream.connections[0].close()
    assert [c.read_response("POST").status for c in clients] == [502] * 5
    gate.open()
    assert clients[0].get("/").text == "ok"


def test_an_idle_connection_that_was_closed_is_none_that_fails(serve):
    gateway, upstream = serve(retry=0)
    for i in range(5):
        assert gateway.connect().request("POST", "/", body=b"x").text == "ok"
        upstream.connections[i].close()
        upstream.wait_for(lambda u: u.open == 0)


def test_idle_connections_close(serve):
    gateway, upstream = serve(pool={"idle": "50ms"})
    assert gateway.connect().get("/").text == "ok"
    upstream.wait_for(lambda u: u.connections and u.connections[0].ended)
    assert upstream.connections[0].goaway_code == Code.NO_ERROR
    assert gateway.connect().get("/").text == "ok"


DATA_ON_IDLE = http2.frame(http2.DATA, 1001, b"x")
BROKEN = {
    "data on a stream that is idle": DATA_ON_IDLE,
    "a frame that is too large": http2.frame(http2.HEADERS, 1, b"", http2.END_HEADERS, size=20000),
    "settings of a wrong size": http2.frame(http2.SETTINGS, 0, b"12345"),
    "a push": http2.frame(http2.PUSH_PROMISE, 1, b"\0\0\0\2\x88", http2.END_HEADERS),
    "bad compression": http2.frame(http2.HEADERS, 1, b"\xff\xff\xff\xff\xff\xff", http2.END_HEADERS),
    "a window that overflows": http2.window_update(0, 0x7FFFFFFF),
    "bytes of something else": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_frames_that_break_the_rules_end_the_connection(serve, what):
    def handler(request, stream):
        if stream.connection.index == 0:
            stream.connection.send_raw(BROKEN[what])
        else:
            stream.answer()

    gateway, upstream = serve(handler, retry=0)
    answer = gateway.connect().get("/")
    assert answer.status == 502
    assert "invalid response" in answer.text
    upstream.wait_for(lambda u: u.connections[0].ended)
    assert upstream.connections[0].goaway_code not in (None, Code.NO_ERROR)
    assert gateway.connect().get("/").text == "ok"


MALFORMED = {
    "no status": [("x-a", "1")],
    "a status of letters": [(":status", "abc")],
    "101": [(":status", "101")],
    "upper case": [(":status", "200"), ("X-A", "1")],
    "connection": [(":status", "200"), ("connection", "close")],
    "transfer-encoding": [(":status", "200"), ("transfer-encoding", "chunked")],
    "a pseudo-field behind": [("x-a", "1"), (":status", "200")],
    "a request's pseudo-field": [(":status", "200"), (":path", "/")],
    "two lengths": [(":status", "200"), ("content-length", "1"), ("content-length", "2")],
    "a line end in a value": [(":status", "200"), ("x-a", "1\r\nx-b: 2")],
    "too large": [(":status", "200"), *((f"x-{i}", "y" * 4000) for i in range(20))],
    "too many": [(":status", "200"), *((f"x-{i}", "y") for i in range(300))],
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_head_fails_its_call_alone(serve, what):
    def handler(request, stream):
        if request.target == "/good":
            return stream.answer()
        c = stream.connection
        with c.lock:
            block = c.h2.encoder.encode(MALFORMED[what])
            parts = [block[i : i + 16000] for i in range(0, len(block), 16000)]
            flags = [http2.END_HEADERS if i == len(parts) - 1 else 0 for i in range(len(parts))]
            kinds = [http2.HEADERS] + [http2.CONTINUATION] * (len(parts) - 1)
            c.send_raw(b"".join(http2.frame(k, stream.number, p, f) for k, p, f in zip(kinds, parts, flags)))

    gateway, upstream = serve(handler, retry=0)
    answer = gateway.connect().get("/bad")
    assert (answer.status, "invalid response" in answer.text) == (502, True)
    upstream.wait_for(lambda u: u.requests[0].reset is not None)
    assert gateway.connect().get("/good").text == "ok"
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("length,sent", [(10, b"short"), (2, b"longer")])
def test_content_of_another_length_than_was_told_cuts_the_answer(serve, length, sent):
    def handler(request, stream):
        stream.head(200, [("content-length", str(length))])
        stream.send(sent, end=True)

    gateway, _ = serve(handler, retry=0)
    answer = session(gateway).get()
    assert answer.status == 502 or (answer.reset is not None and not answer.ended)


def test_who_speaks_no_http_2_is_not_reached(serve, world):
    one = world.upstream(on_connection=lambda c: (c.reader.fill(), c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    gateway = world.gateway(proxy_config(one.url, upstream={"http2": True, "retry": 0}))
    answer = gateway.connect().get("/")
    assert (answer.status, "cannot be reached" in answer.text) == (502, True)
    assert gateway.wait_log("does not speak HTTP/2")


def test_who_says_nothing_is_given_up_after_connect_timeout(world):
    silent = world.own(Http2Upstream(on_connection=lambda c: c._receive() and c._receive() and c._receive()))
    gateway = world.gateway(proxy_config(silent.url, upstream={"http2": True, "retry": 0, "connect_timeout": "100ms"}))
    assert gateway.connect().get("/").status == 502
    assert gateway.wait_log("no SETTINGS in time")


def test_a_connection_that_is_opened_is_opened_once_for_all_who_wait(world):
    gate = Gate()
    slow = world.own(Http2Upstream(on_connection=lambda c: (gate.hold(), c.serve())))
    gateway = world.gateway(proxy_config(slow.url, upstream={"http2": True, "connect_timeout": "9s"}))
    clients = [gateway.connect() for _ in range(20)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    slow.wait_for(lambda u: u.open == 1)
    clients[0].close()  # who opens it may be the one that leaves
    gate.open()
    assert [c.read_response().status for c in clients[1:]] == [200] * 19
    assert len(slow.connections) <= 2


# TLS


def context(certificate, protocols):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.path, certificate.key)
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


@pytest.fixture(scope="module")
def good(authority):
    return authority.issue("good", ["localhost", "127.0.0.1"])


def test_https_upstreams_choose_http_2_by_alpn(world, authority, good):
    upstream = world.own(
        Http2Upstream(lambda request, stream: stream.answer(stream.read_all()), tls=context(good, ["h2", "http/1.1"]))
    )
    config = proxy_config(upstream.url, upstream={"http2": True, "tls": {"ca": str(authority.trusted)}})
    gateway = world.gateway(config)
    for _ in range(3):
        assert gateway.connect().request("POST", "/", body=CONTENT).body == CONTENT
    assert [c.alpn for c in upstream.connections] == ["h2"]
    assert upstream.requests[0].pseudo[":scheme"] == "https"


@pytest.mark.parametrize("protocols,chose", [(None, "nothing"), (["http/1.1"], None)])
def test_an_https_upstream_without_http_2_is_not_reached(world, authority, good, protocols, chose):
    upstream = world.upstream(tls=context(good, protocols))
    config = proxy_config(upstream.url, upstream={"http2": True, "retry": 0, "tls": {"ca": str(authority.trusted)}})
    gateway = world.gateway(config)
    answer = gateway.connect().get("/")
    assert (answer.status, "cannot be reached" in answer.text) == (502, True)
    if chose:
        assert gateway.wait_log(f"does not speak HTTP/2: ALPN chose {chose}")


# Beside calls


def test_views_make_their_calls_by_http_2(world):
    def handler(request, stream):
        if request.target == "/products/1":
            stream.answer(b'{"id": 1, "name": "lamp"}', headers=[("content-type", "application/json")])
        elif request.method == "POST":
            request.body = stream.read_all()
            stream.answer(b'{"id": 2}', 201, [("content-type", "application/json")])
        else:
            stream.head(200, [("content-type", "application/json")])
            stream.send(b"[1, ")
            stream.reset() if len(upstream.requests) == 2 else stream.send(b"2]", end=True)

    upstream = world.own(Http2Upstream(handler))
    config = proxy_config(upstream.url, upstream={"http2": True})
    config["routes"] = [
        {
            "name": "product",
            "path": "/p/{id}",
            "view": "detail",
            "source": "up/products/{id}",
            "include": {"reviews": {"call": "up/products/{id}/reviews"}},
        },
        {"name": "create", "path": "/p", "view": "create", "source": "up/products"},
    ]
    gateway = world.gateway(config)
    # The second call is cut within its answer, and made again.
    assert gateway.connect().get("/p/1").text == '{"id": 1, "name": "lamp","reviews":[1, 2]}'
    made = gateway.connect().request("POST", "/p", [("Content-Type", "application/json")], body=b'{"name": "x"}')
    assert made.status == 201
    assert upstream.requests[-1].body == b'{"name": "x"}'
    assert upstream.requests[-1].headers.one("content-length") == "13"
    assert len(upstream.connections) == 1


def test_a_hedge_is_a_stream_beside(serve):
    gate = Gate()

    def handler(request, stream):
        if len(upstream.requests) == 1:
            gate.hold()
        stream.answer()

    gateway, upstream = serve(handler, hedge="20ms")
    assert gateway.connect().get("/").text == "ok"
    upstream.wait_for(lambda u: u.requests[0].reset == Code.CANCEL)
    gate.open()
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("status", [200, 503])
def test_health_checks_go_by_http_2(serve, status):
    gateway, upstream = serve(
        lambda request, stream: stream.answer(status=status if request.target == "/health" else 200),
        health={"path": "/health", "interval": "50ms", "unhealthy_after": 1},
    )
    upstream.wait_for(lambda u: sum(r.target == "/health" for r in u.requests) >= 2)
    assert upstream.requests[0].method == "GET"
    if status == 503:
        wait_until(lambda: gateway.connect().get("/").status == 503, what="an unhealthy endpoint")
    else:
        assert gateway.connect().get("/").text == "ok"


def test_a_reload_keeps_connections_and_finishes_what_is_under_way(serve):
    gateway, upstream, gate = holding(serve)
    held = gateway.connect()
    held.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream.wait_requests(1)
    config = proxy_config(upstream.url, server=http2.serving(), upstream={"http2": True})
    gateway.reload(config)
    gateway.wait_log("reloaded")
    seen = len(gateway.lines)
    assert gateway.connect().get("/").text == "ok"
    assert len(upstream.connections) == 1
    config["upstreams"]["up"]["timeout"] = "9s"
    gateway.reload(config)
    gateway.wait_log("reloaded", since=seen)
    assert gateway.connect().get("/").text == "ok"
    assert len(upstream.connections) == 2
    gate.open()
    assert held.read_response().text == "ok"
    upstream.wait_for(lambda u: u.connections[0].ended)


def test_an_upgrade_is_not_possible(serve):
    gateway, upstream = serve()
    client = gateway.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert client.read_response().status == 501
    assert upstream.requests == []


def test_a_call_that_is_late_leaves_a_connection_that_is_dead(serve):
    def handler(request, stream):
        if stream.connection.index or request.target == "/first":
            stream.answer()

    gateway, upstream = serve(handler, timeout="200ms", retry=0)
    assert gateway.connect().get("/first").text == "ok"
    assert gateway.connect().get("/").status == 504
    assert gateway.connect().get("/").text == "ok"
    assert len(upstream.connections) == 2
    upstream.wait_for(lambda u: u.connections[0].ended)


def test_workers_share_the_limits(serve):
    gateway, upstream = serve(server={"workers": 2}, pool={"connections": 1}, retry=0)
    answers = in_threads(8, lambda i: [gateway.connect().get("/").status for _ in range(10)])
    assert answers == [[200] * 10] * 8
