"""idempotency in Redis: one owner of a key over processes and restarts, and what happens when Redis is not there."""
import threading
import time

import pytest

from support import wire
from support.gateway import wait_until
from support.idempotent import REQUESTS, Orders, config, fresh_key, lines, post, replayed, wait_up
from support.redis import Redis
from support.rest import problem
from support.upstream import Gate


@pytest.fixture
def redis(world):
    return world.own(Redis(world.directory / "redis"))


class Setup:
    def __init__(self, world, redis, *answers, idempotency="24h", timeout="2s", gateways=1, **kw):
        self.world = world
        self.orders = Orders(*answers)
        self.upstream = world.upstream(self.orders)
        self.config = config(self.upstream, idempotency, redis={"url": redis.url, "timeout": timeout}, **kw)
        self.gateways = [self.start() for _ in range(gateways)]
        self.gw = self.gateways[0]

    def start(self):
        gw = self.world.gateway(self.config)
        wait_up(gw)
        return gw

    @property
    def calls(self):
        return self.orders.calls


def keys_of(redis):
    return redis.command("KEYS", "*idempotency*")


def test_what_is_kept_outlives_the_gateway_and_tells_no_secret(world, redis):
    it = Setup(world, redis)
    key, bearer = "key-that-is-secret", [("Authorization", "Bearer token-that-is-secret")]
    first = post(it.gw, key, b"order", headers=bearer)
    it.gw.stop()
    second = post(it.start(), key, b"order", headers=bearer)
    assert replayed(second) and lines(first) == lines(second)
    assert it.calls == 1
    (name,) = keys_of(redis)
    assert name.startswith("viewgate:idempotency:all:POST:")
    assert "secret" not in name + redis.command("GET", name)
    left = redis.command("PTTL", name)
    assert 86_400_000 - 60_000 < left <= 86_400_000


def test_a_key_claimed_by_one_process_is_claimed_for_all(world, redis):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(201, [], b"held")

    it = Setup(world, redis, held, gateways=2)
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    problem(post(it.gateways[1], key), 409)
    problem(post(it.gateways[1], key, b"other"), 422)
    gate.open()
    assert client.read_response().body == b"held"
    assert replayed(post(it.gateways[1], key))
    assert it.calls == 1


def test_of_fifty_requests_at_two_processes_one_is_carried_out(world, redis):
    it = Setup(world, redis, gateways=2, timeout="20s")
    for _ in range(5):
        before, key, got, barrier = it.calls, fresh_key(), [], threading.Barrier(50)

        def work(gw):
            barrier.wait()
            got.append(post(gw, key).status)

        threads = [threading.Thread(target=work, args=(it.gateways[i % 2],)) for i in range(50)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert it.calls == before + 1
        assert len(got) == 50 and set(got) <= {201, 409} and 201 in got


def test_a_crashed_process_leaves_a_claim_that_goes_by_itself(world, redis):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        connection.close()

    it = Setup(world, redis, held, wire.response(201, [], b"second"), gateways=2)
    key = fresh_key()
    it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    it.gw.expected_code = -9
    it.gw.process.kill()
    it.gw.process.wait(10)
    assert post(it.gateways[1], key).status == 409
    (name,) = keys_of(redis)
    assert 0 < redis.command("PTTL", name) <= 30_000
    redis.command("PEXPIRE", name, 1)
    wait_until(lambda: not keys_of(redis), what="its end")
    assert post(it.gateways[1], key).body == b"second"
    gate.open()


def test_an_owner_that_comes_too_late_does_not_overwrite(world, redis):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(201, [], b"late")

    it = Setup(world, redis, held, wire.response(201, [], b"second"))
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    redis.command("DEL", *keys_of(redis))
    assert post(it.gw, key).body == b"second"
    gate.open()
    assert client.read_response().body == b"late", "its client gets what it did"
    it.gw.wait_log("claimed by another request")
    again = post(it.gw, key)
    assert (again.body, replayed(again)) == (b"second", True)


def test_without_redis_writes_with_a_key_get_503(world, redis):
    it = Setup(world, redis, timeout="200ms")
    key = fresh_key()
    assert post(it.gw, key).status == 201
    redis.kill()
    wait_up(it.gw, 0)
    got = post(it.gw, fresh_key())
    problem(got, 503)
    assert int(got.headers.one("retry-after")) >= 1
    assert post(it.gw, key).status == 503
    assert post(it.gw, None).status == 201, "without a key nothing was promised"
    assert it.gw.get("/x").status == 201
    assert it.gw.metric(REQUESTS, result="store_error") == 2
    it.gw.wait_log("what becomes of an Idempotency-Key can't be looked up: Redis")
    redis.start()
    wait_up(it.gw)
    assert post(it.gw, fresh_key()).status == 201


def test_allow_carries_them_out_all_the_same(world, redis):
    it = Setup(world, redis, timeout="200ms", idempotency={"ttl": "1h", "on_store_failure": "allow"})
    redis.kill()
    key = fresh_key()
    assert [post(it.gw, key, b"content").body for _ in range(2)] == [b"made 1", b"made 2"]
    assert it.upstream.last().body == b"content"
    assert it.gw.metric(REQUESTS, result="store_error") == 2


def test_a_redis_that_hangs_is_waited_for_once(world, redis):
    it = Setup(world, redis, timeout="300ms", workers=1)
    assert post(it.gw, fresh_key()).status == 201
    redis.hang()
    begin = time.monotonic()
    assert {post(it.gw, fresh_key()).status for _ in range(20)} == {503}
    assert time.monotonic() - begin < 2.5, "the first waits for redis.timeout, the others do not"
    redis.go_on()
    wait_up(it.gw)
    assert post(it.gw, fresh_key()).status == 201


def test_an_answer_that_redis_misses_is_told_when_it_is_back(world, redis):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(201, [], b"done")

    it = Setup(world, redis, held, timeout="300ms")
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    redis.kill()
    gate.open()
    assert client.read_response().body == b"done"
    it.gw.wait_log("is not kept under its Idempotency-Key yet")
    redis.start()
    wait_up(it.gw)
    wait_until(lambda: keys_of(redis), what="the answer")
    again = post(it.gw, key)
    assert (again.body, replayed(again)) == (b"done", True)
    assert it.calls == 1


def test_a_redis_without_memory_is_a_store_failure(world, redis):
    it = Setup(world, redis)
    key = fresh_key()
    assert post(it.gw, key).status == 201
    redis.command("CONFIG", "SET", "maxmemory", "1")
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    wait_until(lambda: post(it.gw, fresh_key()).status == 503, what="503")
    assert it.calls == 1


def test_a_foreign_value_under_a_key_is_a_store_failure(world, redis):
    it = Setup(world, redis)
    key = fresh_key()
    post(it.gw, key)
    (name,) = keys_of(redis)
    redis.command("SET", name, "something else")
    problem(post(it.gw, key), 503)
    redis.command("DEL", name)
    redis.command("RPUSH", name, "x")
    problem(post(it.gw, key), 503)
    assert it.calls == 1


def test_memory_may_be_asked_for(world, redis):
    it = Setup(world, redis, idempotency={"ttl": "1h", "store": "memory"})
    key = fresh_key()
    post(it.gw, key)
    assert replayed(post(it.gw, key))
    assert keys_of(redis) == []
