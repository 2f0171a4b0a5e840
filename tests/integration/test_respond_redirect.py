"""The views that need no upstream: respond and redirect (SPEC section 5)."""
import json
import time

import pytest

from support.gateway import respond_config


def one(world, **route):
    return world.gateway(respond_config({"name": "r", "path": "/r", "view": "respond", **route}))


def test_respond_with_text(world):
    answer = one(world, text="héllo").get("/r")
    assert answer.status == 200 and answer.body == "héllo".encode()
    assert answer.headers.one("content-type").startswith("text/plain")
    assert answer.headers.one("content-length") == "6"


def test_respond_with_json_keeps_order_and_numbers(world):
    answer = one(world, json={"b": [1, 2.50, None, True], "a": {"x": "é"}}).get("/r")
    assert answer.headers.one("content-type").startswith("application/json")
    assert list(json.loads(answer.body).items()) == [("b", [1, 2.5, None, True]), ("a", {"x": "é"})]


def test_respond_with_a_file(world, tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "page.html").write_bytes(content)
    answer = one(world, file=str(tmp_path / "page.html")).get("/r")
    assert answer.body == content and answer.headers.one("content-type").startswith("text/html")


def test_respond_with_status_and_headers(world):
    answer = one(world, status=418, text="teapot", headers={"X-Tea": "green", "Cache-Control": "no-store"}).get("/r")
    assert (
        answer.status == 418
        and answer.headers.one("x-tea") == "green"
        and answer.headers.one("cache-control") == "no-store"
    )


def test_respond_takes_any_method(world):
    gw = one(world, text="x")
    assert [gw.fetch(m, "/r").status for m in ("GET", "POST", "PUT", "DELETE", "PATCH")] == [200] * 5


@pytest.mark.parametrize("status", [204, 304])
def test_respond_without_body(world, status):
    gw = one(world, status=status)
    client = gw.connect()
    for _ in range(2):
        answer = client.get("/r")
        assert answer.status == status and answer.body == b""


def test_respond_after_a_delay(world):
    gw = one(world, text="x", delay="300ms")
    begin = time.monotonic()
    assert gw.get("/r").status == 200
    assert 0.28 < time.monotonic() - begin < 3


def test_a_delay_holds_up_nobody_else(world):
    gw = world.gateway(respond_config(("slow", "/slow", {"delay": "2s"}), ("fast", "/fast")))
    slow = gw.connect()
    slow.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    begin = time.monotonic()
    assert gw.get("/fast").status == 200
    assert time.monotonic() - begin < 1.5
    assert slow.read_response().text == "slow"


def test_redirect_is_308_to_its_target(world):
    gw = world.gateway(respond_config({"name": "r", "path": "/old/{id:int}", "view": "redirect", "to": "/new/{id}"}))
    answer = gw.get("/old/7")
    assert (answer.status, answer.headers.one("location")) == (308, "/new/7")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_with_another_status(world, status):
    gw = world.gateway(
        respond_config(
            {"name": "r", "path": "/old", "view": "redirect", "to": "https://new.example/", "status": status}
        )
    )
    answer = gw.get("/old")
    assert (answer.status, answer.headers.one("location")) == (status, "https://new.example/")


@pytest.mark.parametrize("value", ["a%0d%0aX-Evil:%201", "a%2F%2Fevil", "a%3Fx", "a%20b"])
def test_no_value_breaks_out_of_a_redirects_target(world, value):
    gw = world.gateway(respond_config({"name": "r", "path": "/old/{id}", "view": "redirect", "to": "/new/{id}/end"}))
    answer = gw.get(f"/old/{value}")
    if answer.status == 308:
        location = answer.headers.one("location")
        assert (
            location.startswith("/new/")
            and location.endswith("/end")
            and location.count("/") == 3
            and "?" not in location
        )
    assert "x-evil" not in answer.headers


def test_a_template_in_a_response_header_adds_no_line(world):
    gw = world.gateway(
        respond_config({"name": "r", "path": "/r", "view": "respond", "text": "x", "headers": {"X-Echo": "{query.q}"}})
    )
    answer = gw.get("/r?q=a%0d%0aX-Evil:%201")
    assert "x-evil" not in answer.headers
