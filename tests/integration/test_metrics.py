"""What the counters say is what happened (SPEC section 10)."""
import pytest

from support import wire
from support.gateway import proxy_config, wait_until
from support.upstream import Gate, refused_url

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}


def comes_to(gw, name, value):
    wait_until(lambda: gw.metric(name) == value, what=f"{name} {value}, which is {gw.metric(name)},")


def test_connections_to_upstreams_are_counted_and_gauged(world):
    gw, up = world.proxy(
        lambda r, c: wire.response(200, [("Connection", "close")] if r.target == "/close" else [], b"ok"), **ADMIN
    )
    for target in ("/close", "/close", "/keep", "/keep"):
        assert gw.get(target).status == 200
    comes_to(gw, "viewgate_upstream_connects_total", 3)
    comes_to(gw, "viewgate_upstream_connections", 1)
    comes_to(gw, "viewgate_endpoint_connections", 1)


def test_calls_that_wait_are_gauged(world):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(body=b"ok")

    gw, up = world.proxy(held, upstream={"pool": {"connections": 1, "per_endpoint": 1}}, **ADMIN)
    clients = [gw.connect().send(wire.request("GET", "/")) for _ in range(4)]
    up.wait_requests(1)
    comes_to(gw, "viewgate_upstream_pending", 3)
    comes_to(gw, "viewgate_endpoint_outstanding", 4)  # those that wait are its load, too
    comes_to(gw, "viewgate_requests_in_flight", 4)
    gate.open()
    assert [c.read_response().status for c in clients] == [200] * 4
    comes_to(gw, "viewgate_upstream_pending", 0)
    comes_to(gw, "viewgate_endpoint_outstanding", 0)
    comes_to(gw, "viewgate_requests_in_flight", 0)


def test_attempts_and_retries_are_counted(world):
    gw, up = world.proxy(lambda r, c: wire.response(503 if len(up.requests) % 2 else 200, [], b"x"), **ADMIN)
    for _ in range(2):
        assert gw.get("/").status == 200
    comes_to(gw, "viewgate_upstream_attempts_total", 4)
    comes_to(gw, "viewgate_upstream_retries_total", 2)
    comes_to(gw, "viewgate_upstream_responses_total", 4)


def test_malformed_requests_are_counted(world):
    gw, _ = world.proxy(**ADMIN)
    for _ in range(3):
        assert gw.connect().send(b"BROKEN\r\n\r\n").read_response().status == 400
    comes_to(gw, "viewgate_bad_requests_total", 3)


def test_bytes_of_bodies_are_counted_both_ways(world):
    gw, _ = world.proxy(lambda r, c: wire.response(body=b"y" * 5000), **ADMIN)
    gw.fetch("POST", "/", body=b"x" * 3000)
    gw.fetch("POST", "/", [("Transfer-Encoding", "chunked")], wire.chunked(b"x" * 1000))
    comes_to(gw, "viewgate_request_bytes_total", 4000)
    assert gw.metric("viewgate_response_bytes_total") >= 10000


def test_reloads_are_counted(world):
    gw, up = world.proxy(**ADMIN)
    gw.reload(proxy_config(up, **ADMIN))
    comes_to(gw, "viewgate_config_reloads_total", 1)
    gw.reload("nonsense: [")
    comes_to(gw, "viewgate_config_reloads_total", 2)
    comes_to(gw, "viewgate_config_reload_failures_total", 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_connections_of_clients_are_counted_and_gauged(world, workers):
    gw, _ = world.proxy(server={"workers": workers}, **ADMIN)
    clients = [gw.connect() for _ in range(10)]
    for client in clients:
        client.get("/")
    comes_to(gw, "viewgate_connections", 10)
    for client in clients:
        client.close()
    comes_to(gw, "viewgate_connections", 0)
    comes_to(gw, "viewgate_connections_accepted_total", 10)


def test_attempts_without_an_answer_are_counted_by_reason(world):
    def fail(request, connection):
        if request.target == "/reset":
            connection.reset()
        else:
            connection.peer_closed(5)

    up = world.upstream(fail)
    config = proxy_config(up, upstream={"retry": {"attempts": 0}, "timeout": "200ms"}, **ADMIN)
    config["upstreams"]["dead"] = {"url": refused_url(), "retry": {"attempts": 0}}
    config["routes"].append({"name": "dead", "path": "/dead", "view": "proxy-fetch", "source": "dead/"})
    gw = world.gateway(config)
    assert [gw.get(t).status for t in ("/dead", "/reset", "/hang")] == [502, 502, 504]
    for upstream, reason in (("dead", "connect"), ("up", "reset"), ("up", "timeout")):
        line = f'viewgate_upstream_errors_total{{upstream="{upstream}",reason="{reason}"}} 1'
        assert line in gw.admin("/metrics").text
