"""What of a client's request reaches the upstream through proxy-fetch (SPEC section 5; RFC 9110, 9112)."""
import re

import pytest

from support import wire


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "X-ODD"])
def test_any_method_is_passed_on(world, method):
    gw, up = world.proxy()
    assert gw.fetch(method, "/thing").status == 200
    assert (up.last().method, up.last().target) == (method, "/thing")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS"])
def test_sized_body_reaches_the_upstream_with_its_length(world, method):
    gw, up = world.proxy()
    assert gw.fetch(method, "/", body=b"hello\0\r\n\r\nworld").status == 200
    assert up.last().body == b"hello\0\r\n\r\nworld"
    assert up.last().headers.one("content-length") == "15"


def test_chunked_body_reaches_the_upstream_whole(world):
    gw, up = world.proxy()
    answer = gw.fetch(
        "POST", "/", [("Transfer-Encoding", "chunked")], wire.chunked(b"one", b"two" * 1000, b"\r\n0\r\n\r\n")
    )
    assert answer.status == 200
    assert up.last().body == b"one" + b"two" * 1000 + b"\r\n0\r\n\r\n"


def test_chunk_extensions_are_accepted_and_not_passed_on(world):
    gw, up = world.proxy()
    body = b'3;a=b;c=d\r\none\r\n3;q="x;y\\" z"\r\ntwo\r\n0;last\r\n\r\n'
    assert gw.fetch("POST", "/", [("Transfer-Encoding", "chunked")], body).status == 200
    assert up.last().body == b"onetwo"


@pytest.mark.parametrize("coding", ["Chunked", "CHUNKED", " \tchunked \t"])
def test_chunked_is_known_in_any_case_and_between_blanks(world, coding):
    gw, up = world.proxy()
    assert gw.fetch("POST", "/", [("Transfer-Encoding", coding)], wire.chunked(b"abc")).status == 200
    assert up.last().body == b"abc"


def test_chunk_sizes_are_read_in_both_cases_of_hex(world):
    gw, up = world.proxy()
    body = b"A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n"
    assert gw.fetch("POST", "/", [("Transfer-Encoding", "chunked")], body).status == 200
    assert up.last().body == b"0123456789abcdefghij"


def test_request_trailers_reach_the_upstream(world):
    gw, up = world.proxy()
    gw.fetch(
        "POST",
        "/",
        [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")],
        wire.chunked(b"abc", trailers=[("X-Sum", "900150")]),
    )
    assert up.last().trailers.one("x-sum") == "900150"


@pytest.mark.parametrize(
    "name", ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "Content-Type", "Trailer", "Connection"]
)
def test_fields_that_may_not_be_trailers_are_not_passed_on_as_trailers(world, name):
    gw, up = world.proxy()
    client = gw.connect()
    client.send(
        wire.request(
            "POST",
            "/",
            [("Transfer-Encoding", "chunked")],
            wire.chunked(b"abc", trailers=[(name, "5"), ("X-Fine", "1")]),
        )
    )
    answer = client.read_response()
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert name not in up.last().trailers
        assert up.last().trailers.one("x-fine") == "1"


@pytest.mark.parametrize(
    "headers, body", [([("Content-Length", "0")], b""), ([("Transfer-Encoding", "chunked")], b"0\r\n\r\n")]
)
def test_empty_body_arrives_as_an_empty_body(world, headers, body):
    gw, up = world.proxy()
    assert gw.fetch("POST", "/", headers, body).status == 200
    assert (up.last().body, up.last().complete) == (b"", True)


def test_a_post_without_body_says_content_length_0_or_nothing(world):
    gw, up = world.proxy()
    assert gw.fetch("POST", "/").status == 200
    assert up.last().headers.get("content-length") in (None, "0")
    assert "transfer-encoding" not in up.last().headers


def test_get_without_body_has_no_framing_fields(world):
    gw, up = world.proxy()
    gw.get("/")
    assert "content-length" not in up.last().headers and "transfer-encoding" not in up.last().headers


@pytest.mark.parametrize(
    "query",
    [
        "a=1",
        "",
        "a=1&a=2&b",
        "q=%20%2F",
        "a=b=c&&;x",
        "next=http://x/?y=1",
        "q=a+b%2Bc",
        "?",
        "a=%C3%A9",
        "x=%2e%2e%2f",
        "'!()*,:@/~",
    ],
)
def test_query_goes_along_byte_for_byte(world, query):
    gw, up = world.proxy()
    assert gw.get(f"/path?{query}").status == 200
    assert up.last().target == f"/path?{query}"


def test_a_source_with_a_query_of_its_own_does_not_take_the_clients(world):
    gw, up = world.proxy(route={"path": "/find/{word}", "source": "up/search?q={word}&n=1"})
    assert gw.get("/find/tea?q=evil").status == 200
    assert up.last().target == "/search?q=tea&n=1"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a",
        "/a/",
        "/a/b/c",
        "/a//b",
        "/a%20b",
        "/a%2Fb/c",
        "/caf%C3%A9",
        "/a;v=1",
        "/~u",
        "/a:b@c",
        "/a+b",
        "/a%25b",
        "/a=1&b",
        "/'(!)*,",
    ],
)
def test_path_reaches_the_upstream_with_the_same_meaning(world, path):
    gw, up = world.proxy()
    assert gw.get(path).status == 200
    unescape = lambda p: re.sub(
        r"%([0-9A-Fa-f]{2})", lambda m: m[0].upper() if m[1].upper() in ("2F", "25") else chr(int(m[1], 16)), p
    )  # noqa: E731
    assert unescape(up.last().target) == unescape(path)


@pytest.mark.parametrize("value", ["a%3Fb", "a%23b", "a%0D%0AX-Evil:1", "a%20b", "a%26b", "%25zz", "a%5Cb"])
def test_no_path_parameter_breaks_out_of_its_segment(world, value):
    gw, up = world.proxy(route={"path": "/item/{id}", "source": "up/things/{id}/show"})
    assert gw.get(f"/item/{value}").status in (200, 400)
    for request in up.requests:
        assert re.fullmatch(r"/things/[^/?#]+/show", request.target), request.target
        assert "x-evil" not in request.headers


def test_an_encoded_slash_stays_inside_its_segment(world):
    gw, up = world.proxy(route={"path": "/item/{id}", "source": "up/things/{id}/show"})
    assert gw.get("/item/a%2Fb").status == 200
    assert up.last().target.upper() == "/THINGS/A%2FB/SHOW"


def test_exactly_one_slash_joins_the_upstreams_path_and_the_sources(world):
    up = world.upstream()
    for base in ("/api/v1", "/api/v1/"):
        gw = world.gateway(
            {
                "server": {"listen": "127.0.0.1:0", "workers": 1},
                "upstreams": {"up": {"url": up.url + base}},
                "routes": [{"name": "r", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}"}],
            }
        )
        assert gw.get("/x/y/").status == 200
        assert up.last().target == "/api/v1/x/y/"


@pytest.mark.parametrize(
    "name, value",
    [
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Upgrade", "example/2"),
        ("TE", "gzip"),
    ],
)
def test_hop_by_hop_fields_stay_on_their_hop(world, name, value):
    gw, up = world.proxy()
    gw.connect().request("GET", "/", [(name, value)])
    assert value not in up.last().headers.all(name)


def test_fields_nominated_by_connection_stay_on_their_hop(world):
    gw, up = world.proxy()
    gw.connect().request(
        "GET", "/", [("Connection", "X-Private, x-other"), ("X-Private", "1"), ("X-Other", "2"), ("X-Third", "3")]
    )
    headers = up.last().headers
    assert "x-private" not in headers and "x-other" not in headers
    assert headers.one("x-third") == "3"


@pytest.mark.parametrize(
    "name", ["Host", "Content-Length", "X-Forwarded-For", "X-Request-Id", "Via", "Transfer-Encoding"]
)
def test_connection_cannot_nominate_what_the_gateway_itself_must_send(world, name):
    gw, up = world.proxy()
    client = gw.connect()
    answer = client.request("POST", "/", [("Connection", f"keep-alive, {name}")], b"body")
    assert answer.status in (200, 400)
    for request in up.requests:
        assert request.body == b"body"
        assert "x-forwarded-for" in request.headers and "x-request-id" in request.headers and "host" in request.headers


def test_end_to_end_fields_pass_unchanged_and_in_order(world):
    gw, up = world.proxy()
    sent = [
        ("Accept", "a/b;q=0.5, */*"),
        ("Cookie", "a=1; b=2"),
        ("Authorization", "Bearer x.y.z"),
        ("X-Twice", "first"),
        ("X-Twice", "second"),
        ("Accept-Encoding", "br, gzip"),
        ("If-None-Match", 'W/"1"'),
        ("Range", "bytes=0-5"),
        ("X-Latin", "caf\xe9"),
        ("X-Empty", ""),
        ("Origin", "https://a.example"),
        ("User-Agent", "tester/1"),
        ("Referer", "https://b.example/x"),
    ]
    gw.connect().request("GET", "/", sent)
    got = [(n.lower(), v) for n, v in up.last().headers]
    assert [f for f in got if f in [(n.lower(), v) for n, v in sent]] == [(n.lower(), v) for n, v in sent]


def test_blanks_around_a_value_are_no_part_of_it(world):
    gw, up = world.proxy()
    client = gw.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A:  \t one two\t \r\nX-B:tight\r\n\r\n")
    assert client.read_response().status == 200
    assert (up.last().headers.one("x-a"), up.last().headers.one("x-b")) == ("one two", "tight")


def test_request_set_and_remove_edit_the_fields_of_the_request(world):
    gw, up = world.proxy(
        route={"request": {"set": {"X-Added": "yes", "User-Agent": "mine"}, "remove": ["Cookie", "x-secret"]}}
    )
    gw.get("/", [("Cookie", "sid=1"), ("X-Secret", "s"), ("x-secret", "t"), ("User-Agent", "theirs"), ("X-Kept", "k")])
    headers = up.last().headers
    assert headers.one("x-added") == "yes" and headers.one("user-agent") == "mine" and headers.one("x-kept") == "k"
    assert "cookie" not in headers and "x-secret" not in headers


def test_upstream_headers_are_set_on_every_call(world):
    gw, up = world.proxy(upstream={"headers": {"X-Api-Key": "k1"}})
    gw.get("/", [("X-Api-Key", "forged")])
    assert up.last().headers.one("x-api-key") == "k1"


def test_requests_go_to_the_upstream_in_http_1_1(world):
    gw, up = world.proxy()
    gw.get("/", version="HTTP/1.0")
    assert up.last().version == "HTTP/1.1"


def test_head_is_passed_on_as_head(world):
    gw, up = world.proxy()
    assert gw.fetch("HEAD", "/x").status == 200
    assert up.last().method == "HEAD"


def test_an_absolute_target_that_agrees_with_host_is_served_by_its_path(world):
    gw, up = world.proxy()
    assert gw.get("http://shop.example/a?b=1", host="shop.example").status == 200
    assert up.last().target == "/a?b=1"


def test_an_absolute_target_without_path_is_the_root(world):
    gw, up = world.proxy()
    assert gw.get("http://shop.example", host="shop.example").status == 200
    assert up.last().target == "/"


def test_empty_lines_before_a_request_are_skipped(world):
    gw, _ = world.proxy()
    client = gw.connect()
    client.send(b"\r\n\r\n" + wire.request("GET", "/"))
    assert client.read_response().status == 200
    client.send(b"\r\n" + wire.request("GET", "/"))
    assert client.read_response().status == 200


def test_a_request_that_arrives_byte_by_byte_is_read_as_one(world):
    gw, up = world.proxy()
    client = gw.connect()
    for byte in wire.request(
        "POST", "/slow?x=1", [("Transfer-Encoding", "chunked")], wire.chunked(b"abc", b"defg", trailers=[("X-T", "1")])
    ):
        client.send(bytes([byte]))
    assert client.read_response().status == 200
    assert (up.last().target, up.last().body) == ("/slow?x=1", b"abcdefg")


def test_ipv6_upstreams_and_listeners_work(world):
    up = world.upstream(host="::1")
    gw = world.gateway(
        {
            "server": {"listen": "[::1]:0", "workers": 1},
            "upstreams": {"up": {"url": up.url}},
            "routes": [{"name": "r", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}"}],
        }
    )
    assert gw.connect(host="::1").get("/six", host="[::1]:80").status == 200
    assert up.last().headers.one("host") == up.authority
    assert up.last().headers.one("x-forwarded-for") in ("::1", "[::1]")
