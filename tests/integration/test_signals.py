"""Ending and log rotation (SPEC section 1; issue: signals, drain)."""
import signal
import socket
import threading
import time

import pytest

from support import wire
from support.client import Client
from support.gateway import command, proxy_config, respond_config, wait_until, write_config
from support.upstream import Gate


def held(gate):
    def handler(request, connection):
        gate.hold()
        return wire.response(body=b"finished")

    return handler


def refuses(port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_with_0_when_nothing_is_under_way(world, number, workers):
    gw = world.gateway(respond_config(("r", "/r"), server={"workers": workers, "drain_timeout": "30s"}))
    assert gw.get("/r").status == 200
    begin = time.monotonic()
    gw.signal(number)
    assert gw.wait_exit() == 0
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished(world, number):
    gate = Gate()
    gw, up = world.proxy(held(gate), server={"drain_timeout": "20s"})
    clients = [gw.connect().send(wire.request("GET", "/")) for _ in range(5)]
    up.wait_requests(5)
    gw.signal(number)
    wait_until(lambda: refuses(gw.port), what="the end of accepting")
    gate.open()
    for client in clients:
        answer = client.read_response()
        assert answer.body == b"finished" and "close" in answer.headers.tokens("connection")
        client.assert_closed()
    assert gw.wait_exit() == 0


def test_idle_connections_do_not_hold_up_the_end(world):
    gw = world.gateway(respond_config(("r", "/r"), server={"drain_timeout": "30s"}))
    clients = [gw.connect() for _ in range(20)]
    assert [c.get("/r").status for c in clients[:10]] == [200] * 10
    begin = time.monotonic()
    gw.signal(signal.SIGTERM)
    for client in clients:
        client.assert_closed()
    assert gw.wait_exit() == 0
    assert time.monotonic() - begin < 5


def test_connections_that_were_accepted_by_the_kernel_before_the_signal_are_served(world):
    gw = world.gateway(respond_config(("r", "/r")))
    clients = [gw.connect().send(wire.request("GET", "/r")) for _ in range(20)]
    gw.signal(signal.SIGTERM)
    assert [c.read_response().status for c in clients] == [200] * 20
    assert gw.wait_exit() == 0


def test_what_takes_longer_than_drain_timeout_is_cut(world):
    gate = Gate()
    gw, up = world.proxy(held(gate), server={"drain_timeout": "500ms"})
    client = gw.connect().send(wire.request("GET", "/"))
    up.wait_requests(1)
    begin = time.monotonic()
    gw.signal(signal.SIGTERM)
    assert gw.wait_exit() == 0
    assert 0.4 < time.monotonic() - begin < 4
    assert b"finished" not in client.reader.to_end()
    gate.open()


def test_a_second_signal_ends_it_at_once(world):
    gate = Gate()
    gw, up = world.proxy(held(gate), server={"drain_timeout": "30s"})
    gw.connect().send(wire.request("GET", "/"))
    up.wait_requests(1)
    gw.signal(signal.SIGTERM)
    wait_until(lambda: refuses(gw.port))
    begin = time.monotonic()
    gw.signal(signal.SIGTERM)
    gw.expected_code = gw.wait_exit()
    assert time.monotonic() - begin < 2
    gate.open()


def test_a_download_under_way_is_finished(world):
    go = threading.Event()

    def slow(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", 2_000_000)]) + b"x" * 1_000_000)
        assert go.wait(10)
        connection.send(b"y" * 1_000_000)

    gw, up = world.proxy(slow, server={"drain_timeout": "20s"})
    client = gw.connect().send(wire.request("GET", "/"))
    head = client.read_head()
    gw.signal(signal.SIGTERM)
    wait_until(lambda: refuses(gw.port))
    go.set()
    assert client.read_body(head).body == b"x" * 1_000_000 + b"y" * 1_000_000
    assert gw.wait_exit() == 0


def test_an_upload_under_way_is_finished(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=r.body), server={"drain_timeout": "20s"})
    client = gw.connect().send(wire.request("POST", "/", [("Content-Length", 8)]) + b"half")
    up.wait_requests(1)
    gw.signal(signal.SIGTERM)
    wait_until(lambda: refuses(gw.port))
    client.send(b"half")
    assert client.read_response().body == b"halfhalf"
    assert gw.wait_exit() == 0


def test_readyz_says_no_during_a_drain(world):
    gate = Gate()
    gw, up = world.proxy(held(gate), server={"drain_timeout": "20s"}, admin={"listen": "127.0.0.1:0"})
    client = gw.connect().send(wire.request("GET", "/"))
    up.wait_requests(1)
    assert gw.admin("/readyz").status == 200
    gw.signal(signal.SIGTERM)
    wait_until(lambda: refuses(gw.port))
    try:
        assert gw.admin("/readyz").status == 503
    except ConnectionError:
        pass
    gate.open()
    assert client.read_response().status == 200


def test_sigusr1_reopens_the_log_file(world):
    log = world.directory / "viewgate.log"
    gw = world.gateway(respond_config(("r", "/{rest...}"), log={"file": str(log), "access": True}), log_file=log)
    gw.get("/before")
    wait_until(lambda: "/before" in log.read_text())
    log.rename(log.with_suffix(".1"))
    gw.signal(signal.SIGUSR1)
    wait_until(log.exists, what="a new log file")
    gw.get("/after")
    wait_until(lambda: "/after" in log.read_text())
    assert "/after" not in log.with_suffix(".1").read_text()
    assert gw.process.poll() is None


def test_signals_that_mean_nothing_here_do_not_end_it(world):
    gw = world.gateway(respond_config(("r", "/r")))
    gw.signal(signal.SIGPIPE)
    gw.signal(signal.SIGUSR1)  # logs to stderr: nothing to reopen
    gw.signal(signal.SIGUSR1)
    assert gw.get("/r").status == 200


def test_sigterm_during_a_reload_ends_it(world):
    gw = world.gateway(respond_config(*[(f"r{i}", f"/r{i}") for i in range(2000)]))
    for _ in range(5):
        gw.signal(signal.SIGHUP)
    gw.signal(signal.SIGTERM)
    assert gw.wait_exit() == 0


def test_sighup_during_a_drain_is_harmless(world):
    gate = Gate()
    gw, up = world.proxy(held(gate), server={"drain_timeout": "20s"})
    client = gw.connect().send(wire.request("GET", "/"))
    up.wait_requests(1)
    gw.signal(signal.SIGTERM)
    wait_until(lambda: refuses(gw.port))
    gw.signal(signal.SIGHUP)
    gw.signal(signal.SIGUSR1)
    gate.open()
    assert client.read_response().status == 200
    assert gw.wait_exit() == 0


def test_a_tunnel_is_ended_at_the_end_of_the_drain(world):
    def tunnel(request, connection):
        connection.send(
            wire.head("HTTP/1.1 101 Switching Protocols", [("Connection", "Upgrade"), ("Upgrade", "websocket")])
        )
        connection.peer_closed(20)

    up = world.upstream(tunnel)
    gw = world.gateway(proxy_config(up, server={"drain_timeout": "500ms"}))
    client = gw.connect().send(
        wire.request(
            "GET",
            "/",
            [
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Version", "13"),
            ],
        )
    )
    assert client.read_head().status == 101
    gw.signal(signal.SIGTERM)
    assert gw.wait_exit() == 0
    assert client.reader.to_end() == b""


def test_clients_that_waited_for_their_turn_to_be_accepted_are_served_in_a_drain(world):
    gw = world.gateway(respond_config(("r", "/r"), server={"limits": {"connections": 1}}))
    idle = gw.connect()
    assert idle.get("/r").status == 200
    waiting = [gw.connect().send(wire.request("GET", "/r")) for _ in range(5)]
    gw.signal(signal.SIGTERM)
    assert [c.read_response().status for c in waiting] == [200] * 5
    assert gw.wait_exit() == 0


def test_a_unix_socket_left_by_a_crash_is_taken_over(world):
    path = str(world.directory / "gw.sock")
    config = respond_config(("r", "/r"), server={"listen": ["127.0.0.1:0", f"unix:{path}"]})
    first = world.gateway(config)
    first.process.kill()
    first.expected_code = first.wait_exit()
    world.gateway(config)
    with Client(path) as client:
        assert client.get("/r").status == 200


def test_a_unix_socket_in_use_is_not_taken_over(world, tmp_path):
    path = str(world.directory / "gw.sock")
    config = respond_config(("r", "/r"), server={"listen": ["127.0.0.1:0", f"unix:{path}"]})
    world.gateway(config)
    assert command("run", "-c", write_config(tmp_path / "second.yaml", config)).returncode == 1
    with Client(path) as client:
        assert client.get("/r").status == 200


def test_a_unix_socket_survives_a_reload_and_is_gone_at_the_end(world):
    path = world.directory / "gw.sock"
    config = respond_config(("r", "/r"), server={"listen": ["127.0.0.1:0", f"unix:{path}"]})
    gw = world.gateway(config)
    config["routes"][0]["text"] = "new"
    gw.reload(config)
    wait_until(lambda: gw.get("/r").text == "new")
    with Client(str(path)) as client:
        assert client.get("/r").text == "new"
    gw.stop()
    assert not path.exists()
