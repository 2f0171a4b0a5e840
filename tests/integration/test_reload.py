"""SIGHUP: a new configuration without a dropped request (SPEC section 12)."""
import bisect
import itertools
import re
import signal
import socket
import threading
import time

import pytest

from support import wire
from support.gateway import command, proxy_config, respond_config, wait_until, write_config
from support.upstream import Gate, refused_url

FAILURES = "viewgate_config_reload_failures_total"
TWO = {"listen": ["127.0.0.1:0", {"address": "127.0.0.2:0", "name": "inner"}]}
ADMIN = {"admin": {"listen": "127.0.0.1:0"}}


def saying(text, **kw):
    return respond_config({"name": "r", "path": "/r", "view": "respond", "text": text}, **{**ADMIN, **kw})


def wait_says(gw, text):
    wait_until(lambda: gw.get("/r").text == text, what=f"the answer {text!r}")


def reload_and_fail(gw, config):
    """Reloads what must be refused; gives a look at what was logged since."""
    before, lines = gw.metric(FAILURES) or 0, len(gw.lines)
    gw.reload(config)
    wait_until(lambda: gw.metric(FAILURES) == before + 1, what="a counted failure")
    return lambda pattern: gw.wait_log(pattern, since=lines)


@pytest.mark.parametrize("workers", [1, 2])
def test_new_requests_see_the_new_configuration(world, workers):
    gw = world.gateway(saying("one", server={"workers": workers}))
    assert gw.get("/r").text == "one"
    for i in range(5):
        gw.reload(saying(f"text {i}", server={"workers": workers}))
        wait_says(gw, f"text {i}")


def test_the_new_configuration_holds_at_one_instant_on_every_worker(world):
    gw = world.gateway(saying("0", server={"workers": 2}))
    seen, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            begin = time.monotonic()
            text = gw.get("/r").text  # a new connection each: on either worker
            seen.append((begin, time.monotonic(), int(text)))

    threads = [threading.Thread(target=watch) for _ in range(4)]
    [t.start() for t in threads]
    for i in range(1, 15):
        gw.reload(saying(str(i), server={"workers": 2}))
        wait_until(lambda: any(text == i for _, _, text in seen[-50:]))
    stop.set()
    [t.join() for t in threads]
    ended = sorted((end, text) for _, end, text in seen)
    times = [end for end, _ in ended]
    newest = [0, *itertools.accumulate((text for _, text in ended), max)]
    for begin, _, text in seen:
        known = newest[bisect.bisect_left(times, begin)]
        assert text >= known, f"an answer of generation {text} to a request that began after one of {known}"


def test_an_invalid_configuration_changes_nothing_and_is_counted_and_logged(world):
    gw = world.gateway(saying("old"))
    bad = saying("new")
    bad["routes"][0]["txet"] = "typo"
    logged = reload_and_fail(gw, bad)
    assert gw.get("/r").text == "old"
    check = command("check", "-c", gw.config_file)
    for line in (check.stdout + check.stderr).splitlines():
        if "txet" in line:
            logged(re.escape(line))  # the same words
    gw.reload(saying("mended"))
    wait_says(gw, "mended")


@pytest.mark.parametrize("text", ["", "{", "routes: nonsense\n"])
def test_a_broken_file_changes_nothing(world, text):
    gw = world.gateway(saying("old"))
    reload_and_fail(gw, text)
    assert gw.get("/r").text == "old"


def test_a_file_that_is_gone_changes_nothing(world):
    gw = world.gateway(saying("old"))
    gw.config_file.unlink()
    before = gw.metric(FAILURES) or 0
    gw.signal(signal.SIGHUP)
    wait_until(lambda: gw.metric(FAILURES) == before + 1)
    assert gw.get("/r").text == "old"


def test_a_request_in_flight_finishes_under_the_old_configuration(world):
    gate = Gate()

    def held(request, connection):
        if request.target == "/held":
            gate.hold()
        return wire.response(body=b"ok")

    up = world.upstream(held)

    def generation(n):
        return proxy_config(up, route={"response": {"set": {"X-Generation": str(n)}}})

    gw = world.gateway(generation(1))
    client = gw.connect().send(wire.request("GET", "/held"))
    up.wait_requests(1)
    gw.reload(generation(2))
    wait_until(lambda: gw.get("/other").headers.one("x-generation") == "2")
    gate.open()
    assert client.read_response().headers.one("x-generation") == "1"
    assert client.get("/again").headers.one("x-generation") == "2"  # on the same connection


def test_a_removed_route_and_upstream_still_finish_their_requests(world):
    gate = Gate()

    def held(request, connection):
        if request.target != "/x":
            return wire.response(404, [], b"not here")
        gate.hold()
        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        for _ in range(50):
            connection.send(wire.chunk(b"x" * 10000))
        connection.send(b"0\r\n\r\n")

    gw, up = world.proxy(held)
    client = gw.connect().send(wire.request("GET", "/x"))
    up.wait_requests(1)
    gw.reload(respond_config(("r", "/r")))
    wait_until(lambda: gw.get("/r").status == 200)
    gate.open()
    assert len(client.read_response().body) == 500_000
    assert client.get("/x").status == 404


def test_connections_stay_open_over_reloads(world):
    gw = world.gateway(saying("0"))
    clients = [gw.connect() for _ in range(10)]
    for client in clients:
        client.get("/r")
    for i in range(1, 6):
        gw.reload(saying(str(i)))
        wait_says(gw, str(i))
        assert [c.get("/r").text for c in clients] == [str(i)] * 10


def test_a_request_whose_head_arrives_around_a_reload_is_answered(world):
    gw = world.gateway(saying("old"))
    client = gw.connect().send(b"GET /r HTTP/1.1\r\nHo")
    gw.reload(saying("new"))
    wait_says(gw, "new")
    client.send(b"st: a\r\n\r\n")
    assert client.read_response().text in ("old", "new")
    assert client.get("/r").text == "new"


def test_pools_of_what_did_not_change_stay(world):
    up = world.upstream()
    gw = world.gateway(proxy_config(up, route={"response": {"set": {"X-G": "0"}}}))
    for i in range(1, 4):
        assert gw.get("/").status == 200
        gw.reload(proxy_config(up, route={"response": {"set": {"X-G": str(i)}}}))
        wait_until(lambda: gw.get("/").headers.one("x-g") == str(i))
    assert len(up.connections) == 1


def test_connections_to_an_endpoint_that_was_removed_are_closed(world):
    old, new = world.upstream(), world.upstream(lambda r, c: wire.response(body=b"new"))
    gw = world.gateway(proxy_config(old))
    gw.get("/")
    gw.reload(proxy_config(new))
    wait_until(lambda: gw.get("/").body == b"new")
    old.wait_for(lambda u: u.open == 0, 10)


def test_a_pool_limit_that_changed_holds(world):
    gate = Gate()

    def held(request, connection):
        if request.target != "/probe":
            gate.hold()
        return wire.response(body=b"ok")

    up = world.upstream(held)
    gw = world.gateway(
        proxy_config(
            up, upstream={"pool": {"connections": 1, "per_endpoint": 1}}, route={"response": {"set": {"X-G": "1"}}}
        )
    )
    gw.get("/probe")
    gw.reload(
        proxy_config(
            up, upstream={"pool": {"connections": 3, "per_endpoint": 3}}, route={"response": {"set": {"X-G": "2"}}}
        )
    )
    wait_until(lambda: gw.get("/probe").headers.one("x-g") == "2")
    clients = [gw.connect().send(wire.request("GET", f"/{i}")) for i in range(3)]
    wait_until(lambda: up.busy == 3, what="three calls at once")
    gate.open()
    assert [c.read_response().status for c in clients] == [200] * 3


def test_calls_that_wait_for_a_connection_are_served_after_a_reload(world):
    gate = Gate()

    def held(request, connection):
        if request.target != "/probe":
            gate.hold()
        return wire.response(body=request.target.encode())

    up = world.upstream(held)

    def generation(i, **upstream):
        return proxy_config(
            up,
            upstream={"pool": {"connections": 1, "per_endpoint": 1}, **upstream},
            route={"response": {"set": {"X-G": str(i)}}},
        )

    gw = world.gateway(generation(1))
    clients = [gw.connect().send(wire.request("GET", f"/{i}")) for i in range(4)]
    up.wait_requests(1)
    gw.reload(generation(2, timeout="20s"))
    gw.wait_log("reloaded")
    gate.open()
    assert [c.read_response().text for c in clients] == [f"/{i}" for i in range(4)]
    assert gw.get("/probe").headers.one("x-g") == "2"


def test_a_listener_that_is_added_serves_and_the_old_one_keeps_its_socket(world):
    gw = world.gateway(saying("old"))
    port = gw.port
    idle = gw.connect()
    gw.reload(respond_config(("r", "/r"), ("inner", "/i", {"listener": "inner"}), server=TWO, **ADMIN))
    gw.wait_log(r"listening on .* \(inner\)")
    wait_until(lambda: gw.get("/r", port=port).text == "r")
    assert gw.connect(port=gw.port_of("inner"), host="127.0.0.2").get("/i").text == "inner"
    assert idle.get("/r").text == "r"


def test_a_listener_that_is_removed_stops_accepting_and_the_others_go_on(world):
    gw = world.gateway(respond_config(("r", "/r"), ("inner", "/i", {"listener": "inner"}), server=TWO))
    port = gw.port_of("inner")
    assert gw.connect(port=port, host="127.0.0.2").get("/i").status == 200
    gw.reload(saying("new"))
    wait_says(gw, "new")

    def refused():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.2", port)) != 0

    wait_until(refused, what="a closed listener")


def test_a_listener_that_got_another_name_serves_the_routes_of_that_name(world):
    def named(name):
        server = {"listen": ["127.0.0.1:0", {"address": "127.0.0.2:0", "name": name}]}
        return respond_config(("one", "/one", {"listener": name}), ("r", "/r"), server=server)

    gw = world.gateway(named("first"))
    inner = gw.connect(port=gw.port_of("first"), host="127.0.0.2")
    assert (inner.get("/one").status, inner.get("/r").status) == (200, 404)
    gw.reload(named("second"))
    gw.wait_log("reloaded")
    again = gw.connect(port=gw.port_of("first"), host="127.0.0.2")
    assert (again.get("/one").status, again.get("/r").status) == (200, 404)
    assert inner.get("/one").status == 200  # a connection from before


def test_listeners_of_one_address_keep_their_names_in_another_order(world):
    def ordered(*names):
        listen = [{"address": "127.0.0.1:0", **({"name": name} if name else {})} for name in names]
        named = [(name, f"/{name}", {"listener": name}) for name in names if name]
        return respond_config(("r", "/r"), *named, server={"listen": listen})

    gw = world.gateway(ordered("", "a", "b"))
    for names in ("", "a", "b"), ("b", "", "a"):
        since = len(gw.lines)
        gw.reload(ordered(*names))
        gw.wait_log("reloaded", since=since)
        for name in None, "a", "b":
            client = gw.connect(listener=name)
            found = [path for path in ("/r", "/a", "/b") if client.get(path).status == 200]
            assert found == [f"/{name or 'r'}"]


def test_a_reload_that_fails_late_leaves_no_socket_file(world):
    gw = world.gateway(saying("old"))
    files = {world.directory / "listener.sock", world.directory / "admin.sock"}
    config = saying(
        "new",
        server={"listen": ["127.0.0.1:0", f"unix:{world.directory}/listener.sock"]},
        admin={"listen": f"unix:{world.directory}/admin.sock"},
        log={"file": "/nowhere/at/all.log"},
    )
    logged = reload_and_fail(gw, config)
    assert gw.get("/r").text == "old" and logged("/nowhere/at/all.log")
    assert not [file for file in files if file.exists()]
    gw.reload({**config, "log": {}})
    wait_says(gw, "new")
    wait_until(lambda: all(file.exists() for file in files), what="both sockets")


def test_a_listener_that_cannot_be_bound_fails_the_reload(world):
    gw = world.gateway(saying("old"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        logged = reload_and_fail(gw, saying("new", server={"listen": ["127.0.0.1:0", f"127.0.0.1:{port}"]}))
    assert gw.get("/r").text == "old" and logged(str(port))


def test_a_change_of_workers_is_refused_by_name(world):
    gw = world.gateway(saying("old", server={"workers": 1}))
    logged = reload_and_fail(gw, saying("new", server={"workers": 2}))
    assert gw.get("/r").text == "old" and logged("workers")


def test_signals_in_quick_succession_end_with_the_last_configuration(world):
    gw = world.gateway(saying("0"))
    for i in range(1, 101):
        gw.reload(saying(str(i)))
    wait_says(gw, "100")


def test_included_files_and_substitutions_are_read_anew(world, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    more = write_config(
        tmp_path / "more.yaml",
        {"routes": [{"name": "m", "path": "/m", "view": "respond", "text": "${file:%s}" % secret}]},
    )
    gw = world.gateway({**saying("x"), "include": [str(more)]})
    assert gw.get("/m").text == "one"
    secret.write_text("two\n")
    gw.signal(signal.SIGHUP)
    wait_until(lambda: gw.get("/m").text == "two")


def test_limits_that_changed_hold_for_new_requests(world):
    up = world.upstream()
    gw = world.gateway(proxy_config(up, server={"limits": {"body_bytes": "1KiB"}}))
    client = gw.connect()
    assert client.request("POST", "/", body=b"x" * 1000).status == 200
    gw.reload(proxy_config(up, server={"limits": {"body_bytes": "100KiB"}}))
    wait_until(lambda: gw.fetch("POST", "/", body=b"x" * 5000).status == 200)
    assert client.request("POST", "/", body=b"x" * 5000).status == 200


def test_no_request_fails_while_the_configuration_changes_under_load(world):
    up = world.upstream(lambda r, c: wire.response(body=r.target.encode()))

    def generation(i):
        return proxy_config(up, server={"workers": 2}, route={"response": {"set": {"X-G": str(i)}}})

    gw = world.gateway(generation(0))
    stop, failures, served = threading.Event(), [], []

    def load(number):
        client, i = gw.connect(), 0
        while not stop.is_set():
            i += 1
            target = f"/{number}/{i}"
            try:
                if i % 5 == 0:
                    client.close()
                    client = gw.connect()
                answer = client.get(target)
                if (answer.status, answer.text) != (200, target):
                    failures.append(answer)
                served.append(1)
            except Exception as error:  # noqa: BLE001
                failures.append(error)
                return

    threads = [threading.Thread(target=load, args=(n,)) for n in range(6)]
    [t.start() for t in threads]
    for i in range(1, 21):
        gw.reload(generation(i))
        wait_until(lambda: gw.get("/probe").headers.one("x-g") == str(i))
    stop.set()
    [t.join() for t in threads]
    assert failures == [] and len(served) > 100


def test_reloads_leak_neither_memory_nor_files(world):
    routes = [(f"r{i}", f"/r{i}/{{id:int}}") for i in range(500)]

    def generation(i):
        return respond_config({"name": "r", "path": "/r", "view": "respond", "text": str(i)}, *routes, **ADMIN)

    gw = world.gateway(generation(0))

    def turn(begin, end):
        for i in range(begin, end):
            gw.reload(generation(i))
            wait_says(gw, str(i))

    turn(1, 10)
    files, memory = gw.open_files(), gw.resident_bytes()
    turn(10, 60)
    gw.wait_files(files)
    assert gw.growth(memory) < 8 << 20


def test_a_reload_to_an_upstream_that_nobody_reaches_is_valid(world):
    gw = world.gateway(proxy_config(refused_url(), **ADMIN))
    gw.reload(proxy_config("http://does-not-exist.invalid", **ADMIN, route={"path": "/new/{rest...}"}))
    wait_until(lambda: gw.get("/").status == 404)
    assert (gw.metric(FAILURES) or 0) == 0
