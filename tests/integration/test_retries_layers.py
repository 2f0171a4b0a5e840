"""Retries that routes, mixins, defaults and calls ask for: which layer wins, the methods that are listed, and the one
budget of the upstream (SPEC sections 2 and 6)."""
import threading
import time

import pytest

from support import wire
from support.gateway import proxy_config
from support.paced import Paced
from support.rest import needs_views, start, status

QUIET = {"circuit_breaker": None}
FULL = {"budget": "100%", "backoff": "1ms"}


def busy(request, connection):
    return wire.response(503, [], b"busy")


def attempts_of(world, upstream=None, route=None, **top):
    up = world.upstream(busy)
    gw = world.gateway(proxy_config(up, upstream={**QUIET, **(upstream or {})}, route=route, **top))
    assert gw.get("/").status == 503
    return len(up.requests)


def test_a_route_says_how_often(world):
    assert attempts_of(world, {"retry": {"attempts": 0, **FULL}}, {"retry": 2}) == 3


def test_a_mixin_says_it(world):
    route = {"mixins": ["patient"]}
    assert attempts_of(world, {"retry": FULL}, route, mixins={"patient": {"retry": {"attempts": 3}}}) == 4


def test_defaults_say_it_where_the_upstream_does_not(world):
    assert attempts_of(world, {}, defaults={"retry": {"attempts": 3, **FULL}}) == 4


def test_what_an_upstream_says_stands_over_defaults(world):
    assert attempts_of(world, {"retry": {"attempts": 0}}, defaults={"retry": {"attempts": 3, **FULL}}) == 1


def test_what_a_route_says_stands_over_both_key_by_key(world):
    up = {"retry": {"attempts": 0, "on": [503], "backoff": "1ms"}}
    assert attempts_of(world, up, {"retry": {"attempts": 1}}, defaults={"retry": {"attempts": 3, "budget": "100%"}}) == 2


def test_null_takes_out_what_defaults_say(world):
    assert attempts_of(world, {"retry": {**FULL}}, {"retry": None}, defaults={"retry": 4}) == 2, "the built-in one"


@pytest.mark.parametrize("kind", ["status", "reset"])
def test_methods_that_are_listed_are_tried_again(world, kind):
    seen = []

    def handler(request, connection):
        seen.append(request)
        if len(seen) > 1:
            return wire.response(body=b"ok " + request.body)
        return busy(request, connection) if kind == "status" else connection.reset()

    gw, up = world.proxy(handler, upstream=QUIET, route={"retry": {"methods": ["POST"]}})
    answer = gw.fetch("POST", "/", body=b"x" * 100)
    assert (answer.status, answer.body) == (200, b"ok " + b"x" * 100)
    gw, up = world.proxy(busy, upstream=QUIET, route={"retry": {"methods": ["POST"]}})
    assert gw.fetch("PATCH", "/", body=b"x").status == 503 and len(up.requests) == 1


def test_a_listed_method_whose_body_cannot_be_sent_again_is_not(world):
    gw, up = world.proxy(busy, upstream=QUIET, route={"retry": {"attempts": 3, "methods": ["POST"]}})
    assert gw.fetch("POST", "/", body=b"x" * 500_000).status == 503
    assert len(up.requests) == 1


@needs_views()
def test_a_call_stands_over_its_route(world):
    gw, apis = start(
        world,
        {
            "path": "/r",
            "view": "aggregate",
            "retry": {"attempts": 2, **FULL},
            "include": {"a": {"call": "up/a", "default": 1, "retry": {"attempts": 1}}, "b": {"call": "up/b", "default": 2}},
        },
        {"up": {"retry": 0, **QUIET}},
        up={"GET /a": status(503), "GET /b": status(503)},
    )
    assert gw.get("/r").status == 200
    assert len(apis.up.calls("GET /a")) == 2 and len(apis.up.calls("GET /b")) == 3


def test_a_storm_of_failures_is_not_multiplied(world):
    """A thousand requests a second, half of all answers 503: the upstream gets no more than what the budget adds."""
    lock = threading.Lock()
    count = [0]

    def half(request, connection):
        with lock:
            count[0] += 1
            failed = count[0] % 2 == 0
        return busy(request, connection) if failed else wire.response(body=b"ok")

    retry = {"attempts": 3, "backoff": "0ms", "budget": "20%"}
    gw, up = world.proxy(
        half,
        upstream={**QUIET, "retry": retry, "max_pending": 100_000, "timeout": "60s"},
        server={"workers": 2},
        admin={"listen": "127.0.0.1:0"},
        route={"timeout": "60s"},
    )
    seconds = 4
    begin = time.monotonic()
    samples = Paced(gw, 1000, seconds).result()
    seconds_taken = time.monotonic() - begin
    assert len(samples) == 1000 * seconds and {s.status for s in samples} == {200, 503}
    load = len(up.requests) / len(samples)
    print(f"\n{len(samples)} requests in {seconds_taken:.1f} s, {len(up.requests)} at the upstream: {load:.3f}")
    assert gw.metric("viewgate_upstream_retries_total") == len(up.requests) - len(samples)
    assert load <= 1.2 + 3 * (seconds_taken + 1) / len(samples), "the share, and three a second"
    assert load >= 1.15, "it does retry"
