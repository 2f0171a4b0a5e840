"""HTTP/2 on listeners: how it is chosen, what the gateway's own answers look like, and that limits and policies hold
(SPEC sections 2, 6 and 7; RFC 9113)."""
import email.utils
import json
import ssl
import time

import pytest

from support import wire
from support.gateway import proxy_config, respond_config, wait_until
from support.http2 import PREFACE, SETTINGS, Setting, frame, proxy, serving
from support.upstream import Gate

CONNECTION_SPECIFIC = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade")


def respond(world, *routes, server=None, **top):
    return world.gateway(respond_config(*routes or [("r", "/r")], server=serving(server), **top))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("gateway", ["localhost"])


def offering(authority, *protocols):
    context = ssl.create_default_context(cafile=str(authority.trusted))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def problem(answer, status):
    assert answer.ended and answer.status == status, answer
    assert answer.headers.one("content-type").startswith("application/problem+json")
    found = json.loads(answer.body)
    assert found["status"] == status and found["request_id"] == answer.headers.one("x-request-id")
    assert not any(name in answer.headers for name in CONNECTION_SPECIFIC)
    return answer


# How it is chosen


def test_prior_knowledge_and_http_1_1_share_a_port(world):
    gw = respond(world)
    http2, http1 = gw.http2(), gw.connect()
    for _ in range(3):
        assert http2.get("/r").text == "r"
        answer = http1.get("/r")
        assert (answer.version, answer.text) == ("HTTP/1.1", "r")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "PROPFIND", "PR", "PRI2"])
def test_a_method_that_begins_as_the_preface_does_is_http_1_1(world, method):
    gw, up = proxy(world)
    client = gw.connect()
    for byte in wire.request(method, "/x"):
        client.send(bytes([byte]))
    assert client.read_response().status == 200
    assert up.last().method == method


def test_a_preface_that_arrives_byte_by_byte_is_http_2(world):
    gw = respond(world)
    raw = gw.frames(b"")
    for byte in PREFACE + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) + raw.get(1, "/r"):
        assert raw.send(bytes([byte]))
    assert raw.outcome(1) == ("status", 200)


def test_a_plain_listener_without_http2_speaks_http_1_1_alone(world):
    gw = world.gateway(respond_config(("r", "/r")))
    client = gw.connect()
    client.try_send(PREFACE)
    answer = client.reader.to_end()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 ")), answer
    assert gw.get("/r").status == 200


@pytest.mark.parametrize(
    "http2, offered, chosen",
    [
        (True, ["h2", "http/1.1"], "h2"),
        (True, ["http/1.1", "h2"], "h2"),
        (True, ["h2"], "h2"),
        (True, ["http/1.1"], "http/1.1"),
        (True, [], None),
        (False, ["h2", "http/1.1"], "http/1.1"),
        (False, [], None),
    ],
)
def test_alpn_chooses(world, authority, certificate, http2, offered, chosen):
    gw = world.gateway(respond_config(("r", "/r"), server=serving(http2=http2, tls=certificate.files)))
    reach = {"tls": offering(authority, *offered), "server_name": "localhost"}
    with gw.connect(**reach) as client:
        assert client.sock.selected_alpn_protocol() == chosen
    answer = gw.http2(**reach).get("/r", scheme="https") if chosen == "h2" else gw.connect(**reach).get("/r")
    assert (answer.status, answer.text) == (200, "r")


def test_h2_alone_is_refused_where_it_is_not_spoken(world, authority, certificate):
    gw = world.gateway(respond_config(("r", "/r"), server=serving(http2=False, tls=certificate.files)))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gw.connect(tls=offering(authority, "h2"), server_name="localhost")


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 1_000_000])
def test_content_of_all_sizes_passes_both_ways_over_tls(world, authority, certificate, size):
    up = world.upstream(lambda r, c: wire.response(body=r.body))
    server = serving({"limits": {"body_bytes": "4MiB"}}, tls=certificate.files)
    gw = world.gateway(proxy_config(up, server=server))
    session = gw.http2(tls=offering(authority, "h2"), server_name="localhost")
    content = bytes(i * 31 % 251 for i in range(1000)) * (size // 1000 + 1)
    for _ in range(2):
        assert session.fetch("POST", "/", body=content[:size], scheme="https").body == content[:size]
    assert up.last().headers.one("x-forwarded-proto") == "https"


@pytest.mark.parametrize("header_bytes", [4 << 10, 64 << 10])
def test_settings_of_the_gateway(world, header_bytes):
    gw = respond(world, server={"limits": {"header_bytes": f"{header_bytes}B"}})
    session = gw.http2()
    assert session.get("/r").status == 200
    seen = session.settings_seen
    assert 32 <= seen[Setting.MAX_CONCURRENT_STREAMS] <= 1000
    assert seen[Setting.ENABLE_CONNECT_PROTOCOL] == 1
    assert header_bytes <= seen[Setting.MAX_HEADER_LIST_SIZE] <= 4 * header_bytes
    assert seen.get(Setting.ENABLE_PUSH, 0) == 0
    assert seen.get(Setting.INITIAL_WINDOW_SIZE, 65535) <= 1 << 20


def test_a_load_balancer_may_say_who_the_client_is(world):
    gw, up = proxy(world, server={"listen": [{"address": "127.0.0.1:0", "http2": True, "proxy_protocol": True}]})
    raw = gw.frames(b"PROXY TCP4 203.0.113.9 192.0.2.1 4000 80\r\n" + PREFACE + frame(SETTINGS))
    raw.send(raw.get(1))
    assert raw.outcome(1) == ("status", 200)
    assert up.last().headers.one("x-forwarded-for") == "203.0.113.9"


def test_the_admin_listener_may_speak_it_too(world):
    gw = respond(world, admin={"listen": {"address": "127.0.0.1:0", "http2": True}})
    session = gw.http2(port=gw.admin_address[1])
    assert session.get("/healthz", authority="127.0.0.1").status == 200
    metrics = session.get("/metrics", authority="127.0.0.1")
    assert metrics.ended and "viewgate_" in metrics.text and gw.admin("/healthz").status == 200


# The gateway's own answers


def test_an_answer_has_what_it_has_in_http_1_1(world):
    gw = respond(world, {"path": "/r", "view": "respond", "text": "hello", "headers": {"X-Mixed-Case": "Value"}})
    answer = gw.http2().get("/r")
    assert (answer.status, answer.text, answer.trailers) == (200, "hello", [])
    assert all(name == name.lower() for name, _ in answer.headers)
    assert answer.headers.one("x-mixed-case") == "Value" and answer.headers.one("content-length") == "5"
    assert abs(email.utils.parsedate_to_datetime(answer.headers.one("date")).timestamp() - time.time()) < 3
    assert answer.headers.one("x-request-id")
    assert not any(name in answer.headers for name in CONNECTION_SPECIFIC)
    http1 = gw.connect().get("/r").headers
    drop = {"connection", "keep-alive"}
    assert {n for n, _ in answer.headers} == {n.lower() for n, _ in http1} - drop


def test_head_has_the_headers_of_get_and_no_content(world):
    gw = respond(world, {"path": "/r", "view": "respond", "text": "hello"})
    session = gw.http2()
    answer = session.fetch("HEAD", "/r")
    assert (answer.status, answer.body, answer.headers.one("content-length")) == (200, b"", "5")
    assert session.get("/r").text == "hello"


def test_a_204_has_no_content(world):
    session = respond(world, {"path": "/r", "view": "respond", "status": 204}).http2()
    for _ in range(2):
        answer = session.get("/r")
        assert (answer.status, answer.body, answer.ended) == (204, b"", True)
        assert "content-length" not in answer.headers


def test_each_request_has_an_id_of_its_own_and_streams_are_many(world):
    session = respond(world, ("r", "/r/{id}")).http2()
    numbers = [session.request("GET", f"/r/{i}") for i in range(100)]
    answers = [session.response(n) for n in numbers]
    assert [a.status for a in answers] == [200] * 100
    assert len({a.headers.one("x-request-id") for a in answers}) == 100


def test_five_thousand_requests_on_one_connection(world):
    session = respond(world).http2()
    for _ in range(100):
        numbers = [session.request("GET", "/r") for _ in range(50)]
        assert all(session.response(n).status == 200 for n in numbers)
    assert session.goaways == []


@pytest.mark.parametrize(
    "status, method, path, headers, body",
    [
        (404, "GET", "/nothing", [], None),
        (405, "POST", "/get", [], None),
        (405, "POST", "/get", [], b"x" * 500),
        (414, "GET", "/" + "x" * 1100, [], None),
        (431, "GET", "/get", [("x-big", "x" * 5000)], None),
        (431, "GET", "/get", [(f"x-{i}", "1") for i in range(30)], None),
        (413, "POST", "/post", [("content-length", "3000")], b"x" * 3000),
        (413, "POST", "/post", [], b"x" * 3000),
        (400, "GET", "/a/../b", [], None),
        (400, "GET", "/%00", [], None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_is_a_problem_on_its_stream_alone(world, status, method, path, headers, body):
    up = world.upstream()
    limits = {"header_bytes": "4KiB", "headers": 20, "uri_bytes": "1KiB", "body_bytes": "2KiB"}
    config = proxy_config(up, route={"path": "/post", "source": "up/post"}, server=serving({"limits": limits}))
    config["routes"].append({"path": "/get", "methods": ["GET"], "view": "respond", "text": "got"})
    session = world.gateway(config).http2()
    other = session.request("POST", "/post", end=False)
    answer = problem(session.fetch(method, path, headers, body), status)
    assert status != 405 or "get" in answer.headers.tokens("allow")
    session.send(other, b"still here", end=True)
    assert session.response(other).status == 200 and session.get("/get").text == "got"
    assert [r.body for r in up.completed] == [b"still here"] and session.goaways == []


def test_a_host_route_is_chosen_by_authority(world):
    session = respond(world, ("a", "/r", {"host": "a.test"}), ("any", "/r")).http2()
    assert session.get("/r", authority="a.test").text == "a"
    assert session.get("/r", authority="A.test:8080").text == "a"
    assert session.get("/r", authority="b.test").text == "any"


def test_options_is_answered(world):
    answer = respond(world).http2().fetch("OPTIONS", "/r")
    assert answer.status == 204 and "get" in answer.headers.tokens("allow")


# What is said of it, and what guards it


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_access_log_says_http_2(world, form):
    path = world.directory / "access.log"
    config = respond_config(("r", "/r/{id}"), server=serving(), log={"file": str(path), "format": form})
    gw = world.gateway(config, log_file=path)
    gw.http2().get("/r/unique-1?a=b")
    gw.get("/r/unique-2")

    def line(word):
        return wait_until(lambda: [x for x in path.read_text().splitlines() if word in x], what=f"a line of {word}")[0]

    if form == "json":
        entry = json.loads(line("unique-1"))
        assert (entry["protocol"], entry["method"], entry["status"]) == ("HTTP/2", "GET", 200)
        assert entry["target"] == "/r/unique-1?a=b" and entry["bytes_out"] > 0
    else:
        assert '"GET /r/unique-1?a=b HTTP/2" 200' in line("unique-1")
        assert "HTTP/1.1" in line("unique-2")


def test_rate_limits_count_streams_and_connections_alike(world):
    gw = respond(world, ("r", "/r", {"rate_limit": "4/h"}))
    session = gw.http2()
    numbers = [session.request("GET", "/r") for _ in range(6)]
    assert sorted(session.response(n).status for n in numbers) == [200] * 4 + [429] * 2
    assert problem(session.get("/r"), 429).headers.one("retry-after")
    assert gw.get("/r").status == 429


def test_the_cache_is_one_for_both_versions(world):
    gw, up = proxy(world, lambda r, c: wire.response(200, [("Cache-Control", "max-age=60")], b"kept"), route={"cache": {}})
    session = gw.http2()
    assert session.get("/a").body == b"kept"
    answer = session.get("/a")
    assert answer.body == b"kept" and "hit" in answer.headers.one("cache-status")
    assert "hit" in gw.get("/a", host="gateway.test").headers.one("cache-status")
    assert len(up.requests) == 1


def test_misses_of_many_streams_make_one_call(world):
    gate = Gate()

    def slow(request, connection):
        gate.hold()
        return wire.response(200, [("Cache-Control", "max-age=60")], b"once")

    gw, up = proxy(world, slow, route={"cache": {}})
    session = gw.http2()
    numbers = [session.request("GET", "/a") for _ in range(30)]
    up.wait_requests(1)
    gate.open()
    assert [session.response(n).body for n in numbers] == [b"once"] * 30
    assert len(up.requests) == 1


def test_a_view_of_calls_is_served(world):
    up = world.upstream(lambda r, c: wire.response(200, [("Content-Type", "application/json")], b'{"id": 5}'))
    config = proxy_config(up, server=serving())
    config["routes"] = [{"path": "/{id:int}", "view": "detail", "source": "up/{id}"}]
    session = world.gateway(config).http2()
    answer = session.get("/5")
    assert (answer.status, answer.body) == (200, b'{"id": 5}')
    assert session.get("/5", [("if-none-match", answer.headers.one("etag"))]).status == 304
