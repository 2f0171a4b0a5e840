"""Active health checks: what is asked, what an unhealthy endpoint gets, and where it is shown (SPEC section 2)."""
import json

import pytest

from support import wire
from support.gateway import proxy_config, wait_until
from support.upstream import refused_url

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}
FAST = {"path": "/healthz", "interval": "30ms", "timeout": "500ms", "unhealthy_after": 2, "healthy_after": 2}


class Checked:
    """Answers checks with `health`, and everything else with 200."""

    def __init__(self, health=200):
        self.health = health

    def __call__(self, request, connection):
        if request.target != "/healthz":
            return wire.response(body=b"served")
        if callable(self.health):
            return self.health(request, connection)
        return wire.response(self.health, [], b"")


def checked(world, handlers, health=None, upstream=None, **kw):
    ups = [world.upstream(h) if callable(h) else h for h in handlers]
    settings = {"retry": 0, "circuit_breaker": None, "health": {**FAST, **(health or {})}, **(upstream or {})}
    return world.gateway(proxy_config(ups, upstream=settings, **{**ADMIN, **kw})), ups


def checks(up):
    return [r for r in up.requests if r.target == "/healthz"]


def served(up):
    return [r for r in up.requests if r.target != "/healthz"]


def states(gw):
    status = json.loads(gw.admin("/status").text)
    return [e["health"]["state"] for e in status["upstreams"][0]["endpoints"]]


def wait_states(gw, *wanted):
    wait_until(lambda: states(gw) == list(wanted), what=f"{wanted}")


def reset(request, connection):
    connection.reset()


def hang(request, connection):
    connection.peer_closed(20)
    connection.close()


def test_a_check_is_a_plain_get_on_a_connection_of_its_own(world):
    gw, (up,) = checked(world, [Checked()])
    up.wait_for(lambda u: len(checks(u)) >= 3)
    request = checks(up)[0]
    assert request.method == "GET" and request.headers.one("host") == up.authority
    assert request.headers.one("connection") == "close" and "health check" in request.headers.one("user-agent")
    assert len({r.connection.index for r in checks(up)}) == len(checks(up))
    assert up.most_open <= 2


def test_the_path_is_the_servers_not_below_the_base(world):
    up = world.upstream(Checked())
    gw = world.gateway(proxy_config(up.url + "/api/v1", upstream={"health": FAST}))
    up.wait_for(lambda u: len(checks(u)) >= 1)


@pytest.mark.parametrize("answer", [200, 204, 299])
def test_any_2xx_is_healthy(world, answer):
    gw, (up,) = checked(world, [Checked(answer)])
    up.wait_for(lambda u: len(checks(u)) >= 5)
    assert states(gw) == ["healthy"]


@pytest.mark.parametrize("answer", [302, 404, 500, 503, reset, hang, lambda r, c: b"SMTP\r\n\r\n"])
def test_all_unhealthy_is_503_with_retry_after(world, answer):
    gw, (up,) = checked(world, [Checked(answer)], {"timeout": "50ms"})
    wait_states(gw, "unhealthy")
    found = gw.get("/x")
    assert found.status == 503 and "up has no healthy endpoint" in found.text
    assert int(found.headers.one("retry-after")) >= 1
    assert served(up) == []


def test_a_refused_connection_is_unhealthy(world):
    gw, _ = checked(world, [refused_url()])
    wait_states(gw, "unhealthy")
    gw.wait_log("health check upstream=up endpoint=.*: unhealthy, no connection")


def test_an_unhealthy_endpoint_is_left_out_and_taken_in_again(world):
    first = Checked(503)
    gw, (bad, good) = checked(world, [first, Checked()])
    wait_states(gw, "unhealthy", "healthy")
    assert [gw.get("/x").status for _ in range(10)] == [200] * 10
    assert len(served(bad)) == 0 and len(served(good)) == 10
    first.health = 200
    wait_states(gw, "healthy", "healthy")
    for _ in range(10):
        gw.get("/x")
    assert len(served(bad)) == 5


def test_it_takes_so_many_checks_in_a_row(world):
    answers = iter([503, 200] * 6 + [503] * 1000)
    gw, (up,) = checked(world, [Checked(lambda r, c: wire.response(next(answers), [], b""))])
    up.wait_for(lambda u: len(checks(u)) >= 12)
    wait_states(gw, "unhealthy")
    assert len(checks(up)) >= 14


def test_changes_are_logged_once_and_counted(world):
    handler = Checked(503)
    gw, (up,) = checked(world, [handler])
    wait_states(gw, "unhealthy")
    up.wait_for(lambda u: len(checks(u)) >= 6)
    handler.health = 200
    wait_states(gw, "healthy")
    lines = [line for line in gw.lines if "health check" in line]
    assert len(lines) == 2 and "unhealthy, status 503" in lines[0] and "healthy again" in lines[1]
    assert gw.metric("viewgate_endpoint_healthy") == 1
    assert 'result="failed"' in gw.admin("/metrics").text


def test_checks_count_as_nothing_else(world):
    gw, (up,) = checked(world, [Checked(503)], upstream={"circuit_breaker": {"failures": 1}})
    wait_states(gw, "unhealthy")
    up.wait_for(lambda u: len(checks(u)) >= 5)
    assert gw.metric("viewgate_circuit_breaker_opens_total") == 0
    assert gw.metric("viewgate_upstream_requests_total") in (0, None)
    assert not any("healthz" in line for line in gw.lines)


def test_they_are_made_once_in_the_process(world):
    gw, (up,) = checked(world, [Checked()], {"interval": "100ms"}, server={"workers": 4})
    up.wait_for(lambda u: len(checks(u)) >= 5)
    assert up.most_busy == 1


def test_a_reload_keeps_what_is_known_of_an_unchanged_upstream(world):
    up = world.upstream(Checked(503))
    config = proxy_config(up, upstream={"retry": 0, "health": FAST}, **ADMIN)
    gw = world.gateway(config)
    wait_states(gw, "unhealthy")
    config["routes"][0]["timeout"] = "5s"
    gw.reload(config)
    gw.wait_log("reloaded")
    assert states(gw) == ["unhealthy"] and gw.get("/").status == 503
    before = len(checks(up))
    up.wait_for(lambda u: len(checks(u)) > before + 2)


def test_a_reload_starts_and_ends_them(world):
    up = world.upstream(Checked(503))
    config = proxy_config(up, upstream={"retry": 0}, **ADMIN)
    gw = world.gateway(config)
    config["upstreams"]["up"]["health"] = FAST
    gw.reload(config)
    up.wait_for(lambda u: len(checks(u)) >= 3)
    wait_states(gw, "unhealthy")
    del config["upstreams"]["up"]["health"]
    gw.reload(config)
    wait_until(lambda: gw.get("/x").status == 200, what="the reload")
    up.wait_for(lambda u: u.busy == 0)


def test_a_stop_does_not_wait_for_a_check(world):
    gw, (up,) = checked(world, [Checked(hang)], {"timeout": "60s"}, server={"drain_timeout": "60s"})
    up.wait_for(lambda u: len(checks(u)) >= 1)
    gw.stop()
