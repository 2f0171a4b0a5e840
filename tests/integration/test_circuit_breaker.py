"""Circuit breakers of upstreams, routes and calls: what opens and closes them, what is asked meanwhile, and where it is
shown (SPEC section 6)."""
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import wire
from support.gateway import proxy_config, wait_until
from support.rest import degraded, json_of, needs_views, problem, single, start, status
from support.upstream import Gate, refused_url

SHORT = {"failures": 3, "open_for": "300ms"}
LONG = {"failures": 3, "open_for": "60s"}
ADMIN = {"admin": {"listen": "127.0.0.1:0"}}


class Switch:
    """A handler whose answer the test turns over."""

    def __init__(self, answer=503):
        self.answer = answer

    def __call__(self, request, connection):
        answer = self.answer
        if callable(answer):
            return answer(request, connection)
        return wire.response(answer, [], b"answer %d" % answer)


def reset(request, connection):
    connection.reset()


def hang(request, connection):
    connection.peer_closed(20)


def proxied(world, answer=503, breaker=None, upstream=None, **kw):
    switch = Switch(answer)
    settings = {"retry": 0, "circuit_breaker": breaker or LONG, **(upstream or {})}
    gw, up = world.proxy(switch, upstream=settings, **{**ADMIN, **kw})
    return gw, up, switch


def refused(answer):
    return answer.status == 503 and "is not asked for the moment" in answer.text


def breaker_of(gw, endpoint=0, upstream="up"):
    status = json.loads(gw.admin("/status").text)
    (found,) = [u for u in status["upstreams"] if u["name"] == upstream]
    return found["endpoints"][endpoint]["circuit_breaker"]


def wait_trial(gw):
    """Until the breaker would let one through: what /status shows as open has no time left."""
    return wait_until(lambda: not refused(gw.get("/")), what="a trial")


# Opening


@pytest.mark.parametrize("answer", [500, 502, 503, 504, reset])
def test_consecutive_failures_open_it_and_then_nothing_is_sent(world, answer):
    gw, up, _ = proxied(world, answer)
    for _ in range(3):
        assert not refused(gw.get("/"))
    for _ in range(5):
        answer = gw.get("/")
        assert refused(answer) and answer.headers.one("content-type") == "application/problem+json"
        assert 58 <= int(answer.headers.one("retry-after")) <= 60
    assert len(up.requests) == 3
    assert breaker_of(gw)["state"] == "open"


def test_it_is_on_by_default(world):
    up = world.upstream(Switch(503))
    config = proxy_config(up, upstream={"retry": 0})
    del config["upstreams"]["up"]["circuit_breaker"]
    gw = world.gateway(config)
    for _ in range(5):
        assert gw.get("/").status == 503
    answer = gw.get("/")
    assert refused(answer) and int(answer.headers.one("retry-after")) >= 58
    assert len(up.requests) == 5


def test_null_turns_it_off(world):
    gw, up = world.proxy(Switch(503), upstream={"retry": 0, "circuit_breaker": None})
    assert [gw.get("/").text for _ in range(30)] == ["answer 503"] * 30
    assert len(up.requests) == 30


def test_refused_connections_open_it(world):
    gw = world.gateway(proxy_config(refused_url(), upstream={"retry": 0, "circuit_breaker": LONG}))
    assert [gw.get("/").status for _ in range(5)] == [502, 502, 502, 503, 503]


def test_timeouts_open_it(world):
    gw, up, _ = proxied(world, hang, upstream={"timeout": "50ms"})
    assert [gw.get("/").status for _ in range(5)] == [504, 504, 504, 503, 503]


def test_broken_answers_open_it(world):
    gw, up, _ = proxied(world, lambda r, c: b"HTTP/1.1 999 ?\r\n\r\n")
    assert [gw.get("/").status for _ in range(4)] == [502, 502, 502, 503]


@pytest.mark.parametrize("answer", [400, 401, 404, 409, 422, 429, 301, 304])
def test_what_is_no_failure_of_the_upstream_does_not_count(world, answer):
    gw, up, _ = proxied(world, answer)
    assert [gw.get("/").status for _ in range(10)] == [answer] * 10
    assert breaker_of(gw)["failures"] == 0


def test_a_success_between_starts_the_count_again(world):
    gw, up, switch = proxied(world)
    for _ in range(4):
        for code in (503, 503, 200):
            switch.answer = code
            assert gw.get("/").status == code
    assert breaker_of(gw) == {"state": "closed", "failures": 0, "opens": 0, "refused": 0}


def test_each_attempt_counts(world):
    gw, up, _ = proxied(world, upstream={"retry": {"attempts": 2, "budget": "100%", "backoff": "1ms"}})
    assert gw.get("/").text == "answer 503"  # three attempts
    assert refused(gw.get("/")) and len(up.requests) == 3


def test_an_opening_ends_the_retries_with_the_answer_that_was_had(world):
    gw, up, _ = proxied(
        world, breaker={"failures": 2}, upstream={"retry": {"attempts": 5, "budget": "100%", "backoff": "1ms"}}
    )
    assert gw.get("/").text == "answer 503"
    assert len(up.requests) == 2


def test_a_ratio_opens_it(world):
    breaker = {"failures": 1000, "ratio": "50%", "min_requests": 10, "open_for": "60s"}
    gw, up, switch = proxied(world, breaker=breaker)
    for i in range(10):
        switch.answer = 503 if i % 2 else 200
        assert gw.get("/").status == switch.answer
    assert refused(gw.get("/")) and len(up.requests) == 10


# Not the upstream's fault


def test_a_client_that_leaves_does_not_count(world):
    gw, up, switch = proxied(world, hang)
    for i in range(5):
        client = gw.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        up.wait_requests(i + 1)
        client.reset()
    up.wait_for(lambda u: u.open == 0)
    switch.answer = 200
    assert gw.get("/").status == 200
    assert breaker_of(gw)["opens"] == 0


def test_a_full_pool_does_not_count(world):
    gate = Gate()

    def streamed(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", "4")]))
        gate.hold()
        connection.send(b"done")

    gw, up, switch = proxied(
        world, streamed, upstream={"pool": {"connections": 1}, "max_pending": 1, "timeout": "80ms"}, breaker={"failures": 2}
    )
    with gw.connect() as first, ThreadPoolExecutor(3) as pool:
        first.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert first.read_head().status == 200
        # These wait in the gateway's own queue until their time is up, or are refused by it.
        answers = list(pool.map(lambda _: gw.get("/"), range(9)))
        assert {a.status for a in answers} <= {503, 504} and not any(refused(a) for a in answers)
        gate.open()
    switch.answer = 200
    wait_until(lambda: gw.get("/").status == 200)
    assert breaker_of(gw)["opens"] == 0 and breaker_of(gw)["failures"] == 0


def test_a_slow_client_does_not_count(world):
    gw, up, switch = proxied(world, 200, server={"timeouts": {"body": "50ms"}}, breaker={"failures": 2})
    for _ in range(4):
        with gw.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            assert client.read_response().status == 408
    assert gw.get("/").status == 200


@pytest.mark.parametrize("route, own, counts", [("100ms", "10s", False), ("100ms", "150ms", True), ("1200ms", "10s", True)])
def test_a_call_cut_by_the_routes_deadline_counts_if_it_had_time_enough(world, route, own, counts):
    gw, up, _ = proxied(
        world, hang, breaker={"failures": 2}, upstream={"timeout": own}, route={"timeout": route}
    )
    for _ in range(2):
        assert gw.get("/").status == 504
    assert refused(gw.get("/")) if counts else gw.get("/").status == 504


# Closing


def test_after_its_time_one_trial_closes_it(world):
    gw, up, switch = proxied(world, breaker=SHORT)
    for _ in range(3):
        gw.get("/")
    assert refused(gw.get("/"))
    switch.answer = 200
    wait_trial(gw)
    assert [gw.get("/").status for _ in range(5)] == [200] * 5
    assert breaker_of(gw)["state"] == "closed" and breaker_of(gw)["opens"] == 1


def test_a_failed_trial_opens_it_again(world):
    gw, up, switch = proxied(world, breaker=SHORT)
    for _ in range(3):
        gw.get("/")
    wait_until(lambda: gw.get("/").text == "answer 503", what="a trial")
    assert refused(gw.get("/"))
    assert len(up.requests) == 4 and breaker_of(gw)["opens"] == 2


def test_one_trial_at_a_time_and_the_others_are_refused_at_once(world):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(body=b"ok")

    gw, up, switch = proxied(world, breaker={**SHORT, "half_open": 1})
    for _ in range(3):
        gw.get("/")
    switch.answer = held
    trial = gw.connect()

    def trying():
        with ThreadPoolExecutor(1):
            trial.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                up.wait_requests(4, 0.1)
            except AssertionError:
                return not refused(trial.read_response())
            return True

    wait_until(trying, what="a trial")
    for _ in range(3):
        assert refused(gw.get("/"))
    assert breaker_of(gw)["state"] == "half_open"
    gate.open()
    assert trial.read_response().status == 200
    assert gw.get("/").status == 200


def test_a_trial_whose_client_leaves_frees_its_place(world):
    gw, up, switch = proxied(world, breaker=SHORT)
    for _ in range(3):
        gw.get("/")
    switch.answer = hang
    asked = len(up.requests)
    client = gw.connect()

    def trying():
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            up.wait_requests(asked + 1, 0.1)
        except AssertionError:
            client.read_response()
            return False
        return True

    wait_until(trying, what="a trial")
    client.reset()
    up.wait_for(lambda u: u.open == 0)
    switch.answer = 200
    wait_until(lambda: gw.get("/").status == 200, what="another trial")


# Whose it is


def two_routes(up, breaker, first=None, second=None):
    config = proxy_config(up, upstream={"retry": 0, "circuit_breaker": breaker}, **ADMIN)
    config["routes"] = [
        {"name": "a", "path": "/a", "view": "proxy-fetch", "source": "up/a", **(first or {})},
        {"name": "b", "path": "/b", "view": "proxy-fetch", "source": "up/b", **(second or {})},
    ]
    return config


def test_the_upstreams_is_shared_by_all_routes(world):
    up = world.upstream(Switch(503))
    gw = world.gateway(two_routes(up, LONG))
    for _ in range(3):
        gw.get("/a")
    assert refused(gw.get("/b")) and len(up.requests) == 3


def test_a_routes_own_counts_its_own_calls_and_applies_as_well(world):
    switch = Switch(503)
    up = world.upstream(switch)
    gw = world.gateway(two_routes(up, {"failures": 4, "open_for": "60s"}, {"circuit_breaker": {"failures": 2}}))
    assert [refused(gw.get("/a")) for _ in range(3)] == [False, False, True]
    assert [refused(gw.get("/b")) for _ in range(3)] == [False, False, True], "the upstream's opens after four"
    assert len(up.requests) == 4
    (shown,) = json.loads(gw.admin("/status").text)["circuit_breakers"]
    assert shown["scope"] == "route:a" and shown["upstream"] == "up" and shown["circuit_breaker"]["state"] == "open"


def test_what_a_routes_does_not_say_is_the_upstreams(world):
    up = world.upstream(Switch(503))
    route = {"circuit_breaker": {"failures": 2}}
    gw = world.gateway(two_routes(up, {"failures": 100, "open_for": "7s"}, route))
    for _ in range(2):
        gw.get("/a")
    assert int(gw.get("/a").headers.one("retry-after")) in (6, 7)


def test_defaults_give_each_route_one_of_its_own(world):
    up = world.upstream(Switch(503))
    config = two_routes(up, None)
    config["defaults"] = {"circuit_breaker": {"failures": 2}}
    gw = world.gateway(config)
    assert [refused(gw.get("/a")) for _ in range(3)] == [False, False, True]
    assert [refused(gw.get("/b")) for _ in range(3)] == [False, False, True]


# Several endpoints


def test_an_open_endpoint_is_left_out_while_another_is_closed(world):
    bad, good = world.upstream(Switch(503)), world.upstream(Switch(200))
    gw = world.gateway(proxy_config([bad, good], upstream={"retry": 0, "circuit_breaker": LONG}, **ADMIN))
    statuses = [gw.get("/").status for _ in range(20)]
    assert statuses.count(503) == 3 and len(bad.requests) == 3
    assert breaker_of(gw, 0)["state"] == "open" and breaker_of(gw, 1)["state"] == "closed"
    assert breaker_of(gw, 0)["refused"] == 0


def test_all_open_is_refused_at_once(world):
    one, two = world.upstream(Switch(503)), world.upstream(Switch(503))
    gw = world.gateway(proxy_config([one, two], upstream={"retry": 0, "circuit_breaker": LONG}))
    for _ in range(6):
        gw.get("/")
    assert refused(gw.get("/"))
    assert len(one.requests) == 3 and len(two.requests) == 3


# Calls of views


@needs_views()
def test_while_open_an_optional_call_yields_its_default_and_says_why(world):
    routes = [{"path": "/r", "view": "aggregate", "include": {"it": {"call": "up/it", "default": []}, "other": "up/o"}}]
    routes[0]["include"]["it"]["circuit_breaker"] = {"failures": 2}
    gw, up = single(world, routes, {"GET /it": status(503), "GET /o": 1})
    for _ in range(2):
        assert degraded(gw.get("/r")) == {"it": "status_503"}
    answer = gw.get("/r")
    assert json_of(answer) == {"it": [], "other": 1} and degraded(answer) == {"it": "circuit_open"}
    assert len(up.calls("GET /it")) == 2 and len(up.calls("GET /o")) == 3


@needs_views()
def test_a_main_call_that_is_refused_gets_503_with_retry_after(world):
    gw, up = single(
        world,
        {"path": "/r", "view": "detail", "source": "up/it"},
        {"GET /it": status(500)},
        {"circuit_breaker": {"failures": 1, "open_for": "20s"}},
    )
    assert gw.get("/r").status == 502
    answer = gw.get("/r")
    assert answer.status == 503 and int(answer.headers.one("retry-after")) in (19, 20)
    gw.wait_log(r"status=503.*error=circuit_open|circuit_open")


# Reload, log, metrics


def test_a_reload_keeps_what_did_not_change(world):
    up = world.upstream(Switch(503))
    config = two_routes(up, LONG, {"circuit_breaker": {"failures": 2, "open_for": "60s"}})
    gw = world.gateway(config)
    for _ in range(2):
        gw.get("/a")
    assert refused(gw.get("/a"))
    config["routes"][1]["timeout"] = "5s"
    gw.reload(config)
    gw.wait_log("reloaded")
    assert refused(gw.get("/a")) and len(up.requests) == 2
    config["routes"][0]["circuit_breaker"]["failures"] = 3
    gw.reload(config)
    wait_until(lambda: gw.get("/a").text == "answer 503", what="the reload")


def test_each_change_is_logged_once(world):
    gw, up, switch = proxied(world, breaker=SHORT)
    for _ in range(5):
        gw.get("/")
    switch.answer = 200
    wait_trial(gw)
    gw.wait_log("circuit breaker.*closed")
    lines = [line for line in gw.lines if "circuit breaker" in line]
    assert len(lines) == 3, lines
    assert f"upstream=up endpoint={up.authority}" in lines[0] and "open for 300ms" in lines[0]
    assert "status 503" in lines[0] and "half open" in lines[1] and "closed" in lines[2]


def test_the_metrics_show_it(world):
    gw, up, _ = proxied(world)
    for _ in range(5):
        gw.get("/")
    text = gw.admin("/metrics").text
    labels = f'{{upstream="up",endpoint="{up.authority}",scope="upstream"}}'
    assert f"viewgate_circuit_breaker_state{labels} 2\n" in text
    assert f"viewgate_circuit_breaker_opens_total{labels} 1\n" in text
    assert f"viewgate_circuit_breaker_refused_total{labels} 2\n" in text


def test_the_access_log_names_it(world):
    gw, up, _ = proxied(world)
    for _ in range(4):
        gw.get("/")
    gw.wait_log("error=circuit_open")


# Many at once


def test_late_answers_of_requests_from_before_the_opening_change_nothing(world):
    gate = Gate()
    entered = threading.Semaphore(0)

    def by_path(request, connection):
        if request.path == "/late":
            entered.release()
            gate.hold()
            return wire.response(body=b"late")
        return wire.response(503, [], b"answer 503")

    gw, up, _ = proxied(world, by_path)
    with ThreadPoolExecutor(8) as pool:
        late = [pool.submit(gw.get, "/late") for _ in range(8)]
        for _ in late:
            assert entered.acquire(timeout=10)
        for _ in range(3):
            gw.get("/")
        assert refused(gw.get("/"))
        gate.open()
        assert [f.result().status for f in late] == [200] * 8
    assert refused(gw.get("/")) and breaker_of(gw)["state"] == "open"
