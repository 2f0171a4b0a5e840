"""view: create once the body is valid: the source, after, undo, and what the client gets (SPEC section 5)."""
import signal
import threading

import pytest

from support.rest import (
    Hang, body_of, client_json, degraded, held, json_of, meet, needs_views, problem, reply, reset, single, status
)
from support.upstream import Gate

pytestmark = needs_views()

ORDER = {"id": 9, "total": 5}
MADE = {"POST /orders": reply(ORDER, 201)}


def create(**more):
    return {"path": "/orders", "view": "create", "source": "up/orders", **more}


def post(gw, *headers, value=None):
    return gw.fetch("POST", "/orders", **client_json(value or {"sku": "a"}, *headers))


# What the client gets


def test_success_url_becomes_location(world):
    gw, _ = single(world, create(success_url="/orders/{object.id}"), MADE)
    answer = post(gw)
    assert json_of(answer, 201) == ORDER and answer.headers.one("location") == "/orders/9"


def test_a_client_that_prefers_html_is_sent_to_it(world):
    gw, _ = single(world, create(success_url="/orders/{object.id}"), MADE)
    answer = post(gw, ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"))
    assert answer.status == 303 and answer.headers.one("location") == "/orders/9"
    for accept in ("application/json", "*/*", "text/html, application/json"):
        assert post(gw, ("Accept", accept)).status == 201
    assert "accept" in post(gw).headers.tokens("vary")


def test_without_success_url_there_is_no_redirect(world):
    gw, _ = single(world, create(), MADE)
    answer = post(gw, ("Accept", "text/html"))
    assert json_of(answer, 201) == ORDER and "location" not in answer.headers


@pytest.mark.parametrize("value", ["a/b?c#d", "//evil.example", "..", "a\r\nX-Evil: 1", "é"])
def test_no_value_makes_success_url_lead_elsewhere(world, value):
    gw, _ = single(world, create(success_url="/orders/{object.id}"), {"POST /orders": reply({"id": value}, 201)})
    answer = post(gw)
    assert answer.status == 201 and "x-evil" not in answer.headers
    if "location" in answer.headers:
        location = answer.headers.one("location")
        assert location.startswith("/orders/") and location.count("/") == 2, location
        assert "?" not in location and "#" not in location and location != "/orders/.."


def test_the_envelope(world):
    route = create(envelope=True, message="Order placed", success_url="/orders/{object.id}")
    gw, _ = single(world, route, MADE)
    assert list(json_of(post(gw), 201).items()) == [
        ("success", True), ("object", ORDER), ("message", "Order placed"), ("redirect_url", "/orders/9")
    ]  # fmt: skip


def test_an_envelope_without_message_and_url(world):
    gw, _ = single(world, create(envelope=True), MADE)
    body = json_of(post(gw), 201)
    assert body["success"] is True and body["object"] == ORDER
    assert body.get("message") is None and body.get("redirect_url") is None


def test_fields_headers_and_pass_headers_of_a_create(world):
    route = create(fields=["id"], headers={"X-A": "1"}, pass_headers=["etag"])
    gw, _ = single(
        world,
        route,
        {"POST /orders": reply(ORDER, 201, [("ETag", '"e"'), ("Set-Cookie", "a=b"), ("Location", "/up/9")])},
    )
    answer = post(gw)
    assert json_of(answer, 201) == {"id": 9}
    assert (answer.headers.one("x-a"), answer.headers.one("etag")) == ("1", '"e"')
    assert "set-cookie" not in answer.headers and "location" not in answer.headers


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422, 429])
def test_the_sources_own_4xx_reach_the_client_and_nothing_follows(world, code):
    gw, up = single(
        world, create(after={"mail": "POST up/mail"}), {"POST /orders": status(code, {"errors": {"sku": ["x"]}})}
    )
    answer = post(gw)
    assert answer.status == code and b'"sku"' in answer.body
    assert up.lines == ["POST /orders"]


@pytest.mark.parametrize(
    "answer, code", [(status(500), 502), (reset, 502), (Hang(), 504)], ids=["500", "reset", "timeout"]
)
def test_a_source_that_fails_is_called_once_and_nothing_follows(world, answer, code):
    route = create(after={"mail": "POST up/mail"}, source={"call": "up/orders", "timeout": "200ms"})
    gw, up = single(world, route, {"POST /orders": answer}, {"retry": {"attempts": 2, "backoff": "1ms"}})
    problem(post(gw), code)
    assert up.lines == ["POST /orders"]


# after


def test_after_calls_run_when_the_object_is_saved_and_see_it(world):
    both = threading.Barrier(2)
    route = create(
        after={
            "mail": {
                "call": "POST up/mail",
                "body": {"order": "{object.id}", "charge": "{calls.pay.charge}", "sku": "{body.sku}"},
            },
            "pay": {"call": "POST up/pay", "body": {"total": "{object.total}"}},
            "stock": {"call": "POST up/stock/{object.id}"},
        }
    )
    table = {
        **MADE,
        "POST /pay": meet(both, {"charge": "c1"}),
        "POST /stock/9": meet(both, None),
        "POST /mail": {},
    }
    gw, up = single(world, route, table)
    answer = post(gw)
    assert json_of(answer, 201) == ORDER and degraded(answer) == {}
    assert up.lines[0] == "POST /orders" and up.lines[-1] == "POST /mail"
    assert body_of(up.only("POST /pay")) == {"total": 5}
    assert body_of(up.only("POST /mail")) == {"order": 9, "charge": "c1", "sku": "a"}


def test_an_after_call_that_fails_degrades(world):
    route = create(after={"mail": "POST up/mail", "log": "POST up/log"}, success_url="/o/{object.id}")
    gw, _ = single(world, route, {**MADE, "POST /mail": status(500), "POST /log": {}})
    answer = post(gw)
    assert json_of(answer, 201) == ORDER and answer.headers.one("location") == "/o/9"
    assert degraded(answer) == {"mail": "status_500"}


UNDOING = create(
    undo="DELETE up/orders/{object.id}",
    after={
        "pay": {"call": "POST up/pay", "required": True, "undo": "POST up/refund/{calls.pay.charge}"},
        "stock": {
            "call": "POST up/stock?c={calls.pay.charge}", "required": True, "undo": "DELETE up/stock/{object.id}"
        },
        "mail": {"call": "POST up/mail?s={calls.stock.n}", "undo": "POST up/unmail"},
    },
)
UNDONE = {
    **MADE,
    "POST /pay": {"charge": "c1"},
    "POST /refund/c1": {},
    "DELETE /stock/9": {},
    "DELETE /orders/9": {},
    "POST /mail": {},
}


def test_when_a_required_call_fails_what_succeeded_is_undone_and_then_the_object(world):
    gw, up = single(world, UNDOING, {**UNDONE, "POST /stock": status(409, {"why": "s3cret"})})
    answer = post(gw)
    body = problem(answer, 502)
    assert "stock" in body["detail"] and b"s3cret" not in answer.body
    assert up.lines == ["POST /orders", "POST /pay", "POST /stock?c=c1", "POST /refund/c1", "DELETE /orders/9"]


def test_when_the_first_required_call_fails_only_the_object_is_undone(world):
    gw, up = single(world, UNDOING, {**UNDONE, "POST /pay": status(402)})
    assert "pay" in problem(post(gw), 502)["detail"]
    assert up.lines == ["POST /orders", "POST /pay", "DELETE /orders/9"]


def test_when_all_goes_well_nothing_is_undone(world):
    gw, up = single(world, UNDOING, {**UNDONE, "POST /stock": {"n": 1}})
    assert json_of(post(gw), 201) == ORDER
    assert up.lines == ["POST /orders", "POST /pay", "POST /stock?c=c1", "POST /mail?s=1"]


def test_an_optional_call_that_fails_undoes_nothing(world):
    gw, up = single(world, UNDOING, {**UNDONE, "POST /stock": {"n": 1}, "POST /mail": status(500)})
    answer = post(gw)
    assert json_of(answer, 201) == ORDER and degraded(answer) == {"mail": "status_500"}
    assert not [line for line in up.lines if line.startswith("DELETE") or "refund" in line]


def test_an_undo_that_fails_does_not_keep_the_others_from_running(world):
    gw, up = single(world, UNDOING, {**UNDONE, "POST /stock": reset, "POST /refund/c1": status(500)})
    assert "stock" in problem(post(gw), 502)["detail"]
    assert up.lines[-1] == "DELETE /orders/9"


def test_a_required_call_that_times_out_is_502_and_undone(world):
    route = create(
        undo="DELETE up/orders/{object.id}",
        after={"pay": {"call": "POST up/pay", "required": True, "timeout": "200ms"}},
    )
    hang = Hang()
    gw, up = single(world, route, {**UNDONE, "POST /pay": hang})
    assert "pay" in problem(post(gw), 502)["detail"]
    assert hang.gone.wait(10)
    up.only("DELETE /orders/9")


# wait: false


def test_a_call_that_nobody_waits_for_runs_after_the_response(world):
    gate = Gate()
    gw, up = single(
        world,
        create(after={"mail": {"call": "POST up/mail/{object.id}", "wait": False}}),
        {**MADE, "POST /mail/9": held(gate, {})},
    )
    answer = post(gw)
    assert json_of(answer, 201) == ORDER and degraded(answer) == {}
    up.wait_call("POST /mail/9")
    gate.open()
    up.wait_idle()
    assert up.lines == ["POST /orders", "POST /mail/9"]


def test_a_call_that_nobody_waits_for_runs_at_most_once(world):
    route = create(after={"mail": {"call": "POST up/mail", "wait": False}})
    gw, up = single(world, route, {**MADE, "POST /mail": status(503)}, {"retry": {"attempts": 3, "backoff": "1ms"}})
    assert post(gw).status == 201
    up.wait_call("POST /mail")
    up.wait_idle()
    assert post(gw).status == 201
    up.wait_call("POST /mail", 2)
    assert len(up.calls("POST /mail")) == 2


def test_a_client_that_left_does_not_stop_what_nobody_waits_for(world):
    gate = Gate()
    route = create(
        after={"a": {"call": "POST up/a", "wait": False}, "b": {"call": "POST up/b/{calls.a.id}", "wait": False}}
    )
    gw, up = single(world, route, {**MADE, "POST /a": held(gate, reply({"id": 3})), "POST /b/3": {}})
    assert post(gw).status == 201  # and the connection is closed
    up.wait_call("POST /a")
    gate.open()
    up.wait_call("POST /b/3")


def test_a_drain_finishes_what_nobody_waits_for(world):
    gate = Gate()
    route = create(
        after={"a": {"call": "POST up/a", "wait": False}, "b": {"call": "POST up/b/{calls.a.id}", "wait": False}}
    )
    gw, up = single(world, route, {**MADE, "POST /a": held(gate, reply({"id": 3})), "POST /b/3": {}})
    assert post(gw).status == 201
    up.wait_call("POST /a")
    since = len(gw.lines)
    gw.signal(signal.SIGTERM)
    gw.wait_log(r"(?i)drain|stop", since=since)
    assert gw.process.poll() is None
    gate.open()
    up.wait_call("POST /b/3")
    assert gw.wait_exit() == 0


def test_a_call_that_nobody_waits_for_is_not_made_when_a_required_one_failed(world):
    route = create(
        after={"pay": {"call": "POST up/pay", "required": True}, "mail": {"call": "POST up/mail", "wait": False}}
    )
    gw, up = single(world, route, {**MADE, "POST /pay": status(500)})
    problem(post(gw), 502)
    gw.signal(signal.SIGTERM)
    assert gw.wait_exit() == 0
    assert up.lines == ["POST /orders", "POST /pay"]
