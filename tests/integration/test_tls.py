"""TLS on listeners (SPEC section 2): certificates by name, client certificates, versions, resumption, reload, and peers
that do not finish what they begin."""
import copy
import os
import socket
import ssl
import subprocess

import pytest

from support.certs import Authority, run
from support.client import Client
from support.gateway import command, proxy_config, respond_config, wait_until, write_config

LARGE = os.urandom(3 * 1024 * 1024)
ROUTES = [
    {"path": "/", "view": "respond", "text": "hello"},
    {"path": "/who", "view": "respond", "text": "who", "headers": {"X-Subject": "{tls.client.subject}"}},
]


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("gateway", ["localhost", "www.example.com"])


def trusting(authority, shown=None, newest=None, oldest=None):
    """What a client begins with that trusts this authority."""
    context = ssl.create_default_context(cafile=str(authority.trusted))
    if shown:
        context.load_cert_chain(shown.path, shown.key)
    if newest:
        context.maximum_version = newest
    if oldest:
        context.minimum_version = oldest
    return context


def serving(tls, *routes, **more):
    return respond_config(*copy.deepcopy(routes or ROUTES), server={"listen": [{"address": "127.0.0.1:0", "tls": tls}]}, **more)


def passing(upstream, certificate):
    listen = [{"address": "127.0.0.1:0", "tls": certificate.files}]
    return proxy_config(upstream, server={"listen": listen, "limits": {"body_bytes": "4MiB"}})


def subject_of(client):
    return dict(pair[0] for pair in client.sock.getpeercert()["subject"])["commonName"]


def refused(gateway, context, name="localhost"):
    """Why there is no connection. A client certificate is looked at after a TLS 1.3 client thinks it is done."""
    with pytest.raises((ssl.SSLError, ConnectionError)) as caught:
        with gateway.connect(tls=context, server_name=name) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.sock.recv(1)
            raise ConnectionError("no answer, and no reason")
    return str(caught.value)


# What is spoken


def test_requests_over_tls(world, authority, certificate):
    gateway = world.gateway(serving(certificate.files))
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        assert client.sock.version() == "TLSv1.3"
        for _ in range(3):
            assert client.get("/").text == "hello"
        assert client.sock.selected_alpn_protocol() is None


@pytest.mark.parametrize("name", ["TLSv1_2", "TLSv1_3"])
def test_both_versions_have_forward_secrecy_and_authenticated_encryption(world, authority, certificate, name):
    version = ssl.TLSVersion[name]
    gateway = world.gateway(serving(certificate.files))
    with gateway.connect(tls=trusting(authority, newest=version, oldest=version), server_name="localhost") as client:
        assert client.get("/").text == "hello"
        cipher = client.sock.cipher()[0]
        assert "GCM" in cipher or "CHACHA20" in cipher
        assert name == "TLSv1_3" or cipher.startswith("ECDHE")


def test_weak_ciphers_and_old_versions_are_refused(world, authority, certificate):
    gateway = world.gateway(serving(certificate.files))
    old = trusting(authority, newest=ssl.TLSVersion.TLSv1_1)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    refused(gateway, old)
    weak = trusting(authority, newest=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    refused(gateway, weak)


def test_min_version_1_3_refuses_1_2(world, authority, certificate):
    gateway = world.gateway(serving({**certificate.files, "min_version": "1.3"}))
    assert "PROTOCOL_VERSION" in refused(gateway, trusting(authority, newest=ssl.TLSVersion.TLSv1_2)).upper()
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        assert client.get("/").text == "hello"


def test_http_1_1_is_chosen_by_alpn_and_others_are_refused(world, authority, certificate):
    gateway = world.gateway(serving(certificate.files))
    context = trusting(authority)
    context.set_alpn_protocols(["spdy/3", "http/1.1"])
    with gateway.connect(tls=context, server_name="localhost") as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert client.get("/").text == "hello"
    context.set_alpn_protocols(["spdy/3"])
    assert "NO_APPLICATION_PROTOCOL" in refused(gateway, context).upper().replace(" ", "_")


@pytest.mark.parametrize("size", [0, 1, 1369, 1370, 16383, 16384, 16385, 70_000, 1_000_000])
def test_content_of_all_sizes_passes_both_ways(world, authority, certificate, size):
    content = LARGE[:size]
    upstream = world.upstream(lambda request, _: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + request.body)
    gateway = world.gateway(passing(upstream, certificate))
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        for _ in range(2):
            answer = client.request("POST", "/", body=content)
            assert answer.body == content
    request = upstream.last()
    assert request.headers.one("x-forwarded-proto") == "https"


def test_an_answer_that_the_client_takes_slowly_arrives_whole(world, authority, certificate):
    upstream = world.upstream(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE) + LARGE)
    gateway = world.gateway(passing(upstream, certificate))
    with gateway.connect(tls=trusting(authority), server_name="localhost", receive_buffer=4096) as client:
        assert client.get("/").body == LARGE


def records_of(gateway, context, target):
    """The sizes of the TLS records that carry an answer, and its content."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    sizes, raw, text = [], b"", b""
    with gateway.connect() as client:
        sent = False
        while True:
            try:
                if not sent:
                    tls.do_handshake()
                    tls.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target)
                    sent = True
                    client.send(outgoing.read())
                piece = tls.read(1 << 20)
                if not piece:
                    break
                text += piece
            except ssl.SSLWantReadError:
                client.send(outgoing.read())
                got = client.sock.recv(1 << 20)
                incoming.write(got) if got else incoming.write_eof()
                raw += got
                while sent and len(raw) >= 5 and len(raw) >= 5 + int.from_bytes(raw[3:5], "big"):
                    size = int.from_bytes(raw[3:5], "big")
                    sizes.append(size)
                    raw = raw[5 + size :]
                if not sent:
                    raw = b""
            except ssl.SSLZeroReturnError:
                break
    return sizes, text.partition(b"\r\n\r\n")[2]


def test_records_are_small_at_first_and_large_later(world, authority, certificate):
    upstream = world.upstream(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE) + LARGE)
    gateway = world.gateway(passing(upstream, certificate))
    sizes, content = records_of(gateway, trusting(authority), b"/")
    assert content == LARGE
    first, last = sizes[:20], sizes[len(sizes) // 2 : -5]
    assert max(first) <= 1400, first  # each fits into a packet
    assert sorted(last)[len(last) // 2] > 16 * 1024, last


# Which certificate


def test_the_certificate_is_chosen_by_name(world, authority):
    names = {
        "first": ["first.example.com"],
        "exact": ["shop.example.com"],
        "wild": ["*.example.com", "*.example.org"],
    }
    certificates = [authority.issue(name, hosts) for name, hosts in names.items()]
    gateway = world.gateway(serving([c.files for c in certificates]))
    anybody = trusting(authority)
    anybody.check_hostname = False
    for asked, shown in [
        ("first.example.com", "first"),
        ("shop.example.com", "exact"),
        ("SHOP.Example.COM", "exact"),
        ("other.example.com", "wild"),
        ("a.example.org", "wild"),
        ("a.b.example.org", "first"),
        ("example.org", "first"),
        ("unknown.test", "first"),
        (None, "first"),
    ]:
        with gateway.connect(tls=anybody, server_name=asked) as client:
            assert (asked, subject_of(client)) == (asked, shown)
            assert client.get("/").text == "hello"


def test_an_rsa_certificate_with_its_chain(world, tmp_path):
    root = Authority(tmp_path / "root")
    key, request, middle = (tmp_path / f"middle.{kind}" for kind in ("key", "csr", "pem"))
    run("genpkey", "-algorithm", "RSA", "-out", key)
    run("req", "-new", "-key", key, "-out", request, "-subj", "/CN=Middle")
    (tmp_path / "ext").write_text("basicConstraints=CA:TRUE\n")
    run("x509", "-req", "-in", request, "-CA", root.trusted, "-CAkey", root.key, "-CAcreateserial", "-days", "9",
        "-extfile", tmp_path / "ext", "-out", middle)
    between = Authority.__new__(Authority)
    between.directory, between.key, between.trusted = tmp_path, key, middle
    leaf = between.issue("leaf", ["localhost"], rsa=True)
    leaf.path.write_text(leaf.path.read_text() + middle.read_text())
    gateway = world.gateway(serving(leaf.files))
    with gateway.connect(tls=trusting(root), server_name="localhost") as client:
        assert client.get("/").text == "hello"


def test_paths_are_relative_to_the_configuration(world, authority, certificate):
    (world.directory / "tls").mkdir()
    (world.directory / "tls" / "c.pem").write_bytes(certificate.path.read_bytes())
    (world.directory / "tls" / "k.pem").write_bytes(certificate.key.read_bytes())
    gateway = world.gateway(serving({"certificate": "../tls/c.pem", "key": "../tls/k.pem"}))
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        assert client.get("/").text == "hello"


def test_an_ocsp_response_is_stapled(world, authority, certificate, tmp_path):
    request, answer = tmp_path / "ocsp.req", tmp_path / "ocsp.der"
    run("ocsp", "-issuer", authority.trusted, "-cert", certificate.path, "-reqout", request, "-no_nonce")
    serial = run("x509", "-in", certificate.path, "-noout", "-serial").decode().strip().partition("=")[2]
    index = tmp_path / "index"
    index.write_text(f"V\t400101000000Z\t\t{serial}\tunknown\t/CN=gateway\n")
    run("ocsp", "-index", index, "-CA", authority.trusted, "-rsigner", authority.trusted, "-rkey", authority.key,
        "-reqin", request, "-respout", answer, "-ndays", "3")
    gateway = world.gateway(serving({**certificate.files, "ocsp": str(answer)}))
    shown = run("s_client", "-connect", f"127.0.0.1:{gateway.port}", "-servername", "localhost", "-status",
                "-CAfile", authority.trusted, stdin=b"")
    assert b"OCSP Response Status: successful" in shown


# Who may come in


def test_client_certificates(world, authority, certificate, tmp_path):
    gateway = world.gateway(serving({**certificate.files, "client_ca": str(authority.trusted)}))
    known = authority.issue("alice", [], subject="/O=Shop/CN=Alice, the first")
    with gateway.connect(tls=trusting(authority, known), server_name="localhost") as client:
        assert client.get("/who").headers.one("x-subject") == r"CN=Alice\, the first,O=Shop"
        assert client.get("/who").headers.one("x-subject") == r"CN=Alice\, the first,O=Shop"
    assert "CERTIFICATE_REQUIRED" in refused(gateway, trusting(authority)).upper().replace(" ", "_")
    stranger = Authority(tmp_path / "other", "Another").issue("mallory", [])
    assert "UNKNOWN_CA" in refused(gateway, trusting(authority, stranger)).upper().replace(" ", "_")
    expired = authority.issue("late", [], expired=True)
    assert "EXPIRED" in refused(gateway, trusting(authority, expired)).upper()


def test_without_client_ca_nobody_has_a_subject(world, authority, certificate):
    gateway = world.gateway(serving(certificate.files))
    shown = authority.issue("bob", [])
    with gateway.connect(tls=trusting(authority, shown), server_name="localhost") as client:
        assert "x-subject" not in client.get("/who").headers


def for_partners(upstream, authority, certificate, **route):
    """A route whose call tells the upstream who the client is, for clients of this authority."""
    tls = {**certificate.files, "client_ca": str(authority.trusted)}
    source = {"call": "up/orders", "headers": {"X-Partner": "{tls.client.subject}"}}
    config = proxy_config(upstream, server={"listen": [{"address": "127.0.0.1:0", "tls": tls}]})
    config["routes"] = [{"name": "orders", "path": "/orders", "source": source, **route}]
    return config


def test_what_is_cached_for_one_certificate_is_given_to_no_other(world, authority, certificate):
    def answer(request, _):
        content = b'{"of": "%s"}' % request.headers.one("x-partner").encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content) + content

    upstream = world.upstream(answer)
    gateway = world.gateway(for_partners(upstream, authority, certificate, view="detail", cache="1h"))
    for name in ["dora", "emil", "dora", "emil"]:
        shown = trusting(authority, authority.issue(name, []))
        with gateway.connect(tls=shown, server_name="localhost") as client:
            assert client.get("/orders").text == f'{{"of": "CN={name}"}}'
    assert len(upstream.requests) == 2


def test_an_idempotency_key_belongs_to_the_certificate_too(world, authority, certificate):
    upstream = world.upstream(lambda *_: b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    route = {"view": "proxy-fetch", "source": "up/orders", "idempotency": {"ttl": "1h"}}
    gateway = world.gateway(for_partners(upstream, authority, certificate, **route))
    for name in ["frida", "gustav", "frida"]:
        shown = trusting(authority, authority.issue(name, []))
        with gateway.connect(tls=shown, server_name="localhost") as client:
            assert client.request("POST", "/orders", [("Idempotency-Key", "one")], b"{}").status == 201
    assert len(upstream.requests) == 2


# Resumption


def resumable(gateway, context, port=None):
    """A connection whose session can be resumed, and that session."""
    with gateway.connect(tls=context, server_name="localhost", port=port) as client:
        client.get("/")
        return client.sock.session


@pytest.mark.parametrize("name", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed_by_any_worker_and_over_a_reload(world, authority, certificate, name):
    config = serving(certificate.files)
    config["server"]["workers"] = 4
    gateway = world.gateway(config)
    context = trusting(authority, newest=ssl.TLSVersion[name])
    session = resumable(gateway, context)
    for _ in range(12):  # the kernel spreads them over the workers
        with gateway.connect(tls=context, server_name="localhost", session=session) as client:
            assert client.get("/").text == "hello"
            assert client.sock.session_reused
            session = client.sock.session
    gateway.reload(config)
    gateway.wait_log("reloaded")
    with gateway.connect(tls=context, server_name="localhost", session=session) as client:
        assert client.get("/").text == "hello"
        assert client.sock.session_reused


def test_a_session_of_a_listener_without_client_ca_opens_none_with_it(world, authority, certificate):
    config = serving(certificate.files)
    config["server"]["listen"] = [
        {"address": "127.0.0.1:0", "tls": certificate.files},
        {"address": "127.0.0.1:0", "tls": {**certificate.files, "client_ca": str(authority.trusted)}, "name": "inner"},
    ]
    config["routes"][0]["listener"] = "inner"
    gateway = world.gateway(config)
    context = trusting(authority)
    with gateway.connect(tls=context, server_name="localhost") as client:
        client.get("/who")
        session = client.sock.session
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with gateway.connect("inner", tls=context, server_name="localhost", session=session) as client:
            client.get("/")


def test_a_session_ends_with_the_authority_that_let_it_in(world, authority, certificate, tmp_path):
    trusted = tmp_path / "clients.pem"
    trusted.write_bytes(authority.trusted.read_bytes())
    gateway = world.gateway(serving({**certificate.files, "client_ca": str(trusted)}))
    context = trusting(authority, authority.issue("carol", []))
    session = resumable(gateway, context)
    with gateway.connect(tls=context, server_name="localhost", session=session) as client:
        assert client.get("/").text == "hello" and client.sock.session_reused
        session = client.sock.session
    trusted.write_bytes(Authority(tmp_path / "other", "Another").trusted.read_bytes())
    gateway.reload()
    gateway.wait_log("reloaded")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with gateway.connect(tls=context, server_name="localhost", session=session) as client:
            client.get("/")


# Reload


def test_a_renewed_certificate_comes_with_a_reload_and_old_connections_live(world, authority, tmp_path):
    old, new = authority.issue("old", ["localhost"]), authority.issue("new", ["localhost"])
    files = {"certificate": str(tmp_path / "c.pem"), "key": str(tmp_path / "k.pem")}

    def install(one):
        (tmp_path / "c.pem").write_bytes(one.path.read_bytes())
        (tmp_path / "k.pem").write_bytes(one.key.read_bytes())

    install(old)
    gateway = world.gateway(serving(files))
    with gateway.connect(tls=trusting(authority), server_name="localhost") as before:
        assert subject_of(before) == "old" and before.get("/").text == "hello"
        install(new)
        gateway.reload()
        gateway.wait_log("reloaded")
        with gateway.connect(tls=trusting(authority), server_name="localhost") as after:
            assert subject_of(after) == "new" and after.get("/").text == "hello"
        assert before.get("/").text == "hello"
        # What does not fit is refused, and changes nothing.
        (tmp_path / "k.pem").write_bytes(old.key.read_bytes())
        gateway.reload()
        gateway.wait_log("does not belong to the certificate")
        with gateway.connect(tls=trusting(authority), server_name="localhost") as after:
            assert subject_of(after) == "new" and after.get("/").text == "hello"


def test_tls_comes_and_goes_with_a_reload(world, authority, certificate):
    config = serving(certificate.files)
    port = wait_until(free_port)
    config["server"]["listen"] = f"127.0.0.1:{port}"
    gateway = world.gateway(config)
    assert gateway.get("/").text == "hello"
    config["server"]["listen"] = [{"address": f"127.0.0.1:{port}", "tls": certificate.files}]
    gateway.reload(config)
    gateway.wait_log("reloaded")
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        assert client.get("/").text == "hello"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Peers that do not behave


def test_plain_http_gets_an_answer_that_says_what_is_wrong(world, certificate):
    gateway = world.gateway(serving(certificate.files))
    with gateway.connect() as client:
        answer = client.get("/")
        assert answer.status == 400 and "https" in answer.text
        assert answer.headers.one("content-type") == "application/problem+json"
        client.assert_closed()


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "a byte", "half a hello"])
def test_who_does_not_finish_the_handshake_is_closed_after_the_header_timeout(world, certificate, said):
    config = serving(certificate.files)
    config["server"]["timeouts"] = {"header": "300ms", "idle": "1h"}
    gateway = world.gateway(config)
    with gateway.connect() as client:
        client.send(said)
        client.assert_closed()


@pytest.mark.parametrize("said", [b"\x00" * 64, b"\x80\x2e\x01\x00\x02" + b"\0" * 60, bytes(range(256)) * 3, b"SSH-2.0-x\r\n"],
                         ids=["zeros", "SSLv2", "noise", "ssh"])
def test_garbage_is_refused_and_the_rest_goes_on(world, authority, certificate, said):
    gateway = world.gateway(serving(certificate.files, admin={"listen": "127.0.0.1:0"}))
    with gateway.connect() as client:
        client.send(said)
        client.half_close()
        client.reader.to_end()
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        assert client.get("/").text == "hello"
    assert gateway.metric("viewgate_connections_refused_total") == 1


def test_the_connection_ends_with_close_notify(world, authority, certificate):
    gateway = world.gateway(serving(certificate.files))
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert client.read_response().text == "hello"
        # Without it this would be an SSLEOFError.
        client.sock.suppress_ragged_eofs = False
        assert client.sock.recv(1) == b""


def test_an_answer_that_is_cut_has_no_close_notify(world, authority, certificate):
    def half(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.reset()

    upstream = world.upstream(half)
    gateway = world.gateway(passing(upstream, certificate))
    with gateway.connect(tls=trusting(authority), server_name="localhost") as client:
        client.sock.suppress_ragged_eofs = False
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            while client.sock.recv(4096):
                pass


def test_renegotiation_is_refused(world, authority, certificate):
    gateway = world.gateway(serving(certificate.files))
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-tls1_2", "-legacy_renegotiation"],
        input=b"R\n", capture_output=True, timeout=20,
    )
    assert b"no renegotiation" in done.stdout + done.stderr


# Configuration


def wrong(tmp_path, tls):
    done = command("check", "-c", write_config(tmp_path / "viewgate.yaml", serving(tls)))
    assert done.returncode == 78, done.stdout
    return done.stdout + done.stderr


def test_what_is_wrong_with_certificates_is_told_at_load(authority, certificate, tmp_path):
    other = authority.issue("unrelated", ["x.test"])
    encrypted, empty, broken = (tmp_path / n for n in ("encrypted.key", "empty.pem", "broken.pem"))
    run("pkey", "-in", certificate.key, "-aes256", "-passout", "pass:secret", "-out", encrypted)
    empty.write_text("")
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    files = certificate.files
    missing = str(tmp_path / "missing.pem")
    for tls, words in [
        ({**files, "certificate": missing}, f"certificate: {missing} cannot be read: No such file or directory"),
        ({**files, "key": missing}, f"key: {missing} cannot be read: No such file or directory"),
        ({**files, "certificate": str(empty)}, f"certificate: {empty} holds no certificate in PEM form"),
        ({**files, "certificate": str(broken)}, f"certificate: {broken} holds"),
        ({**files, "key": files["certificate"]}, "holds no private key in PEM form"),
        ({**files, "key": str(other.key)}, f"key: {other.key} does not belong to the certificate {certificate.path}"),
        ({**files, "key": str(encrypted)}, "is encrypted"),
        ({**files, "client_ca": str(empty)}, f"client_ca: {empty} holds no certificate"),
        ({**files, "ocsp": files["certificate"]}, "is no OCSP response in DER form"),
        ({"certificate": files["certificate"]}, '"key" is missing'),
        ({**files, "min_version": "1.1"}, "min_version"),
        ([files, {**other.files, "client_ca": missing}], "holds for the whole listener"),
        ([], "tls"),
    ]:
        said = wrong(tmp_path, tls)
        assert words in said, (tls, said)
        assert "viewgate.yaml:" in said and "server.listen[0].tls" in said


def test_an_expired_certificate_is_a_warning(world, authority):
    expired = authority.issue("expired", ["localhost"], expired=True)
    gateway = world.gateway(serving(expired.files))
    gateway.wait_log(f"the certificate {expired.path} has expired on 2020-02-01")
    anybody = trusting(authority)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with gateway.connect(tls=anybody, server_name="localhost") as client:
        assert client.get("/").text == "hello"


def test_admin_over_tls(world, authority, certificate):
    config = serving(certificate.files)
    config["admin"] = {"listen": {"address": "127.0.0.1:0", "tls": certificate.files}}
    gateway = world.gateway(config)
    with Client(gateway.admin_address, tls=trusting(authority), server_name="localhost") as client:
        assert client.request("GET", "/readyz", host="localhost").status == 200


@pytest.mark.parametrize("proxied", [False, True])
def test_viewgate_health_asks_by_tls(world, certificate, proxied):
    config = serving(certificate.files)
    address = f"127.0.0.1:{free_port()}"
    config["admin"] = {"listen": {"address": address, "tls": certificate.files, "proxy_protocol": proxied}}
    gateway = world.gateway(config)
    done = command("health", "-c", gateway.config_file)
    assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
