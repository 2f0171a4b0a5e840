"""The PROXY protocol on listeners (SPEC section 2): versions 1 and 2, with TLS behind it, and connections without it."""
import socket
import ssl
import struct

import pytest

from support.certs import Authority
from support.gateway import respond_config

ROUTE = {"path": "/", "view": "respond", "text": "ok", "headers": {"X-Client": "{client_ip}"}}


def v2(source, destination="198.51.100.1", command=1):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!HH", 1, 2)
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20 | command, kind, len(addresses)) + addresses


HEADERS = {
    "v1": (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7"),
    "v1 of IPv6": (b"PROXY TCP6 2001:db8::7 ::1 56324 443\r\n", "2001:db8::7"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v2": (v2("192.0.2.7"), "192.0.2.7"),
    "v2 of IPv6": (v2("2001:db8::7", "::1"), "2001:db8::7"),
    "v2 local": (v2("192.0.2.7", command=0), "127.0.0.1"),
}


def config(listen=None, timeouts=None, **server):
    listener = {"address": "127.0.0.1:0", "proxy_protocol": True, **(listen or {})}
    return respond_config(ROUTE, server={"listen": [listener], "timeouts": timeouts or {}, **server},
                          admin={"listen": "127.0.0.1:0"})


@pytest.mark.parametrize("header, client_ip", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("pieces", ["one write", "byte by byte"])
def test_the_client_is_who_the_balancer_says(world, header, client_ip, pieces):
    gateway = world.gateway(config())
    with gateway.connect() as client:
        request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for piece in [header + request] if pieces == "one write" else [bytes([b]) for b in header] + [request]:
            client.send(piece)
        assert client.read_response().headers.one("x-client") == client_ip
        assert client.get("/").headers.one("x-client") == client_ip  # it holds for the connection


def test_trusted_proxies_are_compared_with_who_the_balancer_says(world):
    gateway = world.gateway(config(trusted_proxies=["192.0.2.0/24"]))
    for source, seen in [("192.0.2.7", "203.0.113.9"), ("198.18.0.1", "198.18.0.1")]:
        with gateway.connect() as client:
            client.send(b"PROXY TCP4 %s 198.51.100.1 1 2\r\n" % source.encode())
            assert client.get("/", [("X-Forwarded-For", "203.0.113.9")]).headers.one("x-client") == seen


@pytest.mark.parametrize("pieces", ["one write", "two writes"])
def test_tls_comes_behind_it(world, tmp_path, pieces):
    authority = Authority(tmp_path / "authority")
    issued = authority.issue("gateway", ["localhost"])
    gateway = world.gateway(config({"tls": issued.files}))
    context = ssl.create_default_context(cafile=str(authority.trusted))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with gateway.connect() as client:
        begin = HEADERS["v2"][0]
        if pieces == "two writes":
            client.send(begin)
            begin = b""
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(begin + outgoing.read())
                begin = b""
                incoming.write(client.sock.recv(65536))
        tls.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        client.send(outgoing.read())
        answer = b""
        while b"\r\n\r\nok" not in answer:
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(client.sock.recv(65536))
        assert b"X-Client: 192.0.2.7\r\n" in answer


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 nonsense\r\n", b"PROXY TCP4 " + b"1" * 200, b"\r\n\r\n\0\r\nQUIT\nxxxx",
     b"\x16\x03\x01\x02\x00"],
    ids=["none", "nonsense", "endless", "v2 of no version", "TLS"],
)
def test_a_connection_without_it_is_closed_at_once(world, said):
    gateway = world.gateway(config(timeouts={"header": "1h"}))
    with gateway.connect() as client:
        client.send(said)
        client.reader.to_end()
    assert gateway.metric("viewgate_connections_refused_total") == 1
    assert not client.reader.buffer


@pytest.mark.parametrize("said", [b"", b"PROXY TCP4 192.0", v2("192.0.2.7")[:20]], ids=["nothing", "half of v1", "half of v2"])
def test_who_does_not_finish_it_is_closed_after_the_header_timeout(world, said):
    gateway = world.gateway(config(timeouts={"header": "300ms", "idle": "1h"}))
    with gateway.connect() as client:
        client.send(said)
        client.assert_closed()
    assert gateway.metric("viewgate_connections_refused_total") == 1
