"""Views while everything fails at random, from a seed: every answer is whole and true, and nothing is left behind."""
import json
import random
import threading

import pytest

from support import wire
from support.rest import (
    Hang, chunked, client_json, close, degraded, empty, garbage, json_of, needs_views, raw, reply, reset, single, status,
    truncated,
)

pytestmark = needs_views()

OBJECT = {"id": 1, "a": {"b": [1, 2]}, "key": "k1"}
FAULTS = [
    reply(OBJECT), reply(OBJECT), reply([OBJECT, {"id": 2, "key": "k2"}]), chunked(b'{"id":', b"1}"), empty(), reset, close,
    garbage, truncated, status(404), status(500), status(503), raw(b"{"), raw(b"x" * 5000),
]  # fmt: skip
ROUTES = [
    {
        "path": "/detail",
        "view": "detail",
        "source": "up/main",
        "include": {
            "free": "up/free",
            "of": "up/of/{object.id}",
            "chain": {"call": "up/chain/{calls.of.id}", "default": 0},
            "slow": {"call": "up/slow", "timeout": "50ms", "default": None},
            "must": {"call": "up/must", "required": True, "when": "{query.must}"},
        },
    },
    {"path": "/all", "view": "aggregate", "include": {n: f"up/{n}" for n in "abcdefgh"}},
    {
        "path": "/list",
        "view": "list",
        "source": {"call": "up/list", "max_bytes": "4KiB"},
        "paginate": {"size": 1, "by": "gateway"},
        "include": {
            "by": {"call": "up/by?k={items.key}", "match": {"key": "key"}, "many": True},
            "each": {"call": "up/each/{item.id}", "concurrency": 2},
        },
        "context": {"c": "up/c"},
    },
    {
        "path": "/save",
        "view": "create",
        "source": "up/save",
        "validate": [{"call": "up/check", "expect": {"id": 1}, "field": "id", "message": "no"}],
        "after": {
            "one": {"call": "POST up/one/{object.id}", "required": True, "undo": "POST up/undo"},
            "two": {"call": "POST up/two", "undo": "POST up/undo"},
            "later": {"call": "POST up/later", "wait": False},
        },
        "undo": "DELETE up/undo",
    },
    {"path": "/bulk", "view": "bulk-update", "source": "PATCH up/bulk/{item.id}", "batch_size": 3, "concurrency": 2},
]


class Chaos:
    """Upstream answers and client behaviour drawn from one seed. Which request gets which fault depends on timing;
    what must hold does not."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.wrong = []

    def choose(self, options):
        with self.lock:
            return self.random.choice(options)

    def answer(self, request, connection):
        return self.choose(FAULTS + ([Hang()] if request.path == "/slow" else []))

    def look(self, method, target, answer):
        """An answer is whole JSON of a status that the view may give."""
        allowed = {200, 201, 204, 404, 422, 502, 503, 504} if method == "POST" else {200, 404, 502, 503, 504}
        assert answer.status in allowed, answer
        if answer.status != 204:
            json.loads(answer.body)
        degraded(answer)

    def client(self, gw, count):
        try:
            for _ in range(count):
                self.one(gw)
        except Exception as error:  # noqa: BLE001: told by the test
            with self.lock:
                self.wrong.append(error)

    def one(self, gw):
        target = self.choose(["/detail", "/detail?must=1", "/all", "/list", "/list?page=2", "/save", "/bulk"])
        method = "POST" if target in ("/save", "/bulk") else "GET"
        body = [{"id": n} for n in range(7)] if target == "/bulk" else OBJECT
        with gw.connect() as client:
            client.send(wire.request(method, target, **(client_json(body) if method == "POST" else {})))
            leaves = self.choose([False, False, False, True])
            if leaves:
                self.choose([client.reset, client.close, client.half_close])()
            else:
                self.look(method, target, client.read_response())


@pytest.mark.parametrize("seed", range(4))
def test_whatever_fails_every_answer_is_whole_and_nothing_is_left(world, seed):
    chaos = Chaos(seed)
    settings = {"pool": {"connections": 20, "per_endpoint": 20, "idle": "100ms"}, "retry": {"attempts": seed % 2}}
    gw, up = single(world, ROUTES, {"* /*": chaos.answer}, settings, top={"defaults": {"timeout": "5s"}})
    files = gw.open_files()
    clients = [threading.Thread(target=chaos.client, args=(gw, 40)) for _ in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(120)
    assert not chaos.wrong, chaos.wrong[:3]
    up.wait_idle(20)
    up.wait_for(lambda u: u.open == 0, 20)
    gw.wait_files(files)
    up.table = {"* /*": reply(OBJECT)}
    assert json_of(gw.get("/all")) == {n: OBJECT for n in "abcdefgh"}
