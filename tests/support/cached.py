"""Pages behind a cache: each has a path of its own and an origin that answers as it was told, so that many tests share
one gateway. Time is never waited for: an answer is made old by its Age or Date."""
import itertools
import threading
import time
from email.utils import formatdate

from support import wire

_numbers = itertools.count(1)


def date(seconds_from_now=0):
    """An IMF-fixdate."""
    return formatdate(time.time() + seconds_from_now, usegmt=True)


def answer(*fields, status=200, body=None, cc=None):
    """What an origin answers: fields as "Name: value" texts; `cc` is its Cache-Control. The body says which call it
    was, where none is given."""
    lines = [tuple(f.split(": ", 1)) for f in fields]
    if cc is not None:
        lines.append(("Cache-Control", cc))
    return {"status": status, "fields": lines, "body": body}


def stale(*fields, cc="max-age=60", **kw):
    """An answer that is older than its lifetime when it comes."""
    return answer("Age: 61", *fields, cc=cc, **kw)


class Origin:
    """The upstream's handler: an answer a call, the last one for ever. An answer may be a function of (request,
    connection) that returns the bytes."""

    def __init__(self):
        self.pages = {}

    def __call__(self, request, connection):
        page = self.pages["/" + request.path.lstrip("/").split("/")[0]]
        return page.respond(request, connection)


class Page:
    def __init__(self, gateway, origin, route, answers):
        self.name = f"/page{next(_numbers)}"
        self.target = f"/{route}{self.name}"
        self._gateway = gateway
        self._answers = list(answers)
        self._lock = threading.Lock()
        self.requests = []  # what the origin was asked
        origin.pages[self.name] = self

    @property
    def calls(self):
        return len(self.requests)

    def then(self, *answers):
        """What it answers from now on."""
        with self._lock:
            self._answers = list(answers)

    def respond(self, request, connection):
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if callable(given):
            return given(request, connection)
        body = f"answer {number}" if given["body"] is None else given["body"]
        text = wire.response(given["status"], given["fields"], body if given["status"] not in (204, 304) else b"")
        return text.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else text

    def fetch(self, method="GET", *fields, query="", below="", body=None):
        headers = [tuple(f.split(": ", 1)) for f in fields]
        return self._gateway.fetch(method, self.target + below + query, headers, body)

    def get(self, *fields, **kw):
        return self.fetch("GET", *fields, **kw)


class Cached:
    """A gateway with some routes that cache, and an origin behind it."""

    ROUTES = {
        "c": {},  # as the upstream says
        "refresh": {"client_refresh": True},
        "ttl": {"ttl": "1h"},
        "errors": {"ttl": "1h", "errors_ttl": "1h"},
        "sie": {"stale_if_error": "1h"},
        "swr": {"stale_while_revalidate": "1h"},
        "small": {"ttl": "1h", "max_bytes": "1KiB"},
        "token": {"ttl": "1h", "key": ["path", "query", "header:authorization"]},
    }

    def __init__(self, world):
        self.origin = Origin()
        self.upstream = world.upstream(self.origin)
        self.gateway = world.gateway(
            {
                "server": {"listen": "127.0.0.1:0", "workers": 2, "drain_timeout": "3s"},
                "admin": {"listen": "127.0.0.1:0"},
                "upstreams": {"up": {"url": self.upstream.url, "retry": {"attempts": 0}, "circuit_breaker": None}},
                "routes": [
                    {
                        "name": name,
                        "path": f"/{name}/{{rest...}}",
                        "view": "proxy-fetch",
                        "source": "up/{rest}",
                        "cache": cache,
                    }
                    for name, cache in self.ROUTES.items()
                ],
            }
        )

    def page(self, *answers, route="c"):
        return Page(self.gateway, self.origin, route, answers or [answer(cc="max-age=60")])


def status_of(response):
    """Our member of Cache-Status (RFC 9211): what it says, in order."""
    members = [m.strip() for v in response.headers.all("cache-status") for m in v.split(",")]
    assert members, f"no Cache-Status in {response}"
    name, *parameters = [p.strip() for p in members[-1].split(";")]
    assert name == "viewgate"
    return dict(p.partition("=")[::2] for p in parameters)


def is_hit(response):
    return "hit" in status_of(response)


def assert_reused(page, *fields, **kw):
    """The second request gets what the first one got, and the origin is asked once."""
    first = page.get(*fields, **kw)
    second = page.get(*fields, **kw)
    assert page.calls == 1, f"asked {page.calls} times; first {first}, second {second}"
    assert (second.status, second.body) == (first.status, first.body)
    assert is_hit(second) and not is_hit(first)
    return second


def assert_not_reused(page, *fields, **kw):
    """The origin is asked for the second request, too, whether to validate or anew."""
    first = page.get(*fields, **kw)
    second = page.get(*fields, **kw)
    assert page.calls == 2, f"asked {page.calls} times; first {first}, second {second}"
    assert not is_hit(second)
    return second
