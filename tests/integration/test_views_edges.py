"""What calls and bodies of views do at the edges: slow and odd upstreams, small pools, clients that leave, reloads."""
import base64
import gzip
import hashlib
import hmac
import threading

import pytest

from support import wire
from support.gateway import command, write_config
from support.rest import (
    Hang, client_json, degraded, held, json_of, meet, needs_views, problem, query, raw, reply, single, start, status
)
from support.upstream import Gate

pytestmark = needs_views()


def aggregate(**include):
    return {"path": "/r", "view": "aggregate", "include": include}


class Trickle:
    """Sends a head and the beginning of a body, and never the rest."""

    def __init__(self):
        self.gone = threading.Event()

    def __call__(self, request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1,")
        if connection.peer_closed(20):
            self.gone.set()
        connection.close()


# Upstreams


@pytest.mark.parametrize("of", ["call", "upstream"])
def test_a_timeout_counts_until_the_content_is_whole(world, of):
    trickle = Trickle()
    call = {"call": "up/a", "timeout": "200ms"} if of == "call" else "up/a"
    route = aggregate(a=call, b="other/b")
    settings = {"up": {"timeout": "200ms"}} if of == "upstream" else {}
    gw, _ = start(world, route, settings, up={"GET /a": trickle}, other={"GET /b": 1})
    answer = gw.get("/r")
    assert json_of(answer) == {"b": 1} and degraded(answer) == {"a": "timeout"}
    assert trickle.gone.wait(10)


def test_the_deadline_of_the_route_ends_a_trickling_answer(world):
    trickle = Trickle()
    gw, _ = single(world, {"path": "/r", "view": "detail", "source": "up/a", "timeout": "300ms"}, {"GET /a": trickle})
    problem(gw.get("/r"), 504)
    assert trickle.gone.wait(10)


def test_interim_answers_are_passed_over(world):
    def answer(request, connection):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
        return reply({"a": 1})

    gw, _ = single(world, {"path": "/r", "view": "detail", "source": "up/a"}, {"GET /a": answer})
    found = gw.get("/r")
    assert json_of(found) == {"a": 1} and found.informational == []


def test_trailers_of_an_answer_are_no_content(world):
    def answer(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        connection.send(wire.chunked(b'{"a":', b"1}", trailers=[("X-Sum", "1")]))

    gw, _ = single(world, {"path": "/r", "view": "detail", "source": "up/a"}, {"GET /a": answer})
    found = gw.get("/r")
    assert json_of(found) == {"a": 1} and "x-sum" not in found.headers


def test_an_answer_until_the_connections_end(world):
    def answer(request, connection):
        connection.send(b'HTTP/1.1 200 OK\r\n\r\n{"a":1}')
        connection.close()

    gw, _ = single(world, {"path": "/r", "view": "detail", "source": "up/a"}, {"GET /a": answer})
    assert json_of(gw.get("/r")) == {"a": 1}


def test_a_coded_refusal_of_the_main_call_is_not_passed_as_plain(world):
    body = gzip.compress(b'{"why":1}')
    headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
    gw, _ = single(world, {"path": "/r", "view": "detail", "source": "up/a"}, {"GET /a": raw(body, 409, headers)})
    found = gw.get("/r", [("Accept-Encoding", "gzip")])
    assert found.status == 409
    assert found.body != body or found.headers.get("content-encoding") == "gzip"


def test_one_connection_is_enough_for_a_whole_graph(world):
    settings = {"pool": {"connections": 1, "per_endpoint": 1}}
    route = {
        "path": "/r",
        "view": "list",
        "source": "up/items",
        "include": {
            "one": {"call": "up/one/{item.id}", "concurrency": 8},
            "key": {"call": "up/key?ids={items.id}", "match": {"id": "id"}},
        },
        "context": {"a": "up/a", "b": "up/b/{calls.a}"},
    }
    table = {
        "GET /items": [{"id": i} for i in range(5)],
        "GET /one/*": 1,
        "GET /key": [{"id": 3}],
        "GET /a": 7,
        "GET /b/7": 8,
    }
    gw, up = single(world, route, table, settings)
    body = json_of(gw.get("/r"))
    assert [item["one"] for item in body["results"]] == [1] * 5 and body["context"] == {"a": 7, "b": 8}
    assert up.most_busy == 1 and len(up.connections) == 1


def test_names_of_calls_leave_the_headers_whole(world):
    names = ["a b", "ü", 'q"x', "semi;colon", "com,ma", "equals=", "tab\there"]
    route = aggregate(fine="up/fine", **{name: "up/bad" for name in names})
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1},
        "upstreams": {"up": {"url": "http://127.0.0.1:1"}},
        "routes": [route],
    }
    done = command("check", "-c", write_config(world.directory / "names.yaml", config))
    if done.returncode == 78:
        return  # such names are refused at load
    gw, _ = single(world, route, {"GET /fine": 1, "GET /bad": status(500)})
    found = gw.get("/r")  # read strictly
    assert json_of(found) == {"fine": 1}
    assert len(found.headers.one("viewgate-degraded").split(";reason=status_500")) == len(names) + 1


# Joins


def test_a_call_by_key_never_has_more_than_100_keys(world):
    items = [{"id": i, "tags": [f"t{i}-{n}" for n in range(60)]} for i in range(6)]
    include = {"tagged": {"call": "up/tags?ids={items.tags}", "match": {"tags": "id"}, "many": True}}
    asked = []

    def answer(request, connection):
        asked.append(dict(query(request))["ids"].split(","))
        return reply([{"id": key} for key in asked[-1]])

    gw, _ = single(
        world,
        {"path": "/r", "view": "list", "source": "up/items", "include": include},
        {"GET /items": items, "GET /tags": answer},
    )
    results = json_of(gw.get("/r"))["results"]
    assert [[t["id"] for t in item["tagged"]] for item in results] == [item["tags"] for item in items]
    assert max(map(len, asked)) <= 100 and sum(map(len, asked)) == 360


def test_a_required_call_for_an_item_that_fails_ends_the_others(world):
    include = {"s": {"call": "up/s/{item.id}", "required": True, "concurrency": 2}}
    table = {"GET /items": [{"id": i} for i in range(50)], "GET /s/*": status(500)}
    gw, up = single(world, {"path": "/r", "view": "list", "source": "up/items", "include": include}, table)
    problem(gw.get("/r"), 502)
    assert len(up.calls("GET /s/*")) < 10


def test_a_cursor_can_not_be_made_by_one_who_knows_the_configuration_but_no_secret(world):
    """An address and a path are easily guessed: they must not be all that it takes to ask for another path."""
    route = {"path": "/items", "view": "list", "source": "up/items", "paginate": {"by": "link", "size": 2}}
    table = {"GET /items": reply([1], headers=[("Link", "</items?cursor=c>; rel=next")]), "GET /*": [0]}
    gw, up = single(world, route, table)
    body = json_of(gw.get("/items"))
    (name, _), *_ = query(body["next"])
    target = "/admin/secrets"
    for text in ("up/items", "GET up/items"):
        for first in ("/items", "/items?limit=2"):
            secret = f"{text}\n{up.authority}\n".encode()
            for key in (secret, secret[:-1]):
                mac = hmac.new(key, f"{first}\n{target}".encode(), hashlib.sha256).digest()[:12]
                gw.get(f"/items?{name}=" + base64.urlsafe_b64encode(mac + target.encode()).decode().rstrip("="))
    assert {r.path for r in up.requests} == {"/items"}


# Detail


def test_a_degraded_object_has_no_etag_of_the_upstreams_either(world):
    route = {"path": "/r", "view": "detail", "source": "up/a", "pass_headers": ["etag"], "include": {"b": "up/b"}}
    gw, _ = single(world, route, {"GET /a": reply({"id": 1}, headers=[("ETag", '"e"')]), "GET /b": status(500)})
    assert "etag" not in gw.get("/r").headers
    assert gw.get("/r", [("If-None-Match", '"e"')]).status == 200


# Clients and their bodies


def create(**more):
    return {"path": "/orders", "view": "create", "source": "up/orders", **more}


MADE = {"POST /orders": reply({"id": 9}, 201)}
INNER = b"GET /orders HTTP/1.1\r\nHost: x\r\nX-Inner: 1\r\n\r\n"


def test_a_refused_body_is_never_taken_for_a_request(world):
    gw, up = single(
        world, [create(), {"path": "/fine", "view": "detail", "source": "up/fine"}], {**MADE, "GET /fine": {}}
    )
    client = gw.connect()
    client.send(wire.request("POST", "/orders", [("Content-Type", "text/plain")], INNER))
    assert client.read_response().status == 415
    if client.try_send(wire.request("GET", "/fine")):
        try:
            assert client.read_response().status == 200
        except wire.Truncated:
            pass  # it closed instead
    assert all("x-inner" not in r.headers for r in up.requests) and up.calls("GET /orders") == []


def test_the_body_of_a_get_is_passed_over(world):
    gw, up = single(world, {"path": "/r", "view": "detail", "source": "up/a"}, {"GET /a": {"a": 1}})
    client = gw.connect()
    for _ in range(3):
        client.send(wire.request("GET", "/r", body=INNER))
        assert json_of(client.read_response()) == {"a": 1}
    assert len(up.requests) == 3 and all(r.body == b"" for r in up.requests)


def test_a_client_that_expects_100_is_told_to_go_on(world):
    gw, _ = single(world, create(), MADE)
    client = gw.connect()
    headers = [("Content-Type", "application/json"), ("Content-Length", "7"), ("Expect", "100-continue")]
    client.send(wire.request("POST", "/orders", headers))
    assert client.read_head(keep_informational=True).status == 100
    client.send(b'{"a":1}')
    assert client.read_response().status == 201


def test_a_client_that_expects_100_for_other_content_is_told_at_once(world):
    gw, up = single(world, create(), MADE)
    client = gw.connect()
    headers = [("Content-Type", "text/plain"), ("Content-Length", "7"), ("Expect", "100-continue")]
    client.send(wire.request("POST", "/orders", headers))
    assert client.read_head(keep_informational=True).status == 415
    assert up.requests == []


def test_a_client_that_does_not_send_its_body_gets_408(world):
    top = {"server": {"listen": "127.0.0.1:0", "workers": 1, "timeouts": {"body": "300ms"}}}
    gw, up = single(world, create(), MADE, top=top)
    headers = [("Content-Type", "application/json"), ("Content-Length", "50")]
    client = gw.connect().send(wire.request("POST", "/orders", headers) + b'{"a":')
    problem(client.read_response(), 408)
    assert up.requests == []


def test_a_client_that_cuts_its_body_saves_nothing(world):
    gw, up = single(
        world, [create(), {"path": "/fine", "view": "detail", "source": "up/fine"}], {**MADE, "GET /fine": {}}
    )
    headers = [("Content-Type", "application/json"), ("Content-Length", "50")]
    client = gw.connect().send(wire.request("POST", "/orders", headers) + b'{"a":1}')
    client.close()
    assert gw.get("/fine").status == 200
    assert up.lines == ["GET /fine"]


PAYING = create(
    undo="DELETE up/orders/{object.id}",
    after={
        "pay": {"call": "POST up/pay", "required": True, "undo": "POST up/refund"},
        "stock": {"call": "POST up/stock", "required": True, "undo": "POST up/restock"},
    },
)
UNDOING = {**MADE, "POST /refund": {}, "POST /restock": {}, "DELETE /orders/9": {}}


def test_a_call_under_way_when_another_fails_is_undone_if_it_succeeds(world):
    paying, gate = threading.Event(), Gate()

    def pay(request, connection):
        paying.set()
        return held(gate, {})

    def fail(request, connection):
        assert paying.wait(10)
        return status(500)

    gw, up = single(world, PAYING, {**UNDOING, "POST /pay": pay, "POST /stock": fail})
    client = gw.connect().send(wire.request("POST", "/orders", **client_json({})))
    up.wait_for(lambda u: len(u.calls("POST /stock")) == 1 and u.busy == 1)
    gate.open()
    assert "stock" in problem(client.read_response(), 502)["detail"]
    assert up.lines[-2:] == ["POST /refund", "DELETE /orders/9"] and up.calls("POST /restock") == []


def test_a_client_that_leaves_between_save_and_payment_leaves_no_half_of_it(world):
    """Either all of it was done, or all that was done was undone."""
    gate = Gate()
    fine = {"path": "/fine", "view": "detail", "source": "up/fine"}
    gw, up = single(world, [PAYING, fine], {**UNDOING, "POST /pay": held(gate, {}), "POST /stock": {}, "GET /fine": {}})
    client = gw.connect().send(wire.request("POST", "/orders", **client_json({})))
    up.wait_call("POST /pay")
    up.wait_for(lambda u: u.busy == 1 and len(u.calls("POST /stock")) == 1)
    client.reset()
    gw.get("/fine")  # a round trip later
    gate.open()
    up.wait_idle()
    gw.signal(15)
    assert gw.wait_exit() == 0
    undone = {"POST /refund", "POST /restock", "DELETE /orders/9"} & set(up.lines)
    assert undone in (set(), {"POST /refund", "POST /restock", "DELETE /orders/9"}), up.lines


def test_a_deadline_between_save_and_payment_leaves_no_half_of_it(world):
    hang = Hang()
    gw, up = single(world, {**PAYING, "timeout": "500ms"}, {**UNDOING, "POST /pay": hang, "POST /stock": {}})
    answer = gw.fetch("POST", "/orders", **client_json({}))
    assert answer.status in (502, 504)
    assert {"POST /restock", "DELETE /orders/9"} <= set(up.lines)


# The process


def test_a_request_ends_with_the_configuration_that_it_began_with(world):
    gate = Gate()
    route = {"path": "/r", "view": "detail", "source": "up/a", "include": {"b": "up/b/{object.id}"}}
    gw, up = single(world, route, {"GET /a": held(gate, {"id": 1}), "GET /b/1": "old", "GET /c": {"new": 1}})
    client = gw.connect().send(wire.request("GET", "/r"))
    up.wait_requests(1)
    since = len(gw.lines)
    gw.reload(
        {
            "server": {"listen": "127.0.0.1:0", "workers": 1, "drain_timeout": "5s"},
            "upstreams": {"up": {"url": up.url, "retry": 0}},
            "routes": [{"path": "/r", "view": "detail", "source": "up/c"}],
        }
    )
    gw.wait_log("reloaded|new configuration|configuration.*(loaded|active)", since=since)
    assert json_of(gw.get("/r")) == {"new": 1}
    gate.open()
    assert json_of(client.read_response()) == {"id": 1, "b": "old"}


def test_the_access_log_names_degraded_calls(world):
    gw, _ = single(world, aggregate(fine="up/fine", reviews="up/bad"), {"GET /fine": 1, "GET /bad": status(503)})
    gw.get("/r")
    gw.wait_log(r"GET /r .*reviews.*status_503")


def test_requests_at_once_do_not_mix(world):
    """64 requests under way together, each of three calls, with answers of their own."""
    all_there = threading.Barrier(16)
    route = {
        "path": "/r/{id}",
        "view": "detail",
        "source": "up/a/{id}",
        "include": {"b": "up/b/{id}", "c": "up/c/{object.id}"},
    }
    table = {"GET /a/*": lambda r, c: {"id": r.path[3:]}, "GET /c/*": lambda r, c: "c" + r.path[3:]}
    table["GET /b/*"] = meet(all_there, lambda r, c: "b" + r.path[3:])
    gw, _ = single(world, route, table, {"pool": {"connections": 100, "per_endpoint": 100}})
    for round_ in range(4):
        clients = [gw.connect().send(wire.request("GET", f"/r/{round_}-{n}")) for n in range(16)]
        for n, client in enumerate(clients):
            key = f"{round_}-{n}"
            assert json_of(client.read_response()) == {"id": key, "b": "b" + key, "c": "c" + key}
