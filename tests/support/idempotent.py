"""Writes that carry an Idempotency-Key, and an upstream that counts them."""
import itertools

from support import wire
from support.gateway import wait_until

_keys = itertools.count(1)
REQUESTS = "viewgate_idempotency_requests_total"


def fresh_key():
    return f"key-{next(_keys)}"


def config(upstream, idempotency="24h", workers=2, route=None, routes=(), **top):
    """A proxy-fetch route over `upstream`, and others."""
    made = {"name": "all", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}",
            "idempotency": idempotency, **(route or {})}
    return {
        "server": {"listen": "127.0.0.1:0", "workers": workers, "drain_timeout": "3s", **top.pop("server", {})},
        "admin": {"listen": "127.0.0.1:0"},
        "upstreams": {"up": {"url": upstream.url, "retry": {"attempts": 0}, "circuit_breaker": None}},
        "routes": [*routes, made],
        **top,
    }


class Orders:
    """The upstream's handler: what it answers, call by call, the last one for ever; else 201 and a number."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = 0

    def __call__(self, request, connection):
        self.calls += 1
        given = None
        if self.answers:
            given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(given):
            return given(request, connection)
        if given is not None:
            return given
        fields = [("X-Number", self.calls), ("Location", f"/made/{self.calls}"), ("Content-Type", "text/plain")]
        return wire.response(201, fields, b"made %d" % self.calls)


def post(gw, key, body=b"{}", target="/orders", headers=(), method="POST", **kw):
    fields = [("Idempotency-Key", key)] if key is not None else []
    return gw.fetch(method, target, [*fields, *headers], body, **kw)


def replayed(answer):
    return answer.headers.all("idempotency-replayed") == ["true"]


def lines(answer):
    """What must be the same whenever it is given: all but what is of one request."""
    own = {"x-request-id", "idempotency-replayed", "connection"}
    return answer.status, sorted((n.lower(), v) for n, v in answer.headers if n.lower() not in own), answer.body


def wait_up(gw, up=1):
    wait_until(lambda: gw.metric("viewgate_redis_up") == up, what=f"redis_up {up}")
