"""proxy-fetch for clients of HTTP/2: what an HTTP/1.1 upstream gets, and what comes of its answers (SPEC section 5;
RFC 9113 section 8)."""
import pytest

from support import wire
from support.http2 import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Code, frame, proxy, pseudo
from support.upstream import Gate

MIB = 1 << 20
OPEN_LIMITS = {"limits": {"body_bytes": "1GiB"}}


def echo(request, connection):
    return wire.response(body=request.body)


# What the upstream gets


def test_the_upstream_gets_a_clean_http_1_1_request(world):
    gw, up = proxy(world)
    assert gw.http2().get("/a/b?c=%20d&e", [("accept", "*/*")], authority="shop.example:8080").status == 200
    got = up.last()
    assert (got.method, got.target, got.version) == ("GET", "/a/b?c=%20d&e", "HTTP/1.1")
    assert got.headers.one("host") == up.authority
    assert got.headers.one("via") == "2.0 viewgate"
    assert got.headers.one("x-forwarded-for") == "127.0.0.1"
    assert got.headers.one("x-forwarded-host") == "shop.example:8080"
    assert got.headers.one("x-forwarded-proto") == "http"
    assert got.headers.one("x-request-id") and got.headers.one("accept") == "*/*"
    assert not [n for n, _ in got.headers if n.startswith(":")]
    assert "content-length" not in got.headers and "transfer-encoding" not in got.headers


def test_preserve_host_keeps_the_authority(world):
    gw, up = proxy(world, route={"preserve_host": True})
    assert gw.http2().get("/", authority="shop.example:8080").status == 200
    assert up.last().headers.one("host") == "shop.example:8080"


@pytest.mark.parametrize("host", [[], [("host", "gateway.test")]])
def test_host_may_stand_beside_or_instead_of_authority(world, host):
    gw, up = proxy(world, route={"preserve_host": True})
    raw = gw.frames()
    fields = [f for f in pseudo(path="/x") if not host or f[0] != ":authority"]
    raw.send(raw.headers(1, [*pseudo(path="/both"), ("host", "gateway.test")]), raw.headers(3, [*fields, *host]))
    assert {raw.outcome(1), raw.outcome(3)} == {("status", 200)}
    assert [r.headers.one("host") for r in up.requests] == ["gateway.test"] * 2


def test_the_scheme_that_a_client_claims_is_not_believed(world):
    gw, up = proxy(world)
    answer = gw.http2().get("/", scheme="https")
    assert answer.status in (200, 400) and not [r for r in up.requests if r.headers.one("x-forwarded-proto") != "http"]


def test_crumbs_of_a_cookie_are_joined(world):
    gw, up = proxy(world)
    gw.http2().get("/", [("cookie", "a=1"), ("x-between", "b"), ("cookie", "b=2; c=3"), ("cookie", "d=4")])
    assert up.last().headers.one("cookie") == "a=1; b=2; c=3; d=4"


def test_end_to_end_fields_pass_unchanged_and_in_order(world):
    gw, up = proxy(world)
    sent = [
        ("accept", "a/b;q=0.5, */*"), ("authorization", "Bearer x.y.z"), ("x-twice", "first"), ("x-twice", "second"),
        ("if-none-match", 'W/"1"'), ("x-latin", "caf\xe9"), ("x-empty", ""), ("x-tab", "a\tb"), ("x-big", "b" * 8000),
        ("user-agent", "tester/1"), ("x_underscore", "u"),
    ]
    assert gw.http2().get("/", sent).status == 200
    got = [(n.lower(), v) for n, v in up.last().headers]
    assert [f for f in got if f in sent] == sent


def test_te_trailers_is_taken(world):
    gw, up = proxy(world)
    assert gw.http2().get("/", [("te", "trailers")]).status == 200
    assert set(up.last().headers.tokens("te")) <= {"trailers"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "X-ODD"])
@pytest.mark.parametrize("sized", [True, False])
def test_a_body_keeps_its_framing(world, method, sized):
    gw, up = proxy(world)
    content = b"hello\0\r\n\r\n0\r\n\r\n"
    session = gw.http2()
    headers = [("content-length", len(content))] if sized else []
    number = session.request(method, "/", headers, content[:5], end=False)
    up.wait_requests(1)
    session.send(number, content[5:], end=True)
    assert session.response(number).status == 200
    got = up.last()
    assert (got.method, got.body) == (method, content)
    assert got.headers.all("content-length") == ([str(len(content))] if sized else [])
    assert got.headers.tokens("transfer-encoding") == ([] if sized else ["chunked"])


def test_a_body_that_comes_with_its_head_arrives_whole(world):
    """It may get the length that the client did not say."""
    gw, up = proxy(world)
    raw = gw.frames()
    raw.send(raw.post(1), frame(DATA, 1, b"hello"), frame(DATA, 1, b"world", END_STREAM))
    assert raw.outcome(1) == ("status", 200)
    assert up.last().body == b"helloworld" and up.last().headers.all("content-length") in ([], ["10"])


def test_an_empty_body_arrives_as_an_empty_body(world):
    gw, up = proxy(world)
    session = gw.http2()
    assert session.fetch("POST", "/none").status == 200
    assert session.fetch("POST", "/empty", body=b"").status == 200
    assert session.fetch("POST", "/sized", [("content-length", "0")], b"").status == 200
    assert [(r.body, r.complete) for r in up.requests] == [(b"", True)] * 3


def test_trailers_pass_both_ways(world):
    def answer(request, connection):
        return wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]) + wire.chunked(
            b"abc", trailers=[("X-Sum", "900150"), ("X-More", "m")]
        )

    gw, up = proxy(world, answer)
    found = gw.http2().fetch("POST", "/", [("te", "trailers")], b"in", trailers=[("x-in", "1"), ("x-in-2", "2")])
    got = up.last()
    assert got.body == b"in" and (got.trailers.one("x-in"), got.trailers.one("x-in-2")) == ("1", "2")
    assert found.ended and found.body == b"abc"
    assert found.trailers == [("x-sum", "900150"), ("x-more", "m")]


@pytest.mark.parametrize("content", [b"", b"content"])
@pytest.mark.parametrize("at_once", [True, False])
def test_trailers_reach_the_upstream_however_they_arrive(world, content, at_once):
    gw, up = proxy(world)
    raw = gw.frames()
    head, rest = raw.post(1), (frame(DATA, 1, content) if content else b"") + raw.headers(1, [("x-in", "1")])
    raw.send(head + rest if at_once else head)
    if not at_once:
        up.wait_requests(1)
        raw.send(rest)
    assert raw.outcome(1) == ("status", 200)
    assert up.last().body == content and up.last().trailers.one("x-in") == "1"


def test_padding_is_no_content_and_costs_no_window_for_ever(world):
    gw, up = proxy(world)
    session = gw.http2()
    number = session.request("POST", "/", end=False)
    for _ in range(1500):  # 384 KB of the windows
        session.wait(lambda: session.h2.local_flow_control_window(number) > 300, "room for a padded frame")
        session.h2.send_data(number, b"x", pad_length=255)
        session.flush()
    session.send(number, b"", end=True)
    assert session.response(number).status == 200 and up.last().body == b"x" * 1500


def test_a_header_block_of_many_frames_is_one(world):
    gw, up = proxy(world)
    raw = gw.frames()
    block = raw.block([*pseudo(path="/whole"), ("x-big", "v" * 3000)])
    parts = [block[i : i + 1000] for i in range(0, len(block), 1000)]
    flags = [0] * (len(parts) - 2) + [END_HEADERS]
    raw.send(frame(HEADERS, 1, parts[0], 1), *(frame(CONTINUATION, 1, p, f) for p, f in zip(parts[1:], flags)))
    assert raw.outcome(1) == ("status", 200)
    assert up.last().headers.one("x-big") == "v" * 3000


def test_headers_up_to_the_limit_pass_in_as_many_frames_as_it_takes(world):
    gw, up = proxy(world, server={"limits": {"header_bytes": "256KiB"}})
    fields = [(f"x-{i}", "Z" * 8000) for i in range(25)]  # 13 frames
    assert gw.http2().get("/", fields).status == 200
    assert [(n.lower(), v) for n, v in up.last().headers if v[:1] == "Z"] == fields


# What comes of its answers


def test_connection_specific_fields_end_at_the_gateway(world):
    fields = [
        ("Connection", "X-Hop, keep-alive"), ("X-Hop", "h"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"),
        ("X-Kept", "k"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Transfer-Encoding", "chunked"),
    ]
    gw, _ = proxy(world, lambda r, c: wire.head("HTTP/1.1 200 OK", fields) + wire.chunked(b"abc"))
    answer = gw.http2().get("/")  # the client's library refuses most of them, too
    names = {n for n, _ in answer.headers}
    assert not names & {"connection", "x-hop", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
    assert answer.headers.one("x-kept") == "k" and answer.headers.all("set-cookie") == ["a=1", "b=2"]
    assert all(n == n.lower() for n in names) and answer.body == b"abc" and answer.headers.one("date")


@pytest.mark.parametrize("status", [200, 201, 206, 301, 304, 400, 404, 418, 500, 503, 599])
def test_every_status_passes(world, status):
    body = b"" if status == 304 else b"content"
    gw, _ = proxy(world, lambda r, c: wire.response(status, [("X-A", "b")], body))
    answer = gw.http2().get("/")
    assert (answer.status, answer.body, answer.headers.one("x-a"), answer.ended) == (status, body, "b", True)


@pytest.mark.parametrize("framing", ["sized", "chunked", "until close"])
def test_any_framing_of_the_upstream_arrives_whole(world, framing):
    kind = {"sized": [("Content-Length", MIB)], "chunked": [("Transfer-Encoding", "chunked")], "until close": []}[framing]

    def answer(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", kind))
        connection.send(wire.chunked(b"x" * MIB) if framing == "chunked" else b"x" * MIB)
        if framing == "until close":
            connection.close()

    gw, _ = proxy(world, answer)
    session = gw.http2()
    for _ in range(2):
        found = session.get("/")
        assert found.ended and found.body == b"x" * MIB
        assert found.headers.all("content-length") == ([str(MIB)] if framing == "sized" else [])


def test_head_passes_with_its_length(world):
    gw, up = proxy(world, lambda r, c: wire.head("HTTP/1.1 200 OK", [("Content-Length", 1234)]))
    answer = gw.http2().fetch("HEAD", "/")
    assert (answer.status, answer.body, answer.headers.one("content-length")) == (200, b"", "1234")
    assert up.last().method == "HEAD"


@pytest.mark.parametrize("sized", [True, False])
def test_an_answer_that_breaks_off_is_reset_and_never_complete(world, sized):
    def broken(request, connection):
        if request.path == "/":
            head = [("Content-Length", 1000)] if sized else [("Transfer-Encoding", "chunked")]
            connection.send(wire.head("HTTP/1.1 200 OK", head) + (b"only this" if sized else wire.chunk(b"only this")))
            connection.close()
            return None
        return wire.response(body=b"whole")

    session = proxy(world, broken)[0].http2()
    answer = session.get("/")
    assert answer.status in (200, None) and not answer.ended and answer.reset not in (None, Code.NO_ERROR)
    assert session.get("/again").body == b"whole" and session.goaways == []


def test_an_upstream_that_answers_nothing_is_502(world):
    session = proxy(world, lambda r, c: c.close())[0].http2()
    answer = session.get("/")
    assert (answer.status, answer.ended) == (502, True) and session.goaways == []


def test_an_early_answer_to_an_unfinished_upload(world):
    gw, up = proxy(world, lambda r, c: wire.response(401, [], b"who are you"), read_body=False, server=OPEN_LIMITS)
    session = gw.http2()
    number = session.request("POST", "/", [("content-length", 10 * MIB)], b"x" * 1000, end=False)
    answer = session.response(number)
    assert (answer.status, answer.body) == (401, b"who are you")
    assert session.wait(lambda: answer.reset is not None or not session.send(number, b"x" * 1000), "an end of the upload")
    assert session.get("/again").status == 401 and session.goaways == []


# 1xx


def test_early_hints_arrive_while_the_answer_is_not_there_yet(world):
    gate = Gate()

    def hint_then_wait(request, connection):
        connection.send(wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a.css>")]))
        gate.hold()
        return wire.response(body=b"ok")

    session = proxy(world, hint_then_wait)[0].http2()
    number = session.request("GET", "/")
    stream = session.streams[number]
    assert session.wait(lambda: stream.informational, "a 103")
    gate.open()
    assert session.response(number).body == b"ok"
    assert [(status, fields.one("link")) for status, fields in stream.informational] == [(103, "</a.css>")]


def test_a_client_that_waits_for_100_gets_it(world):
    gw, up = proxy(world, echo)
    session = gw.http2()
    for framing in ([("content-length", "4")], []):
        number = session.request("POST", "/", [("expect", "100-continue"), *framing], end=False)
        stream = session.streams[number]
        assert session.wait(lambda: stream.informational, "a 100")
        session.send(number, b"body", end=True)
        assert session.response(number).body == b"body"
        assert [status for status, _ in stream.informational] == [100]


def test_a_refusal_reaches_a_client_that_waits_for_100(world):
    gw, _ = proxy(world, lambda r, c: wire.response(403, [], b"no"), read_body=False)
    session = gw.http2()
    number = session.request("POST", "/", [("expect", "100-continue"), ("content-length", "1000")], end=False)
    answer = session.response(number)
    assert (answer.status, answer.body) == (403, b"no")
