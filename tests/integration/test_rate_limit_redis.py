"""rate_limit in Redis: one limit over processes, and what happens when Redis is not there."""
import threading
import time

import pytest

from support.client import Client
from support.gateway import respond_config, wait_until
from support.load import burst
from support.redis import Redis

DECISIONS = "viewgate_rate_limit_decisions_total"


@pytest.fixture
def redis(world):
    return world.own(Redis(world.directory / "redis"))


def config(redis, limit, timeout="2s", workers=2, **more):
    route = {"name": "r", "path": "/r", "view": "respond", "text": "r", "rate_limit": limit}
    return respond_config(
        route,
        server={"workers": workers},
        admin={"listen": "127.0.0.1:0"},
        log={"access": False},
        redis={"url": redis.url, "timeout": timeout, **more},
    )


def wait_up(gw, up=1):
    wait_until(lambda: gw.metric("viewgate_redis_up") == up, what=f"redis_up {up}")


def statuses(gw, times, headers=()):
    return [gw.get("/r", list(headers)).status for _ in range(times)]


def test_processes_share_one_limit(world, redis):
    gateways = [world.gateway(config(redis, "5/h")) for _ in range(2)]
    [wait_up(gw) for gw in gateways]
    got = [gateways[i % 2].get("/r") for i in range(8)]
    assert [g.status for g in got] == [200] * 5 + [429] * 3
    assert got[4].headers.one("ratelimit").startswith('"default";r=0;t=')
    assert int(got[7].headers.one("retry-after")) in range(3500, 3826)
    assert redis.command("KEYS", "*limit*") == ["viewgate:limit:route:r:client_ip:sliding_window:3600:=127.0.0.1"]


def test_what_headers_say_is_hashed(world, redis):
    gw = world.gateway(config(redis, {"limit": "2/h", "key": "header:X-Api-Key"}, prefix="shop:"))
    wait_up(gw)
    assert statuses(gw, 3, [("X-Api-Key", "secret-key")]) == [200, 200, 429]
    (key,) = redis.command("KEYS", "*limit*")
    assert key.startswith("shop:limit:route:r:") and "secret" not in key


def test_a_restarted_gateway_goes_on_with_the_count(world, redis):
    first = world.gateway(config(redis, "4/h"))
    wait_up(first)
    assert statuses(first, 3) == [200] * 3
    first.stop()
    second = world.gateway(config(redis, "4/h"))
    wait_up(second)
    assert statuses(second, 2) == [200, 429]


@pytest.mark.parametrize("limit", ["10000/h", ["10000/h", {"limit": "10000/d", "key": "route"}]], ids=["one", "list"])
def test_exactly_the_limit_is_admitted_by_eight_processes(world, redis, limit):
    gateways = [world.gateway(config(redis, limit, timeout="20s")) for _ in range(8)]
    [wait_up(gw) for gw in gateways]
    assert burst(gateways, 50_000 // 8, 50) == {200: 10_000, 429: 40_000}


def test_without_redis_each_process_counts_for_itself_and_says_so(world, redis):
    gw = world.gateway(config(redis, "3/h", timeout="200ms"))
    wait_up(gw)
    assert statuses(gw, 2) == [200, 200]
    redis.kill()
    assert statuses(gw, 5) == [200, 200, 200, 429, 429]
    assert gw.metric(DECISIONS, result="local") == 3
    gw.wait_log("rate limits are counted by each process for itself")
    assert sum("rate limits are counted by each process for itself" in line for line in gw.lines) == 1
    redis.start()
    wait_up(gw)
    assert statuses(gw, 4) == [200] * 3 + [429], "it came back empty"


def test_allow_admits_and_deny_answers_503(world, redis):
    limits = [{"limit": "1/h", "on_store_failure": "allow"}]
    gw = world.gateway(config(redis, limits, timeout="200ms"))
    wait_up(gw)
    redis.kill()
    assert statuses(gw, 3) == [200] * 3
    assert gw.get("/r").headers.all("ratelimit") == []
    assert gw.metric(DECISIONS, result="store_error") == 4
    redis.start()
    denying = world.gateway(config(redis, {"limit": "1/h", "on_store_failure": "deny"}, timeout="200ms"))
    wait_up(denying)
    redis.kill()
    got = denying.get("/r")
    assert got.status == 503
    assert int(got.headers.one("retry-after")) >= 1


def test_a_redis_that_hangs_is_waited_for_once(world, redis):
    gw = world.gateway(config(redis, "1000/h", timeout="300ms", workers=1))
    wait_up(gw)
    assert statuses(gw, 3) == [200] * 3
    redis.hang()
    begin = time.monotonic()
    assert statuses(gw, 30) == [200] * 30
    assert time.monotonic() - begin < 1.5, "the first waits for redis.timeout, the others do not"
    redis.go_on()
    wait_up(gw)
    before = gw.metric(DECISIONS, result="local")
    assert statuses(gw, 3) == [200] * 3
    assert gw.metric(DECISIONS, result="local") == before


def test_restarts_under_load_fail_nothing(world, redis):
    gw = world.gateway(config(redis, "1000000/h", timeout="300ms"))
    wait_up(gw)
    stop, seen = threading.Event(), []

    def work():
        client = Client(("127.0.0.1", gw.port_of(None)), timeout=30)
        while not stop.is_set():
            seen.append(client.get("/r").status)
        client.sock.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    for _ in range(4):
        redis.restart()
        wait_up(gw)
        redis.command("SCRIPT", "FLUSH")
    stop.set()
    [t.join() for t in threads]
    assert set(seen) == {200}


def test_a_foreign_value_under_a_key_is_a_store_failure(world, redis):
    gw = world.gateway(config(redis, "2/h"))
    wait_up(gw)
    redis.command("RPUSH", "viewgate:limit:route:r:client_ip:sliding_window:3600:=127.0.0.1", "x")
    assert statuses(gw, 3) == [200, 200, 429]
    assert gw.metric(DECISIONS, result="local") == 2


def test_memory_may_be_asked_for(world, redis):
    gw = world.gateway(config(redis, {"limit": "2/h", "store": "memory"}))
    wait_up(gw)
    assert statuses(gw, 3) == [200, 200, 429]
    assert redis.command("KEYS", "*limit*") == []
