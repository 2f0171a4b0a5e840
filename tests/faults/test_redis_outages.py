"""A Redis that hangs, or is killed again and again, under load that does not wait for it: what that costs requests."""
import os
import threading

import pytest

from support.gateway import respond_config, sanitized, wait_until
from support.paced import Paced, percentile
from support.redis import Redis

RATE = 500
TIMEOUT = 0.3  # redis.timeout
SLACK = 0.15  # that a request may take by itself on a machine that has other things to do


@pytest.fixture
def redis(world):
    return world.own(Redis(world.directory / "redis"))


def limited(world, redis):
    route = {"name": "r", "path": "/{rest...}", "view": "respond", "text": "r", "rate_limit": "100000000/h"}
    return world.gateway(respond_config(route, **settings(redis)))


def cached(world, redis, store):
    """The upstream is a gateway: one that is fast."""
    answer = {"name": "u", "path": "/{rest...}", "view": "respond", "text": "u" * 1000}
    answer["headers"] = {"Cache-Control": "max-age=1000"}
    up = world.gateway(respond_config(answer, log={"access": False}))
    route = {"name": "r", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}", "cache": {"store": store}}
    config = respond_config(route, **settings(redis))
    config["upstreams"] = {"up": {"url": f"http://127.0.0.1:{up.port}"}}
    return world.gateway(config)


def settings(redis):
    return {
        "server": {"workers": 2},
        "admin": {"listen": "127.0.0.1:0"},
        "log": {"access": False},
        "redis": {"url": redis.url, "timeout": f"{TIMEOUT * 1000:.0f}ms"},
    }


@pytest.fixture(params=["rate_limit", "cache redis", "cache both"])
def gateway(request, world, redis):
    gw = limited(world, redis) if request.param == "rate_limit" else cached(world, redis, request.param.split()[1])
    wait_up(gw)
    return gw


def wait_up(gw):
    wait_until(lambda: gw.metric("viewgate_redis_up") == 1, what="redis up")


def target(number):
    """Half of them were asked for before."""
    return f"/{number % 100}" if number % 2 else f"/new{number}"


def test_requests_wait_for_a_redis_that_hangs_once_and_later_ones_do_not(gateway, redis):
    load = Paced(gateway, RATE, 60, target)
    wait_until(lambda: len(load.samples) >= RATE, what="a second of load")
    hung = redis.hang()
    wait_until(lambda: load.samples[-1].due > hung + 3 * TIMEOUT, what="load while it hangs")
    redis.go_on()
    wait_up(gateway)
    samples = load.stop()
    assert {s.status for s in samples} == {200}
    slow = [s for s in samples if s.took > SLACK]
    assert max(s.took for s in samples) <= TIMEOUT + SLACK
    assert slow, "it did hang"
    assert all(hung - SLACK <= s.due <= hung + TIMEOUT + SLACK for s in slow), [(s.due - hung, s.took) for s in slow]
    assert len(slow) <= RATE * (TIMEOUT + SLACK), "those under way when the first one's time was up"


@pytest.mark.slow
@pytest.mark.skipif(sanitized(), reason="its times say nothing")
def test_killed_and_started_every_two_seconds_it_costs_no_request_and_little_time(gateway, redis):
    Paced(gateway, RATE, 2, target).result()
    quiet = Paced(gateway, RATE, 30, target).result()
    load = Paced(gateway, RATE, 30, target)
    ended = threading.Event()
    threading.Thread(target=lambda: (load.result(), ended.set()), daemon=True).start()
    restarts = 0
    while not ended.wait(2):
        redis.restart()
        restarts += 1
    samples = load.result()
    usual, then = percentile(quiet, 0.99), percentile(samples, 0.99)
    print(f"\n{len(samples)} requests, {restarts} restarts: p50 {percentile(quiet, 0.5) * 1000:.2f} ms and "
          f"{percentile(samples, 0.5) * 1000:.2f} ms, p99 {usual * 1000:.2f} ms and {then * 1000:.2f} ms, "
          f"longest {max(s.took for s in quiet) * 1000:.1f} ms and {max(s.took for s in samples) * 1000:.1f} ms; "
          f"machine's load {os.getloadavg()[0]:.1f}")
    assert {s.status for s in quiet + samples} == {200}
    assert restarts >= 12
    assert then <= 2 * usual
