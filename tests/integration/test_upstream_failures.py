"""What clients get when an upstream can't be reached, found or understood (SPEC sections 2 and 7)."""
import json
import threading
import time

import pytest

from support import wire
from support.gateway import proxy_config
from support.upstream import BlackHole, refused_url


def problem(answer, status):
    assert answer.status == status, answer
    assert answer.headers.one("content-type").split(";")[0] == "application/problem+json"
    body = json.loads(answer.body)
    assert body["status"] == status
    return body


def test_a_refused_connection_is_502(world):
    gw = world.gateway(proxy_config(refused_url()))
    client = gw.connect()
    for _ in range(2):  # the client's connection stays good
        problem(client.get("/"), 502)


def test_a_connection_that_is_never_accepted_ends_after_connect_timeout(world):
    hole = world.own(BlackHole())
    gw = world.gateway(proxy_config(hole.url, upstream={"connect_timeout": "300ms"}))
    begin = time.monotonic()
    answer = gw.get("/")
    assert answer.status in (502, 504)
    assert 0.25 < time.monotonic() - begin < 3


def test_a_name_that_does_not_resolve_fails_its_own_calls_only(world):
    up = world.upstream()
    config = proxy_config(up)
    config["upstreams"]["lost"] = {"url": "http://does-not-exist.invalid:8080", "timeout": "3s"}
    config["routes"].append({"name": "lost", "path": "/lost/{rest...}", "view": "proxy-fetch", "source": "lost/{rest}"})
    gw = world.gateway(config)  # the start does not fail
    begin = time.monotonic()
    waiting = gw.connect().send(wire.request("GET", "/lost/x"))
    assert gw.get("/fine").status == 200
    assert time.monotonic() - begin < 1  # nobody else waits for the name
    answer = waiting.read_response()
    assert answer.status in (502, 504)
    problem(answer, answer.status)


def test_localhost_resolves(world):
    up = world.upstream()
    gw = world.gateway(proxy_config(f"http://localhost:{up.port}"))
    for _ in range(3):
        assert gw.get("/").status == 200
    assert up.last().headers.one("host") == f"localhost:{up.port}"


def test_an_upstream_that_closes_without_an_answer_is_502(world):
    gw, _ = world.proxy(lambda r, c: c.close())
    client = gw.connect()
    for _ in range(2):
        problem(client.get("/"), 502)


def test_an_upstream_that_resets_is_502(world):
    gw, _ = world.proxy(lambda r, c: c.reset())
    problem(gw.get("/"), 502)


def test_an_upstream_that_resets_during_an_upload_is_502(world):
    gw, _ = world.proxy(lambda r, c: c.reset(), read_body=False, server={"limits": {"body_bytes": "64MiB"}})
    client = gw.connect()
    client.try_send(wire.request("POST", "/", body=b"x" * 8_000_000))
    problem(client.read_response(), 502)


def test_an_upstream_that_fails_leaves_the_others_alone(world):
    good = world.upstream()
    config = proxy_config(refused_url())
    config["upstreams"]["good"] = {"url": good.url}
    config["routes"].append({"name": "good", "path": "/good", "view": "proxy-fetch", "source": "good/x"})
    gw = world.gateway(config)
    for _ in range(5):
        assert (gw.get("/bad").status, gw.get("/good").status) == (502, 200)


def test_an_upstream_that_comes_back_is_used_again(world):
    up = world.upstream()
    gw = world.gateway(proxy_config(up))
    assert gw.get("/").status == 200
    up.stop()
    assert gw.get("/").status == 502
    up.start()
    assert gw.get("/").status == 200


def test_truncation_of_a_sized_answer_is_visible(world):
    def cut(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 60)
        connection.close()

    gw, _ = world.proxy(cut)
    client = gw.connect().send(wire.request("GET", "/"))
    with pytest.raises(wire.Truncated):
        client.read_response()


def test_truncation_of_a_chunked_answer_is_visible(world):
    def cut(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"x" * 60))
        connection.close()

    gw, _ = world.proxy(cut)
    client = gw.connect().send(wire.request("GET", "/"))
    with pytest.raises(wire.Truncated):
        client.read_response()


@pytest.mark.parametrize(
    "framing",
    [b"Transfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"x" * 60), b"\r\n" + b"x" * 60],
    ids=["chunked", "until close"],
)
def test_truncation_is_visible_to_a_client_of_http_1_0_as_a_reset(world, framing):
    """Its answer ends with the connection: an orderly end would say that it is complete."""
    seen = threading.Event()

    def cut(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\n" + framing)
        assert seen.wait(10)
        connection.reset()

    gw, _ = world.proxy(cut)
    client = gw.connect().send(wire.request("GET", "/", version="HTTP/1.0"))
    head = client.read_head()
    pieces = client.body_pieces(head)
    assert next(pieces).startswith(b"x")
    seen.set()
    with pytest.raises(wire.Truncated):
        list(pieces)


def test_a_reset_in_an_answer_until_close_is_visible(world):
    def cut(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 60)
        connection.reset()

    gw, _ = world.proxy(cut)
    client = gw.connect().send(wire.request("GET", "/"))
    try:
        answer = client.read_response()
    except wire.Truncated:
        return
    assert answer.status == 502


def test_nothing_internal_shows_in_an_error(world):
    dead = refused_url()
    gw = world.gateway(proxy_config(dead + "/secret-path", upstream={"headers": {"X-Api-Key": "s3cr3t"}}))
    answer = gw.get("/x?token=abc")
    text = answer.raw_head + answer.body
    for inner in (
        dead.rsplit(":", 1)[1].encode(),
        b"secret-path",
        b"s3cr3t",
        b"token=abc",
        b"ECONNREFUSED",
        b".cc",
        b"yaml",
    ):
        assert inner not in text


def test_the_error_of_an_upstream_says_its_name_and_the_request(world):
    gw = world.gateway(proxy_config(refused_url()))
    body = problem(gw.get("/shop/7?secret=1"), 502)
    assert body["type"] == "about:blank" and body["title"] == "Bad Gateway"
    assert body["instance"] == "/shop/7"
    assert body["request_id"] and body["detail"]
