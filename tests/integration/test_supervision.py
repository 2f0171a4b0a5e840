"""Under systemd: Type=notify, the watchdog, and sockets handed over (SPEC sections 1 and 2)."""
import os
import signal
import socket
import sys
import time

import pytest

from support import wire
from support.gateway import proxy_config, respond_config, wait_until
from support.upstream import Gate


class Manager:
    """The receiving end of sd_notify."""

    def __init__(self, directory):
        self.path = str(directory / "notify.sock")
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(self.path)
        self.seen = []

    def wait(self, assignment, timeout=10):
        """The next message with this assignment, as a dict."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"no {assignment} among {self.seen}"
            self._sock.settimeout(left)
            try:
                message = self._sock.recv(4096).decode()
            except TimeoutError:
                continue
            self.seen.append(message)
            if assignment in message.split("\n"):
                return dict(line.partition("=")[::2] for line in message.split("\n") if line)

    def stop(self):
        self._sock.close()


@pytest.fixture
def manager(world, tmp_path):
    return world.own(Manager(tmp_path))


CONFIG = respond_config(("r", "/r"))


def test_ready_comes_when_it_serves(world, manager):
    gw = world.gateway(CONFIG, env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    assert gw.get("/r").status == 200


def test_a_reload_is_announced_with_its_time_and_its_end(world, manager):
    gw = world.gateway(CONFIG, env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    gw.signal(signal.SIGHUP)
    message = manager.wait("RELOADING=1")
    assert before <= int(message["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.wait("READY=1")


def test_a_reload_that_fails_is_ready_again_too(world, manager):
    gw = world.gateway(CONFIG, env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    gw.reload("nonsense: [")
    manager.wait("RELOADING=1")
    manager.wait("READY=1")


def test_stopping_is_announced(world, manager):
    gw = world.gateway(CONFIG, env={"NOTIFY_SOCKET": manager.path})
    manager.wait("READY=1")
    gw.signal(signal.SIGTERM)
    manager.wait("STOPPING=1")
    assert gw.wait_exit() == 0


def test_the_watchdog_is_fed_also_when_idle_and_while_draining(world, manager):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return wire.response(body=b"ok")

    up = world.upstream(held)
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "600000"}
    gw = world.gateway(proxy_config(up, server={"drain_timeout": "20s"}), env=env)
    begin = time.monotonic()
    for _ in range(3):
        manager.wait("WATCHDOG=1", 1)
    assert time.monotonic() - begin < 1.8
    client = gw.connect().send(wire.request("GET", "/"))
    up.wait_requests(1)
    gw.signal(signal.SIGTERM)
    manager.wait("STOPPING=1")
    for _ in range(2):
        manager.wait("WATCHDOG=1", 1)
    gate.open()
    assert client.read_response().status == 200


def test_a_watchdog_for_another_process_is_not_fed(world, manager):
    world.gateway(CONFIG, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
    manager.wait("READY=1")
    with pytest.raises(AssertionError):
        manager.wait("WATCHDOG=1", 0.6)


def test_an_abstract_notify_socket_works(world):
    name = f"vg-test-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(10)
        world.gateway(CONFIG, env={"NOTIFY_SOCKET": "@" + name})
        assert "READY=1" in sock.recv(4096).decode()


def test_a_notify_socket_that_is_gone_hurts_nobody(world, tmp_path):
    gw = world.gateway(CONFIG, env={"NOTIFY_SOCKET": str(tmp_path / "none.sock")})
    assert gw.get("/r").status == 200


# Puts the given sockets at descriptors 3, 4, ... and becomes the command, as systemd does.
WRAPPER = """
import os, sys
count = int(sys.argv[1])
given = [int(n) for n in sys.argv[2:2 + count]]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(given)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
for fd in given:
    if fd >= 3 + count:
        os.close(fd)
os.environ["LISTEN_PID"] = os.environ.get("VG_TEST_PID", str(os.getpid()))
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""


def handed_over(world, config, sockets, names, env=None):
    numbers = [s.fileno() for s in sockets]
    wrapper = [sys.executable, "-c", WRAPPER, str(len(numbers)), *map(str, numbers)]
    env = {"LISTEN_FDS": str(len(numbers)), "LISTEN_FDNAMES": ":".join(names), **(env or {})}
    return world.gateway(config, wrapper=wrapper, pass_fds=numbers, env=env)


def listening():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    return sock


@pytest.mark.parametrize("workers", [1, 2])
def test_a_socket_handed_over_is_served_by_all_workers(world, workers):
    with listening() as sock:
        port = sock.getsockname()[1]
        config = respond_config(("r", "/r"), server={"listen": "systemd:web", "workers": workers})
        gw = handed_over(world, config, [sock], ["web"])
        clients = [gw.connect(port=port) for _ in range(40)]
        assert [c.get("/r").text for c in clients] == ["r"] * 40


def test_sockets_are_told_apart_by_their_names(world):
    with listening() as first, listening() as second:
        ports = first.getsockname()[1], second.getsockname()[1]
        server = {"listen": [{"address": "systemd:two"}, {"address": "systemd:one", "name": "inner"}]}
        config = respond_config(("public", "/p"), ("inner", "/p", {"listener": "inner"}), server=server)
        gw = handed_over(world, config, [first, second], ["one", "two"])
        assert [gw.get("/p", port=p).text for p in ports] == ["inner", "public"]


def test_a_socket_handed_over_survives_a_reload(world):
    def saying(text):
        route = {"name": "r", "path": "/r", "view": "respond", "text": text}
        return respond_config(route, server={"listen": "systemd:web"})

    with listening() as sock:
        port = sock.getsockname()[1]
        gw = handed_over(world, saying("one"), [sock], ["web"])
        assert gw.get("/r", port=port).text == "one"
        gw.reload(saying("two"))
        wait_until(lambda: gw.get("/r", port=port).text == "two")


def test_a_name_that_was_not_handed_over_is_a_failure_at_the_start(world):
    config = respond_config(("r", "/r"), server={"listen": "systemd:other"})
    with listening() as sock, pytest.raises(AssertionError, match="ended with (1|78)"):
        handed_over(world, config, [sock], ["web"])


def test_sockets_meant_for_another_process_are_not_taken(world):
    config = respond_config(("r", "/r"), server={"listen": "systemd:web"})
    with listening() as sock, pytest.raises(AssertionError, match="ended with (1|78)"):
        handed_over(world, config, [sock], ["web"], env={"VG_TEST_PID": "1"})
