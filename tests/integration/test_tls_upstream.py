"""https upstreams (SPEC section 2): whom the gateway believes, what it shows, what it resumes, and what it says of
failures: to the log, never to the client."""
import asyncio
import os
import socket
import ssl

import pytest
import websockets

from support.certs import Authority
from support.echo import EchoServer
from support.gateway import command, proxy_config, write_config

CONTENT = os.urandom(1024 * 1024)


@pytest.fixture(scope="module")
def good(authority):
    return authority.issue("good", ["localhost", "127.0.0.1"])


def speaking(certificate, client_ca=None, newest=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.path, certificate.key)
    if client_ca:
        context.load_verify_locations(str(client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
    if newest:
        context.maximum_version = newest
    return context


def through(world, upstream, tls=None, host="127.0.0.1", **more):
    where = {"tls": tls} if tls is not None else {}
    return world.gateway(proxy_config(f"https://{host}:{upstream.port}", upstream={**where, **more}))


def test_requests_to_an_https_upstream(world, authority, good):
    upstream = world.upstream(tls=speaking(good))
    gateway = through(world, upstream, {"ca": str(authority.trusted)})
    with gateway.connect() as client:
        for _ in range(3):
            assert client.get("/a").text == "ok"
    assert len(upstream.connections) == 1
    assert upstream.handshakes[0].version == "TLSv1.3"
    assert upstream.last().headers.one("host") == f"127.0.0.1:{upstream.port}"


def test_the_host_is_asked_for_by_name_and_looked_for_in_the_certificate(world, authority, good):
    asked = []
    context = speaking(good)
    context.sni_callback = lambda sock, name, _: asked.append(name)
    upstream = world.upstream(tls=context)
    gateway = through(world, upstream, {"ca": str(authority.trusted)}, host="localhost")
    assert gateway.get("/").text == "ok"
    assert asked == ["localhost"]
    # An address is no server name (RFC 6066 section 3).
    assert through(world, upstream, {"ca": str(authority.trusted)}).get("/").text == "ok"
    assert asked == ["localhost", None]


def test_server_name_stands_for_the_host(world, authority):
    asked = []
    named = authority.issue("named", ["api.example.com"])
    context = speaking(named)
    context.sni_callback = lambda sock, name, _: asked.append(name)
    upstream = world.upstream(tls=context)
    gateway = through(world, upstream, {"ca": str(authority.trusted), "server_name": "api.example.com"})
    assert gateway.get("/").text == "ok"
    assert asked == ["api.example.com"]


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 131072, 131073, 1024 * 1024])
def test_content_of_all_sizes_passes_both_ways(world, authority, good, size):
    upstream = world.upstream(
        lambda request, _: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + request.body, tls=speaking(good)
    )
    gateway = through(world, upstream, {"ca": str(authority.trusted)})
    for _ in range(2):
        assert gateway.fetch("POST", "/", body=CONTENT[:size]).body == CONTENT[:size]


def refusal(gateway, status=502):
    """What the client and the log are told of an upstream that cannot be reached."""
    answer = gateway.get("/")
    assert answer.status == status
    assert "up cannot be reached" in answer.text and "127.0.0.1" not in answer.text
    return gateway.wait_log("TLS with")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "certificate has expired"),
        ("other name", "mismatch"),
        ("other authority", "unable to get local issuer certificate"),
        ("for clients", "unsuitable certificate purpose"),
    ],
)
def test_a_certificate_that_is_not_to_be_believed(world, authority, tmp_path, kind, words):
    issued = {
        "expired": lambda: authority.issue("expired", ["127.0.0.1"], expired=True),
        "other name": lambda: authority.issue("elsewhere", ["www.example.com"]),
        "other authority": lambda: Authority(tmp_path / "x", "Another").issue("good", ["127.0.0.1"]),
        "for clients": lambda: authority.issue("client", ["127.0.0.1"], usage="clientAuth"),
    }[kind]()
    upstream = world.upstream(tls=speaking(issued))
    line = refusal(through(world, upstream, {"ca": str(authority.trusted)}))
    assert words in line.lower() or words in line
    assert not upstream.requests


def test_without_ca_the_systems_authorities_decide(world, good):
    upstream = world.upstream(tls=speaking(good))
    assert "certificate" in refusal(through(world, upstream))
    assert not upstream.requests


def test_verify_false_believes_anybody(world, authority, tmp_path):
    upstream = world.upstream(tls=speaking(authority.issue("any", ["nobody.test"])))
    assert through(world, upstream, {"verify": False}).get("/").text == "ok"


def test_a_client_certificate_is_shown(world, authority, good):
    own = authority.issue("gateway", [])
    upstream = world.upstream(tls=speaking(good, client_ca=authority.trusted))
    tls = {"ca": str(authority.trusted), **own.files}
    assert through(world, upstream, tls).get("/").text == "ok"
    assert upstream.handshakes[0].client == "gateway"


def test_an_upstream_that_wants_a_certificate_and_gets_none(world, authority, good):
    upstream = world.upstream(tls=speaking(good, client_ca=authority.trusted, newest=ssl.TLSVersion.TLSv1_2))
    line = refusal(through(world, upstream, {"ca": str(authority.trusted)}))
    assert "alert" in line


def test_an_upstream_that_speaks_no_tls(world, authority):
    upstream = world.upstream(on_connection=lambda c: (c.sock.recv(10), c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    assert "wrong version number" in refusal(through(world, upstream, {"ca": str(authority.trusted)}))


def test_an_upstream_that_hangs_in_the_handshake(world, authority):
    upstream = world.upstream(on_connection=lambda c: c.sock.recv(1 << 20) and c.closed.wait(20))
    gateway = through(world, upstream, {"ca": str(authority.trusted)}, connect_timeout="200ms", retry={"attempts": 0})
    assert gateway.get("/").status in (502, 504)
    upstream.stop()


def test_an_upstream_that_ends_the_connection_in_the_handshake(world, authority):
    upstream = world.upstream(on_connection=lambda c: c.sock.recv(10))
    assert "TLS with" in refusal(through(world, upstream, {"ca": str(authority.trusted)}))


@pytest.mark.parametrize("name", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed(world, authority, good, name):
    context = speaking(good, newest=ssl.TLSVersion[name])
    upstream = world.upstream(
        lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", tls=context
    )
    gateway = through(world, upstream, {"ca": str(authority.trusted)})
    for _ in range(4):
        assert gateway.get("/").text == "ok"
    assert [s.resumed for s in upstream.handshakes] == [False, True, True, True]


def test_content_that_is_cut_is_not_taken_for_complete(world, authority, good):
    def cut(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it")
        os.close(os.dup(connection.sock.fileno()))
        raw = socket.socket(fileno=connection.sock.detach())
        raw.shutdown(socket.SHUT_RDWR)  # without close_notify
        raw.close()
        connection.closed.set()
        raise ConnectionError

    upstream = world.upstream(cut, tls=speaking(good))
    gateway = through(world, upstream, {"ca": str(authority.trusted)})
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        found = client.read_head()
        assert found.status == 200
        with pytest.raises(Exception, match="(?i)missing|until close|chunk|response body"):
            client.read_body(found)


def test_close_notify_ends_content(world, authority, good):
    def whole(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")
        connection.sock.unwrap()
        connection.closed.set()
        raise ConnectionError

    upstream = world.upstream(whole, tls=speaking(good))
    assert through(world, upstream, {"ca": str(authority.trusted)}).get("/").text == "all of it"


def test_a_redirect_of_the_upstream_to_itself_stays_here(world, authority, good):
    def redirect(request, connection):
        where = f"https://127.0.0.1:{upstream.port}/there"
        return f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode()

    upstream = world.upstream(redirect, tls=speaking(good))
    gateway = through(world, upstream, {"ca": str(authority.trusted)})
    assert gateway.get("/").headers.one("location") == "/there"


def test_health_checks_go_over_tls(world, authority, good):
    upstream = world.upstream(tls=speaking(good))
    gateway = through(world, upstream, {"ca": str(authority.trusted)}, health={"path": "/healthz", "interval": "100ms"})
    upstream.wait_for(lambda u: any(r.target == "/healthz" for r in u.requests))
    assert gateway.get("/").text == "ok"


def test_a_renewed_client_certificate_comes_with_a_reload(world, authority, good, tmp_path):
    upstream = world.upstream(
        lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        tls=speaking(good, client_ca=authority.trusted),
    )
    files = {"certificate": str(tmp_path / "c.pem"), "key": str(tmp_path / "k.pem")}

    def install(name):
        made = authority.issue(name, [])
        (tmp_path / "c.pem").write_bytes(made.path.read_bytes())
        (tmp_path / "k.pem").write_bytes(made.key.read_bytes())

    install("one")
    gateway = through(world, upstream, {"ca": str(authority.trusted), **files})
    assert gateway.get("/").text == "ok"
    install("two")
    gateway.reload()
    gateway.wait_log("reloaded")
    assert gateway.get("/").text == "ok"
    assert [s.client for s in upstream.handshakes] == ["one", "two"]


def test_a_websocket_over_tls_on_both_sides(world, authority, good):
    echo = world.own(EchoServer(speaking(good)))
    listen = [{"address": "127.0.0.1:0", "tls": good.files}]
    gateway = world.gateway(
        proxy_config(echo.url, server={"listen": listen}, upstream={"tls": {"ca": str(authority.trusted)}})
    )
    context = ssl.create_default_context(cafile=str(authority.trusted))
    large = os.urandom(3 * 1024 * 1024)

    async def talk():
        async with websockets.connect(f"wss://localhost:{gateway.port}/", ssl=context, max_size=None) as ws:
            for message in ["hello", "", large, "end"]:
                await ws.send(message)
                assert await asyncio.wait_for(ws.recv(), 20) == message

    asyncio.run(talk())


def test_what_is_wrong_is_told_at_load(authority, good, tmp_path):
    missing = str(tmp_path / "missing.pem")
    for url, tls, words in [
        ("https://a", {"ca": missing}, f"ca: {missing} cannot be read"),
        ("https://a", {"certificate": str(good.path)}, "a certificate needs its key beside it"),
        ("https://a", {"key": str(good.key)}, "a key needs its certificate beside it"),
        ("https://a", {"verify": False, "ca": str(authority.trusted)}, "leave one of them out"),
        ("https://a", {"server_name": "*.example.com"}, "is not a host name"),
        ("http://a", {"ca": str(authority.trusted)}, "tls is for https urls"),
    ]:
        done = command("check", "-c", write_config(tmp_path / "c.yaml", proxy_config(url, upstream={"tls": tls})))
        assert done.returncode == 78 and words in done.stdout + done.stderr, (tls, done.stdout + done.stderr)
