"""A thousand clients miss one answer at once (SPEC section 6: concurrent misses of one key make one upstream call)."""
import pytest

from support import wire
from support.caching import fresh, is_hit, kept, said
from support.gateway import wait_until
from support.redis import Redis
from support.rest import Hang, held, raw, reply, sequence, single
from support.upstream import Gate

CROWD = 1000
REQUEST = b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
BODY = b"one " * 500


@pytest.fixture(params=["memory", "redis", "both"])
def store(request, world):
    """The settings of a cache in this store, and what the gateway needs for it."""
    if request.param == "memory":
        return {"cache": {}}
    redis = world.own(Redis(world.directory / "redis"))
    return {"cache": {"store": request.param}, "redis": {"url": redis.url, "timeout": "5s"}}


def gateway(world, answer, store=None, path="GET /a"):
    store = dict(store or {"cache": {}})
    top = {
        "server": {"listen": "127.0.0.1:0", "workers": 2, "drain_timeout": "3s"},
        "admin": {"listen": "127.0.0.1:0"},
        "log": {"access": False},
    }
    cache = store.pop("cache")
    gw, up = kept(world, {path: answer}, cache=cache, top={**top, **store}, settings={"max_pending": CROWD})
    if store:
        wait_until(lambda: gw.metric("viewgate_redis_up") == 1, what="redis up")
    return gw, up


def gateway_of_calls(world, table, store):
    """A view whose only call is kept, not its own answer."""
    call = {"call": "up/{id}", "cache": {"ttl": "1h", **store["cache"]}}
    route = {"path": "/{id}", "view": "aggregate", "include": {"a": call}}
    top = {"server": {"listen": "127.0.0.1:0", "workers": 2}, "admin": {"listen": "127.0.0.1:0"}, "log": {"access": False}}
    if "redis" in store:
        top["redis"] = store["redis"]
    gw, up = single(world, route, table, top=top)
    if "redis" in store:
        wait_until(lambda: gw.metric("viewgate_redis_up") == 1, what="redis up")
    return gw, up


def ask(gw, count=CROWD):
    """So many connections, each with one request."""
    clients = [gw.connect(timeout=30) for _ in range(count)]
    for client in clients:
        client.send(REQUEST)
    return clients


def wait_all(gw, count=CROWD):
    """Until all of them are requests that the gateway is at."""
    wait_until(lambda: gw.metric("viewgate_requests_in_flight") == count, 30, f"{count} requests in flight")


def read_all(clients):
    return [client.read_response("GET") for client in clients]


def test_a_thousand_misses_make_one_call(world, store):
    gate = Gate()
    gw, up = gateway(world, held(gate, fresh(BODY)), store)
    clients = ask(gw)
    wait_all(gw)
    gate.open()
    answers = read_all(clients)
    assert {(a.status, a.body) for a in answers} == {(200, BODY)}
    assert len(up.requests) == 1
    assert sum("collapsed" in said(a) for a in answers) + sum(is_hit(a) for a in answers) == CROWD - 1


def test_when_the_client_of_the_one_that_asks_leaves_one_other_asks(world, store):
    hang, gate = Hang(), Gate()
    gw, up = gateway(world, sequence(hang, held(gate, fresh(BODY))), store)
    (leader,) = ask(gw, 1)
    assert hang.began.wait(10)
    others = ask(gw)
    wait_all(gw, CROWD + 1)
    leader.close()
    up.wait_requests(2)
    assert hang.gone.wait(10)
    wait_all(gw)
    gate.open()
    assert {(a.status, a.body) for a in read_all(others)} == {(200, BODY)}
    assert len(up.requests) == 2


def test_when_the_answer_can_not_be_kept_each_asks_for_itself_within_the_pools_bounds(world):
    gate, rest = Gate(), Gate()
    alone = raw(BODY, 200, [("Cache-Control", "private")])
    gw, up = gateway(world, sequence(held(gate, alone), held(rest, alone)))
    clients = ask(gw)
    wait_all(gw)
    gate.open()
    # Released all at once: as many as the pool has connections for are at the upstream together, the others wait there.
    up.wait_for(lambda u: len(u.requests) == 1 + 30)
    wait_until(lambda: gw.metric("viewgate_upstream_pending") == CROWD - 1 - 30, what="the others wait for the pool")
    rest.open()
    answers = read_all(clients)
    assert {(a.status, a.body) for a in answers} == {(200, BODY)}
    assert len(up.requests) == CROWD
    assert up.most_busy == 30


def test_no_moment_lets_a_second_one_ask(world, store):
    """Answers come at once here, so that looking up, asking, putting and telling meet in every order."""
    def answer(request, connection):
        return fresh(request.target.encode())(request, connection)

    gw, up = gateway(world, answer, store, path="GET /*")
    clients = [gw.connect() for _ in range(16)]
    for number in range(200):
        path = f"/{number}"
        for client in clients:
            client.send(wire.request("GET", path))
        assert {a.body for a in read_all(clients)} == {path.encode()}
    assert len(up.requests) == 200


def test_a_thousand_misses_of_a_call_make_one(world, store):
    gate = Gate()
    gw, up = gateway_of_calls(world, {"GET /a": held(gate, {"n": 1})}, store)
    clients = ask(gw)
    wait_all(gw)
    gate.open()
    assert {(a.status, a.body) for a in read_all(clients)} == {(200, b'{"a":{"n": 1}}')}
    assert len(up.requests) == 1


def test_no_moment_lets_a_second_call_be_made(world, store):
    gw, up = gateway_of_calls(world, {"GET /*": lambda r, c: reply({"path": r.target})}, store)
    clients = [gw.connect() for _ in range(16)]
    for number in range(200):
        for client in clients:
            client.send(wire.request("GET", f"/{number}"))
        assert {a.body for a in read_all(clients)} == {b'{"a":{"path": "/%d"}}' % number}
    assert len(up.requests) == 200


def test_who_comes_after_a_write_is_not_given_what_was_asked_for_before_it(world, store):
    gate = Gate()
    gw, up = gateway(world, sequence(held(gate, fresh(b"old")), fresh(b"new")), store)
    up.table["POST /a"] = raw(b"done")
    (before,) = ask(gw, 1)
    up.wait_call("GET /a")
    assert gw.fetch("POST", "/a", body=b"x").status == 200
    after = ask(gw, 20)
    wait_all(gw, 21)
    gate.open()
    assert before.read_response("GET").body == b"old"
    assert {a.body for a in read_all(after)} == {b"new"}
    assert len(up.calls("GET /a")) == 2
