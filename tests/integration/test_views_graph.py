"""The call graph: what waits for what, what runs at once, the deadline, what is cancelled (SPEC section 4)."""
import threading
import time

import pytest

from support import wire
from support.gateway import wait_until
from support.rest import (
    Hang, degraded, empty, held, json_of, meet, needs_views, problem, reply, reset, single, start, status
)
from support.upstream import Gate

pytestmark = needs_views()


def aggregate(path="/r", **include):
    return {"path": path, "view": "aggregate", "include": include}


# Order and concurrency


def test_a_call_that_refers_to_nothing_starts_beside_the_main_call(world):
    both = threading.Barrier(2)
    route = {"path": "/p/{id}", "view": "detail", "source": "up/p/{id}", "include": {"reviews": "up/p/{id}/reviews"}}
    gw, _ = single(world, route, {"GET /p/5": meet(both, {"id": 5}), "GET /p/5/reviews": meet(both, [1])})
    assert json_of(gw.get("/p/5")) == {"id": 5, "reviews": [1]}


def test_a_call_that_refers_to_the_object_waits_for_it_and_the_others_do_not(world):
    main = Gate()
    route = {
        "path": "/p/{id}",
        "view": "detail",
        "source": "up/p/{id}",
        "include": {"related": "up/related?category={object.category}", "reviews": "up/reviews/{id}"},
    }
    table = {"GET /p/5": held(main, {"id": 5, "category": "toys"}), "GET /related": [7], "GET /reviews/5": [1]}
    gw, up = single(world, route, table)
    client = gw.connect().send(wire.request("GET", "/p/5"))
    up.wait_call("GET /reviews/5")
    assert up.calls("GET /related") == []
    main.open()
    assert json_of(client.read_response()) == {"id": 5, "category": "toys", "related": [7], "reviews": [1]}
    assert up.only("GET /related").target == "/related?category=toys"


def test_calls_of_a_chain_run_one_after_the_other(world):
    gates = [Gate(), Gate()]
    route = aggregate(
        c={"call": "up/c/{calls.b.id}"},  # the order of writing means nothing
        a={"call": "up/a"},
        b={"call": "up/b/{calls.a.id}"},
        free={"call": "up/free"},
    )
    table = {
        "GET /a": held(gates[0], {"id": 1}),
        "GET /b/1": held(gates[1], {"id": 2}),
        "GET /c/2": {"id": 3},
        "GET /free": True,
    }
    gw, up = single(world, route, table)
    client = gw.connect().send(wire.request("GET", "/r"))
    up.wait_requests(2)
    assert sorted(up.lines) == ["GET /a", "GET /free"]
    gates[0].open()
    up.wait_requests(3)
    assert up.lines[2] == "GET /b/1"
    gates[1].open()
    answer = json_of(client.read_response())
    assert up.lines[3] == "GET /c/2"
    assert list(answer.items()) == [("c", {"id": 3}), ("a", {"id": 1}), ("b", {"id": 2}), ("free", True)]


def test_a_diamond_joins_after_both_of_its_sides_which_run_at_once(world):
    sides = threading.Barrier(2)
    route = aggregate(
        top={"call": "up/top"},
        left={"call": "up/left/{calls.top}"},
        right={"call": "up/right/{calls.top}"},
        bottom={"call": "up/bottom", "query": {"l": "{calls.left}", "r": "{calls.right}"}},
    )
    table = {
        "GET /top": 1,
        "GET /left/1": meet(sides, "L"),
        "GET /right/1": meet(sides, "R"),
        "GET /bottom": 4,
    }
    gw, up = single(world, route, table)
    assert json_of(gw.get("/r")) == {"top": 1, "left": "L", "right": "R", "bottom": 4}
    assert up.only("GET /bottom").target == "/bottom?l=L&r=R"


@pytest.mark.parametrize("where", ["query", "headers", "body", "when"])
def test_a_reference_anywhere_in_a_call_makes_it_wait(world, where):
    first = Gate()
    call = {"call": "POST up/b"}
    call[where] = "{calls.a.v}" if where == "when" else {"X-V": "{calls.a.v}"}
    gw, up = single(
        world, aggregate(a="up/a", b=call, c="up/c"), {"GET /a": held(first, {"v": "v"}), "POST /b": 2, "GET /c": 3}
    )
    client = gw.connect().send(wire.request("GET", "/r"))
    up.wait_call("GET /c")
    first.open()
    assert json_of(client.read_response()) == {"a": {"v": "v"}, "b": 2, "c": 3}
    assert [line for line in up.lines if "/c" not in line][0] == "GET /a"


def test_sixteen_calls_run_at_once(world):
    all_there = threading.Barrier(16)
    names = [f"n{i}" for i in range(16)]
    gw, _ = single(
        world,
        aggregate(**{name: f"up/{name}" for name in names}),
        {f"GET /{name}": meet(all_there, name) for name in names},
    )
    assert list(json_of(gw.get("/r")).items()) == [(name, name) for name in names]


def test_members_stand_in_the_order_written_whichever_call_answers_first(world):
    gates = {name: Gate() for name in "abc"}
    gw, up = single(
        world, aggregate(a="up/a", b="up/b", c="up/c"), {f"GET /{n}": held(g, n) for n, g in gates.items()}
    )
    for order in ("abc", "cba", "bca"):
        for name in "abc":
            gates[name]._open.clear()
        begun = len(up.requests)
        client = gw.connect().send(wire.request("GET", "/r"))
        up.wait_requests(begun + 3)
        for name in order:
            busy = up.busy
            gates[name].open()
            up.wait_for(lambda u: u.busy == busy - 1)
        assert client.read_response().body.strip().replace(b" ", b"") == b'{"a":"a","b":"b","c":"c"}'


def test_a_call_that_needs_a_failed_one_has_a_missing_value(world):
    route = aggregate(
        user="up/user",
        posts="up/posts/{calls.user.id}",
        query="up/query?u={calls.user.id}",
        chained={"call": "up/chained/{calls.posts}", "default": "d"},
        free="up/free",
    )
    table = {"GET /user": status(500), "GET /query": 1, "GET /free": 2}
    gw, up = single(world, route, table)
    answer = gw.get("/r")
    assert json_of(answer) == {"query": 1, "chained": "d", "free": 2}
    assert degraded(answer) == {"user": "status_500", "posts": "missing_value", "chained": "missing_value"}
    assert up.only("GET /query").target == "/query"


def test_the_default_of_a_failed_call_is_what_others_refer_to(world):
    route = aggregate(user={"call": "up/user", "default": {"id": 9}}, posts="up/posts/{calls.user.id}")
    gw, _ = single(world, route, {"GET /user": status(500), "GET /posts/9": [1]})
    answer = gw.get("/r")
    assert json_of(answer) == {"user": {"id": 9}, "posts": [1]}
    assert degraded(answer) == {"user": "status_500"}


# The deadline


def test_upstreams_are_told_how_much_time_is_left(world):
    route = {
        "path": "/r",
        "view": "detail",
        "source": "up/main",
        "timeout": "20s",
        "include": {"a": "up/a", "b": "up/b/{object.id}"},
    }
    gw, up = single(world, route, {"GET /main": {"id": 1}, "GET /a": 1, "GET /b/1": 1}, {"timeout": "1m"})
    assert gw.get("/r").status == 200
    left = {r.path: int(r.headers.one("x-request-deadline-ms")) for r in up.requests}
    assert all(5000 < ms <= 20000 for ms in left.values())
    assert left["/b/1"] <= left["/main"]


def test_what_the_client_says_about_the_deadline_is_replaced(world):
    gw, up = single(world, aggregate(a="up/a"), {"GET /a": 1}, top={"defaults": {"timeout": "20s"}})
    gw.get("/r", [("X-Request-Deadline-Ms", "999999999")])
    assert int(up.last().headers.one("x-request-deadline-ms")) <= 20000


def test_the_deadline_of_the_route_ends_a_hanging_main_call(world):
    hang = Hang()
    gw, up = single(
        world, {"path": "/r", "view": "detail", "source": "up/main", "timeout": "300ms"}, {"GET /main": hang}
    )
    problem(gw.get("/r"), 504)
    assert hang.gone.wait(10)


def test_the_timeout_of_the_route_has_its_own_status(world):
    route = {"path": "/r", "view": "detail", "source": "up/main", "timeout": {"after": "200ms", "status": 503}}
    gw, _ = single(world, route, {"GET /main": Hang()})
    assert gw.get("/r").status == 503


def test_the_shortest_of_the_timeouts_wins(world):
    route = {
        "path": "/r",
        "view": "aggregate",
        "timeout": "1m",
        "include": {
            "call": {"call": "slow/a", "timeout": "200ms"},  # the upstream's is longer
            "upstream": {"call": "quick/a", "timeout": "1m"},
            "fine": "slow/fine",
        },
    }
    gw, _ = start(
        world,
        route,
        {"slow": {"timeout": "1m"}, "quick": {"timeout": "200ms"}},
        slow={"GET /a": Hang(), "GET /fine": 1},
        quick={"GET /a": Hang()},
    )
    begin = time.monotonic()
    answer = gw.get("/r")
    assert json_of(answer) == {"fine": 1}
    assert degraded(answer) == {"call": "timeout", "upstream": "timeout"}
    assert time.monotonic() - begin < 8


# Cancellation


def test_a_client_that_leaves_cancels_all_calls(world):
    hangs = [Hang(), Hang(), Hang()]
    route = aggregate(a="up/a", b="up/b", c="up/c")
    gw, up = single(world, route, {f"GET /{n}": h for n, h in zip("abc", hangs)})
    files = gw.open_files()
    client = gw.connect().send(wire.request("GET", "/r"))
    assert all(h.began.wait(10) for h in hangs)
    client.reset()
    assert all(h.gone.wait(10) for h in hangs)
    up.wait_for(lambda u: u.open == 0)
    gw.wait_files(files)


def test_a_client_that_leaves_starts_no_further_call(world):
    first = Gate()
    route = aggregate(a="up/a", b="up/b/{calls.a.id}", c="up/c")
    hang = Hang()
    gw, up = single(world, route, {"GET /a": held(first, {"id": 1}), "GET /b/1": 1, "GET /c": hang, "GET /*": 0})
    client = gw.connect().send(wire.request("GET", "/r"))
    assert hang.began.wait(10)
    client.reset()
    assert hang.gone.wait(10)
    first.open()
    up.wait_idle()
    up.table["GET /a"] = {"id": 2}
    up.table["GET /c"] = 0
    assert gw.get("/r").status == 200  # a whole round trip later
    assert "GET /b/1" not in up.lines and "GET /b/2" in up.lines


def test_a_failed_required_call_cancels_the_rest(world):
    hang = Hang()

    def fail(request, connection):
        assert hang.began.wait(10)
        return status(500)

    route = {
        "path": "/r",
        "view": "detail",
        "source": "up/main",
        "include": {"must": {"call": "up/must", "required": True}, "other": "up/main"},
    }
    gw, up = single(world, route, {"GET /main": hang, "GET /must": fail})
    problem(gw.get("/r"), 502)
    assert hang.gone.wait(10)
    up.wait_for(lambda u: u.busy == 0)


def test_a_failed_main_call_cancels_the_rest(world):
    hang = Hang()

    def not_found(request, connection):
        assert hang.began.wait(10)
        return status(404)

    route = {"path": "/r", "view": "detail", "source": "up/main", "include": {"other": "up/other"}}
    gw, _ = single(world, route, {"GET /main": not_found, "GET /other": hang})
    assert gw.get("/r").status == 404
    assert hang.gone.wait(10)


def test_calls_given_up_do_not_use_up_the_pool(world):
    """With one connection allowed, every call given up must have given it back."""
    hang = Hang()
    settings = {"pool": {"connections": 1, "per_endpoint": 1}}
    route = {"path": "/r", "view": "aggregate", "include": {"a": {"call": "up/a", "timeout": "100ms", "default": None}}}
    gw, up = single(world, route, {"GET /a": hang}, settings)
    for _ in range(5):
        answer = gw.get("/r")
        assert json_of(answer) == {"a": None} and degraded(answer) == {"a": "timeout"}
    for _ in range(5):
        hang.began.clear()
        client = gw.connect().send(wire.request("GET", "/r"))
        assert hang.began.wait(10)
        client.reset()
    up.wait_for(lambda u: u.open == 0)
    up.table["GET /a"] = 5
    assert json_of(gw.get("/r")) == {"a": 5}


def test_nothing_is_left_open_after_failures_of_every_kind(world):
    route = aggregate(
        ok="up/ok", reset="up/reset", bad="up/bad", slow={"call": "up/slow", "timeout": "100ms"}, empty="up/empty"
    )
    table = {
        "GET /ok": 1,
        "GET /reset": reset,
        "GET /bad": reply("x" * 50, 500),
        "GET /slow": Hang(),
        "GET /empty": empty(),
    }
    gw, up = single(world, route, table, {"pool": {"idle": "50ms"}})
    files = gw.open_files()
    for _ in range(20):
        assert set(degraded(gw.get("/r"))) == {"reset", "bad", "slow"}
    wait_until(lambda: up.open == 0)
    gw.wait_files(files)
