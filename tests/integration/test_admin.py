"""The admin listener (SPEC section 10)."""
import json
import re

import pytest

from support import wire
from support.client import Client
from support.gateway import command, proxy_config, respond_config, wait_until, write_config
from support.upstream import refused_url

ADMIN = {"admin": {"listen": "127.0.0.1:0"}}
SAMPLE = re.compile(
    r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*=\"(\\.|[^\"\\\n])*\",?)*\})? "
    r"(-?[0-9.]+(e[+-]?[0-9]+)?|NaN|[+-]Inf)$"
)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_running_gateway_is_healthy_and_ready(world, path):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    assert gw.admin(path).status == 200
    assert gw.admin(path, method="HEAD").status == 200


def test_admin_paths_are_not_served_to_clients(world):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    assert [gw.get(p).status for p in ("/healthz", "/readyz", "/metrics", "/status")] == [404] * 4


def test_routes_are_not_served_to_the_admin(world):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    assert gw.admin("/r").status == 404


def test_without_admin_nothing_listens(world):
    gw = world.gateway(respond_config(("r", "/r")))
    assert gw.admin_address is None


def test_metrics_are_in_the_format_of_prometheus(world):
    gw, up = world.proxy(**ADMIN)
    for _ in range(3):
        gw.get("/")
    gw.get("/a/../b")
    answer = gw.admin("/metrics")
    assert answer.status == 200 and answer.headers.one("content-type").startswith("text/plain")
    lines = answer.text.splitlines()
    assert answer.text.endswith("\n") and lines
    types = {}
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} has two types"
            types[name] = kind
        elif not line.startswith("#") and line:
            assert SAMPLE.match(line), line
            name = re.match(r"[\w:]+", line)[0]
            assert any(
                name == t or (name.removesuffix(s) == t and types[t] in ("histogram", "summary"))
                for t in types
                for s in ("_bucket", "_sum", "_count")
            ), f"{name} has no type"
            assert name.startswith(("viewgate_", "process_"))
    samples = [line.rsplit(" ", 1)[0] for line in lines if line and not line.startswith("#")]
    assert len(samples) == len(set(samples)), "a sample stands twice"


def test_metrics_count_requests_and_failed_reloads(world):
    gw, up = world.proxy(**ADMIN)

    def total():
        return sum(v for v in [gw.metric("viewgate_requests_total")] if v)

    before = total()
    for _ in range(7):
        gw.get("/")
    wait_until(lambda: total() == before + 7, what="seven more requests counted")
    assert (gw.metric("viewgate_config_reload_failures_total") or 0) == 0


def test_status_is_json_with_routes_upstreams_and_the_last_reload(world):
    gw, up = world.proxy(**ADMIN)
    gw.get("/")
    answer = gw.admin("/status")
    assert answer.status == 200 and answer.headers.one("content-type").startswith("application/json")
    status = json.loads(answer.body)
    text = answer.text
    assert "routes" in status and "upstreams" in status and "reload" in text
    assert '"all"' in text and '"up"' in text and str(up.port) in text


def test_status_shows_no_secrets(world):
    up = world.upstream()
    gw = world.gateway(proxy_config(up, upstream={"headers": {"X-Api-Key": "s3cr3t-key"}}, **ADMIN))
    assert "s3cr3t-key" not in gw.admin("/status").text + gw.admin("/metrics").text


def test_an_admin_listener_off_loopback_needs_a_token(tmp_path):
    for listen in ("0.0.0.0:0", "[::]:0"):
        file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r"), admin={"listen": listen}))
        done = command("check", "-c", file)
        assert done.returncode == 78 and "token" in done.stdout + done.stderr


def test_with_a_token_all_but_health_ask_for_it(world):
    gw = world.gateway(respond_config(("r", "/r"), admin={"listen": "0.0.0.0:0", "token": "open-sesame-0123456789"}))
    gw.admin_address = ("127.0.0.1", gw.admin_address[1])
    assert [gw.admin(p).status for p in ("/healthz", "/readyz")] == [200, 200]
    assert gw.admin("/cache/purge?tag=a", method="POST").status == 401
    for path in ("/metrics", "/status"):
        assert gw.admin(path).status == 401
        assert gw.admin(path, [("Authorization", "Bearer wrong")]).status == 401
        assert gw.admin(path, [("Authorization", "Bearer open-sesame-0123456789-and-more")]).status == 401
        assert gw.admin(path, [("Authorization", "Bearer open-sesame-012345678")]).status == 401
        assert gw.admin(path, [("Authorization", "Bearer open-sesame-0123456789")]).status == 200
        assert gw.admin(path, [("Authorization", "bearer open-sesame-0123456789")]).status == 200


def test_the_admin_listener_refuses_what_it_does_not_know(world):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    assert gw.admin("/nothing").status == 404
    assert gw.admin("/metrics", method="DELETE").status == 405
    with Client(gw.admin_address) as client:
        client.send(
            b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert client.read_response().status == 400


def test_the_cache_stands_in_status_and_metrics(world):
    gw = world.gateway(respond_config(("r", "/r"), server={"cache": {"memory": "64MiB"}}, **ADMIN))
    memory = json.loads(gw.admin("/status").body)["cache"]["memory"]
    assert memory["capacity_bytes"] == 64 << 20 and memory["entries"] == memory["bytes"] == 0
    assert gw.metric("viewgate_cache_memory_capacity_bytes") == 64 << 20
    for name in ("entries", "bytes", "hits_total", "misses_total", "evictions_total"):
        assert gw.metric(f"viewgate_cache_memory_{name}") == 0


def test_a_reload_changes_what_the_cache_may_take(world):
    config = respond_config(("r", "/r"), **ADMIN)
    gw = world.gateway(config)
    assert gw.metric("viewgate_cache_memory_capacity_bytes") == 256 << 20
    gw.reload({**config, "server": {**config["server"], "cache": {"memory": "32MiB"}}})
    wait_until(lambda: gw.metric("viewgate_cache_memory_capacity_bytes") == 32 << 20, what="the reload")


@pytest.mark.parametrize(
    "query, purged",
    [
        ("tag=catalog/articles", "catalog/articles"),
        ("tag=catalog/articles/", "catalog/articles"),
        ("tag=author%3A7", "author:7"),
        ("path=/articles/7", "path:/articles/7"),
        ("path=/articles/", "path:/articles"),
        ("path=/a%2520b", "path:/a%20b"),
        ("path=/", "path:"),
    ],
)
def test_a_purge_says_what_it_dropped(world, query, purged):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    answer = gw.admin("/cache/purge?" + query, method="POST")
    assert answer.status == 200 and json.loads(answer.body) == {"purged": purged}


@pytest.mark.parametrize(
    "query, word",
    [
        ("", "either"),
        ("?", "either"),
        ("?tag=a&path=/a", "either"),
        ("?tag=a&tag=b", "either"),
        ("?tag=", "empty"),
        ("?tag=/", "empty"),
        ("?key=a", "no parameter key"),
        ("?path=a", "path of a request"),
        ("?path=", "path of a request"),
        ("?path=/a%20b", "path of a request"),
        ("?path=/a/../b", "path of a request"),
        ("?tag=%zz", "can't be read"),
    ],
)
def test_a_purge_of_nothing_clear_is_400(world, query, word):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    answer = gw.admin("/cache/purge" + query, method="POST")
    assert answer.status == 400 and word in answer.text


def test_a_purge_is_a_post(world):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    answer = gw.admin("/cache/purge?tag=a")
    assert answer.status == 405 and answer.headers.one("allow") == "POST"


def test_the_admin_listener_keeps_its_connections(world):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    with Client(gw.admin_address) as client:
        for path in ("/healthz", "/metrics", "/status", "/readyz"):
            assert client.get(path, host="127.0.0.1").status == 200


def test_a_rebound_name_does_not_reach_the_admin_listener(world):
    """DNS rebinding: a page in a browser on this host makes its own name point to 127.0.0.1."""
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    with Client(gw.admin_address) as client:
        answer = client.get("/status", [("Origin", "http://evil.example")], host="evil.example")
        assert "access-control-allow-origin" not in answer.headers


def test_the_admin_listener_is_answered_while_the_connection_limit_is_reached(world):
    gw = world.gateway(respond_config(("r", "/r"), server={"limits": {"connections": 2}}, **ADMIN))
    clients = [gw.connect() for _ in range(4)]
    assert [c.get("/r").status for c in clients[:2]] == [200, 200]
    assert gw.admin("/readyz").status == 200


def test_readyz_does_not_depend_on_upstreams(world):
    gw = world.gateway(proxy_config(refused_url(), **ADMIN))
    gw.get("/")
    assert gw.admin("/readyz").status == 200


def test_gauges_go_back_to_zero_whatever_became_of_the_requests(world):
    gw, up = world.proxy(
        lambda r, c: wire.response(body=b"ok") if r.target == "/fine" else c.peer_closed(5) and None,
        route={"timeout": "2s"},
        **ADMIN,
    )
    assert gw.get("/fine").status == 200
    for i in range(5):
        client = gw.connect().send(wire.request("GET", "/hangs"))
        up.wait_requests(2 + i)
        client.reset()
    wait_until(lambda: gw.metric("viewgate_requests_in_flight") == 0)
    wait_until(lambda: gw.metric("viewgate_connections") == 0)
    assert gw.metric("viewgate_requests_total") == 6


def test_a_hostile_route_or_upstream_name_breaks_no_metric(world):
    gw = (
        world.gateway(
            respond_config({"name": 'odd "name" \\ here', "path": "/r", "view": "respond", "text": "x"}, **ADMIN)
        )
        if _accepts_odd_names(world)
        else None
    )
    if gw is None:
        return
    gw.get("/r")
    for line in gw.admin("/metrics").text.splitlines():
        assert not line or line.startswith("#") or SAMPLE.match(line), line


def _accepts_odd_names(world):
    file = write_config(
        world.directory / "odd.yaml",
        respond_config({"name": 'odd "name" \\ here', "path": "/r", "view": "respond", "text": "x"}),
    )
    return command("check", "-c", file).returncode == 0


def test_unknown_paths_do_not_grow_the_metrics(world):
    gw = world.gateway(respond_config(("r", "/r"), **ADMIN))
    gw.get("/warm")
    gw.fetch("BREW", "/warm")
    before = len(gw.admin("/metrics").text.splitlines())
    for i in range(50):
        gw.fetch(f"M{i}", f"/path{i}", host=f"host{i}.example")
    assert len(gw.admin("/metrics").text.splitlines()) <= before + 5
