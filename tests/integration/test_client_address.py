"""Whose request it is: client_ip behind trusted proxies, as the access log tells (SPEC sections 2 and 6)."""
import json

import pytest

from support.gateway import respond_config, wait_until


@pytest.fixture(scope="module")
def seen(module_world):
    """Asks with the given fields; the client's address that was logged."""
    path = module_world.directory / "access.log"
    server = {"trusted_proxies": ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]}
    config = respond_config(("r", "/{rest...}"), server=server, log={"file": str(path), "format": "json"})
    gw = module_world.gateway(config, log_file=path)
    count = [0]

    def ask(*headers):
        count[0] += 1
        target = f"/ask/{count[0]}/"
        status = gw.get(target, list(headers)).status
        assert status == 200
        line = wait_until(lambda: [line for line in path.read_text().splitlines() if target in line])[0]
        return json.loads(line)["client_ip"]

    return ask


@pytest.mark.parametrize(
    "value, client",
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("6.6.6.6,203.0.113.7 ,\t10.1.2.3, 10.9.9.9", "203.0.113.7"),
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db9::7", "2001:db9::7"),
        ("2001:db9::7, 2001:db8::1", "2001:db9::7"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_it_is_the_rightmost_untrusted_address(seen, value, client):
    assert seen(("X-Forwarded-For", value)) == client


def test_several_lines_are_one_list(seen):
    assert seen(("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.7, 10.0.0.1")) == "203.0.113.7"


def test_without_the_field_it_is_the_peer(seen):
    assert seen() == "127.0.0.1"


@pytest.mark.parametrize(
    "value", ["", "unknown", "nonsense, 10.1.2.3", "1.2.3", "1.2.3.4.5", "999.1.1.1", '203.0.113.7", "x', "<script>"]
)
def test_what_is_no_address_is_never_believed(seen, value):
    client = seen(("X-Forwarded-For", value))
    assert client in ("127.0.0.1", "10.1.2.3")


@pytest.mark.parametrize(
    "value, client",
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ("for=6.6.6.6, for=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
        ('For="[2001:db9::7]:4711"', "2001:db9::7"),
        ('for="203.0.113.7:80", for=10.0.0.9', "203.0.113.7"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_says(seen, value, client):
    assert seen(("Forwarded", value)) == client


def test_an_untrusted_peer_is_who_it_is(world):
    path = world.directory / "access.log"
    gw = world.gateway(respond_config(("r", "/{rest...}"), log={"file": str(path), "format": "json"}), log_file=path)
    gw.get("/ask", [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=203.0.113.8")])
    line = wait_until(lambda: [line for line in path.read_text().splitlines() if '"/ask"' in line])[0]
    assert json.loads(line)["client_ip"] == "127.0.0.1"
