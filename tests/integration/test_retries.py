"""Retries on upstreams: what is tried again, how often, and within which bounds (SPEC sections 2 and 6)."""
import time

import pytest

from support import wire
from support.gateway import proxy_config
from support.upstream import refused_url


def failing_first(kind, count=1):
    """A handler whose first `count` requests fail in some way."""
    seen = []

    def handler(request, connection):
        seen.append(request)
        if len(seen) > count:
            return wire.response(body=b"ok " + request.body)
        if kind == "reset":
            connection.reset()
        elif kind == "close":
            connection.close()
        elif kind == "hang":
            connection.peer_closed(10)
        else:
            return wire.response(int(kind), [("X-Try", str(len(seen)))], b"failed")

    return handler


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("kind", ["reset", "close", "502", "503", "504"])
def test_an_idempotent_request_is_tried_again(world, kind, method):
    gw, up = world.proxy(failing_first(kind), upstream={"retry": {"attempts": 1}})
    answer = gw.fetch(method, "/")
    assert answer.status == 200 and len(up.requests) == 2


@pytest.mark.parametrize("kind, status", [("reset", 502), ("502", 502), ("503", 503), ("504", 504)])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_request_that_is_not_idempotent_is_not_tried_again(world, kind, status, method):
    gw, up = world.proxy(failing_first(kind), upstream={"retry": {"attempts": 3}})
    assert gw.fetch(method, "/", body=b"x").status == status
    assert len(up.requests) == 1


def test_a_refused_connection_is_tried_elsewhere_for_every_method(world):
    up = world.upstream()
    gw = world.gateway(proxy_config([refused_url(), up], upstream={"retry": {"attempts": 1, "budget": "100%"}}))
    for method in ("GET", "POST", "PATCH"):
        for _ in range(3):
            assert gw.fetch(method, "/", body=b"x").status == 200
    assert len(up.requests) == 9 and all(r.body == b"x" for r in up.requests)


def test_by_default_one_more_attempt_is_made(world):
    gw, up = world.proxy(lambda r, c: wire.response(503, [], b"busy"))
    assert gw.get("/").status == 503
    assert len(up.requests) == 2


def test_without_attempts_nothing_is_tried_again(world):
    gw, up = world.proxy(lambda r, c: wire.response(503, [], b"busy"), upstream={"retry": {"attempts": 0}})
    assert gw.get("/").status == 503
    assert len(up.requests) == 1


@pytest.mark.parametrize("status", [500, 501, 404, 429, 400])
def test_other_statuses_are_not_tried_again(world, status):
    gw, up = world.proxy(lambda r, c: wire.response(status, [], b"final"), upstream={"retry": {"attempts": 3}})
    assert gw.get("/").status == status
    assert len(up.requests) == 1


def test_on_says_what_is_tried_again(world):
    gw, up = world.proxy(failing_first("500"), upstream={"retry": {"attempts": 1, "on": [500]}})
    assert gw.get("/").status == 200
    gw, up = world.proxy(failing_first("503"), upstream={"retry": {"attempts": 1, "on": ["connect"]}})
    assert gw.get("/").status == 503 and len(up.requests) == 1


def test_attempts_are_extra_ones(world):
    gw, up = world.proxy(lambda r, c: wire.response(503, [], b"busy"), upstream={"retry": {"attempts": 2}})
    answer = gw.get("/")
    assert (answer.status, answer.body) == (503, b"busy")  # the last answer is the client's
    assert len(up.requests) == 3


def test_a_retry_goes_to_another_endpoint_if_there_is_one(world):
    bad, good = world.upstream(lambda r, c: wire.response(503, [], b"busy")), world.upstream(
        lambda r, c: wire.response(body=b"ok")
    )
    gw = world.gateway(proxy_config([bad, good], upstream={"retry": {"attempts": 1, "budget": "100%"}}))
    assert [gw.get("/").status for _ in range(10)] == [200] * 10
    assert len(good.requests) == 10


def test_a_body_that_is_sent_again_is_sent_whole(world):
    gw, up = world.proxy(failing_first("503"), upstream={"retry": {"attempts": 1}})
    answer = gw.fetch("PUT", "/", body=b"x" * 3000)
    assert answer.status in (200, 503)  # a body that is not kept is not sent again
    assert all(r.body == b"x" * 3000 for r in up.completed)
    if answer.status == 200:
        assert answer.body == b"ok " + b"x" * 3000


def test_a_body_too_large_to_keep_is_never_sent_again_in_part(world):
    body = bytes(range(256)) * 4096 * 2  # 2 MiB
    gw, up = world.proxy(
        failing_first("503"), upstream={"retry": {"attempts": 1}}, server={"limits": {"body_bytes": "10MiB"}}
    )
    assert gw.fetch("PUT", "/", body=body).status in (200, 503)
    assert all(r.body == body for r in up.completed)


def test_an_attempt_that_is_too_slow_is_given_up_for_another(world):
    gw, up = world.proxy(
        failing_first("hang"), upstream={"retry": {"attempts": 1, "attempt_timeout": "300ms"}, "timeout": "8s"}
    )
    begin = time.monotonic()
    assert gw.get("/").status == 200
    assert time.monotonic() - begin < 4
    assert len(up.requests) == 2


def test_when_every_attempt_is_too_slow_it_is_504(world):
    gw, up = world.proxy(
        failing_first("hang", 9), upstream={"retry": {"attempts": 1, "attempt_timeout": "200ms"}, "timeout": "8s"}
    )
    assert gw.get("/").status == 504
    assert len(up.requests) == 2


def test_the_upstreams_timeout_bounds_all_attempts(world):
    gw, up = world.proxy(
        failing_first("hang", 99),
        upstream={"retry": {"attempts": 5, "attempt_timeout": "200ms", "budget": "100%"}, "timeout": "700ms"},
    )
    begin = time.monotonic()
    assert gw.get("/").status == 504
    assert 0.6 < time.monotonic() - begin < 3
    assert 2 <= len(up.requests) <= 4


def test_retries_cannot_multiply_an_outage(world):
    gw, up = world.proxy(
        lambda r, c: wire.response(503, [], b"busy"),
        upstream={"retry": {"attempts": 1, "budget": "20%", "backoff": "1ms"}},
    )
    client = gw.connect()
    begin = time.monotonic()
    for _ in range(300):
        assert client.get("/").status == 503
    seconds = time.monotonic() - begin
    retries = len(up.requests) - 300
    assert 1 <= retries <= 0.2 * 600 + 3 * (seconds + 1) and retries < 200


def test_a_few_retries_a_second_are_always_allowed(world):
    gw, up = world.proxy(failing_first("503"), upstream={"retry": {"attempts": 1, "budget": "1%"}})
    assert gw.get("/").status == 200


def test_nothing_is_tried_again_once_the_answer_has_begun(world):
    def half(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        connection.reset()

    gw, up = world.proxy(half, upstream={"retry": {"attempts": 3}})
    client = gw.connect().send(wire.request("GET", "/"))
    with pytest.raises(wire.Truncated):
        client.read_response()
    assert len(up.requests) == 1


def test_the_answer_that_was_given_up_leaves_nothing_in_the_next(world):
    gw, up = world.proxy(failing_first("503"), upstream={"retry": {"attempts": 1}})
    answer = gw.get("/")
    assert answer.status == 200 and "x-try" not in answer.headers and answer.body == b"ok "


def test_a_retried_request_keeps_its_id(world):
    gw, up = world.proxy(failing_first("503"), upstream={"retry": {"attempts": 1}})
    gw.get("/")
    assert len({r.headers.one("x-request-id") for r in up.requests}) == 1


def test_a_malformed_answer_is_not_tried_again_for_a_post(world):
    gw, up = world.proxy(lambda r, c: b"GARBAGE\r\n\r\n", upstream={"retry": {"attempts": 3}})
    assert gw.fetch("POST", "/", body=b"x").status == 502
    assert len(up.requests) == 1
