"""Hedged calls: a second attempt where the first is slow, and which of them counts (SPEC sections 4 and 6)."""
import threading

import pytest

from support import wire
from support.gateway import command, proxy_config, wait_until, write_config
from support.rest import json_of, needs_views, start
from support.upstream import Gate

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}
HEDGED = {"retry": {"attempts": 0, "budget": "100%"}, "circuit_breaker": None}


class Slow:
    """Answers its first request when the test says so, every other at once."""

    def __init__(self, late=b"late", soon=b"soon", status=200):
        self.gate, self.late, self.soon, self.status = Gate(), late, soon, status
        self.gone = threading.Event()
        self.count = 0
        self.lock = threading.Lock()

    def __call__(self, request, connection):
        with self.lock:
            self.count += 1
            first = self.count == 1
        if not first:
            return wire.response(self.status, [], self.soon)
        if connection.peer_closed(5):
            self.gone.set()
            return connection.close()
        return wire.response(body=self.late)


def hedged(world, handlers, upstream=None, route=None, hedge="30ms", **kw):
    ups = [world.upstream(h) for h in handlers]
    settings = {**HEDGED, **({"hedge": hedge} if hedge else {}), **(upstream or {})}
    return world.gateway(proxy_config(ups, upstream=settings, route=route, **{**ADMIN, **kw})), ups


def ok(request, connection):
    return wire.response(body=b"ok")


def hang(request, connection):
    connection.peer_closed(20)
    connection.close()


@pytest.mark.parametrize("where", ["upstream", "route", "defaults", "call"])
def test_a_slow_first_attempt_gets_a_second_one_beside_it(world, where):
    slow = Slow()
    extra = {
        "upstream": {"hedge": "30ms"},
        "route": {"hedge": None, "route": {"hedge": "30ms"}},
        "defaults": {"hedge": None, "defaults": {"hedge": "30ms"}},
        "call": {"hedge": None, "route": {"source": {"call": "up/{rest}", "hedge": "30ms"}}},
    }[where]
    gw, (up,) = hedged(world, [slow], **extra)
    answer = gw.get("/x")
    assert answer.body == b"soon" and len(up.requests) == 2
    assert slow.gone.wait(10), "the loser's connection was not closed"
    up.wait_for(lambda u: u.open <= 1)
    assert gw.metric("viewgate_upstream_hedges_total") == 1 and gw.metric("viewgate_upstream_hedges_won_total") == 1


def test_the_second_goes_to_another_endpoint(world):
    gw, ups = hedged(world, [hang, ok])
    for _ in range(4):
        assert gw.get("/").body == b"ok"
    assert len(ups[0].requests) >= 1 and len(ups[1].requests) == 4


def test_a_first_attempt_that_answers_in_time_stays_alone(world):
    gw, (up,) = hedged(world, [ok], hedge="5s")
    assert [gw.get("/").body for _ in range(5)] == [b"ok"] * 5
    assert len(up.requests) == 5 and gw.metric("viewgate_upstream_hedges_total") == 0


def test_a_first_attempt_that_answers_late_but_first_wins(world):
    began = threading.Event()

    def first(request, connection):
        began.wait(10)
        return wire.response(body=b"first")

    def second(request, connection):
        began.set()
        connection.peer_closed(10)
        connection.close()

    turn = []

    def handler(request, connection):
        turn.append(request)
        return (first if len(turn) == 1 else second)(request, connection)

    gw, (up,) = hedged(world, [handler])
    assert gw.get("/").body == b"first"
    assert gw.metric("viewgate_upstream_hedges_won_total") == 0
    up.wait_for(lambda u: u.open <= 1)


def test_a_bad_answer_does_not_beat_a_good_one(world):
    second_came = threading.Event()
    turn = []

    def handler(request, connection):
        turn.append(request)
        if len(turn) == 1:
            second_came.wait(10)
            # The second has failed by now, or will soon: it must not count.
            return wire.response(body=b"good")
        second_came.set()
        return wire.response(503, [], b"bad")

    gw, (up,) = hedged(world, [handler])
    answer = gw.get("/")
    assert (answer.status, answer.body) == (200, b"good")


def test_two_failures_give_the_first_calls(world):
    turn = []

    def handler(request, connection):
        turn.append(request)
        if len(turn) == 1:
            wait_until(lambda: len(turn) == 2)
            return wire.response(500, [], b"first")
        return wire.response(503, [], b"second")

    gw, _ = hedged(world, [handler])
    assert gw.get("/").body == b"first"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_an_unsafe_method_is_never_made_twice(world, method):
    gw, (up,) = hedged(world, [hang], upstream={"timeout": "200ms"})
    assert gw.fetch(method, "/").status == 504
    assert len(up.requests) == 1


def test_a_request_with_a_body_is_never_made_twice(world):
    gw, (up,) = hedged(world, [hang], upstream={"timeout": "200ms"})
    assert gw.fetch("GET", "/", body=b"x").status == 504
    assert len(up.requests) == 1


def test_the_budget_bounds_hedges(world):
    gw, (up,) = hedged(world, [hang], upstream={"timeout": "60ms", "retry": {"attempts": 0, "budget": "0%"}}, hedge="5ms")
    for _ in range(12):
        assert gw.get("/").status == 504
    hedges = gw.metric("viewgate_upstream_hedges_total")
    assert 3 <= hedges <= 6, "three a second"
    assert gw.metric("viewgate_upstream_retries_refused_total") == 12 - hedges
    assert len(up.requests) == 12 + hedges


def test_a_client_that_leaves_ends_both(world):
    gw, (up,) = hedged(world, [hang])
    client = gw.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    up.wait_requests(2)
    client.reset()
    up.wait_for(lambda u: u.open == 0)


def test_the_deadline_ends_both(world):
    gw, (up,) = hedged(world, [hang], route={"timeout": "150ms"})
    assert gw.get("/").status == 504
    up.wait_for(lambda u: u.open == 0)
    assert len(up.requests) == 2


def test_nothing_leaks_over_many(world):
    turn = []

    def handler(request, connection):
        turn.append(request)
        if len(turn) % 2:
            connection.peer_closed(10)
            return connection.close()
        return wire.response(body=b"x" * 100_000)

    gw, (up,) = hedged(world, [handler], hedge="2ms")
    for _ in range(60):
        assert len(gw.get("/").body) == 100_000
    up.wait_for(lambda u: u.open <= 1)
    wait_until(lambda: gw.metric("viewgate_endpoint_outstanding") == 0)
    assert gw.metric("viewgate_upstream_connections") <= 1


def test_a_hedge_that_loses_counts_nothing_against_its_endpoint(world):
    gw, ups = hedged(world, [hang, ok], upstream={"circuit_breaker": {"failures": 1}})
    for _ in range(6):
        assert gw.get("/").body == b"ok"
    assert gw.metric("viewgate_circuit_breaker_opens_total") == 0


def test_each_attempt_has_a_span_of_its_own(world):
    slow = Slow()
    gw, (up,) = hedged(world, [slow])
    gw.get("/", [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")])
    spans = [r.headers.one("traceparent") for r in up.requests]
    assert len({r.headers.one("x-request-id") for r in up.requests}) == 1
    assert len(spans) == 2


@needs_views()
def test_a_call_of_a_view_is_hedged(world):
    slow = Slow(b'{"from":"first"}', b'{"from":"second"}')
    gw, apis = start(
        world,
        {"path": "/r", "view": "detail", "source": {"call": "up/it", "hedge": "30ms"}},
        {"up": HEDGED},
        up={"GET /it": slow},
    )
    assert json_of(gw.get("/r")) == {"from": "second"}
    apis.up.wait_for(lambda u: u.open <= 1)


@needs_views()
def test_zero_turns_off_what_the_upstream_says(world):
    gw, apis = start(
        world,
        {"path": "/r", "view": "detail", "source": {"call": "up/it", "hedge": "0s", "timeout": "150ms"}},
        {"up": {**HEDGED, "hedge": "10ms"}},
        up={"GET /it": hang},
    )
    assert gw.get("/r").status == 504 and len(apis.up.requests) == 1


@pytest.mark.parametrize("source", ["POST up/x", "DELETE up/x"])
def test_a_hedge_on_an_unsafe_call_is_refused_at_load(tmp_path, source):
    config = {
        "upstreams": {"up": {"url": "http://127.0.0.1:1"}},
        "routes": [{"path": "/x", "view": "proxy-fetch", "source": {"call": source, "hedge": "50ms"}}],
    }
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 78
    assert f"{source.split()[0]} is not made twice at once" in done.stdout + done.stderr
