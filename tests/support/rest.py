"""Scripted JSON services and gateways of views in front of them.

A service is a table: {"GET /items/5": answer, "GET /items/*": answer}. An answer is a JSON value, or what one of the
functions below makes, or any callable(request, connection) that returns one of these (None: it has answered by itself).
What is not in the table fails the test. Order is made by gates and barriers that handlers wait at, never by time.
"""
import fnmatch
import functools
import json
import os
import re
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from support import wire
from support.gateway import binary, command, write_config
from support.upstream import Upstream

PATIENCE = 10  # seconds that handlers wait for what must happen; a test that needs them has failed


# Answers


def reply(value, status=200, headers=()):
    return raw(json.dumps(value, ensure_ascii=False).encode(), status, headers)


def raw(body, status=200, headers=(("Content-Type", "application/json"),)):
    return lambda request, connection: wire.response(status, headers, body)


def _made(answer):
    return answer if callable(answer) else reply(answer)


def status(code, value=None, headers=()):
    return reply({"from": "upstream", "status": code} if value is None else value, code, headers)


def empty(code=204):
    return raw(b"", code, ())


def reset(request, connection):
    connection.reset()


def close(request, connection):
    connection.close()


def garbage(request, connection):
    connection.send(b"SMTP 220 ready\r\n\r\n")
    connection.close()


def truncated(request, connection):
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":')
    connection.close()


def chunked(*pieces, headers=()):
    def answer(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), *headers]))
        connection.send(wire.chunked(*pieces))

    return answer


def held(gate, then):
    """Waits until the test opens the gate."""

    def answer(request, connection):
        gate.hold(PATIENCE)
        return _made(then)

    return answer


def meet(barrier, then):
    """Answers when all parties of a threading.Barrier are there: proof that they are under way at once."""

    def answer(request, connection):
        try:
            barrier.wait(PATIENCE)
        except threading.BrokenBarrierError:
            raise AssertionError(f"{request} waited alone: the calls do not run at once") from None
        return _made(then)

    return answer


def sequence(*answers):
    """Successive answers; the last one stays."""
    left = [_made(a) for a in answers]
    lock = threading.Lock()

    def answer(request, connection):
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return answer


class Hang:
    """Never answers. `began` is set when a request came, `gone` when the gateway gave the connection up."""

    def __init__(self):
        self.began = threading.Event()
        self.gone = threading.Event()

    def __call__(self, request, connection):
        self.began.set()
        if connection.peer_closed(20):
            self.gone.set()
        connection.close()


class Api(Upstream):
    """A service with a table of answers. wait_for() and the counts of Upstream are there, too."""

    def __init__(self, table):
        self.table = table
        super().__init__(self._answer)

    def _find(self, request):
        for key in (f"{request.method} {request.target}", f"{request.method} {request.path}"):
            if key in self.table:
                return self.table[key]
        for pattern, found in self.table.items():
            if "*" in pattern and fnmatch.fnmatchcase(f"{request.method} {request.path}", pattern):
                return found
        raise AssertionError(f"nobody scripted {request.method} {request.target}")

    def _answer(self, request, connection):
        found = self._find(request)
        while True:
            if isinstance(found, bytes):
                return found
            if not callable(found):
                return reply(found)(request, connection)
            found = found(request, connection)
            if found is None:
                return None

    @property
    def lines(self):
        """All that was asked, as "METHOD target", in order of arrival."""
        return [f"{r.method} {r.target}" for r in self.requests]

    def calls(self, line):
        """The requests of "METHOD /path" (a pattern), in order of arrival."""
        return [r for r in self.requests if fnmatch.fnmatchcase(f"{r.method} {r.path}", line)]

    def only(self, line):
        found = self.calls(line)
        assert len(found) == 1, f"{line}: {self.lines}"
        return found[0]

    def wait_call(self, line, count=1, timeout=PATIENCE):
        self.wait_for(lambda api: len(api.calls(line)) >= count, timeout)
        return self.calls(line)[count - 1]

    def wait_idle(self, timeout=PATIENCE):
        self.wait_for(lambda api: api.busy == 0, timeout)


def query(request):
    """The query of a request (or of a URL), decoded as a form: pairs in order."""
    target = request if isinstance(request, str) else request.target
    return parse_qsl(urlsplit(target).query, keep_blank_values=True, errors="surrogateescape")


def body_of(request):
    return json.loads(request.body)


# Gateways


def start(world, routes, settings=None, top=None, **tables):
    """A gateway of these routes, and the services by name, each `NAME=table`. settings: NAME -> of the upstream."""
    apis = {}
    for name, table in tables.items():
        apis[name] = Api(table)
        world.upstreams.append(apis[name])
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1, "drain_timeout": "5s"},
        **(top or {}),
        "upstreams": {
            name: {"url": api.url, "retry": 0, "circuit_breaker": None, **((settings or {}).get(name, {}))}
            for name, api in apis.items()
        },
        "routes": routes if isinstance(routes, list) else [routes],
    }
    return world.gateway(config), SimpleNamespace(**apis)


def single(world, routes, table, settings=None, **kw):
    """The same with one service, `up`."""
    gw, apis = start(world, routes, {"up": settings or {}}, up=table, **kw)
    return gw, apis.up


@functools.lru_cache
def _refused(view):
    if not os.access(binary(), os.X_OK):
        return False  # conftest.py says so
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "upstreams": {"up": {"url": "http://127.0.0.1:1"}},
            "routes": [{"path": "/x", "view": view, "source": "up/x"}],
        }
        done = command("check", "-c", write_config(Path(folder) / "v.yaml", config))
    return f'view "{view}" is not supported' in done.stdout + done.stderr


def needs_views():
    """For `pytestmark`: skips a module where the binary refuses views by name."""
    return pytest.mark.skipif(_refused("detail"), reason="this binary refuses view: detail as not supported")


# What came back


def json_of(answer, code=200):
    assert answer.status == code, answer
    assert answer.headers.one("content-type").split(";")[0] == "application/json"
    return json.loads(answer.body)


def problem(answer, code):
    assert answer.status == code, answer
    assert answer.headers.one("content-type").split(";")[0] == "application/problem+json"
    body = json.loads(answer.body)
    assert body["status"] == code and body["title"]
    return body


def degraded(answer):
    """Viewgate-Degraded as {call: reason}; {} if it is not there."""
    found = {}
    for entry in ",".join(answer.headers.all("viewgate-degraded")).split(","):
        if entry.strip():
            match = re.fullmatch(r"\s*([^;,\s]+);reason=([a-z_]+(?:_[0-9]{3})?)\s*", entry)
            assert match, f"bad entry {entry!r} of Viewgate-Degraded"
            assert match[1] not in found, f"{match[1]} is there twice"
            found[match[1]] = match[2]
    return found


def squeeze(text):
    """JSON without the blanks between its tokens, all else as it is."""
    return re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda m: m[1] or b"", text)


def client_json(value, *headers):
    """Arguments of fetch() for a JSON body."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {"headers": [("Content-Type", "application/json"), *headers], "body": body}
