"""Starts the real binary with a configuration, learns its ports from its log, and sees that it ends well."""
import functools
import json
import os
import re
import signal
import subprocess
import textwrap
import threading
import time
from pathlib import Path

from support.client import Client
from support.http2 import Frames, Session

ROOT = Path(__file__).resolve().parents[2]
LISTENING = re.compile(r"listening on ([^\s\"]+):(\d+)(?: \(([^)]+)\))?")
ADMIN = re.compile(r"admin on ([^\s\"]+):(\d+)")
READY = re.compile(r"(?:^|[\s\"])ready(?:\"|\s*$)")
SANITIZER = re.compile(r"AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")
START_TIMEOUT = 20


def binary():
    return os.environ.get("VIEWGATE_BIN", str(ROOT / "build" / "release" / "viewgate"))


@functools.lru_cache
def sanitized():
    """True for a build whose memory and times say nothing about the product's."""
    program = Path(binary()).read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


def write_config(path, config):
    """A configuration as YAML text, or as a dict (JSON is YAML)."""
    text = textwrap.dedent(config) if isinstance(config, str) else json.dumps(config, indent=1)
    Path(path).write_text(text)
    return path


def command(*args, env=None, cwd=None, timeout=20):
    """Runs a command of viewgate to its end."""
    return subprocess.run(
        [binary(), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )


def wait_until(condition, timeout=10, what="the condition"):
    """Looks again and again until condition() is true; its value. For what nobody tells us."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout} s"
        pause.wait(0.01)


def proxy_config(upstreams, route=None, server=None, upstream=None, **top):
    """A gateway whose one route passes everything on to `up`. `upstreams`: an Upstream, a URL or a list. Without a
    circuit breaker, since tests fail their upstreams often."""
    many = upstreams if isinstance(upstreams, list) else [upstreams]
    urls = [u if isinstance(u, (str, dict)) else u.url for u in many]
    where = {"url": urls[0]} if len(urls) == 1 and isinstance(urls[0], str) else {"urls": urls}
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 1, "drain_timeout": "3s", **(server or {})},
        **top,
        "upstreams": {"up": {**where, "circuit_breaker": None, **(upstream or {})}},
        "routes": [
            {"name": "all", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}", **(route or {})}
        ],
    }


def respond_config(*routes, server=None, **top):
    """A gateway of `respond` routes. Each route: a dict, or (name, path) that answers its name and is found by it."""
    made = []
    for route in routes:
        if isinstance(route, tuple):
            name, path, *more = route
            route = {"name": name, "path": path, "view": "respond", "text": name, **(more[0] if more else {})}
        made.append(route)
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 1, "drain_timeout": "3s", **(server or {})},
        **top,
        "routes": made,
    }


class Gateway:
    """A running gateway. stop() ends it by SIGTERM and fails if it does not end with 0 or a sanitizer spoke."""

    def __init__(self, directory, config, env=None, log_file=None, wrapper=(), pass_fds=(), wait=True):
        self.directory = Path(directory)
        self.config_file = write_config(self.directory / "viewgate.yaml", config)
        self.lines = []
        self.changed = threading.Condition()
        self.listeners = []  # (host, port, name)
        self.admin_address = None
        self.ready = False
        self.clients = []
        self.expected_code = 0
        self.ending = False  # was told to end: a second signal would cut it short
        self.process = subprocess.Popen(
            [*wrapper, binary(), "run", "-c", str(self.config_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            pass_fds=pass_fds,
            cwd=self.directory,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if wait:
            self.wait_ready(log_file)

    # The log

    def _read_log(self):
        for raw in self.process.stderr:
            self._take(raw.decode("utf-8", "replace").rstrip("\n"))

    def _take(self, line):
        with self.changed:
            self.lines.append(line)
            if match := LISTENING.search(line):
                self.listeners.append((match[1].strip("[]"), int(match[2]), match[3]))
            elif match := ADMIN.search(line):
                self.admin_address = (match[1].strip("[]"), int(match[2]))
            elif READY.search(line):
                self.ready = True
            self.changed.notify_all()

    def wait_ready(self, log_file=None):
        deadline = time.monotonic() + START_TIMEOUT
        taken = 0
        while not self.ready:
            if log_file and Path(log_file).exists():
                lines = Path(log_file).read_text().splitlines()
                for line in lines[taken:]:
                    self._take(line)
                taken = len(lines)
            with self.changed:
                self.changed.wait_for(lambda: self.ready, 0.02)
            if self.process.poll() is not None and not self.ready:
                self._reader.join(5)
                raise AssertionError(
                    f"viewgate ended with {self.process.returncode} at its start:\n" + "\n".join(self.lines)
                )
            assert time.monotonic() < deadline, "viewgate was not ready in time:\n" + "\n".join(self.lines)

    def wait_log(self, pattern, timeout=10, since=0):
        """The first line from `since` on that matches."""
        wanted = re.compile(pattern)
        found = []

        def look():
            found[:] = [line for line in self.lines[since:] if wanted.search(line)]
            return found

        with self.changed:
            assert self.changed.wait_for(look, timeout), f"no log line matches {pattern!r}:\n" + "\n".join(
                self.lines[-40:]
            )
        return found[0]

    # Talking to it

    def port_of(self, name=None):
        ports = [port for _, port, given in self.listeners if given == name]
        assert ports, f"no listener {name!r} among {self.listeners}"
        return ports[-1]

    @property
    def port(self):
        return self.port_of(None)

    @property
    def pid(self):
        return self.process.pid

    def connect(self, listener=None, port=None, host="127.0.0.1", **kw):
        client = Client((host, port or self.port_of(listener)), **kw)
        self.clients.append(client)
        return client

    def http2(self, settings=None, **kw):
        """A well-behaved HTTP/2 connection: with prior knowledge, or over `tls` with ALPN."""
        return Session(self.connect(**kw), settings)

    def frames(self, *begin, **kw):
        """An HTTP/2 connection that sends whatever it is told."""
        return Frames(self.connect(**kw), *begin)

    def fetch(self, method, target, headers=(), body=None, listener=None, port=None, **kw):
        """One request on a connection of its own."""
        with self.connect(listener, port) as client:
            return client.request(method, target, [("Connection", "close"), *headers], body, **kw)

    def get(self, target="/", headers=(), **kw):
        return self.fetch("GET", target, headers, **kw)

    def admin(self, target, headers=(), method="GET"):
        with Client(self.admin_address) as client:
            return client.request(method, target, [("Connection", "close"), *headers], host="127.0.0.1")

    def metric(self, name, **labels):
        """The sum of a metric's samples with these labels, whatever the others; None if there is none."""
        values = [
            float(line.rsplit(" ", 1)[1])
            for line in self.admin("/metrics").text.splitlines()
            if re.match(re.escape(name) + r"(\{.*\})? ", line)
            and all(f'{label}="{value}"' in line for label, value in labels.items())
        ]
        return sum(values) if values else None

    def resident_bytes(self, field="VmRSS"):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(field + r":\s+(\d+) kB", status)[1]) * 1024

    def growth(self, since, field="VmRSS"):
        """How many bytes of memory more than `since`; 0 under a sanitizer, which keeps what was freed."""
        return 0 if sanitized() else self.resident_bytes(field) - since

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_files(self, before, timeout=10):
        """Waits until no more files are open than `before` and what is opened at first use; else names them."""
        most = before + 2
        try:
            wait_until(lambda: self.open_files() <= most, timeout)
        except AssertionError:
            names = sorted(os.readlink(entry) for entry in Path(f"/proc/{self.pid}/fd").iterdir())
            raise AssertionError(f"more than {most} files are open: {names}") from None

    # Changing it, ending it

    def rewrite(self, config):
        """Puts another configuration in the file's place, as an editor would: at once."""
        fresh = self.directory / "viewgate.yaml.new"
        write_config(fresh, config)
        fresh.replace(self.config_file)

    def reload(self, config=None):
        """SIGHUP, with another configuration. Does not wait: what the reload does is for the test to see."""
        if config is not None:
            self.rewrite(config)
        self.signal(signal.SIGHUP)

    def signal(self, number):
        self.ending = self.ending or number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def wait_exit(self, timeout=15):
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def stop(self):
        """Ends it; fails unless it ends with expected_code and no sanitizer had something to say."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            if not self.ending:
                self.signal(signal.SIGTERM)
            try:
                self.wait_exit(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait_exit()
                raise AssertionError("viewgate did not end after SIGTERM:\n" + "\n".join(self.lines[-40:])) from None
        self._reader.join(5)
        self.assert_clean()

    def assert_clean(self):
        text = "\n".join(self.lines)
        assert not SANITIZER.search(text), text
        assert self.process.returncode == self.expected_code, (
            f"viewgate ended with {self.process.returncode}:\n" + text[-4000:]
        )
