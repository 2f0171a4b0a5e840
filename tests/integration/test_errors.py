"""The gateway's own errors: RFC 9457 problems, or a plain page for those who prefer one (SPEC section 7)."""
import json

import pytest

from support import wire
from support.gateway import respond_config


@pytest.fixture(scope="module")
def gw(module_world):
    return module_world.gateway(
        respond_config(
            ("get", "/get", {"methods": ["GET"]}),
            ("slow", "/slow", {"delay": "5s", "timeout": "100ms"}),
            server={"limits": {"body_bytes": "1KiB"}},
        )
    )


def asked(gw, case, headers=()):
    client = gw.connect()
    data = {
        404: wire.request("GET", "/nothing?secret=1", headers),
        405: wire.request("DELETE", "/get?secret=1", headers),
        504: wire.request("GET", "/slow?secret=1", headers),
        413: wire.request("POST", "/slow?secret=1", [*headers, ("Content-Length", 5000)]),
        400: wire.request("GET", "/a/../b?secret=1", headers),
    }[case]
    return client.send(data).read_response()


TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    504: "Gateway Timeout",
    413: "Content Too Large",
}
INSTANCES = {404: "/nothing", 405: "/get", 504: "/slow"}


@pytest.mark.parametrize("status", TITLES)
def test_an_error_is_a_problem_with_its_members(gw, status):
    answer = asked(gw, status)
    assert answer.status == status
    assert answer.headers.one("content-type") == "application/problem+json"
    problem = json.loads(answer.body)
    assert set(problem) >= {"type", "title", "status", "request_id"}
    assert set(problem) <= {"type", "title", "status", "detail", "instance", "request_id"}
    assert problem["type"] == "about:blank" and problem["status"] == status
    assert problem["title"] == TITLES[status] or status == 413
    assert problem["request_id"] and b"secret" not in answer.body
    if status in INSTANCES:
        assert problem["instance"] == INSTANCES[status]


@pytest.mark.parametrize(
    "accept, html",
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/problem+json", False),
        ("text/html", True),
        ("text/html, application/json", False),
        ("text/html;q=0.9, application/json;q=0.9", False),
        ("text/html, application/json;q=0.9", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=0.3, */*;q=0.5", False),
        ("text/*", True),
        ("text/plain", False),
        ("TEXT/HTML", True),
        ("", False),
        ("text/html;q=nonsense", None),
        (",,,;q=1", None),
    ],
)
@pytest.mark.parametrize("status", [404, 504])
def test_a_page_comes_only_where_html_has_a_higher_q_than_json(gw, status, accept, html):
    answer = asked(gw, status, [("Accept", accept)] if accept is not None else [])
    assert answer.status == status
    kind = answer.headers.one("content-type").split(";")[0]
    if html is not None:
        assert kind == ("text/html" if html else "application/problem+json")
    assert "accept" in answer.headers.tokens("vary")


def test_a_page_escapes_what_the_client_sent(gw):
    answer = gw.get("/%3Cscript%3Ealert(1)%3C%2Fscript%3E", [("Accept", "text/html")])
    assert answer.status == 404 and b"<script>alert" not in answer.body


def test_a_problem_is_valid_json_whatever_the_path(gw):
    for path in ("/%22quote%22", "/back%5Cslash", "/%C3%A9", "/%FF%FE", "/tab%09"):
        answer = gw.get(path)
        assert answer.status in (400, 404)
        json.loads(answer.body.decode("utf-8"))


def test_an_error_in_answer_to_head_has_no_body(gw):
    client = gw.connect()
    for _ in range(2):
        answer = client.request("HEAD", "/nothing")
        assert answer.status == 404 and answer.body == b""


def test_errors_leave_the_connection_open_where_nothing_is_ambiguous(gw):
    client = gw.connect()
    for _ in range(3):
        assert client.get("/nothing").status == 404
        assert client.request("DELETE", "/get").status == 405
    assert client.get("/get").status == 200


def test_every_error_has_a_request_id_of_its_own(gw):
    assert len({json.loads(gw.get("/nothing").body)["request_id"] for _ in range(5)}) == 5


def test_the_id_in_a_problem_is_the_one_the_upstream_saw(world):
    gw, up = world.proxy(lambda r, c: c.close())
    problem = json.loads(gw.get("/").body)
    assert problem["request_id"] == up.last().headers.one("x-request-id")


def test_an_upstreams_error_is_not_replaced(world):
    gw, _ = world.proxy(
        lambda r, c: wire.response(503, [("Content-Type", "text/plain"), ("Retry-After", "7")], b"my own words")
    )
    answer = gw.get("/", [("Accept", "text/html")])
    assert (answer.status, answer.body, answer.headers.one("retry-after")) == (503, b"my own words", "7")


def test_errors_have_a_date(gw):
    assert "date" in gw.get("/nothing").headers
