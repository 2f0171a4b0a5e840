"""What writes leave behind when time, a stop or a bad value comes in between: undo, what runs after, and its bounds."""
import signal

import pytest

from support.gateway import wait_until
from support.rest import (
    Hang, client_json, degraded, empty, held, json_of, needs_views, problem, reply, single, status
)
from support.upstream import Gate

pytestmark = needs_views()

MADE = {"POST /o": reply({"id": 1}, 201)}
QUICK_DRAIN = {"server": {"listen": "127.0.0.1:0", "workers": 1, "drain_timeout": "300ms"}}


def create(**more):
    return {"path": "/o", "view": "create", "source": "up/o", **more}


def post(gw, target="/o", value=None):
    return gw.fetch("POST", target, **client_json({"a": 1} if value is None else value))


# The deadline


def test_an_optional_call_that_runs_into_the_deadline_undoes_nothing(world):
    hang = Hang()
    route = create(
        timeout="2s",
        undo="DELETE up/o/{object.id}",
        after={
            "mail": "POST up/mail",
            "pay": {"call": "POST up/pay", "required": True, "undo": "DELETE up/pay/1"},
        },
    )
    gw, up = single(world, route, {**MADE, "POST /mail": hang, "POST /pay": {}, "DELETE /*": empty()})
    answer = post(gw)
    assert hang.gone.wait(10)
    assert [line for line in up.lines if line.startswith("DELETE")] == []
    assert json_of(answer, 201) == {"id": 1} and degraded(answer) == {"mail": "timeout"}


def test_a_required_call_that_runs_into_the_deadline_is_undone_with_time_left(world):
    hang = Hang()
    route = create(
        timeout="2s",
        undo="DELETE up/o/{object.id}",
        after={
            "pay": {"call": "POST up/pay", "required": True, "undo": "DELETE up/pay/1"},
            "stock": {"call": "POST up/stock", "required": True},
        },
    )
    gw, up = single(world, route, {**MADE, "POST /pay": {}, "POST /stock": hang, "DELETE /*": empty()})
    assert post(gw).status in (502, 504)
    undone = up.calls("DELETE /*")
    assert [r.target for r in undone] == ["/pay/1", "/o/1"]
    for request in undone:
        assert int(request.headers.one("x-request-deadline-ms")) > 0


# A stop


def test_a_stop_that_waits_no_longer_ends_what_runs_after_a_save(world):
    hang = Hang()
    route = create(timeout="60s", after={"pay": "POST up/pay"})
    gw, _ = single(world, route, {**MADE, "POST /pay": hang}, {"timeout": "60s"}, top=QUICK_DRAIN)
    gw.connect().send(request_of("/o"))
    assert hang.began.wait(10)
    gw.signal(signal.SIGTERM)
    assert gw.wait_exit(15) == 0
    assert hang.gone.wait(10)


def test_a_stop_that_waits_no_longer_ends_an_undo(world):
    hang = Hang()
    route = create(
        timeout="60s", undo="DELETE up/o/{object.id}", after={"pay": {"call": "POST up/pay", "required": True}}
    )
    table = {**MADE, "POST /pay": status(500), "DELETE /o/1": hang}
    gw, _ = single(world, route, table, {"timeout": "60s"}, top=QUICK_DRAIN)
    gw.connect().send(request_of("/o"))
    assert hang.began.wait(10)
    gw.signal(signal.SIGTERM)
    assert gw.wait_exit(15) == 0
    assert hang.gone.wait(10)


def request_of(target):
    head = f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    return head.encode() + b"{}"


# Bad values


@pytest.mark.parametrize("more", [{"headers": {"X-N": "{query.n:int}"}}, {"success_url": "/p/{query.n:int}"}])
def test_a_bad_value_of_the_clients_is_found_before_anything_is_saved(world, more):
    gw, up = single(world, create(after={"m": "POST up/m"}, **more), {**MADE, "POST /m": {}})
    problem(post(gw, "/o?n=x"), 400)
    assert up.requests == []
    assert post(gw, "/o?n=5").status == 201
    assert up.lines == ["POST /o", "POST /m"]


def test_a_bad_value_of_the_upstreams_leaves_the_location_out(world):
    gw, up = single(world, create(success_url="/p/{object.n:int}"), {"POST /o": reply({"n": "abc"}, 201)})
    answer = post(gw)
    assert json_of(answer, 201) == {"n": "abc"} and "location" not in answer.headers
    up.table["POST /o"] = reply({"n": 5}, 201)
    assert post(gw).headers.one("location") == "/p/5"


# What runs after the answer

LARGE = {"id": 1, "text": "x" * 3_900_000}
NOT_MADE = "calls after the answer are not made"


def test_what_later_calls_hold_has_a_bound(world):
    """64 MiB: seventeen answers of 3.9 MB that a later call refers to."""
    gate = Gate()
    route = create(after={"log": {"call": "POST up/log/{object.id}", "wait": False}}, timeout="60s")
    table = {"POST /o": reply(LARGE, 201), "POST /log/1": held(gate, {})}
    gw, up = single(world, route, table, {"timeout": "60s"})
    for _ in range(20):
        assert post(gw).status == 201
    wait_until(lambda: len([line for line in gw.lines if NOT_MADE in line]) == 3, what="three refusals")
    up.wait_call("POST /log/1", 17)
    gate.open()
    up.wait_idle()
    assert len(up.calls("POST /log/1")) == 17


def test_later_calls_hold_only_what_they_refer_to(world):
    gate = Gate()
    route = create(after={"log": {"call": "POST up/log", "wait": False}}, timeout="60s")
    gw, up = single(world, route, {"POST /o": reply(LARGE, 201), "POST /log": held(gate, {})}, {"timeout": "60s"})
    for _ in range(20):
        assert post(gw).status == 201
    up.wait_call("POST /log", 20)
    gate.open()
    up.wait_idle()
    assert not [line for line in gw.lines if NOT_MADE in line]
