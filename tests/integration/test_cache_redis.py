"""cache in Redis, and in memory before it (SPEC section 6, store: redis | both), shared by several processes."""
import json

import pytest

from support.caching import fresh, is_hit, is_miss
from support.gateway import wait_until
from support.redis import Redis
from support.rest import Api, reply


def process(world, api, redis, store, **more):
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1, "drain_timeout": "3s"},
        "admin": {"listen": "127.0.0.1:0"},
        "redis": {"url": redis.url, "timeout": "500ms"},
        "upstreams": {"up": {"url": api.url, "retry": 0}},
        "routes": [
            {"name": "detail", "path": "/d/{id}", "view": "detail", "source": "up/d/{id}",
             "cache": {"ttl": "1h", "store": store, **more}},
            {"name": "update", "path": "/d/{id}", "view": "update", "source": "up/d/{id}"},
            {"name": "all", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}", "cache": {"store": store}},
        ],
    }
    gw = world.gateway(config)
    wait_until(lambda: json.loads(gw.admin("/status").text)["redis"]["state"] == "up", what="Redis is up")
    return gw


@pytest.fixture
def redis(world, tmp_path):
    return world.own(Redis(tmp_path / "redis"))


@pytest.fixture
def api(world):
    def detail(request, connection):
        return reply({"writes": len(made.calls("PATCH /d/*"))})(request, connection)

    made = Api({"GET /d/*": detail, "PATCH /d/*": {}, "GET /a": fresh(b"a" * 3000)})
    world.upstreams.append(made)
    return made


def settle(gw, path):
    """Asks until it is kept: nobody waits until Redis has it."""
    first = gw.get(path)
    wait_until(lambda: is_hit(gw.get(path)), what=f"{path} is kept")
    return first


@pytest.mark.parametrize("store", ["redis", "both"])
def test_processes_share_what_is_kept(world, redis, api, store):
    one, two = process(world, api, redis, store), process(world, api, redis, store)
    first = settle(one, "/a")
    shared = two.get("/a")
    assert is_hit(shared) and shared.body == first.body
    settle(one, "/d/7")
    assert is_hit(two.get("/d/7")) and json.loads(two.get("/d/7").body) == {"writes": 0}


@pytest.mark.parametrize("store", ["redis", "both"])
def test_a_write_through_one_process_drops_in_all(world, redis, api, store):
    one, two = process(world, api, redis, store), process(world, api, redis, store)
    settle(one, "/d/7"), settle(two, "/d/7")
    one.fetch("PATCH", "/d/7", [("Content-Type", "application/json")], b"{}")
    assert is_miss(one.get("/d/7"))
    wait_until(lambda: json.loads(two.get("/d/7").body) == {"writes": 1}, what="the other process has dropped it")


@pytest.mark.parametrize("store", ["redis", "both"])
def test_it_stays_over_a_restart_of_the_gateway(world, redis, api, store):
    settle(process(world, api, redis, store), "/a")
    asked = len(api.requests)
    assert is_hit(process(world, api, redis, store).get("/a"))
    assert len(api.requests) == asked


@pytest.mark.parametrize("store", ["redis", "both"])
def test_without_redis_requests_go_on_and_nothing_is_kept(world, redis, api, store):
    gw = process(world, api, redis, store)
    settle(gw, "/a")
    redis.stop()
    for _ in range(5):
        answer = gw.get("/a")
        assert answer.status == 200 and answer.body == b"a" * 3000
    assert is_miss(gw.get("/a"))


@pytest.mark.parametrize("store", ["redis", "both"])
def test_a_purge_reaches_all_processes(world, redis, api, store):
    one, two = process(world, api, redis, store), process(world, api, redis, store)
    settle(one, "/a"), settle(two, "/a")
    assert one.admin("/cache/purge?path=/a", method="POST").status < 300
    wait_until(lambda: is_miss(two.get("/a")), what="the other process has dropped it")


@pytest.mark.parametrize("store", ["redis", "both"])
def test_a_configuration_that_answers_otherwise_has_answers_of_its_own(world, redis, api, store):
    settle(process(world, api, redis, store), "/d/7")
    other = process(world, api, redis, store)
    config = json.loads(other.config_file.read_text())
    config["routes"][0]["rename"] = {"writes": "m"}
    other.reload(config)
    other.wait_log("reloaded")
    assert "m" in json.loads(other.get("/d/7").body)
