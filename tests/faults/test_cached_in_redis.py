"""Cached answers in Redis, and in memory before it: shared by processes, and never in the way when Redis fails."""
import json
import threading
import time

import pytest

from support.caching import fresh, is_hit, is_miss
from support.gateway import wait_until
from support.redis import Redis

ADMIN = {"listen": "127.0.0.1:0"}


@pytest.fixture
def redis(world):
    return world.own(Redis(world.directory / "redis"))


@pytest.fixture
def up(world):
    """Counts: each answer to a GET is the number of those before it."""
    lock = threading.Lock()
    count = [0]

    def answer(request, connection):
        with lock:
            count[0] += 1
            return fresh(b"%d" % count[0])(request, connection)

    return world.upstream(answer)


def gateway(world, redis, up, store, timeout="500ms", workers=2):
    gw = world.gateway(
        {
            "server": {"listen": "127.0.0.1:0", "workers": workers, "drain_timeout": "3s"},
            "admin": ADMIN,
            "redis": {"url": redis.url, "timeout": timeout},
            "upstreams": {"up": {"url": up.url}},
            "routes": [
                {"path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}", "cache": {"store": store}}
            ],
        }
    )
    wait_until(lambda: status(gw)["state"] == "up" and status(gw).get("news", "up") == "up", what="redis up")
    return gw


def status(gw):
    return json.loads(gw.admin("/status").body)["redis"]


def body(gw, path="/a"):
    answer = gw.get(path)
    assert answer.status == 200
    return int(answer.body)


def agreed(*gateways):
    """Waits until all give the same kept answer, on every worker; its number. An answer is given before it is kept."""

    def look():
        answers = [gw.get("/a") for gw in gateways for _ in range(4)]
        return answers if all(map(is_hit, answers)) and len({a.body for a in answers}) == 1 else None

    return int(wait_until(look, what="an answer that all keep")[0].body)


@pytest.mark.parametrize("store", ["redis", "both"])
def test_what_one_process_keeps_another_one_gives(world, redis, up, store):
    one, two = (gateway(world, redis, up, store) for _ in range(2))
    assert is_miss(one.get("/a"))
    wait_until(lambda: redis.command("KEYS", "viewgate:cache:*"), what="the answer kept")
    assert all(is_hit(gw.get("/a")) for gw in (two, one, two, one))
    assert len(up.requests) == 1


@pytest.mark.parametrize("store", ["redis", "both"])
def test_a_write_by_one_process_is_seen_by_the_other(world, redis, up, store):
    one, two = (gateway(world, redis, up, store) for _ in range(2))
    before = agreed(one, two)
    assert one.fetch("POST", "/a", body=b"x").status == 200
    assert body(one) > before
    wait_until(lambda: body(two) > before, what="the drop heard")
    assert agreed(one, two) > before


@pytest.mark.parametrize("store", ["redis", "both"])
def test_without_redis_every_request_is_answered_and_none_waits(world, redis, up, store):
    gw = gateway(world, redis, up, store)
    assert body(gw) == 1
    redis.kill()
    wait_until(lambda: status(gw)["state"] == "down", what="redis down")
    asked = len(up.requests)
    assert [gw.get("/a").status for _ in range(20)] == [200] * 20
    assert len(up.requests) == asked + 20
    redis.start()
    wait_until(lambda: status(gw)["state"] == "up" and status(gw).get("news", "up") == "up")
    assert agreed(gw) > asked, "kept again"


@pytest.mark.parametrize("store", ["redis", "both"])
def test_a_redis_that_hangs_is_waited_for_once(world, redis, up, store):
    gw = gateway(world, redis, up, store, timeout="400ms", workers=1)
    assert body(gw) == 1
    redis.hang()
    durations = []
    for number in range(30):
        began = time.monotonic()
        assert gw.get(f"/{number}").status == 200
        durations.append(time.monotonic() - began)
    assert sum(d > 0.35 for d in durations) == 1, durations
    redis.go_on()
    wait_until(lambda: status(gw)["state"] == "up")


@pytest.mark.parametrize("store", ["redis", "both"])
def test_what_was_written_while_redis_hung_is_not_served_afterwards(world, redis, up, store):
    gw = gateway(world, redis, up, store, timeout="100ms")
    assert body(gw) == 1
    redis.hang()
    assert gw.fetch("POST", "/a", body=b"x").status == 200
    assert body(gw) > 1
    redis.go_on()
    wait_until(lambda: status(gw)["state"] == "up" and not status(gw)["missed_drops"])
    assert body(gw) > 2


@pytest.mark.parametrize("store", ["redis", "both"])
def test_redis_killed_again_and_again_under_load_fails_no_request(world, redis, up, store):
    gw = gateway(world, redis, up, store, timeout="100ms")
    over = threading.Event()
    wrong = []

    def load(number):
        client = gw.connect()
        while not over.is_set():
            answer = client.request("GET", f"/{number % 3}")
            if answer.status != 200:
                wrong.append(answer.status)

    threads = [threading.Thread(target=load, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        redis.kill()
        wait_until(lambda: status(gw)["state"] == "down", what="redis down")
        redis.start()
        wait_until(lambda: status(gw)["state"] == "up", what="redis up")
    over.set()
    for thread in threads:
        thread.join(10)
    assert not wrong


def test_a_purge_reaches_the_memory_of_other_processes(world, redis, up):
    one, two = (gateway(world, redis, up, "both") for _ in range(2))
    before = agreed(one, two)
    assert one.admin("/cache/purge?tag=up/a", method="POST").status == 200
    assert body(one) > before
    wait_until(lambda: body(two) > before, what="the purge heard")


def test_while_the_link_is_cut_memory_is_not_asked(world, redis, up):
    one, two = (gateway(world, redis, up, "both") for _ in range(2))
    before = agreed(one, two)
    redis.command("DEL", *redis.command("KEYS", "viewgate:cache:*"))
    assert body(two) == before, "a copy"
    redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    wait_until(lambda: body(two) > before, what="the copy gone")
    wait_until(lambda: status(two)["news"] == "up")
    assert agreed(one, two) > before


def test_a_reload_to_another_redis_brings_no_copies_along(world, redis, up):
    other = world.own(Redis(world.directory / "other"))
    gw = gateway(world, redis, up, "both")
    before = agreed(gw)
    text = gw.config_file.read_text().replace(redis.url, other.url)
    gw.reload(text)
    gw.wait_log("reloaded")
    wait_until(lambda: status(gw)["state"] == "up" and status(gw)["address"] == other.url)
    assert body(gw) > before
    assert agreed(gw) > before
