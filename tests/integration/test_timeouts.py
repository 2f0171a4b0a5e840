"""server.timeouts, each with its status; and the timeouts of route and upstream (SPEC sections 2, 6 and 7)."""
import json
import threading
import time

import pytest

from support import wire
from support.gateway import respond_config

SOON = 5  # seconds, a hundred times what the tests configure less than


def timeouts(**values):
    return {"timeouts": values}


def took(call):
    begin = time.monotonic()
    value = call()
    return value, time.monotonic() - begin


def test_a_head_that_stops_midway_is_408_after_the_header_timeout(world):
    gw, up = world.proxy(server=timeouts(header="200ms"))
    client = gw.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n")
    answer, seconds = took(client.read_response)
    assert answer.status == 408 and json.loads(answer.body)["status"] == 408
    assert 0.15 < seconds < SOON
    client.assert_closed()
    assert up.requests == []


def test_a_connection_that_never_says_anything_is_closed_without_an_answer(world):
    gw, _ = world.proxy(server=timeouts(header="200ms", idle="200ms"))
    client = gw.connect()
    client.assert_closed()


def drip(client, data, pause):
    """Sends byte by byte, `pause` apart, until the gateway answers or closes."""
    for byte in data:
        if not client.try_send(bytes([byte])):
            return
        client.sock.settimeout(pause)
        try:
            client.reader.fill()
            return
        except TimeoutError:
            continue
        finally:
            client.sock.settimeout(10)


def test_a_head_sent_drop_by_drop_does_not_hold_its_connection(world):
    gw, up = world.proxy(server=timeouts(header="300ms"))
    client = gw.connect()
    _, seconds = took(lambda: drip(client, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 1000, 0.05))
    assert seconds < 3
    assert client.read_response().status == 408
    client.assert_closed()
    assert up.requests == []


def test_a_head_of_a_second_request_has_the_same_timeout(world):
    gw, _ = world.proxy(server=timeouts(header="200ms"))
    client = gw.connect()
    assert client.get("/").status == 200
    client.send(b"GET / HT")
    assert client.read_response().status == 408
    client.assert_closed()


@pytest.mark.parametrize(
    "framing, part",
    [
        ([("Content-Length", "10")], b"12345"),
        ([("Transfer-Encoding", "chunked")], b"a\r\n12345"),
        ([("Content-Length", "10")], b""),
    ],
    ids=["sized", "chunked", "nothing"],
)
def test_a_body_that_stops_is_408_and_cancels_the_upstream(world, framing, part):
    gw, up = world.proxy(server=timeouts(body="200ms"))
    client = gw.connect().send(wire.request("POST", "/", framing) + part)
    answer, seconds = took(client.read_response)
    assert answer.status == 408 and 0.15 < seconds < SOON
    client.assert_closed()
    up.wait_for(lambda u: u.open == 0)
    assert up.completed == []


def test_the_body_timeout_is_between_two_reads_not_for_the_whole(world):
    gw, up = world.proxy(server=timeouts(body="600ms"))
    client = gw.connect().send(wire.request("POST", "/", [("Content-Length", "10")]))
    pace = threading.Event()
    for _ in range(10):
        pace.wait(0.1)
        client.send(b"x")
    assert client.read_response().status == 200
    assert up.last().body == b"x" * 10


def test_an_idle_connection_is_closed_quietly(world):
    gw, _ = world.proxy(server=timeouts(idle="200ms"))
    client = gw.connect()
    assert client.get("/").status == 200
    _, seconds = took(client.assert_closed)
    assert 0.15 < seconds < SOON


def test_a_connection_in_use_is_not_idle(world):
    def slow(request, connection):
        threading.Event().wait(0.6)
        return wire.response(body=b"ok")

    gw, _ = world.proxy(slow, server=timeouts(idle="200ms", header="200ms", body="200ms", write="200ms"))
    assert gw.connect().get("/").status == 200


def test_a_client_that_stops_reading_is_dropped_after_the_write_timeout(world):
    def large(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", 200 << 20)]))
        for _ in range(3200):
            connection.send(b"x" * 65536)

    gw, up = world.proxy(large, server=timeouts(write="300ms"))
    client = gw.connect(receive_buffer=16384).send(wire.request("GET", "/"))
    client.read_head()
    up.wait_for(lambda u: u.open == 0, 15)
    with pytest.raises(wire.Truncated):
        for _ in range(4000):
            client.reader.exactly(65536, "rest")


def test_a_slow_but_steady_reader_is_not_dropped(world):
    size = 12 << 20
    gw, _ = world.proxy(lambda r, c: wire.response(body=b"x" * size), server=timeouts(write="1s"))
    client = gw.connect(receive_buffer=65536).send(wire.request("GET", "/"))
    head = client.read_head()
    pace, got, pauses = threading.Event(), 0, 0
    for piece in client.body_pieces(head):
        got += len(piece)
        if got > (pauses + 1) * (1 << 20):
            pauses += 1
            pace.wait(0.15)
    assert got == size


def test_slow_clients_do_not_slow_down_the_others(world):
    gw, _ = world.proxy(server=timeouts(header="10s"))
    slow = [gw.connect().send(b"GET / HTTP/1.1\r\n") for _ in range(200)]
    _, seconds = took(lambda: [gw.get("/").status for _ in range(20)])
    assert seconds < 2
    assert not any(c.is_closed() for c in slow)


@pytest.mark.parametrize(
    "policy, status",
    [
        ("300ms", 504),
        ({"after": "300ms"}, 504),
        ({"after": "300ms", "status": 503}, 503),
        ({"after": "300ms", "status": 408}, 408),
    ],
)
def test_the_routes_timeout_answers_with_its_status(world, policy, status):
    gw, up = world.proxy(lambda r, c: c.peer_closed(10) and None, route={"timeout": policy})
    answer, seconds = took(lambda: gw.connect().get("/"))
    assert answer.status == status and 0.25 < seconds < SOON
    assert json.loads(answer.body)["status"] == status
    up.wait_for(lambda u: u.open == 0, 3)  # the call is cancelled


def test_after_a_timeout_the_clients_connection_is_still_good(world):
    def slow_or_fast(request, connection):
        if request.target == "/fast":
            return wire.response(body=b"ok")
        connection.peer_closed(10)

    gw, _ = world.proxy(slow_or_fast, route={"timeout": "300ms"})
    client = gw.connect()
    assert client.get("/slow").status == 504
    assert client.get("/fast").status == 200


def test_defaults_timeout_holds_for_every_route(world):
    gw, _ = world.proxy(lambda r, c: c.peer_closed(10) and None, defaults={"timeout": "300ms"})
    assert gw.connect().get("/").status == 504


def test_the_upstreams_timeout_is_504(world):
    gw, up = world.proxy(lambda r, c: c.peer_closed(10) and None, upstream={"timeout": "300ms"})
    answer, seconds = took(lambda: gw.connect().get("/"))
    assert answer.status == 504 and 0.25 < seconds < SOON
    up.wait_for(lambda u: u.open == 0, 3)


@pytest.mark.parametrize("route, upstream", [("300ms", "8s"), ("8s", "300ms")])
def test_of_two_timeouts_the_shortest_wins(world, route, upstream):
    gw, _ = world.proxy(
        lambda r, c: c.peer_closed(10) and None, route={"timeout": route}, upstream={"timeout": upstream}
    )
    answer, seconds = took(lambda: gw.connect().get("/"))
    assert answer.status == 504 and seconds < 4


def test_time_that_is_up_while_the_client_still_sends_its_body_is_408(world):
    gw, up = world.proxy(route={"timeout": "300ms"})
    client = gw.connect().send(wire.request("POST", "/", [("Content-Length", "10")]) + b"123")
    answer, seconds = took(client.read_response)
    assert answer.status == 408 and seconds < SOON
    client.assert_closed()


def test_an_upstream_whose_head_stops_midway_is_504(world):
    gw, _ = world.proxy(
        lambda r, c: c.send(b"HTTP/1.1 200 OK\r\nX-A: ") or (c.peer_closed(10) and None), upstream={"timeout": "300ms"}
    )
    assert gw.connect().get("/").status == 504


def test_a_respond_route_with_a_delay_is_cut_by_its_timeout(world):
    gw = world.gateway(respond_config(("r", "/", {"delay": "8s", "timeout": "300ms"})))
    answer, seconds = took(lambda: gw.connect().get("/"))
    assert answer.status == 504 and seconds < 4


def test_an_upstream_that_does_not_read_an_upload_is_given_up_after_its_timeout(world):
    go = threading.Event()
    gw, up = world.proxy(
        lambda r, c: go.wait(20) and None,
        read_body=False,
        receive_buffer=65536,
        upstream={"timeout": "500ms"},
        server={"limits": {"body_bytes": "1GiB"}},
    )
    client = gw.connect()
    sender = threading.Thread(
        target=client.try_send, args=(wire.request("POST", "/", body=b"x" * (64 << 20)),), daemon=True
    )
    sender.start()
    answer, seconds = took(client.read_response)
    assert answer.status in (408, 504) and seconds < SOON
    client.assert_closed()
    sender.join(10)
    assert not sender.is_alive(), "the client was left in the middle of its upload"
    go.set()


def test_tls_bytes_on_a_plain_listener_are_refused(world):
    gw, up = world.proxy()
    client = gw.connect()
    client.try_send(bytes.fromhex("16030100c8010000c40303") + b"\xaa" * 190)
    rest = client.reader.to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    assert up.requests == []


def test_timeouts_off_the_path_leave_no_timer_that_hurts(world):
    """A finished request's deadline must not cut the next one on the same connection."""
    gw, _ = world.proxy(
        lambda r, c: (threading.Event().wait(0.25), wire.response(body=b"ok"))[1],
        route={"timeout": "400ms"},
        upstream={"timeout": "400ms"},
    )
    client = gw.connect()
    assert [client.get("/").status for _ in range(5)] == [200] * 5
