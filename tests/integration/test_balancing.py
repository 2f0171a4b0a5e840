"""How requests spread over the endpoints of an upstream (SPEC section 2: urls, balance)."""
from collections import Counter

import pytest

from support import wire
from support.gateway import proxy_config, wait_until
from support.upstream import Gate, refused_url


def named(world, *names, handler=None):
    """Upstreams that answer their name."""
    return [
        world.upstream(handler(n) if handler else (lambda r, c, n=n: wire.response(body=n.encode()))) for n in names
    ]


def spread(gw, count, target="/", **kw):
    client = gw.connect()
    return Counter(client.get(target, **kw).text for _ in range(count))


def test_round_robin_takes_turns(world):
    gw = world.gateway(proxy_config(named(world, "a", "b", "c")))
    assert spread(gw, 30) == {"a": 10, "b": 10, "c": 10}


def test_round_robin_respects_weights(world):
    a, b, c = named(world, "a", "b", "c")
    gw = world.gateway(proxy_config([{"url": a.url, "weight": 5}, {"url": b.url, "weight": 1}, c.url]))
    assert spread(gw, 70) == {"a": 50, "b": 10, "c": 10}


def test_weighted_turns_are_interleaved(world):
    a, b = named(world, "a", "b")
    gw = world.gateway(proxy_config([{"url": a.url, "weight": 3}, {"url": b.url, "weight": 3}]))
    client = gw.connect()
    order = "".join(client.get("/").text for _ in range(12))
    assert "aaaa" not in order and "bbbb" not in order


def test_a_backup_is_left_alone_while_another_endpoint_works(world):
    a, b = named(world, "a", "b")
    gw = world.gateway(proxy_config([a.url, {"url": b.url, "backup": True}]))
    assert spread(gw, 20) == {"a": 20}
    assert b.connections == []


def test_a_backup_answers_when_the_others_refuse(world):
    [b] = named(world, "b")
    gw = world.gateway(
        proxy_config(
            [refused_url(), {"url": b.url, "backup": True}], upstream={"retry": {"attempts": 1, "budget": "100%"}}
        )
    )
    answers = [gw.get("/") for _ in range(5)]
    assert [a.status for a in answers] == [200] * 5


def test_an_endpoint_that_refuses_fails_over_to_another(world):
    a, b = named(world, "a", "b")
    gw = world.gateway(
        proxy_config([a.url, refused_url(), b.url], upstream={"retry": {"attempts": 1, "budget": "100%"}})
    )
    found = spread(gw, 30)
    assert set(found) == {"a", "b"} and sum(found.values()) == 30


@pytest.mark.parametrize("workers", [1, 2])
def test_least_requests_avoids_the_endpoint_that_is_busy(world, workers):
    gate = Gate()

    def stuck(request, connection):
        gate.hold()
        return wire.response(body=b"stuck")

    busy, free = world.upstream(stuck), named(world, "free")[0]
    gw = world.gateway(proxy_config([busy, free], server={"workers": workers}, upstream={"balance": "least_requests"}))
    for i in range(30):
        gw.connect().send(wire.request("GET", "/"))
        wait_until(lambda: len(free.requests) + len(busy.requests) == i + 1)
        wait_until(lambda: free.busy == 0)
    assert len(busy.requests) <= 2, "a busy endpoint got more calls while another was free"
    gate.open()


def test_hash_by_path_keeps_a_path_on_its_endpoint(world):
    gw = world.gateway(proxy_config(named(world, "a", "b", "c"), upstream={"balance": "hash", "hash_by": "path"}))
    owners = {}
    for i in range(60):
        for _ in range(3):
            owners.setdefault(f"/{i}", set()).add(gw.get(f"/{i}").text)
    assert all(len(o) == 1 for o in owners.values())
    assert {o for s in owners.values() for o in s} == {"a", "b", "c"}


def test_hash_by_header_keeps_a_value_on_its_endpoint(world):
    gw = world.gateway(
        proxy_config(named(world, "a", "b", "c"), upstream={"balance": "hash", "hash_by": "header:X-User"})
    )
    client = gw.connect()
    owners = {}
    for i in range(60):
        for path in ("/x", "/y"):
            owners.setdefault(i, set()).add(client.get(path, [("X-User", f"user-{i}")]).text)
    assert all(len(o) == 1 for o in owners.values())
    assert {o for s in owners.values() for o in s} == {"a", "b", "c"}


def test_hash_by_client_ip_keeps_a_client_on_its_endpoint(world):
    gw = world.gateway(
        proxy_config(
            named(world, "a", "b", "c"),
            server={"trusted_proxies": ["127.0.0.1"]},
            upstream={"balance": "hash", "hash_by": "client_ip"},
        )
    )
    assert len({gw.get(f"/{i}").text for i in range(10)}) == 1
    owners = {}
    client = gw.connect()
    for i in range(60):
        for path in ("/x", "/y"):
            owners.setdefault(i, set()).add(client.get(path, [("X-Forwarded-For", f"203.0.113.{i}")]).text)
    assert all(len(o) == 1 for o in owners.values())
    assert {o for s in owners.values() for o in s} == {"a", "b", "c"}


def test_hash_by_client_ip_does_not_believe_an_untrusted_peer(world):
    gw = world.gateway(proxy_config(named(world, "a", "b", "c"), upstream={"balance": "hash", "hash_by": "client_ip"}))
    client = gw.connect()
    assert len({client.get("/", [("X-Forwarded-For", f"203.0.113.{i}")]).text for i in range(30)}) == 1


def test_an_endpoint_added_moves_only_its_share(world):
    endpoints = named(world, "a", "b", "c", "d")

    def owners(count):
        gw = world.gateway(proxy_config(endpoints[:count], upstream={"balance": "hash", "hash_by": "path"}))
        client = gw.connect()
        return [client.get(f"/key/{i}").text for i in range(400)]

    before, after = owners(3), owners(4)
    moved = [(x, y) for x, y in zip(before, after) if x != y]
    assert {y for _, y in moved} == {"d"}, "a key moved between endpoints that both stayed"
    assert 40 < len(moved) < 180
    assert all(n > 60 for n in Counter(before).values())


def test_the_hash_is_the_same_after_a_restart(world):
    endpoints = named(world, "a", "b", "c")
    config = proxy_config(endpoints, upstream={"balance": "hash", "hash_by": "path"})
    first, second = world.gateway(config), world.gateway(config)
    assert [first.get(f"/{i}").text for i in range(40)] == [second.get(f"/{i}").text for i in range(40)]


def test_a_hashed_endpoint_that_refuses_hands_its_keys_to_another(world):
    [a] = named(world, "a")
    gw = world.gateway(
        proxy_config(
            [refused_url(), a.url],
            upstream={"balance": "hash", "hash_by": "path", "retry": {"attempts": 1, "budget": "100%"}},
        )
    )
    assert [gw.get(f"/{i}").text for i in range(20)] == ["a"] * 20


def test_urls_with_paths_join_the_source_each_with_its_own(world):
    a, b = world.upstream(lambda r, c: wire.response(body=r.target.encode())), world.upstream(
        lambda r, c: wire.response(body=r.target.encode())
    )
    gw = world.gateway(proxy_config([a.url + "/one", b.url + "/two/"]))
    assert {gw.get("/x").text for _ in range(4)} == {"/one/x", "/two/x"}
