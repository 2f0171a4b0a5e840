"""When calls succeed and fail, and what a view makes of it (SPEC sections 4 and 7)."""
import json

import pytest

from support.rest import (
    Hang, chunked, close, degraded, empty, garbage, held, json_of, needs_views, problem, raw, reply, reset, single,
    start, status, truncated,
)
from support.upstream import Gate, refused_url

pytestmark = needs_views()

# How a call fails: answer, reason, status when it is a main or required call.
FAILURES = {
    "reset": (reset, "reset", 502),
    "close": (close, "reset", 502),
    "truncated": (truncated, "reset", 502),
    "redirect": (reply({}, 302, [("Location", "/elsewhere")]), "status_302", 502),
    "not modified": (empty(304), "status_304", 502),
    "500": (status(500), "status_500", 502),
    "502": (status(502), "status_502", 502),
    "503": (status(503), "status_503", 502),
    "504": (status(504), "status_504", 502),
    "not json": (raw(b"<html>"), "invalid_json", 502),
    "cut json": (raw(b'{"a":1'), "invalid_json", 502),
    "two texts": (raw(b"{}{}"), "invalid_json", 502),
    "not utf-8": (raw(b'"\xff"'), "invalid_json", 502),
    "only blanks": (raw(b"  \n"), "invalid_json", 502),
}
ANSWERS_4XX = (400, 401, 403, 404, 409, 410, 418, 422, 429)


def aggregate(**include):
    return {"path": "/r", "view": "aggregate", "include": include}


def main_route(**settings):
    return {"path": "/r", "view": "detail", "source": {"call": "up/it", **settings}}


# Success


@pytest.mark.parametrize("code", [200, 201, 202, 203, 206, 226, 299])
def test_any_2xx_is_a_success(world, code):
    gw, _ = single(world, aggregate(it="up/it"), {"GET /it": status(code, {"a": 1})})
    answer = gw.get("/r")
    assert json_of(answer) == {"it": {"a": 1}} and degraded(answer) == {}


@pytest.mark.parametrize(
    "answer", [empty(204), empty(205), empty(200), chunked()], ids=["204", "205", "200", "chunked"]
)
def test_an_empty_body_is_null(world, answer):
    gw, _ = single(world, aggregate(it="up/it", other="up/o"), {"GET /it": answer, "GET /o": 1})
    found = gw.get("/r")
    assert json_of(found) == {"it": None, "other": 1} and degraded(found) == {}


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/octet-stream", None])
def test_json_is_known_by_content_not_by_type(world, kind):
    headers = [("Content-Type", kind)] if kind else []
    gw, _ = single(world, aggregate(it="up/it"), {"GET /it": raw(b' {"a":1}\n', headers=headers)})
    assert json_of(gw.get("/r")) == {"it": {"a": 1}}


# Failure of an optional call


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_optional_call_is_left_out_and_named(world, name):
    answer, reason, _ = FAILURES[name]
    gw, _ = single(world, aggregate(it="up/it", other="up/o"), {"GET /it": answer, "GET /o": 1})
    found = gw.get("/r")
    assert json_of(found) == {"other": 1}
    assert found.headers.one("viewgate-degraded") == f"it;reason={reason}"


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_optional_call_yields_its_default(world, name):
    answer, reason, _ = FAILURES[name]
    default = {"items": [], "n": None}
    gw, _ = single(
        world, aggregate(it={"call": "up/it", "default": default}, other="up/o"), {"GET /it": answer, "GET /o": 1}
    )
    found = gw.get("/r")
    assert json_of(found) == {"it": default, "other": 1}
    assert degraded(found) == {"it": reason}


@pytest.mark.parametrize("default", [None, False, 0, "", [], {}, "text", 1.5, [[1]]])
def test_a_default_is_any_json_value(world, default):
    gw, _ = single(world, aggregate(it={"call": "up/it", "default": default}), {"GET /it": status(500)})
    found = gw.get("/r")
    assert json_of(found) == {"it": default} and degraded(found) == {"it": "status_500"}


@pytest.mark.parametrize("code", ANSWERS_4XX)
def test_a_4xx_of_an_optional_call_is_a_failure(world, code):
    gw, _ = single(world, aggregate(it="up/it", other="up/o"), {"GET /it": status(code), "GET /o": 1})
    found = gw.get("/r")
    assert json_of(found) == {"other": 1} and degraded(found) == {"it": f"status_{code}"}


def test_nothing_of_what_failed_reaches_the_client(world):
    secret = status(500, {"password": "s3cret"}, [("X-Trace", "s3cret"), ("Set-Cookie", "s3cret=1")])
    gw, _ = single(world, aggregate(it="up/it", other="up/o"), {"GET /it": secret, "GET /o": 1})
    found = gw.get("/r")
    assert b"s3cret" not in found.raw_head + found.body


def test_an_answer_that_breaks_http_is_a_failure(world):
    gw, _ = single(world, aggregate(it="up/it", other="up/o"), {"GET /it": garbage, "GET /o": 1})
    found = gw.get("/r")
    assert json_of(found) == {"other": 1} and degraded(found)["it"] in ("reset", "invalid_json")


def test_all_reasons_are_listed_in_the_order_written(world):
    route = aggregate(
        a={"call": "up/a", "timeout": "100ms"},
        b="up/b",
        c={"call": "up/c", "select": "x"},
        d={"call": "up/d", "max_bytes": "10B"},
        e="up/e/{query.none}",
        f="dead/f",
        g="up/g",
        fine="up/fine",
    )
    table = {
        "GET /a": Hang(),
        "GET /b": status(503),
        "GET /c": {},
        "GET /d": "x" * 20,
        "GET /g": raw(b"nope"),
        "GET /fine": 1,
    }
    gw, _ = start(world, route, {"dead": {"url": refused_url()}}, up=table, dead={})
    found = gw.get("/r")
    assert json_of(found) == {"fine": 1}
    assert found.headers.one("viewgate-degraded") == (
        "a;reason=timeout, b;reason=status_503, c;reason=select, d;reason=too_large, e;reason=missing_value, "
        "f;reason=connect, g;reason=invalid_json"
    )


def test_a_full_pool_is_overload(world):
    gate = Gate()
    settings = {"pool": {"connections": 1, "per_endpoint": 1}, "max_pending": 0}
    route = aggregate(a={"call": "up/a", "default": 0}, b={"call": "up/b", "default": 0})
    gw, up = single(world, route, {"GET /*": held(gate, 1)}, settings)
    waiting = gw.connect()
    waiting.send(b"GET /r HTTP/1.1\r\nHost: x\r\n\r\n")
    up.wait_requests(1)
    found = gw.get("/r")  # both calls find the pool full
    assert json_of(found) == {"a": 0, "b": 0}
    assert degraded(found) == {"a": "overload", "b": "overload"}
    gate.open()
    first = waiting.read_response()
    assert sorted(json_of(first).values()) == [0, 1] and list(degraded(first).values()) == ["overload"]


def test_an_answer_that_is_complete_is_not_degraded(world):
    gw, _ = single(world, aggregate(it={"call": "up/it", "default": 0}), {"GET /it": None})
    found = gw.get("/r")
    assert json_of(found) == {"it": None} and "viewgate-degraded" not in found.headers


# Failure of a main or required call


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_main_call_fails_the_view(world, name):
    answer, _, code = FAILURES[name]
    gw, _ = single(world, main_route(), {"GET /it": answer})
    found = gw.get("/r")
    problem(found, code)
    assert "viewgate-degraded" not in found.headers


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_required_call_fails_the_view(world, name):
    answer, _, code = FAILURES[name]
    route = {"path": "/r", "view": "detail", "source": "up/x", "include": {"it": {"call": "up/it", "required": True}}}
    gw, _ = single(world, route, {"GET /x": {"a": 1}, "GET /it": answer})
    problem(gw.get("/r"), code)


@pytest.mark.parametrize("code", ANSWERS_4XX)
def test_a_4xx_of_a_required_call_is_not_the_clients_fault(world, code):
    route = {"path": "/r", "view": "detail", "source": "up/x", "include": {"it": {"call": "up/it", "required": True}}}
    gw, _ = single(world, route, {"GET /x": {"a": 1}, "GET /it": status(code)})
    found = gw.get("/r")
    problem(found, 502)
    assert b'"from"' not in found.body


@pytest.mark.parametrize("kind", ["main", "required"])
@pytest.mark.parametrize(
    "settings, table, code",
    [
        ({"select": "none"}, {"GET /it": {}}, 502),
        ({"max_bytes": "10B"}, {"GET /it": {"text": "x" * 50}}, 502),
        ({"timeout": "100ms"}, {"GET /it": Hang()}, 504),
    ],
    ids=["select", "too_large", "timeout"],
)
def test_other_failures_of_main_and_required_calls(world, kind, settings, table, code):
    route = main_route(**settings)
    if kind == "required":
        it = {"call": "up/it", "required": True, **settings}
        route = {"path": "/r", "view": "detail", "source": "up/x", "include": {"it": it}}
    gw, _ = single(world, route, {"GET /x": {}, **table})
    problem(gw.get("/r"), code)


def test_a_refused_connection_is_502(world):
    gw, _ = single(world, main_route(), {}, {"url": refused_url()})
    problem(gw.get("/r"), 502)


def test_an_overload_is_503_with_retry_after(world):
    gate = Gate()
    settings = {"pool": {"connections": 1, "per_endpoint": 1}, "max_pending": 0}
    gw, up = single(world, main_route(), {"GET /it": held(gate, {})}, settings)
    waiting = gw.connect()
    waiting.send(b"GET /r HTTP/1.1\r\nHost: x\r\n\r\n")
    up.wait_requests(1)
    found = gw.get("/r")
    problem(found, 503)
    assert int(found.headers.one("retry-after")) >= 1
    gate.open()
    assert waiting.read_response().status == 200


@pytest.mark.parametrize("code", ANSWERS_4XX)
def test_the_main_calls_own_4xx_reach_the_client(world, code):
    headers = [
        ("Content-Type", "application/vnd.error+json"),
        ("WWW-Authenticate", 'Bearer realm="up"'),
        ("Retry-After", "17"),
        ("Set-Cookie", "a=b"),
        ("X-Internal", "1"),
    ]
    sent = b'{"error": "not today",\n "n": 1.0}'
    gw, _ = single(world, main_route(), {"GET /it": raw(sent, code, headers)})
    found = gw.get("/r")
    assert (found.status, found.body) == (code, sent)
    assert found.headers.one("content-type") == "application/vnd.error+json"
    assert found.headers.one("www-authenticate") == 'Bearer realm="up"'
    assert found.headers.one("retry-after") == "17"
    assert "set-cookie" not in found.headers and "x-internal" not in found.headers
    assert "viewgate-degraded" not in found.headers


def test_a_4xx_of_the_main_call_need_not_be_json(world):
    gw, _ = single(world, main_route(), {"GET /it": raw(b"<p>gone\xff", 410, [("Content-Type", "text/html")])})
    found = gw.get("/r")
    assert (found.status, found.body, found.headers.one("content-type")) == (410, b"<p>gone\xff", "text/html")


def test_a_4xx_of_the_main_call_is_not_selected_from(world):
    gw, _ = single(world, main_route(select="data"), {"GET /it": status(409, {"why": 1})})
    found = gw.get("/r")
    assert found.status == 409 and json.loads(found.body) == {"why": 1}


def test_a_404_of_the_main_call_without_content_is_explained(world):
    gw, _ = single(world, main_route(), {"GET /it": raw(b"", 404, ())})
    assert gw.get("/r").status == 404


def test_a_main_call_whose_path_lacks_a_value_of_the_client_is_400(world):
    gw, up = single(world, {"path": "/r", "view": "detail", "source": "up/x/{query.id}"}, {})
    problem(gw.get("/r"), 400)
    assert up.requests == []


def test_a_required_call_whose_path_lacks_a_value_of_an_answer_is_502(world):
    it = {"call": "up/it/{object.author}", "required": True}
    gw, _ = single(
        world, {"path": "/r", "view": "detail", "source": "up/x", "include": {"it": it}}, {"GET /x": {"id": 1}}
    )
    problem(gw.get("/r"), 502)


def test_an_error_says_what_failed_and_nothing_internal(world):
    gw, up = single(world, main_route(), {"GET /it": status(500, {"sql": "select"})}, {"headers": {"X-Key": "s3cret"}})
    found = gw.get("/r?token=t0ken")
    body = problem(found, 502)
    assert body["instance"] == "/r" and body["type"] == "about:blank"
    assert body["request_id"] == found.headers.one("x-request-id")
    text = found.raw_head + found.body
    for inner in (str(up.port).encode(), b"s3cret", b"t0ken", b"select", b"127.0.0.1", b".cc", b"yaml"):
        assert inner not in text


def test_an_error_is_a_page_only_for_those_who_prefer_html(world):
    gw, _ = single(world, main_route(), {"GET /it": status(500)})
    for accept, kind in (
        ("text/html", "text/html"),
        ("text/html;q=0.5, application/json", "application/problem+json"),
        ("*/*", "application/problem+json"),
    ):
        found = gw.get("/r", [("Accept", accept)])
        assert found.status == 502 and found.headers.one("content-type").split(";")[0] == kind
        assert "accept" in found.headers.tokens("vary")
