"""Host, X-Forwarded-*, Via and X-Request-Id on the way to the upstream (SPEC section 5)."""
import re


def test_host_is_the_upstreams(world):
    gw, up = world.proxy()
    gw.get("/", host="shop.example")
    assert up.last().headers.one("host") == up.authority


def test_preserve_host_keeps_the_clients_host(world):
    gw, up = world.proxy(route={"preserve_host": True})
    gw.get("/", host="shop.example:8080")
    assert up.last().headers.one("host") == "shop.example:8080"


def test_forwarded_fields_say_who_asked_for_what(world):
    gw, up = world.proxy()
    gw.get("/", host="shop.example:8080")
    headers = up.last().headers
    assert headers.one("x-forwarded-for") == "127.0.0.1"
    assert headers.one("x-forwarded-proto") == "http"
    assert headers.one("x-forwarded-host") == "shop.example:8080"


def test_forwarded_fields_of_an_untrusted_peer_are_replaced(world):
    gw, up = world.proxy()
    gw.get(
        "/",
        [
            ("X-Forwarded-For", "6.6.6.6"),
            ("x-forwarded-for", "7.7.7.7"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"),
        ],
        host="shop.example",
    )
    headers = up.last().headers
    assert headers.one("x-forwarded-for") == "127.0.0.1"
    assert headers.one("x-forwarded-proto") == "http"
    assert headers.one("x-forwarded-host") == "shop.example"


def test_forwarded_fields_of_a_trusted_proxy_are_kept_and_extended(world):
    gw, up = world.proxy(server={"trusted_proxies": ["127.0.0.0/8"]})
    gw.get(
        "/",
        [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "public.example")],
    )
    headers = up.last().headers
    assert [a.strip() for v in headers.all("x-forwarded-for") for a in v.split(",")] == ["203.0.113.9", "127.0.0.1"]
    assert headers.one("x-forwarded-proto") == "https"
    assert headers.one("x-forwarded-host") == "public.example"


def test_trust_is_not_given_to_a_peer_outside_the_list(world):
    gw, up = world.proxy(server={"trusted_proxies": ["10.0.0.0/8", "192.168.1.1"]})
    gw.get("/", [("X-Forwarded-For", "6.6.6.6")])
    assert up.last().headers.one("x-forwarded-for") == "127.0.0.1"


def test_via_names_the_protocol_that_the_client_spoke(world):
    gw, up = world.proxy()
    gw.get("/")
    assert re.search(r"\b1\.1 \S+", up.last().headers.one("via"))
    gw.get("/", version="HTTP/1.0")
    assert re.search(r"\b1\.0 \S+", up.last().headers.one("via"))


def test_every_request_gets_an_id_of_its_own(world):
    gw, up = world.proxy()
    for _ in range(3):
        gw.get("/")
    ids = [r.headers.one("x-request-id") for r in up.requests]
    assert len(set(ids)) == 3 and all(len(i) >= 16 for i in ids)


def test_a_request_id_of_an_untrusted_peer_is_replaced(world):
    gw, up = world.proxy()
    gw.get("/", [("X-Request-Id", "chosen-by-the-client")])
    assert up.last().headers.one("x-request-id") != "chosen-by-the-client"


def test_a_request_id_of_a_trusted_proxy_is_kept(world):
    gw, up = world.proxy(server={"trusted_proxies": ["127.0.0.1"]})
    gw.get("/", [("X-Request-Id", "from-the-edge-0001")])
    assert up.last().headers.one("x-request-id") == "from-the-edge-0001"
