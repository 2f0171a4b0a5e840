"""A real redis-server of one test: on a free port, or a unix socket in the test's own directory."""
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from support.gateway import wait_until

PROGRAM = shutil.which("redis-server")


def free_port():
    """A port that nobody had a moment ago; start() tries another one if it is taken meanwhile."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Redis:
    """Runs until stop(). hang() and go_on() are SIGSTOP and SIGCONT."""

    def __init__(self, directory, unix=False, password=None, extra=()):
        if PROGRAM is None:
            pytest.skip("redis-server is not installed")
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.password = password
        self.extra = list(extra)
        self.socket_file = self.directory / "r.sock" if unix else None
        self.port = 0
        self.process = None
        self.start()

    @property
    def url(self):
        if self.socket_file:
            return f"unix:{self.socket_file}"
        user = f":{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def start(self):
        """Starts it, again at the same address."""
        for _ in range(5):
            port = self.port or (0 if self.socket_file else free_port())
            args = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
            args += ["--dir", str(self.directory)]
            args += ["--unixsocket", str(self.socket_file)] if self.socket_file else []
            args += ["--requirepass", self.password] if self.password else []
            with open(self.directory / "redis.log", "ab") as log:
                self.process = subprocess.Popen([PROGRAM, *args, *self.extra], stdout=log, stderr=log)
            self.port = port
            if wait_until(lambda: self.process.poll() is not None or self._answers(), what="redis-server") is True:
                if self.process.poll() is None:
                    return
            assert self.socket_file is None, (self.directory / "redis.log").read_text()
            self.port = 0
        raise AssertionError((self.directory / "redis.log").read_text())

    def _answers(self):
        try:
            return self.command("PING") is not None
        except OSError:
            return False

    def connection(self):
        if self.socket_file:
            s = socket.socket(socket.AF_UNIX)
            address = str(self.socket_file)
        else:
            s = socket.socket()
            address = ("127.0.0.1", self.port)
        s.settimeout(10)
        try:
            s.connect(address)
        except OSError:
            s.close()
            raise
        return s

    def command(self, *words):
        """One command on a connection of its own; the reply as text, int, None or list. Errors as RuntimeError."""
        with self.connection() as s, s.makefile("rb") as replies:
            if self.password:
                s.sendall(encode("AUTH", self.password))
                read_reply(replies)
            s.sendall(encode(*words))
            return read_reply(replies)

    def hang(self):
        """Returns when it was told to, by time.monotonic()."""
        told = time.monotonic()
        self.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: " T " in Path(f"/proc/{self.process.pid}/stat").read_text(), what="SIGSTOP")
        return told

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def restart(self):
        self.kill()
        self.start()

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.kill()


def encode(*words):
    raw = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in raw)


def read_reply(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("the connection ended")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b"+":
        return rest.decode()
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2].decode("latin-1")
    if kind == b"*":
        return None if rest == b"-1" else [read_reply(stream) for _ in range(int(rest))]
    raise AssertionError(f"not a reply: {line!r}")
