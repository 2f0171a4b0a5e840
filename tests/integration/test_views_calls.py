"""What calls made by views send, and the settings of a call (SPEC section 4)."""
import gzip
import re

import pytest

from support import wire
from support.rest import (
    body_of, client_json, degraded, json_of, needs_views, problem, query, raw, reply, single, start, status
)

pytestmark = needs_views()

SENT = {
    "host", "accept", "accept-encoding", "user-agent", "traceparent", "x-request-id", "x-forwarded-for",
    "x-forwarded-proto", "x-forwarded-host", "x-request-deadline-ms",
}  # fmt: skip
CLIENT = [
    ("Authorization", "Bearer t"),
    ("Cookie", "sid=1; other=2"),
    ("Accept", "text/html"),
    ("Accept-Language", "de"),
    ("Accept-Encoding", "br"),
    ("User-Agent", "curl/8"),
    ("Referer", "http://a/b"),
    ("Origin", "http://a"),
    ("If-None-Match", '"x"'),
    ("If-Modified-Since", "Thu, 01 Jan 2015 00:00:00 GMT"),
    ("Range", "bytes=0-1"),
    ("Cache-Control", "no-cache"),
    ("X-Custom", "1"),
    ("X-Forwarded-For", "6.6.6.6"),
    ("Forwarded", "for=6.6.6.6"),
    ("TE", "trailers"),
]


def detail(source="up/x", **more):
    return {"path": "/r", "view": "detail", "source": source, **more}


def aggregate(**include):
    return {"path": "/r", "view": "aggregate", "include": include}


# What calls send


def test_a_call_sends_what_the_contract_names_and_nothing_else_of_the_client(world):
    gw, up = single(world, detail(), {"GET /x": {}})
    answer = gw.get("/r", CLIENT, host="shop.example:80")
    headers = up.last().headers
    names = [n.lower() for n, _ in headers]
    assert len(names) == len(set(names))
    assert set(names) - {"connection"} == SENT
    assert headers.one("host") == up.authority
    assert headers.one("accept") == "application/json"
    assert re.fullmatch(r"viewgate/\d+\.\d+\S*", headers.one("user-agent"))
    assert headers.one("x-request-id") == answer.headers.one("x-request-id")
    assert headers.one("x-forwarded-for") == "127.0.0.1"
    assert headers.one("x-forwarded-proto") == "http"
    assert headers.one("x-forwarded-host") == "shop.example:80"


def test_traceparent_is_begun(world):
    gw, up = single(world, aggregate(a="up/a", b="up/b"), {"GET /a": 1, "GET /b": 2})
    gw.get("/r")
    found = [re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]", r.headers.one("traceparent")) for r in up.requests]
    assert all(found)
    assert found[0][1] == found[1][1] and set(found[0][1]) != {"0"}


def test_traceparent_of_the_client_is_continued(world):
    gw, up = single(world, detail(), {"GET /x": {}})
    gw.get("/r", [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")])
    assert up.last().headers.one("traceparent").startswith("00-0af7651916cd43dd8448eb211c80319c-")
    for bad in (
        "00-" + "0" * 32 + "-b7ad6b7169203331-01", "junk", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    ):
        gw.get("/r", [("traceparent", bad)])
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", up.last().headers.one("traceparent"))
        assert up.last().headers.one("traceparent") != bad


def test_forward_headers_and_cookies_of_the_upstream(world):
    settings = {"forward_headers": ["authorization", "accept-language"], "forward_cookies": ["sid"]}
    gw, up = single(world, detail(), {"GET /x": {}}, settings)
    gw.get("/r", CLIENT)
    headers = up.last().headers
    assert {n.lower() for n, _ in headers} - {"connection"} == SENT | {"authorization", "accept-language", "cookie"}
    assert headers.one("authorization") == "Bearer t"
    assert headers.one("cookie") == "sid=1"
    gw.get("/r")
    assert {n.lower() for n, _ in up.last().headers} - {"connection"} == SENT


def test_forward_headers_and_cookies_of_one_call(world):
    route = aggregate(
        a={"call": "up/a", "forward_headers": ["X-Custom"], "forward_cookies": ["other"]}, b={"call": "up/b"}
    )
    gw, up = single(world, route, {"GET /a": 1, "GET /b": 1})
    gw.get("/r", CLIENT)
    assert up.only("GET /a").headers.one("x-custom") == "1"
    assert up.only("GET /a").headers.one("cookie") == "other=2"
    assert "x-custom" not in up.only("GET /b").headers and "cookie" not in up.only("GET /b").headers


def test_headers_of_upstream_and_call(world):
    route = aggregate(
        a={"call": "up/a", "headers": {"X-Tenant": "{header.x-tenant}", "Accept": "application/vnd.a+json"}}
    )
    gw, up = single(world, route, {"GET /a": 1}, {"headers": {"X-Api-Key": "k", "X-Tenant": "weaker"}})
    gw.get("/r", [("X-Tenant", "acme")])
    headers = up.last().headers
    assert headers.one("x-api-key") == "k"
    assert headers.one("x-tenant") == "acme"
    assert headers.one("accept") == "application/vnd.a+json"


def test_a_body_is_sent_as_json(world):
    gw, up = single(
        world, aggregate(a={"call": "POST up/a", "body": {"b": [1, {"c": None}], "d": "ü"}}), {"POST /a": 1}
    )
    gw.get("/r")
    seen = up.last()
    assert seen.headers.one("content-type").split(";")[0] == "application/json"
    assert body_of(seen) == {"b": [1, {"c": None}], "d": "ü"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_method_stands_before_the_upstream(world, method):
    gw, up = single(world, aggregate(a=f"{method} up/a", b="up/b"), {f"{method} /a": 1, "GET /b": 2})
    gw.get("/r")
    up.only(f"{method} /a")


@pytest.mark.parametrize(
    "base, call, target",
    [
        ("", "up/a/b", "/a/b"),
        ("", "up/a/b/", "/a/b/"),
        ("/api/v1", "up/a", "/api/v1/a"),
        ("/api/v1/", "up/a", "/api/v1/a"),
        ("/api", "up//a", "/api/a"),
        ("/api", "up/a?x=1&y", "/api/a?x=1&y"),
        ("/api", "up/", "/api/"),
    ],
)
def test_exactly_one_slash_joins_path_and_url(world, base, call, target):
    up = world.upstream(lambda r, c: wire.response(body=b"1"))
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1},
        "upstreams": {"up": {"url": up.url + base}},
        "routes": [aggregate(a=call)],
    }
    assert json_of(world.gateway(config).get("/r")) == {"a": 1}
    assert up.last().target == target


def test_the_queries_of_text_and_map_are_joined(world):
    route = aggregate(a={"call": "up/a?x=1", "query": {"status": "published", "page": "{query.page}", "n": 5}})
    gw, up = single(world, route, {"GET /a": 1})
    gw.get("/r?page=3")
    assert query(up.last()) == [("x", "1"), ("status", "published"), ("page", "3"), ("n", "5")]


def test_an_answer_in_a_coding_that_was_asked_for_is_decoded(world):
    def answer(request, connection):
        if "gzip" in request.headers.tokens("accept-encoding"):
            return raw(gzip.compress(b'{"a":1}'), headers=[("Content-Encoding", "gzip")])
        return {"a": 1}

    gw, _ = single(world, detail(), {"GET /x": answer})
    found = gw.get("/r")
    assert json_of(found) == {"a": 1} and "content-encoding" not in found.headers


def test_an_answer_in_a_coding_that_nobody_asked_for_is_a_failure(world):
    gw, _ = single(world, detail(), {"GET /x": raw(b"\x0b\x02\x80{}\x03", headers=[("Content-Encoding", "br")])})
    problem(gw.get("/r"), 502)


# Settings of a call


@pytest.mark.parametrize(
    "select, expected",
    [("data.items", [1, 2]), ("data.items.1", 2), ("/data/items/0", 1), ("/data/a~1b/c~0d", 5), ("data", None)]
    + [("with dot", 6), ("/with.dot", 7), ("/", 8), ("null", None)],
)
def test_select_takes_a_part_of_the_answer(world, select, expected):
    data = {"items": [1, 2], "a/b": {"c~d": 5}}
    gw, _ = single(
        world,
        aggregate(a={"call": "up/a", "select": select}, b="up/b"),
        {"GET /a": {"data": data, "with dot": 6, "with.dot": 7, "": 8, "null": None}, "GET /b": 1},
    )
    answer = gw.get("/r")
    assert json_of(answer)["a"] == (data if select == "data" else expected)
    assert degraded(answer) == {}


@pytest.mark.parametrize(
    "select", ["none", "data.none", "data.items.2", "data.items.x", "data.items.-1", "data.items.01"]
)
def test_a_select_that_finds_nothing_fails_the_call(world, select):
    gw, _ = single(
        world, aggregate(a={"call": "up/a", "select": select}, b="up/b"), {
            "GET /a": {"data": {"items": [1, 2]}}, "GET /b": 1
        }
    )
    answer = gw.get("/r")
    assert json_of(answer) == {"b": 1} and degraded(answer) == {"a": "select"}


def test_select_on_the_main_call(world):
    gw, _ = single(world, detail({"call": "up/x", "select": "data"}), {"GET /x": {"data": {"id": 1}, "meta": 2}})
    assert json_of(gw.get("/r")) == {"id": 1}
    gw, _ = single(world, detail({"call": "up/x", "select": "data"}), {"GET /x": {"meta": 2}})
    problem(gw.get("/r"), 502)


@pytest.mark.parametrize("extra, expected", [(0, {"a": "fits", "b": 1}), (1, {"b": 1})], ids=["at the limit", "beyond"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_max_bytes(world, extra, expected, framing):
    body = b'"fits"' + b" " * (94 + extra)

    def answer(request, connection):
        if framing == "length":
            return raw(body)
        connection.send(
            wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunked(body[:50], body[50:])
        )

    gw, _ = single(world, aggregate(a={"call": "up/a", "max_bytes": "100B"}, b="up/b"), {"GET /a": answer, "GET /b": 1})
    found = gw.get("/r")
    assert json_of(found) == expected
    assert degraded(found) == ({} if "a" in expected else {"a": "too_large"})


def test_an_endless_answer_is_given_up_at_max_bytes(world):
    gone = []

    def endless(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        try:
            while True:
                connection.send(wire.chunk(b'"' + b"x" * 8190))
        except OSError:
            gone.append(True)
            raise ConnectionResetError from None

    gw, up = single(
        world, aggregate(a={"call": "up/a", "max_bytes": "64KiB"}, b="up/b"), {"GET /a": endless, "GET /b": 1}
    )
    assert degraded(gw.get("/r")) == {"a": "too_large"}
    up.wait_idle()
    assert gone


def test_the_default_of_max_bytes_is_4_mib(world):
    text = "x" * (4 * 1024 * 1024)
    table = {"GET /a": reply(text), "GET /b": reply(text[:-2])}
    gw, _ = single(world, aggregate(a="up/a", b="up/b"), table)
    answer = gw.get("/r")
    assert list(json_of(answer)) == ["b"] and degraded(answer) == {"a": "too_large"}


@pytest.mark.parametrize(
    "value, runs",
    [("x", True), (0, True), (True, True), ([0], True), ({"a": None}, True)]
    + [("", False), (False, False), ([], False), ({}, False), (None, False)],
)
def test_when_skips_a_call_by_a_value(world, value, runs):
    route = detail(include={"it": {"call": "up/it", "when": "{object.v}"}})
    gw, up = single(world, route, {"GET /x": {"v": value}, "GET /it": 1})
    answer = gw.get("/r")
    assert json_of(answer) == ({"v": value, "it": 1} if runs else {"v": value})
    assert degraded(answer) == {}
    assert ("GET /it" in up.lines) is runs


@pytest.mark.parametrize(
    "when, target, runs",
    [
        ("{query.expand}", "/r?expand=1", True),
        ("{query.expand}", "/r", False),
        ("{query.expand}", "/r?expand=", False),
        ("{query.expand}", "/r?expand=false", False),
        ("{query.expand}", "/r?expand=0", True),
        ("{query.expand:bool}", "/r?expand=true", True),
        ("{query.expand:bool}", "/r?expand=false", False),
        ("{query.expand|yes}", "/r", True),
    ],
)
def test_when_skips_a_call_by_the_request(world, when, target, runs):
    gw, up = single(world, detail(include={"it": {"call": "up/it", "when": when}}), {"GET /x": {}, "GET /it": 1})
    answer = gw.get(target)
    assert json_of(answer) == ({"it": 1} if runs else {}) and degraded(answer) == {}


def test_a_skipped_call_that_is_required_fails_nothing(world):
    route = detail(include={"it": {"call": "up/it", "when": "{query.expand}", "required": True}})
    gw, _ = single(world, route, {"GET /x": {"a": 1}})
    assert json_of(gw.get("/r")) == {"a": 1}


def test_calls_go_to_the_upstream_that_they_name(world):
    route = {"path": "/r/{id:int}", "view": "detail", "source": "a/x/{id}", "include": {"y": "b/y/{id}"}}
    gw, apis = start(world, route, a={"GET /x/3": {"id": 3}}, b={"GET /y/3": [1]})
    assert json_of(gw.get("/r/3")) == {"id": 3, "y": [1]}
    assert (apis.a.lines, apis.b.lines) == (["GET /x/3"], ["GET /y/3"])


def test_unsafe_calls_are_not_repeated_after_an_answer(world):
    """The default of retry is one more attempt, for idempotent methods alone."""
    route = {"path": "/r", "view": "create", "source": "POST up/x"}
    gw, up = single(world, route, {"POST /x": status(503)}, {"retry": {"attempts": 2, "backoff": "1ms"}})
    problem(gw.fetch("POST", "/r", **client_json({})), 502)
    assert up.lines == ["POST /x"]
