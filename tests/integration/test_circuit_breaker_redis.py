"""Processes that learn of a breaker's opening from each other, over their Redis (SPEC section 6)."""
import json

import pytest

from support import wire
from support.gateway import proxy_config, wait_until
from support.redis import Redis

BREAKER = {"failures": 2, "open_for": "60s"}


@pytest.fixture
def redis(world):
    return world.own(Redis(world.directory / "redis"))


def busy(request, connection):
    return wire.response(503, [], b"busy")


def pair(world, redis, up, route=None, breaker=BREAKER, second=None):
    made = []
    for settings in (breaker, second or breaker):
        config = proxy_config(
            up,
            upstream={"retry": 0, "circuit_breaker": settings},
            route=route,
            server={"workers": 2},
            admin={"listen": "127.0.0.1:0"},
            redis={"url": redis.url, "timeout": "2s"},
        )
        made.append(world.gateway(config))
    wait_until(lambda: channels(redis) == 2, what="both listen")
    return made


def channels(redis):
    """How many listen to the news of breakers."""
    return redis.command("PUBSUB", "NUMSUB", "viewgate:news:breakers")[-1]


def refused(answer):
    return answer.status == 503 and "is not asked for the moment" in answer.text


def breaker(gw):
    return json.loads(gw.admin("/status").text)["upstreams"][0]["endpoints"][0]["circuit_breaker"]


def test_what_opens_in_one_opens_in_the_other(world, redis):
    up = world.upstream(busy)
    a, b = pair(world, redis, up)
    for _ in range(2):
        assert a.get("/").text == "busy"
    wait_until(lambda: breaker(b)["state"] == "open", what="the news")
    answer = b.get("/")
    assert refused(answer) and int(answer.headers.one("retry-after")) >= 55
    assert len(up.requests) == 2
    b.wait_log("circuit breaker.*open for .*another process")
    assert breaker(a)["opens"] == 1 and breaker(b)["opens"] == 1, "it is not told back and forth"


def test_one_of_a_route_is_told_by_its_name(world, redis):
    up = world.upstream(busy)
    a, b = pair(world, redis, up, route={"circuit_breaker": {"failures": 1}}, breaker=None)
    a.get("/")
    wait_until(lambda: refused(b.get("/")), what="the news")
    assert json.loads(b.admin("/status").text)["circuit_breakers"][0]["circuit_breaker"]["state"] == "open"


def test_it_is_open_for_no_longer_than_its_own_settings_say(world, redis):
    up = world.upstream(busy)
    a, b = pair(world, redis, up, second={"failures": 2, "open_for": "5s"})
    for _ in range(2):
        a.get("/")
    wait_until(lambda: breaker(b)["state"] == "open", what="the news")
    assert int(b.get("/").headers.one("retry-after")) <= 5


@pytest.mark.parametrize("message", ["", "nonsense", "1\nx\nupstream\nup\nENDPOINT\n0", "1\nx\nupstream\nup\nENDPOINT\n99999999999",
                                     "1\nx\nupstream\nother\nENDPOINT\n5000", "1\nx\nroute:q\nup\nENDPOINT\n5000",
                                     "1\nx\nupstream\nup\n10.9.9.9:1\n5000", "1\n" + "x" * 10000])
def test_what_is_no_news_of_ours_changes_nothing(world, redis, message):
    up = world.upstream()
    a, _ = pair(world, redis, up)
    redis.command("PUBLISH", "viewgate:news:breakers", message.replace("ENDPOINT", up.authority))
    # Behind it, one that is: when that is seen, the other was, too.
    assert breaker(a)["state"] == "closed"
    redis.command("PUBLISH", "viewgate:news:breakers", f"1\nx\nupstream\nup\n{up.authority}\n700")
    wait_until(lambda: breaker(a)["state"] == "open", what="the news")
    assert breaker(a)["opens"] == 1
    wait_until(lambda: a.get("/").status == 200, what="its end")


def test_without_redis_each_counts_for_itself(world, redis):
    up = world.upstream(busy)
    a, b = pair(world, redis, up)
    redis.stop()
    for gw in (a, b):
        assert [refused(gw.get("/")) for _ in range(3)] == [False, False, True]
