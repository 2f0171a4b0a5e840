"""What of an upstream's response reaches the client through proxy-fetch (SPEC section 5; RFC 9110, 9112)."""
import email.utils
import gzip
import time

import pytest

from support import wire

STATUSES = [
    200,
    201,
    202,
    203,
    204,
    205,
    206,
    207,
    226,
    300,
    301,
    302,
    303,
    304,
    307,
    308,
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    411,
    412,
    413,
    415,
    416,
    418,
    422,
    425,
    429,
    431,
    451,
    500,
    501,
    502,
    503,
    504,
    511,
    599,
]


@pytest.fixture(scope="module")
def statuses(module_world):
    def answer(request, connection):
        status = int(request.path.rsplit("/", 1)[1])
        body = b"" if status in (204, 205, 304) else b"body of %d" % status
        return wire.response(status, [("Content-Type", "text/x-mine"), ("X-Kept", "yes")], body)

    return module_world.proxy(answer)[0]


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_passes_unchanged_with_its_body(statuses, status):
    client = statuses.connect()
    for _ in range(2):  # and the connection goes on
        answer = client.get(f"/status/{status}")
        assert answer.status == status
        assert answer.body == (b"" if status in (204, 205, 304) else b"body of %d" % status)
        assert answer.headers.one("x-kept") == "yes" and answer.headers.one("content-type") == "text/x-mine"


def test_sized_response_keeps_its_length(world):
    gw, _ = world.proxy(lambda r, c: wire.response(body=b"12345"))
    answer = gw.connect().get("/")
    assert (answer.headers.one("content-length"), answer.body) == ("5", b"12345")


def test_chunked_response_arrives_whole(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")])
        + wire.chunked(b"a" * 70000, b"\r\n0\r\n\r\n", b"end")
    )
    client = gw.connect()
    for _ in range(2):
        assert client.get("/").body == b"a" * 70000 + b"\r\n0\r\n\r\nend"


def test_response_trailers_reach_a_client_that_takes_them(world):
    body = wire.chunked(b"abc", trailers=[("X-Sum", "900150"), ("Grpc-Status", "0")])
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum, Grpc-Status")])
        + body
    )
    answer = gw.connect().get("/", [("TE", "trailers")])
    assert (answer.trailers.one("x-sum"), answer.trailers.one("grpc-status")) == ("900150", "0")


def test_te_trailers_tells_the_upstream_that_trailers_are_welcome(world):
    gw, up = world.proxy()
    gw.connect().get("/", [("TE", "trailers"), ("Connection", "TE")])
    assert up.last().headers.tokens("te") in ([], ["trailers"])


def test_empty_chunked_response_is_empty(world):
    gw, _ = world.proxy(lambda r, c: wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n")
    client = gw.connect()
    assert client.get("/").body == b"" and client.get("/").status == 200


def test_head_answers_without_body_and_with_the_length(world):
    gw, _ = world.proxy(lambda r, c: wire.head("HTTP/1.1 200 OK", [("Content-Length", "1234")]))
    client = gw.connect()
    for _ in range(2):
        answer = client.request("HEAD", "/")
        assert answer.status == 200 and answer.headers.one("content-length") == "1234"


def test_head_of_a_chunked_resource_has_no_body(world):
    gw, _ = world.proxy(lambda r, c: wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
    client = gw.connect()
    for _ in range(2):
        assert client.request("HEAD", "/").status == 200


def test_304_may_carry_a_content_length_and_has_no_body(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 304 Not Modified", [("Content-Length", "1000"), ("ETag", '"1"')])
    )
    client = gw.connect()
    for _ in range(2):
        assert client.get("/").status == 304


def test_204_goes_out_without_framing_fields(world):
    gw, _ = world.proxy(lambda r, c: wire.head("HTTP/1.1 204 No Content", [("X-A", "1")]))
    client = gw.connect()
    for _ in range(2):
        answer = client.get("/")
        assert (
            answer.status == 204
            and "content-length" not in answer.headers
            and "transfer-encoding" not in answer.headers
        )


def test_response_that_ends_with_the_upstreams_connection_arrives_whole(world):
    def until_close(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 100000)
        connection.close()

    gw, up = world.proxy(until_close)
    client = gw.connect()
    for _ in range(2):
        answer = client.get("/")
        assert answer.status == 200 and answer.body == b"x" * 100000


def test_http_1_0_upstream_is_answered_on_in_http_1_1(world):
    def old(request, connection):
        connection.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold style")
        connection.close()

    gw, _ = world.proxy(old)
    answer = gw.connect().get("/")
    assert (answer.version, answer.body) == ("HTTP/1.1", b"old style")


def test_http_1_0_upstream_connection_is_not_reused_unless_it_says_keep_alive(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=b"ok", version="HTTP/1.0"))
    assert [gw.get("/").status for _ in range(3)] == [200] * 3
    assert len({r.connection.index for r in up.requests}) == 3


def test_early_hints_reach_the_client_before_the_answer(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a.css>; rel=preload")]) * 2
        + wire.response(body=b"ok")
    )
    client = gw.connect()
    answer = client.get("/")
    assert (answer.status, answer.body) == (200, b"ok")
    assert [i.status for i in answer.informational] == [103, 103]
    assert answer.informational[0].headers.one("link") == "</a.css>; rel=preload"
    assert client.get("/").status == 200


def test_early_hints_arrive_while_the_answer_is_not_there_yet(world):
    from support.upstream import Gate

    gate = Gate()

    def hint_then_wait(request, connection):
        connection.send(wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a.css>")]))
        gate.hold()
        return wire.response(body=b"ok")

    gw, _ = world.proxy(hint_then_wait)
    client = gw.connect().send(wire.request("GET", "/"))
    assert client.read_head(keep_informational=True).status == 103
    gate.open()
    assert client.read_response().body == b"ok"


def test_http_1_0_clients_get_no_informational_answers(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 103 Early Hints")
        + wire.head("HTTP/1.1 100 Continue")
        + wire.response(body=b"ok")
    )
    answer = gw.connect().get("/", version="HTTP/1.0")
    assert answer.status == 200 and answer.informational == []


def test_100_and_102_nobody_asked_for_do_not_end_the_answer(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 100 Continue")
        + wire.head("HTTP/1.1 102 Processing")
        + wire.response(body=b"ok")
    )
    client = gw.connect()
    for _ in range(2):
        answer = client.get("/")
        assert (answer.status, answer.body) == (200, b"ok")


def test_http_1_0_client_gets_a_chunked_answer_without_chunks(world):
    gw, _ = world.proxy(
        lambda r, c: wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunked(b"one", b"two")
    )
    client = gw.connect()
    answer = client.get("/", version="HTTP/1.0")
    assert "transfer-encoding" not in answer.headers and answer.body == b"onetwo"


def test_http_1_0_client_is_served_without_host(world):
    gw, _ = world.proxy()
    client = gw.connect().send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.read_response().status == 200
    client.assert_closed()


def test_http_1_0_client_may_keep_its_connection(world):
    gw, _ = world.proxy()
    client = gw.connect()
    for _ in range(2):
        answer = client.get("/", [("Connection", "keep-alive")], version="HTTP/1.0")
        assert answer.status == 200 and "keep-alive" in answer.headers.tokens("connection")


@pytest.mark.parametrize(
    "name, value", [("Keep-Alive", "timeout=5"), ("Proxy-Connection", "close"), ("Upgrade", "h2c"), ("X-Private", "1")]
)
def test_hop_by_hop_fields_of_the_upstream_stay_on_their_hop(world, name, value):
    gw, _ = world.proxy(
        lambda r, c: wire.response(200, [("Connection", "X-Private, keep-alive"), (name, value)], b"ok")
    )
    answer = gw.connect().get("/")
    assert name not in answer.headers and "x-private" not in answer.headers.tokens("connection")


def test_connection_close_of_the_upstream_does_not_close_the_client(world):
    def closing(request, connection):
        connection.send(wire.response(200, [("Connection", "close")], b"ok"))
        connection.close()

    gw, up = world.proxy(closing)
    client = gw.connect()
    for _ in range(3):
        answer = client.get("/")
        assert answer.body == b"ok" and "close" not in answer.headers.tokens("connection")
    assert len(up.connections) == 3


def test_end_to_end_fields_of_the_upstream_pass_unchanged(world):
    sent = [
        ("Content-Type", "application/x-mine"),
        ("Set-Cookie", "a=1; Path=/; HttpOnly"),
        ("Set-Cookie", "b=2; Expires=Thu, 01 Jan 2030 00:00:00 GMT"),
        ("Set-Cookie", "c="),
        ("ETag", '"x"'),
        ("Cache-Control", "no-store"),
        ("Vary", "Cookie"),
        ("Server", "mine/1"),
        ("X-Latin", "caf\xe9"),
        ("X-Empty", ""),
        ("WWW-Authenticate", "Basic realm=x"),
        ("Content-Disposition", 'a; f="b"'),
    ]
    gw, _ = world.proxy(lambda r, c: wire.response(200, sent, b"ok"))
    got = [(n.lower(), v) for n, v in gw.connect().get("/").headers]
    assert [f for f in got if f in [(n.lower(), v) for n, v in sent]] == [(n.lower(), v) for n, v in sent]
    assert len([f for f in got if f[0] == "set-cookie"]) == 3 and len([f for f in got if f[0] == "server"]) == 1


def test_an_upstreams_date_is_kept_and_a_missing_one_added(world):
    dated = "Mon, 01 Jan 2024 00:00:00 GMT"
    gw, _ = world.proxy(lambda r, c: wire.response(200, [("Date", dated)] if r.path == "/dated" else [], b"ok"))
    assert gw.get("/dated").headers.one("date") == dated
    added = email.utils.parsedate_to_datetime(gw.get("/undated").headers.one("date"))
    assert abs(added.timestamp() - time.time()) < 3


def test_content_codings_pass_untouched(world):
    packed = gzip.compress(b"text " * 1000)
    gw, up = world.proxy(lambda r, c: wire.response(200, [("Content-Encoding", "gzip")], packed))
    answer = gw.get("/", [("Accept-Encoding", "gzip")])
    assert answer.body == packed and answer.headers.one("content-encoding") == "gzip"
    assert up.last().headers.one("accept-encoding") == "gzip"


def test_response_set_and_remove_edit_the_fields_of_the_response(world):
    gw, _ = world.proxy(
        lambda r, c: wire.response(
            200,
            [("X-Powered-By", "php"), ("x-powered-by", "more"), ("Cache-Control", "no-store"), ("X-Kept", "k")],
            b"ok",
        ),
        route={"response": {"set": {"Cache-Control": "max-age=60", "X-Added": "yes"}, "remove": ["X-Powered-By"]}},
    )
    headers = gw.get("/").headers
    assert (
        headers.one("cache-control") == "max-age=60"
        and headers.one("x-added") == "yes"
        and headers.one("x-kept") == "k"
    )
    assert "x-powered-by" not in headers


def test_a_header_of_8_kilobytes_passes_both_ways(world):
    gw, up = world.proxy(lambda r, c: wire.response(200, [("X-Big", "r" * 8000)], b"ok"))
    answer = gw.connect().get("/", [("Cookie", "c" * 8000)])
    assert answer.headers.one("x-big") == "r" * 8000 and up.last().headers.one("cookie") == "c" * 8000


def test_a_response_that_arrives_byte_by_byte_is_read_as_one(world):
    def dribble(request, connection):
        head = wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("X-A", "b")])
        for byte in head + wire.chunked(b"abc", b"defg", trailers=[("X-T", "1")]):
            connection.send(bytes([byte]))

    gw, _ = world.proxy(dribble)
    client = gw.connect()
    for _ in range(2):
        assert client.get("/").body == b"abcdefg"


def test_an_answer_given_before_the_body_was_read_reaches_the_client(world):
    def early(request, connection):
        connection.send(wire.response(403, [("Connection", "close")], b"no"))
        connection.close()

    gw, _ = world.proxy(early, read_body=False, server={"limits": {"body_bytes": "64MiB"}})
    client = gw.connect()
    client.try_send(wire.request("POST", "/", body=b"x" * 200000))
    answer = client.read_response()
    assert answer.status in (403, 502)  # the upstream's reset may have overtaken its answer


def test_an_early_answer_to_an_unfinished_upload_reaches_the_client(world):
    gw, up = world.proxy(
        lambda r, c: wire.response(401, [], b"who are you"), read_body=False, server={"limits": {"body_bytes": "64MiB"}}
    )
    client = gw.connect()
    client.send(wire.request("POST", "/", [("Content-Length", "1000000")]) + b"x" * 1000)
    answer = client.read_response()
    assert (answer.status, answer.body) == (401, b"who are you")
