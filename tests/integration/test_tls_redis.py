"""Redis over TLS (rediss://): verification, client certificates, and what is said where it fails."""
import pytest

from support.certs import Authority
from support.gateway import command, respond_config, wait_until, write_config
from support.redis import Redis, free_port


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("redis", ["localhost", "127.0.0.1"])


def secured(world, tmp_path, authority, certificate, clients="no"):
    """A redis-server that also listens with TLS, on its `secure_port`."""
    port = free_port()
    extra = ["--tls-port", port, "--tls-cert-file", certificate.path, "--tls-key-file", certificate.key,
             "--tls-ca-cert-file", authority.trusted, "--tls-auth-clients", clients]
    redis = world.own(Redis(tmp_path / "redis", extra=[str(e) for e in extra]))
    redis.secure_port = port
    return redis


def limited(redis, tls=None, scheme="rediss"):
    url = f"{scheme}://127.0.0.1:{redis.secure_port}/0"
    where = {"url": url, "timeout": "2s", **({"tls": tls} if tls is not None else {})}
    route = {"path": "/", "view": "respond", "text": "ok", "rate_limit": {"limit": "2/h", "store": "redis"}}
    return respond_config(route, redis=where, admin={"listen": "127.0.0.1:0"})


def is_up(gateway):
    return wait_until(lambda: gateway.metric("viewgate_redis_up") == 1, what="Redis")


def test_a_limit_is_counted_in_redis_over_tls(world, tmp_path, authority, certificate):
    redis = secured(world, tmp_path, authority, certificate)
    tls = {"ca": str(authority.trusted)}
    first, second = world.gateway(limited(redis, tls)), world.gateway(limited(redis, tls))
    is_up(first), is_up(second)
    assert [g.get("/").status for g in (first, second, first, second)] == [200, 200, 429, 429]


def test_a_client_certificate_is_shown(world, tmp_path, authority, certificate):
    redis = secured(world, tmp_path, authority, certificate, clients="yes")
    own = authority.issue("gateway", [])
    gateway = world.gateway(limited(redis, {"ca": str(authority.trusted), **own.files}))
    assert is_up(gateway)


@pytest.mark.parametrize("kind", ["other authority", "expired", "other name"])
def test_a_server_that_is_not_to_be_believed_is_not_used(world, tmp_path, authority, kind):
    issued, words = {
        "other authority": lambda: (Authority(tmp_path / "x", "Another").issue("r", ["127.0.0.1"]), "unable to get"),
        "expired": lambda: (authority.issue("old", ["127.0.0.1"], expired=True), "certificate has expired"),
        "other name": lambda: (authority.issue("else", ["redis.test"]), "mismatch"),
    }[kind]()
    redis = secured(world, tmp_path, authority, issued)
    gateway = world.gateway(limited(redis, {"ca": str(authority.trusted)}))
    line = gateway.wait_log("can't be used")
    assert "TLS with" in line and words in line
    assert gateway.get("/").status == 200  # requests go on without it


def test_the_connection_comes_back(world, tmp_path, authority, certificate):
    redis = secured(world, tmp_path, authority, certificate)
    gateway = world.gateway(limited(redis, {"ca": str(authority.trusted)}))
    is_up(gateway)
    redis.stop()
    gateway.get("/")
    gateway.wait_log("can't be used")
    redis.start()
    gateway.wait_log("answers again")


def test_tls_without_rediss_is_refused(tmp_path, authority):
    config = respond_config(redis={"url": "redis://127.0.0.1/0", "tls": {"ca": str(authority.trusted)}})
    done = command("check", "-c", write_config(tmp_path / "c.yaml", config))
    assert done.returncode == 78
    assert "redis.tls: tls is for rediss:// alone" in done.stdout + done.stderr
