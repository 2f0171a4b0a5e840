"""Expect: 100-continue (RFC 9110 section 10.1.1) through proxy-fetch and at the gateway's own answers."""
import pytest

from support import wire
from support.gateway import respond_config

EXPECT = ("Expect", "100-continue")


@pytest.mark.parametrize(
    "framing, body",
    [([("Content-Length", "4")], b"body"), ([("Transfer-Encoding", "chunked")], wire.chunked(b"body"))],
    ids=["sized", "chunked"],
)
def test_a_client_that_waits_for_100_gets_it_and_then_its_answer(world, framing, body):
    gw, up = world.proxy(lambda r, c: wire.response(body=r.body))
    client = gw.connect()
    for _ in range(2):
        client.send(wire.request("POST", "/", [EXPECT, *framing]))
        assert client.read_head(keep_informational=True).status == 100
        client.send(body)
        assert client.read_response().body == b"body"


def test_an_upstream_that_never_says_100_still_gets_the_body(world):
    def silent(request, connection):
        for _ in connection.body_pieces(request):
            pass
        return wire.response(body=b"ok")

    gw, up = world.proxy(silent, read_body=False)
    client = gw.connect().send(wire.request("POST", "/", [EXPECT, ("Content-Length", "4")]))
    assert client.read_head(keep_informational=True).status == 100
    client.send(b"body")
    assert client.read_response().status == 200


def test_a_client_that_does_not_wait_for_100_is_served(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=r.body))
    client = gw.connect()
    for _ in range(2):
        assert client.request("POST", "/", [EXPECT], b"at once").body == b"at once"


def test_an_upstreams_refusal_reaches_a_client_that_still_waits(world):
    gw, up = world.proxy(lambda r, c: wire.response(403, [], b"no"), read_body=False)
    client = gw.connect().send(wire.request("POST", "/refused", [EXPECT, ("Content-Length", "1000")]))
    answer = client.read_response()
    assert (answer.status, answer.body) == (403, b"no")


def test_after_a_refusal_the_unsent_body_is_never_confused_with_a_request(world):
    """Closed, or the next bytes are the body: never both answered and taken for a request."""
    gw, up = world.proxy(
        lambda r, c: wire.response(403, [], b"no") if r.target == "/refused" else wire.response(body=b"served"),
        read_body=False,
    )
    smuggled = wire.request("GET", "/smuggled")
    client = gw.connect().send(wire.request("POST", "/refused", [EXPECT, ("Content-Length", len(smuggled))]))
    assert client.read_response().status == 403
    client.try_send(smuggled)
    try:
        client.half_close()
    except OSError:
        pass
    assert client.reader.to_end() == b""
    assert gw.get("/after").body == b"served"
    assert "/smuggled" not in [r.target for r in up.requests]


def test_an_upload_that_is_too_large_is_refused_without_100(world):
    gw, up = world.proxy(server={"limits": {"body_bytes": "1KiB"}})
    client = gw.connect().send(wire.request("POST", "/", [EXPECT, ("Content-Length", "2000")]))
    answer = client.read_response()
    assert answer.status == 413 and answer.informational == []
    assert up.requests == []


def test_a_request_without_route_is_refused_without_100(world):
    gw = world.gateway(respond_config(("r", "/r")))
    client = gw.connect().send(wire.request("POST", "/none", [EXPECT, ("Content-Length", "5")]))
    answer = client.read_response()
    assert answer.status == 404 and answer.informational == []


def test_http_1_0_clients_never_get_100(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=r.body))
    client = gw.connect().send(wire.request("POST", "/", [EXPECT], b"body", version="HTTP/1.0"))
    answer = client.read_response()
    assert answer.body == b"body" and answer.informational == []


def test_100_continue_is_known_in_any_case(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=r.body))
    client = gw.connect().send(wire.request("POST", "/", [("Expect", "100-Continue"), ("Content-Length", "2")]))
    assert client.read_head(keep_informational=True).status == 100
    assert client.send(b"ok").read_response().body == b"ok"


def test_an_expectation_that_nobody_knows_is_417(world):
    gw, up = world.proxy()
    answer = gw.connect().request("POST", "/", [("Expect", "the-best")], b"body")
    assert answer.status == 417
    assert up.requests == []


def test_expect_without_a_body_is_served(world):
    gw, up = world.proxy()
    client = gw.connect()
    for _ in range(2):
        assert client.get("/", [EXPECT]).status == 200
