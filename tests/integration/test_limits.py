"""server.limits, each with its status; what is within them passes (SPEC sections 2 and 7)."""
import json

import pytest

from support import wire
from support.gateway import wait_until
from support.upstream import Gate


def limits(**values):
    return {"limits": values}


def assert_refused(client, status):
    answer = client.read_response()
    assert answer.status == status, answer
    assert answer.headers.one("content-type").startswith("application/problem+json")
    assert json.loads(answer.body)["status"] == status
    assert "close" in answer.headers.tokens("connection")
    client.assert_closed()


def test_a_head_over_header_bytes_is_431(world):
    gw, up = world.proxy(server=limits(header_bytes="2KiB"))
    client = gw.connect()
    client.try_send(wire.request("GET", "/", [("X-Big", "x" * 3000)]))
    assert_refused(client, 431)
    assert up.requests == []


def test_a_head_over_header_bytes_in_many_fields_is_431(world):
    gw, up = world.proxy(server=limits(header_bytes="2KiB"))
    client = gw.connect()
    client.try_send(wire.request("GET", "/", [(f"X-{i}", "x" * 100) for i in range(40)]))
    assert_refused(client, 431)
    assert up.requests == []


def test_a_head_that_never_ends_is_431_when_it_is_over_header_bytes(world):
    gw, _ = world.proxy(server=limits(header_bytes="2KiB"))
    client = gw.connect()
    client.try_send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Big: " + b"x" * 3000)
    assert_refused(client, 431)


def test_a_head_just_under_header_bytes_passes(world):
    gw, _ = world.proxy(server=limits(header_bytes="2KiB"))
    request = wire.request("GET", "/", [("X-Big", "")])
    fill = 2048 - len(request)
    assert gw.connect().get("/", [("X-Big", "x" * fill)]).status == 200


def test_pipelined_heads_are_counted_one_by_one(world):
    gw, _ = world.proxy(server=limits(header_bytes="2KiB"))
    client = gw.connect().send(wire.request("GET", "/", [("X-Big", "x" * 1500)]) * 5)
    assert [client.read_response().status for _ in range(5)] == [200] * 5


def test_more_fields_than_headers_is_431(world):
    gw, up = world.proxy(server=limits(headers=20))
    client = gw.connect()
    client.try_send(wire.request("GET", "/", [(f"X-{i}", "1") for i in range(20)]))  # and Host
    assert_refused(client, 431)
    assert up.requests == []


def test_as_many_fields_as_headers_pass(world):
    gw, _ = world.proxy(server=limits(headers=20))
    assert gw.connect().get("/", [(f"X-{i}", "1") for i in range(19)]).status == 200


def test_a_target_over_uri_bytes_is_414(world):
    gw, up = world.proxy(server=limits(uri_bytes="1KiB"))
    client = gw.connect()
    client.try_send(wire.request("GET", "/" + "x" * 1024))
    assert_refused(client, 414)
    assert up.requests == []


def test_a_target_that_never_ends_is_414(world):
    gw, _ = world.proxy(server=limits(uri_bytes="1KiB"))
    client = gw.connect()
    client.try_send(b"GET /" + b"x" * 3000)
    assert_refused(client, 414)


def test_a_target_of_uri_bytes_passes(world):
    gw, _ = world.proxy(server=limits(uri_bytes="1KiB"))
    assert gw.connect().get("/" + "x" * 1023).status == 200
    assert gw.connect().get("/?" + "x" * 1022).status == 200


def test_a_method_that_never_ends_is_refused(world):
    gw, _ = world.proxy()
    client = gw.connect()
    client.try_send(b"X" * 40000)
    answer = client.read_response()
    assert answer.status in (400, 414, 431, 501)
    client.assert_closed()


def test_a_declared_body_over_body_bytes_is_413_and_nothing_reaches_the_upstream(world):
    gw, up = world.proxy(server=limits(body_bytes="10KiB"))
    client = gw.connect()
    client.try_send(wire.request("POST", "/", [("Content-Length", 10241)]))
    assert_refused(client, 413)
    assert up.requests == []


def test_a_chunked_body_over_body_bytes_is_413_and_never_a_whole_request(world):
    gw, up = world.proxy(server=limits(body_bytes="10KiB"))
    client = gw.connect()
    client.try_send(
        wire.request(
            "POST", "/", [("Transfer-Encoding", "chunked")], wire.chunked(b"x" * 5000, b"y" * 5000, b"z" * 241)
        )
    )
    assert_refused(client, 413)
    assert gw.get("/after").status == 200
    assert [r.target for r in up.completed] == ["/after"]


def test_one_chunk_over_body_bytes_is_413_before_its_end(world):
    gw, up = world.proxy(server=limits(body_bytes="10KiB"))
    client = gw.connect()
    client.try_send(
        wire.request("POST", "/", [("Transfer-Encoding", "chunked")]) + b"7fffffffffffffff\r\n" + b"x" * 20000
    )
    answer = client.read_response()
    assert answer.status in (400, 413)
    client.assert_closed()


@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_a_body_of_body_bytes_passes(world, framing):
    gw, up = world.proxy(server=limits(body_bytes="10KiB"))
    body = b"x" * 10240
    if framing == "sized":
        answer = gw.connect().request("POST", "/", body=body)
    else:
        answer = gw.connect().request(
            "POST", "/", [("Transfer-Encoding", "chunked")], wire.chunked(body[:7000], body[7000:])
        )
    assert answer.status == 200 and up.last().body == body


def test_a_route_has_a_body_limit_of_its_own(world):
    gw, up = world.proxy(server=limits(body_bytes="1KiB"), route={"limits": {"body_bytes": "10KiB"}})
    assert gw.connect().request("POST", "/", body=b"x" * 5000).status == 200
    client = gw.connect()
    client.try_send(wire.request("POST", "/", [("Content-Length", 10241)]))
    assert_refused(client, 413)


def test_a_client_that_sends_all_of_a_refused_body_still_reads_the_413(world):
    """Closing with unread bytes would reset the connection and take the answer away (RFC 9112 section 9.6)."""
    gw, up = world.proxy(server=limits(body_bytes="10KiB"))
    for _ in range(5):
        client = gw.connect()
        client.try_send(wire.request("POST", "/", body=b"x" * 200_000))
        answer = client.read_response()
        assert answer.status == 413


def test_trailers_are_bounded_like_heads(world):
    gw, up = world.proxy(server=limits(header_bytes="2KiB"))
    client = gw.connect()
    client.try_send(
        wire.request("POST", "/", [("Transfer-Encoding", "chunked")]) + b"1\r\na\r\n0\r\nX-Big: " + b"x" * 100_000
    )
    answer = client.read_response()
    assert answer.status in (400, 431)
    client.assert_closed()
    assert up.completed == []


def test_chunk_extensions_are_bounded(world):
    gw, up = world.proxy()
    client = gw.connect()
    client.try_send(wire.request("POST", "/", [("Transfer-Encoding", "chunked")]) + b"1;" + b"x" * 200_000)
    answer = client.read_response()
    assert answer.status in (400, 413, 431)
    client.assert_closed()
    assert up.completed == []


def test_empty_lines_before_a_request_are_bounded(world):
    gw, _ = world.proxy()
    client = gw.connect()
    client.try_send(b"\r\n" * 100_000)
    rest = client.reader.to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 4")


def test_at_the_limit_of_connections_accepting_pauses_and_nobody_is_refused(world):
    gw, up = world.proxy(server=limits(connections=3))
    first = [gw.connect() for _ in range(3)]
    assert [c.get("/").status for c in first] == [200] * 3
    fourth = gw.connect().send(wire.request("GET", "/fourth"))
    assert [c.get("/").status for c in first] == [200] * 3  # those go on meanwhile
    assert not fourth.is_closed() and "/fourth" not in [r.target for r in up.requests]
    first[0].close()
    assert fourth.read_response().status == 200


def test_after_a_pause_of_accepting_all_waiting_clients_are_served(world):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(body=b"ok")

    gw, up = world.proxy(
        held,
        server={"limits": {"connections": 5}, "workers": 2},
        upstream={"pool": {"connections": 50, "per_endpoint": 50}},
    )
    clients = [gw.connect().send(wire.request("GET", "/", [("Connection", "close")])) for _ in range(30)]
    up.wait_requests(5)
    assert up.most_busy <= 5
    gate.open()
    assert [c.read_response().status for c in clients] == [200] * 30
    assert up.most_busy <= 5
    wait_until(lambda: gw.get("/").status == 200)
