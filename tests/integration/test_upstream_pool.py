"""Connection pools: reuse, process-wide limits, waiting in order, refusing at max_pending (SPEC section 2)."""
import random
import select
import threading
import time

import pytest

from support import wire
from support.gateway import proxy_config, wait_until
from support.upstream import Gate


NO_RETRIES = {"retry": {"attempts": 0}}  # what goes once more here does so for the race alone


def held_by(gate):
    def handler(request, connection):
        if request.target != "/warm":
            gate.hold()
        return wire.response(body=request.target.encode())

    return handler


def test_upstream_connections_are_reused_by_all_clients(world):
    gw, up = world.proxy()
    for _ in range(20):
        assert gw.get("/").status == 200
    assert len(up.connections) == 1


def test_connections_are_reused_after_chunked_sized_and_empty_answers(world):
    answers = {
        "/chunked": wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunked(b"a", b"b"),
        "/sized": wire.response(body=b"x" * 100000),
        "/204": wire.head("HTTP/1.1 204 No Content"),
        "/304": wire.head("HTTP/1.1 304 Not Modified", [("Content-Length", "5")]),
    }
    gw, up = world.proxy(lambda r, c: answers[r.target])
    for target in [*answers, *answers]:
        assert gw.get(target).status < 400
    assert len(up.connections) == 1


def test_an_upstreams_connection_close_is_obeyed(world):
    gw, up = world.proxy(lambda r, c: wire.response(200, [("Connection", "close")], b"ok"))  # says so, and lingers
    assert [gw.get("/").status for _ in range(3)] == [200] * 3
    assert len(up.connections) == 3
    up.wait_for(lambda u: u.open == 0, 5)  # the gateway ends what will not be used again


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("pool", [{"connections": 3, "per_endpoint": 30}, {"connections": 100, "per_endpoint": 3}])
def test_the_pool_never_has_more_connections_than_its_limit_in_the_whole_process(world, workers, pool):
    gate = Gate()
    gw, up = world.proxy(held_by(gate), server={"workers": workers}, upstream={"pool": pool})
    clients = [gw.connect().send(wire.request("GET", f"/{i}")) for i in range(20)]
    up.wait_requests(3)
    gate.open()
    assert sorted(c.read_response().text for c in clients) == sorted(f"/{i}" for i in range(20))
    assert up.most_busy <= 3
    if workers == 1:  # a loop that takes another's place may connect before the upstream saw the old end
        assert up.most_open <= 3


def test_a_worker_without_connections_gets_one_back_from_another(world):
    """Idle connections of one loop must not starve the other loop for ever."""
    gw, up = world.proxy(server={"workers": 2}, upstream={"pool": {"connections": 1, "per_endpoint": 1}})
    for _ in range(60):  # new client connections land on both loops
        assert gw.get("/").status == 200


def test_calls_wait_for_their_turn_in_order(world):
    gate = Gate()
    gw, up = world.proxy(held_by(gate), upstream={"pool": {"connections": 1, "per_endpoint": 1}})
    clients = [gw.connect() for _ in range(6)]
    for client in clients:
        assert client.get("/warm").status == 200
    for i, client in enumerate(clients):
        client.send(wire.request("GET", f"/{i}"))
    up.wait_requests(7)
    gate.open()
    for client in clients:
        client.read_response()
    assert [r.target for r in up.requests[6:]] == [f"/{i}" for i in range(6)]


def test_beyond_max_pending_calls_get_503_at_once(world):
    gate = Gate()
    gw, up = world.proxy(held_by(gate), upstream={"pool": {"connections": 1, "per_endpoint": 1}, "max_pending": 2})
    running = gw.connect().send(wire.request("GET", "/running"))
    up.wait_requests(1)
    waiting = [gw.connect().send(wire.request("GET", f"/{i}")) for i in range(5)]
    begin = time.monotonic()
    refused = []
    wait_until(lambda: len([c for c in waiting if _readable(c)]) == 3, what="three refusals")
    assert time.monotonic() - begin < 1
    for client in list(waiting):
        if _readable(client):
            refused.append(client.read_response())
            waiting.remove(client)
    assert [r.status for r in refused] == [503] * 3
    assert all("retry-after" in r.headers for r in refused)
    gate.open()
    assert [c.read_response().status for c in [running, *waiting]] == [200] * 3


def _readable(client):
    return bool(select.select([client.sock], [], [], 0)[0])


def test_a_call_waits_for_a_connection_no_longer_than_its_deadline(world):
    gate = Gate()
    up = world.upstream(held_by(gate))
    config = proxy_config(up, upstream={"pool": {"connections": 1, "per_endpoint": 1}})
    config["routes"].append(
        {"name": "hasty", "path": "/2", "view": "proxy-fetch", "source": "up/2", "timeout": "300ms"}
    )
    gw = world.gateway(config)
    first = gw.connect().send(wire.request("GET", "/1"))
    up.wait_requests(1)
    assert gw.get("/2").status in (503, 504)
    gate.open()
    assert first.read_response().status == 200
    assert gw.get("/1").status == 200
    assert [r.target for r in up.requests] == ["/1", "/1"]


def test_a_client_that_leaves_gives_its_place_in_the_queue_away(world):
    gate = Gate()
    gw, up = world.proxy(held_by(gate), upstream={"pool": {"connections": 1, "per_endpoint": 1}})
    first = gw.connect().send(wire.request("GET", "/1"))
    up.wait_requests(1)
    leaving = gw.connect()
    leaving.send(wire.request("GET", "/left"))
    leaving.reset()
    third = gw.connect().send(wire.request("GET", "/3"))
    gate.open()
    assert first.read_response().status == 200 and third.read_response().status == 200
    assert [r.target for r in up.completed if r.target != "/left"] == ["/1", "/3"]


def test_calls_that_failed_give_their_connections_back(world):
    """Every kind of failure, more often than the pool has connections."""

    def failing(request, connection):
        if request.target == "/reset":
            connection.reset()
        elif request.target == "/garbage":
            return b"GARBAGE\r\n\r\n"
        elif request.target == "/hang":
            connection.peer_closed(10)
        elif request.target == "/truncated":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.close()
        else:
            return wire.response(body=b"fine")

    gw, up = world.proxy(failing, upstream={"pool": {"connections": 2, "per_endpoint": 2}}, route={"timeout": "200ms"})
    for _ in range(4):
        for target in ("/reset", "/garbage", "/hang"):
            assert gw.get(target).status in (502, 504)
        client = gw.connect().send(wire.request("GET", "/truncated"))
        with pytest.raises(wire.Truncated):
            client.read_response()
        client = gw.connect().send(wire.request("GET", "/hang"))
        client.reset()
        assert gw.get("/fine").body == b"fine"


def test_idle_connections_are_closed_after_pool_idle(world):
    gw, up = world.proxy(upstream={"pool": {"idle": "300ms"}})
    gw.get("/")
    assert up.open == 1
    up.wait_for(lambda u: u.open == 0, 5)
    assert gw.get("/").status == 200


def test_a_connection_that_the_upstream_closed_while_idle_is_not_used(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=b"ok"))
    client = gw.connect()
    for _ in range(5):
        assert client.request("POST", "/", body=b"x").status == 200
        files = gw.open_files()
        up.connections[-1].close()
        up.wait_for(lambda u: u.open == 0)
        wait_until(lambda: gw.open_files() < files, what="the gateway's own end closed")


def close_second_request(request, connection):
    """Answers the first request of each connection; the second meets the end of the connection."""
    connection.served = getattr(connection, "served", 0) + 1
    if connection.served == 2:
        connection.close()
        return None
    return wire.response(body=b"" if request.method == "HEAD" else b"answer %d" % connection.index)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_an_idempotent_request_that_met_a_closing_connection_goes_once_more(world, method):
    gw, up = world.proxy(close_second_request, upstream=NO_RETRIES)
    assert gw.fetch(method, "/1").status == 200
    assert gw.fetch(method, "/2").status == 200
    assert [r.target for r in up.requests] == ["/1", "/2", "/2"]
    assert [r.connection.index for r in up.requests] == [0, 0, 1]


def test_a_post_that_met_a_closing_connection_is_not_sent_twice(world):
    gw, up = world.proxy(close_second_request, upstream=NO_RETRIES)
    assert gw.fetch("POST", "/1", body=b"a").status == 200
    assert gw.fetch("POST", "/2", body=b"b").status == 502
    assert [r.target for r in up.requests] == ["/1", "/2"]


def test_a_request_that_met_a_reset_on_a_reused_connection_goes_once_more(world):
    def reset_second(request, connection):
        connection.served = getattr(connection, "served", 0) + 1
        if connection.served == 2:
            connection.reset()
            return None
        return wire.response(body=b"ok")

    gw, up = world.proxy(reset_second, upstream=NO_RETRIES)
    assert [gw.get(f"/{i}").status for i in range(2)] == [200, 200]


def test_a_request_on_a_fresh_connection_is_not_repeated_for_ever(world):
    gw, up = world.proxy(lambda r, c: c.close(), upstream=NO_RETRIES)
    assert gw.get("/").status == 502
    assert len(up.requests) == 1


def test_a_request_is_not_repeated_once_its_answer_began(world):
    def half(request, connection):
        connection.served = getattr(connection, "served", 0) + 1
        if connection.served == 2:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-")
            connection.close()
            return None
        return wire.response(body=b"ok")

    gw, up = world.proxy(half, upstream=NO_RETRIES)
    assert gw.get("/1").status == 200
    assert gw.get("/2").status == 502
    assert len(up.requests) == 2


def test_under_load_an_upstream_that_closes_after_each_second_answer_fails_no_get(world):
    """The race of a request with the end of an idle connection, met many times."""

    def closes(request, connection):
        connection.served = getattr(connection, "served", 0) + 1
        if connection.served == 2:
            connection.send(wire.response(body=b"ok"))
            connection.close()
            return None
        return wire.response(body=b"ok")

    gw, up = world.proxy(closes, upstream=NO_RETRIES)
    statuses = []

    def client():
        with gw.connect() as c:
            for _ in range(100):
                statuses.append(c.get("/").status)

    threads = [threading.Thread(target=client) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert statuses == [200] * 400


@pytest.mark.parametrize("workers", [1, 2])
def test_a_storm_of_leaving_clients_leaks_no_place_in_the_pool(world, workers):
    """Calls given up in the queue, while connecting, while waiting for the answer, while it streams."""
    gate = Gate()

    def handler(request, connection):
        if request.target == "/held":
            gate.hold()
        elif request.target.startswith("/stream"):
            connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunk(b"x" * 1000))
            connection.peer_closed(0.02)
            return b"0\r\n\r\n"
        elif request.target.startswith("/slow"):
            connection.peer_closed(0.02)
        return wire.response(body=b"ok")

    pool = {"pool": {"connections": 3, "per_endpoint": 3}, "max_pending": 20}
    gw, up = world.proxy(handler, server={"workers": workers}, upstream=pool)
    chance = random.Random(3)
    for i in range(400):
        client = gw.connect().send(wire.request("GET", chance.choice(["/slow", "/stream", "/fast"])))
        if chance.random() < 0.5:
            select.select([client.sock], [], [], chance.random() * 0.01)
        client.reset() if chance.random() < 0.7 else client.close()
    gw.clients.clear()
    wait_until(lambda: up.busy == 0)
    wait_until(lambda: gw.get("/fast").status == 200)
    held = [gw.connect().send(wire.request("GET", "/held")) for _ in range(3)]
    wait_until(lambda: up.busy == 3, what="all three places used again")
    gate.open()
    assert [c.read_response().status for c in held] == [200] * 3


def test_many_more_clients_than_connections_are_all_served(world):
    gw, up = world.proxy(
        lambda r, c: wire.response(body=r.target.encode()),
        server={"workers": 2},
        upstream={"pool": {"connections": 2, "per_endpoint": 2}},
    )
    wrong = []

    def client(number):
        with gw.connect() as connection:
            for i in range(30):
                answer = connection.get(f"/{number}/{i}")
                if (answer.status, answer.text) != (200, f"/{number}/{i}"):
                    wrong.append(answer)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert wrong == [] and len(up.requests) == 600


def test_two_upstreams_do_not_share_connections(world):
    first, second = world.upstream(lambda r, c: wire.response(body=b"first")), world.upstream(
        lambda r, c: wire.response(body=b"second")
    )
    config = proxy_config(first)
    config["upstreams"]["other"] = {"url": second.url}
    config["routes"].append(
        {"name": "other", "path": "/other/{rest...}", "view": "proxy-fetch", "source": "other/{rest}"}
    )
    gw = world.gateway(config)
    for _ in range(3):
        assert (gw.get("/x").body, gw.get("/other/x").body) == (b"first", b"second")
