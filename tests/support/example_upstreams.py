"""Services for the examples of config/examples/: scripted JSON upstreams that answer, fail, delay and lie.

An answer is a value (sent as JSON), bytes (sent as they are: a whole response), or a function of (request, connection) that
returns one of these or nothing after it answered itself. What no script names is answered 404 and fails the test.
"""
import json
import os
import re
from urllib.parse import parse_qs

import pytest

from support import wire
from support.gateway import ROOT, binary, command

EXAMPLES = ROOT / "config" / "examples"
JSON = ("Content-Type", "application/json")
DEFAULT_MAX_BYTES = 4 * 1024 * 1024


def skip_unless_views_run():
    """For the top of a module: skips it with a viewgate that has no composed views."""
    if os.access(binary(), os.X_OK):
        said = command("check", "-c", EXAMPLES / "product-detail.yaml")
        if re.search(r'view "detail" is not supported', said.stdout + said.stderr):
            pytest.skip("this viewgate has no composed views", allow_module_level=True)


def answer(value, status=200, headers=()):
    """A JSON answer. `value` of bytes is JSON text already."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return wire.response(status, [JSON, *headers], text)


def reset(request, connection):
    connection.reset()


def close(request, connection):
    connection.close()


def hang(request, connection):
    """Never answers; ends when the gateway has closed the connection, as it must when it stops waiting."""
    assert connection.peer_closed(30), "the gateway kept the connection of a call that it gave up"
    connection.close()


def cut(request, connection):
    """Announces more than it sends."""
    connection.send(wire.head("HTTP/1.1 200 OK", [JSON, ("Content-Length", 100)]) + b'{"id": 5')
    connection.close()


def huge(request, connection):
    """Valid JSON, larger than a call takes. The gateway may stop reading it at any byte."""
    try:
        connection.send(answer(b'["' + b"x" * (DEFAULT_MAX_BYTES + 1024) + b'"]'))
    except OSError:
        connection.close()


# What an upstream can do wrong: the script, and the reason that Viewgate-Degraded gives for it.
FAULTS = {
    "500": (answer({"error": "broken"}, 500), "status_500"),
    "503": (answer({"error": "busy"}, 503), "status_503"),
    "404": (answer({"error": "nothing"}, 404), "status_404"),
    "401": (answer({"error": "who"}, 401), "status_401"),
    "redirect": (wire.response(302, [("Location", "/elsewhere")]), "status_302"),
    "reset": (reset, "reset"),
    "close": (close, "reset"),
    "cut": (cut, "reset"),
    "hang": (hang, "timeout"),
    "huge": (huge, "too_large"),
    "half": (answer(b'{"id": 5, "name": '), "invalid_json"),
    "html": (wire.response(200, [("Content-Type", "text/html")], b"<h1>It works</h1>"), "invalid_json"),
    "two-values": (answer(b"[] []"), "invalid_json"),
    "not-utf8": (answer(b'["\xff"]'), "invalid_json"),
    "bare-nan": (answer(b"[NaN]"), "invalid_json"),
    "too-deep": (answer(b"[" * 200 + b"]" * 200), "invalid_json"),
}
# The same for a call that is the only one of its kind: what the client gets when the view can't do without it.
FATAL = {
    "500": 502, "503": 502, "redirect": 502, "reset": 502, "close": 502, "cut": 502, "hang": 504, "huge": 502, "half": 502,
    "html": 502, "two-values": 502, "not-utf8": 502, "bare-nan": 502, "too-deep": 502,
}


# In these the upstream says that it did what was asked, and something more that can't be read.
SAID_DONE = {"half", "html", "two-values", "not-utf8", "bare-nan", "too-deep"}


class Service:
    """One scripted service: a table of answers by "METHOD /path". `asked` lists what was asked, in the order of arrival.

    A call that was cancelled may arrive when the next test has begun. So each test has a host name of its own, which the
    gateway passes on as X-Forwarded-Host: requests of another one are not this test's."""

    def __init__(self, world, answers):
        self.host = None
        self.first_answers = dict(answers)
        self.answers = dict(answers)
        self.upstream = world.upstream(self._handle)
        self.stopped = False

    def __setitem__(self, name, scripted):
        self.answers[name] = scripted

    @property
    def requests(self):
        return [r for r in self.upstream.requests if self._is_mine(r)]

    def _is_mine(self, request):
        return request.headers.get("x-forwarded-host") == self.host

    @property
    def asked(self):
        return [f"{r.method} {r.path}" for r in self.requests]

    def only(self, name):
        """The request that was made exactly once."""
        found = [r for r in self.requests if f"{r.method} {r.path}" == name]
        assert len(found) == 1, f"{name}: {self.asked}"
        return found[0]

    def wait(self, count=1):
        """Until so many requests have come, with all of their content."""
        self.upstream.wait_for(lambda u: len([r for r in self.requests if r.complete]) >= count)

    def stop(self):
        self.stopped = True
        self.upstream.stop(reset=True)

    def reset(self, host):
        """As at the beginning."""
        self.host = host
        if self.stopped:
            self.upstream.start()
        self.stopped = False
        self.answers = dict(self.first_answers)
        self.upstream.requests.clear()
        self.upstream.most_busy = 0

    def check(self):
        failures, self.upstream.failures = self.upstream.failures, []
        assert failures == []

    def _handle(self, request, connection):
        scripted = self.answers.get(f"{request.method} {request.path}")
        if not self._is_mine(request):
            return wire.response(404)
        if scripted is None:
            self.upstream.failures.append(AssertionError(f"nobody expected {request.method} {request.target}"))
            return wire.response(404)
        while callable(scripted):
            scripted = scripted(request, connection)
        if scripted is None or isinstance(scripted, bytes):
            return scripted
        return answer(scripted)


class Example:
    """The gateway of one example file, and a service for each upstream that the file names. For many tests: fresh().

    Where a service hangs, the gateway has the file as it is; else one with more patience, for a machine that is busy."""

    def __init__(self, world, file, services, env=None):
        self.services = {name: Service(world, answers) for name, answers in services.items()}
        urls = {f"{name.upper()}_URL": service.upstream.url for name, service in self.services.items()}
        self.text = (EXAMPLES / file).read_text(encoding="utf-8")
        self.environment = {"LISTEN": "127.0.0.1:0", **urls, **(env or {})}
        self.world = world
        self.gateways = {}
        self.tests = 0
        self.reset()

    @property
    def gateway(self):
        exact = any(hang in service.answers.values() for service in self.services.values())
        if exact not in self.gateways:
            text = self.text if exact else re.sub(r"\btimeout: \d+m?s\b", "timeout: 30s", self.text)
            # Tests fail a service more often than it is asked for after that.
            text = re.sub(r"(\{url: [^,}]*_URL[^\"]*\",)", r"\1 circuit_breaker: null,", text)
            text = re.sub(r"(\n +)(url: \"[^\"]*_URL[^\"]*\"\n)", r"\1\2\1circuit_breaker: null\n", text)
            self.gateways[exact] = self.world.gateway(text, env=self.environment)
        return self.gateways[exact]

    @property
    def host(self):
        return f"test-{self.tests}.example"

    def reset(self):
        self.tests += 1
        for service in self.services.values():
            service.reset(self.host)

    def __getitem__(self, name):
        return self.services[name]

    def get(self, target, headers=()):
        return self.fetch("GET", target, headers)

    def fetch(self, method, target, headers=(), body=None):
        return self.gateway.fetch(method, target, headers, body, host=self.host)

    def begin(self, method, target, headers=(), body=None):
        """Sends a request; the client, whose answer is still to be read."""
        return self.gateway.connect().send(wire.request(method, target, headers, body, host=self.host))

    def send(self, method, target, body, headers=()):
        """A request with a JSON body; bytes go out as they are, with the Content-Type among `headers` if there is one."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        typed = headers if any(n.lower() == "content-type" for n, _ in headers) else [JSON, *headers]
        return self.fetch(method, target, typed, data)

    def stop(self, name):
        """From now on nobody listens where this service was."""
        self.services[name].stop()

    def fresh(self):
        """For a fixture: `yield from example.fresh()`. The services are as at the beginning, and checked at the end."""
        self.reset()
        yield self
        for service in self.services.values():
            service.check()


def parse(text):
    """JSON in a form in which the order of members counts and numbers are the text they were."""
    return json.loads(text, object_pairs_hook=tuple, parse_int=_number, parse_float=_number)


def _number(text):
    return ("number", text)


def same(answered, expected):
    """The content of an answer is this JSON: a value, or text as bytes where the text of numbers matters."""
    assert answered.headers.one("content-type").split(";")[0].endswith("json"), answered
    assert parse(answered.body) == parse(expected if isinstance(expected, bytes) else json.dumps(expected))
    return True


def degraded(answered):
    """The parts that Viewgate-Degraded names, with their reasons, in its order."""
    value = answered.headers.get("viewgate-degraded", "")
    parts = [part.strip().split(";") for part in value.split(",") if part.strip()]
    return {name: parameters[0].removeprefix("reason=") for name, *parameters in parts}


def query(request):
    """The query parameters of a request, decoded, as a dict of lists."""
    return parse_qs(request.target.partition("?")[2], keep_blank_values=True, strict_parsing="?" in request.target)


def problem(answered, status):
    """The members of an RFC 9457 error."""
    assert answered.status == status, answered
    assert answered.headers.one("content-type").split(";")[0] == "application/problem+json"
    found = json.loads(answered.body)
    assert found["status"] == status and found["title"]
    return found
