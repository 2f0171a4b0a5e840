"""idempotency (SPEC section 5): a write with an Idempotency-Key is carried out once, and its answer given again."""
import json
import threading

import pytest

from support import wire
from support.gateway import command, wait_until, write_config
from support.idempotent import REQUESTS, Orders, config, fresh_key, lines, post, replayed
from support.rest import client_json, json_of, problem, reply, single
from support.upstream import Gate


class Setup:
    def __init__(self, world, *answers, idempotency="24h", **kw):
        self.orders = Orders(*answers)
        self.upstream = world.upstream(self.orders)
        self.config = config(self.upstream, idempotency, **kw)
        self.gw = world.gateway(self.config)

    @property
    def calls(self):
        return self.orders.calls


def held(gate, answer=None):
    def handler(request, connection):
        gate.hold()
        return answer or wire.response(201, [("X-Held", "yes")], b"held")

    return handler


def test_a_write_sent_again_gets_the_first_answer(world):
    it = Setup(world)
    key = fresh_key()
    first = post(it.gw, key)
    again = [post(it.gw, key) for _ in range(5)]
    assert (first.status, first.body) == (201, b"made 1")
    assert not replayed(first)
    assert all(replayed(a) for a in again)
    assert {repr(lines(a)) for a in again} == {repr(lines(first))}
    assert it.calls == 1
    ids = {a.headers.one("x-request-id") for a in [first, *again]}
    assert len(ids) == 6, "each request has its own"
    assert it.gw.metric(REQUESTS, route="all", result="first") == 1
    assert it.gw.metric(REQUESTS, route="all", result="replayed") == 5


def test_without_a_key_each_is_carried_out(world):
    it = Setup(world)
    assert [post(it.gw, None).body for _ in range(3)] == [b"made 1", b"made 2", b"made 3"]
    assert it.gw.metric(REQUESTS) is None


def test_a_key_in_quotes_is_the_same_as_a_bare_one(world):
    it = Setup(world)
    assert post(it.gw, '"abc-1"').body == post(it.gw, "abc-1").body == b"made 1"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_each_method_that_writes_has_keys_of_its_own(world, method):
    it = Setup(world)
    key = fresh_key()
    body = None if method == "DELETE" else b"x"
    assert post(it.gw, key, body, method=method).body == b"made 1"
    assert replayed(post(it.gw, key, body, method=method))
    other = "PUT" if method == "POST" else "POST"
    assert post(it.gw, key, body, method=other).body == b"made 2"


def test_reading_is_not_kept(world):
    it = Setup(world)
    key = [("Idempotency-Key", fresh_key())]
    assert [it.gw.get("/x", key).body for _ in range(2)] == [b"made 1", b"made 2"]
    head = it.gw.fetch("HEAD", "/x", key)
    assert head.status == 201 and not replayed(head)
    assert it.gw.fetch("OPTIONS", "/x", [("Idempotency-Key", "a b")]).status == 201


def test_credentials_and_addresses_are_apart(world):
    it = Setup(world, server={"trusted_proxies": ["127.0.0.1"]})
    key = fresh_key()
    senders = [[("Authorization", "Bearer a")], [("Authorization", "Bearer b")], [], [("X-Forwarded-For", "192.0.2.9")]]
    bodies = [post(it.gw, key, headers=s).body for s in senders]
    assert bodies == [b"made 1", b"made 2", b"made 3", b"made 4"]
    assert [post(it.gw, key, headers=s).body for s in senders] == bodies
    moved = [("Authorization", "Bearer a"), ("X-Forwarded-For", "192.0.2.77")]
    assert post(it.gw, key, headers=moved).body == b"made 1", "a credential is the same from everywhere"


def test_routes_are_apart(world):
    other = {"name": "other", "path": "/other/{rest...}", "view": "proxy-fetch", "source": "up/{rest}",
             "idempotency": "1h"}
    it = Setup(world, routes=[other])
    key = fresh_key()
    assert post(it.gw, key, target="/other/x").body == b"made 1"
    assert post(it.gw, key, target="/x").body == b"made 2"
    assert replayed(post(it.gw, key, target="/other/x"))


@pytest.mark.parametrize("change", [{"body": b"other"}, {"target": "/orders?x=1"}, {"target": "/orders/"},
                                    {"headers": [("Content-Type", "text/x")]}, {"body": b""}],
                         ids=["body", "query", "path", "type", "empty"])
def test_the_key_of_another_request_is_422(world, change):
    it = Setup(world)
    key = fresh_key()
    post(it.gw, key)
    told = problem(post(it.gw, key, **change), 422)
    assert "Idempotency-Key" in told["detail"]
    assert it.calls == 1
    assert replayed(post(it.gw, key)), "the first one's answer stands"
    assert it.gw.metric(REQUESTS, result="mismatch") == 1


def test_while_the_first_is_under_way_others_get_409_or_422(world):
    gate = Gate()
    it = Setup(world, held(gate))
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    others = [post(it.gw, key) for _ in range(3)]
    assert [problem(o, 409)["title"] for o in others] == ["Conflict"] * 3
    assert [o.headers.one("retry-after") for o in others] == ["1"] * 3
    problem(post(it.gw, key, b"other"), 422)
    gate.open()
    assert client.read_response().body == b"held"
    assert replayed(post(it.gw, key))
    assert it.calls == 1
    assert it.gw.metric(REQUESTS, result="conflict") == 3


def test_of_many_at_once_one_is_carried_out(world):
    it = Setup(world)
    key = fresh_key()
    got, barrier = [], threading.Barrier(20)

    def work():
        barrier.wait()
        got.append(post(it.gw, key).status)

    threads = [threading.Thread(target=work) for _ in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert it.calls == 1
    assert set(got) <= {201, 409} and 201 in got


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
def test_what_may_be_tried_again_is_not_kept(world, status):
    it = Setup(world, wire.response(status, [("Retry-After", "1")], b"no"), wire.response(201, [], b"yes"))
    key = fresh_key()
    assert post(it.gw, key).status == status
    second = post(it.gw, key)
    assert (second.body, replayed(second)) == (b"yes", False)
    assert replayed(post(it.gw, key))


@pytest.mark.parametrize("status", [200, 204, 303, 400, 402, 404, 409, 422])
def test_other_answers_are_kept_whatever_they_say(world, status):
    body = b"" if status == 204 else b"said"
    it = Setup(world, wire.response(status, [("X-A", "1"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")], body))
    key = fresh_key()
    first, second = post(it.gw, key), post(it.gw, key)
    assert first.status == status and replayed(second)
    assert lines(first) == lines(second)
    assert second.headers.all("set-cookie") == ["a=b", "c=d"]
    assert it.calls == 1


def test_a_dead_upstream_may_be_tried_again(world):
    it = Setup(world, lambda r, c: c.reset(), wire.response(201, [], b"yes"))
    key = fresh_key()
    assert post(it.gw, key).status == 502
    assert post(it.gw, key).body == b"yes"


def test_a_timeout_may_be_tried_again(world):
    gate = Gate()
    it = Setup(world, held(gate), wire.response(201, [], b"yes"), route={"timeout": "200ms"})
    key = fresh_key()
    assert post(it.gw, key).status == 504
    gate.open()
    it.upstream.wait_for(lambda u: u.busy == 0)
    assert post(it.gw, key).body == b"yes"


def test_answers_of_the_gateway_before_the_view_are_not_kept(world):
    it = Setup(world, route={"limits": {"body_bytes": "1KiB"}, "rate_limit": "1000/h"})
    key = fresh_key()
    assert post(it.gw, key, b"x" * 2000).status == 413
    assert post(it.gw, key, b"x").body == b"made 1"


@pytest.mark.parametrize("key", ["", '""', '"a', 'a"b', "a b", "a,b", "k" * 256, "caf\xe9", '"a";x=1'])
def test_what_is_no_key_gets_400(world, key):
    it = Setup(world)
    client = it.gw.connect()
    raw = b"POST /orders HTTP/1.1\r\nHost: a\r\nIdempotency-Key: %b\r\nContent-Length: 1\r\n\r\nx" % key.encode("latin-1")
    told = problem(client.send(raw).read_response(), 400)
    assert "Idempotency-Key" in told["detail"]
    assert it.calls == 0
    assert it.gw.metric(REQUESTS, result="invalid") == 1


def test_two_keys_get_400(world):
    it = Setup(world)
    for second in ("a", "b"):
        problem(post(it.gw, "a", headers=[("idempotency-key", second)]), 400)
    assert it.calls == 0


def test_a_key_may_be_required(world):
    it = Setup(world, idempotency={"ttl": "1h", "required": True})
    told = problem(post(it.gw, None), 400)
    assert "Idempotency-Key" in told["detail"]
    assert it.gw.get("/x").status == 201, "reading needs none"
    assert post(it.gw, fresh_key()).status == 201


BODIES = {
    "chunked": ([("Transfer-Encoding", "chunked")], wire.chunked(b"abc", b"defgh"), b"abcdefgh"),
    "sized": ([("Content-Length", "8")], b"abcdefgh", b"abcdefgh"),
    "large": ([("Content-Length", "300000")], b"z" * 300_000, b"z" * 300_000),
    "large-chunked": ([("Transfer-Encoding", "chunked")], wire.chunked(*[b"z" * 50_000] * 6), b"z" * 300_000),
    "empty": ([("Content-Length", "0")], b"", b""),
    "none": ([], b"", b""),
}


@pytest.mark.parametrize("framing, sent, content", BODIES.values(), ids=BODIES)
def test_content_reaches_the_upstream_as_it_came(world, framing, sent, content):
    it = Setup(world)
    head = [("Idempotency-Key", fresh_key()), *framing]
    client = it.gw.connect()
    for number in range(3):
        client.send(wire.request("POST", "/orders", head) + sent)
        answer = client.read_response()
        assert (answer.body, replayed(answer)) == (b"made 1", number > 0)
    assert it.upstream.last().body == content
    assert it.upstream.last().headers.all("transfer-encoding") == [v for n, v in framing if n == "Transfer-Encoding"]


def test_trailers_of_the_request_reach_the_upstream(world):
    it = Setup(world)
    head = [("Idempotency-Key", fresh_key()), ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]
    sent = wire.request("POST", "/orders", head) + wire.chunked(b"abc", trailers=[("X-Sum", "7")])
    assert it.gw.connect().send(sent).read_response().status == 201
    assert it.upstream.last().trailers.one("x-sum") == "7"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_waits_for_100_gets_it(world, chunked):
    it = Setup(world)
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "4")
    head = wire.request("POST", "/orders", [("Expect", "100-continue"), ("Idempotency-Key", fresh_key()), framing])
    client = it.gw.connect()
    for number in range(2):
        client.send(head)
        assert client.read_head(keep_informational=True).status == 100
        client.send(wire.chunked(b"body") if chunked else b"body")
        assert replayed(client.read_response()) == (number == 1)
    assert it.upstream.last().body == b"body"


def test_a_connection_goes_on_after_each_kind_of_answer(world):
    it = Setup(world)
    client, key = it.gw.connect(), fresh_key()
    got = [client.request("POST", "/orders", [("Idempotency-Key", key)], b).status for b in (b"a", b"b", b"a", b"b")]
    assert got == [201, 422, 201, 422]
    assert client.get("/x").status == 201


def test_a_client_that_leaves_finds_what_became_of_it(world):
    gate = Gate()
    it = Setup(world, held(gate))
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    wire.abort(client.sock)
    assert post(it.gw, key).status == 409
    gate.open()
    wait_until(lambda: post(it.gw, key).status == 201, what="the answer")
    assert replayed(post(it.gw, key))
    assert it.calls == 1


def test_a_client_that_leaves_while_it_is_answered_finds_it_too(world):
    gate = Gate()

    def slowly(request, connection):
        connection.send(wire.head("HTTP/1.1 201 Created", [("Content-Length", "10")]) + b"hello")
        gate.hold()
        connection.send(b"world")

    it = Setup(world, slowly)
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    wire.abort(client.sock)
    gate.open()
    wait_until(lambda: post(it.gw, key).body == b"helloworld", what="the answer")
    assert it.calls == 1


def test_a_client_that_leaves_within_its_content_claims_nothing(world):
    it = Setup(world)
    key = fresh_key()
    client = it.gw.connect()
    client.send(wire.request("POST", "/orders", [("Idempotency-Key", key), ("Content-Length", "10")]) + b"abc")
    wire.abort(client.sock)
    assert post(it.gw, key, b"0123456789").body == b"made 1"


def test_when_a_left_request_runs_out_of_time_it_may_be_tried_again(world):
    gate = Gate()
    it = Setup(world, held(gate), wire.response(201, [], b"yes"), route={"timeout": "500ms"})
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    it.upstream.wait_requests(1)
    wire.abort(client.sock)
    wait_until(lambda: post(it.gw, key).status == 201, what="another try")
    gate.open()


def test_a_reload_keeps_answers_and_claims(world):
    gate = Gate()
    it = Setup(world, None, held(gate))
    kept, held_key = fresh_key(), fresh_key()
    post(it.gw, kept)
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", held_key)], b"{}"))
    it.upstream.wait_requests(2)
    since = it.gw.metric("viewgate_config_reloads_total")
    it.config["routes"].append({"name": "more", "path": "/more", "view": "respond", "text": "more"})
    it.gw.reload(it.config)
    wait_until(lambda: it.gw.metric("viewgate_config_reloads_total") > since and it.gw.get("/more").body == b"more")
    assert replayed(post(it.gw, kept))
    assert post(it.gw, held_key).status == 409
    gate.open()
    assert client.read_response().status == 201
    assert replayed(post(it.gw, held_key))
    assert it.calls == 2


def test_an_answer_is_given_for_as_long_as_its_ttl(world):
    it = Setup(world, idempotency="300ms")
    key = fresh_key()
    assert post(it.gw, key).body == b"made 1"
    wait_until(lambda: post(it.gw, key).body != b"made 1", what="its end")
    assert it.calls >= 2


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_is_too_large_is_passed_on_and_said_to_be_gone(world, chunked):
    content = bytes(range(256)) * 400
    if chunked:
        answer = wire.head("HTTP/1.1 201 Created", [("Transfer-Encoding", "chunked")]) + wire.chunked(
            *[content[i : i + 999] for i in range(0, len(content), 999)])
    else:
        answer = wire.response(201, [], content)
    it = Setup(world, answer, idempotency={"ttl": "1h", "max_bytes": "64KiB"})
    key = fresh_key()
    first = post(it.gw, key)
    assert (first.status, first.body) == (201, content)
    again = problem(post(it.gw, key), 409)
    assert "not kept" in again["detail"]
    assert it.calls == 1
    assert it.gw.metric(REQUESTS, result="no_answer") == 1


def test_an_answer_of_just_so_many_bytes_is_kept(world):
    it = Setup(world, wire.response(201, [], b"x" * 1024), idempotency={"ttl": "1h", "max_bytes": "1KiB"})
    key = fresh_key()
    assert [post(it.gw, key).body for _ in range(2)] == [b"x" * 1024] * 2
    assert it.calls == 1


def test_server_sent_events_are_not_held_back(world):
    gate = Gate()

    def events(request, connection):
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        connection.send(wire.head("HTTP/1.1 200 OK", fields) + wire.chunk(b"data: 1\n\n"))
        gate.hold()
        connection.send(wire.chunk(b"data: 2\n\n") + b"0\r\n\r\n")

    it = Setup(world, events)
    key = fresh_key()
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", key)], b"{}"))
    pieces = client.body_pieces(client.read_head(), "POST")
    assert next(pieces) == b"data: 1\n\n"
    gate.open()
    assert b"".join(pieces) == b"data: 2\n\n"
    problem(post(it.gw, key), 409)


def test_an_answer_that_is_cut_was_carried_out_all_the_same(world):
    def cut(request, connection):
        connection.send(wire.head("HTTP/1.1 201 Created", [("Content-Length", "10")]) + b"hello")
        connection.reset()

    it = Setup(world, cut)
    key = fresh_key()
    with pytest.raises((wire.Truncated, ConnectionError)):
        post(it.gw, key)
    problem(post(it.gw, key), 409)
    assert it.calls == 1


def test_an_upstream_that_answers_before_it_has_read_all(world):
    def hasty(request, connection):
        connection.send(wire.response(400, [("Connection", "close")], b"no"))
        connection.peer_closed(10)
        connection.close()

    orders = Orders(hasty)
    upstream = world.upstream(orders, read_body=False)
    gw = world.gateway(config(upstream, route={"limits": {"body_bytes": "16MiB"}}))
    client, key = gw.connect(), [("Idempotency-Key", fresh_key())]
    got = [client.request("POST", "/orders", key, b"x" * 8_000_000) for _ in range(2)]
    assert [(a.status, a.body, replayed(a)) for a in got] == [(400, b"no", False), (400, b"no", True)]
    assert orders.calls == 1


def create_route(**more):
    return {"name": "create", "path": "/orders", "view": "create", "source": "up/orders", "idempotency": "24h", **more}


def test_create_replays_what_it_made(world):
    numbers = iter(range(1, 9))
    gw, up = single(world, [create_route(success_url="/orders/{object.id}")],
                    {"POST /orders": lambda r, c: reply({"id": next(numbers)}, 201)(r, c)})
    key = fresh_key()
    answers = [gw.fetch("POST", "/orders", **client_json({"a": 1}, ("Idempotency-Key", key))) for _ in range(3)]
    assert [json_of(a, 201) for a in answers] == [{"id": 1}] * 3
    assert [a.headers.one("location") for a in answers] == ["/orders/1"] * 3
    assert [replayed(a) for a in answers] == [False, True, True]
    assert len(up.requests) == 1


def test_what_fails_validation_was_not_done_and_may_be_sent_again(world):
    schema = {"type": "object", "required": ["name"]}
    gw, up = single(world, [create_route(schema=schema)], {"POST /orders": {"id": 1}})
    key = fresh_key()
    assert gw.fetch("POST", "/orders", **client_json({}, ("Idempotency-Key", key))).status == 422
    assert gw.fetch("POST", "/orders", **client_json({"name": "x"}, ("Idempotency-Key", key))).status == 201
    assert len(up.requests) == 1


def test_a_multipart_form_is_a_body_like_others(world):
    gw, up = single(world, [create_route()], {"POST /orders": {"id": 1}})

    def send(key, boundary):
        body = (f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--{boundary}--\r\n').encode()
        fields = [("Content-Type", f"multipart/form-data; boundary={boundary}"), ("Idempotency-Key", key)]
        return gw.fetch("POST", "/orders", fields, body)

    key = fresh_key()
    assert send(key, "xyz").status == 201
    assert replayed(send(key, "xyz"))
    assert send(key, "other").status == 422
    assert json.loads(up.only("POST /orders").body) == {"a": "1"}


@pytest.mark.parametrize("view, method, status", [("update", "PUT", 200), ("delete", "DELETE", 204),
                                                  ("bulk-update", "POST", 200)])
def test_other_views_that_write_replay_too(world, view, method, status):
    source = "PATCH up/things/{item.id}" if view == "bulk-update" else "up/things"
    route = {"name": "r", "path": "/r", "view": view, "source": source, "idempotency": "1h"}
    table = {"PUT /things": {"id": 1}, "DELETE /things": {}, "PATCH /things/*": {"id": 1}}
    gw, up = single(world, [route], table)
    key = fresh_key()
    sent = {"headers": [("Idempotency-Key", key)]}
    if method != "DELETE":
        sent = client_json([{"id": 1}] if view == "bulk-update" else {"id": 1}, ("Idempotency-Key", key))
    first, second = [gw.fetch(method, "/r", **sent) for _ in range(2)]
    assert first.status == status and replayed(second)
    assert lines(first) == lines(second)
    assert len(up.requests) == 1


def test_a_replay_counts_against_the_rate_limit_and_says_where_it_stands(world):
    it = Setup(world, route={"rate_limit": "3/h"})
    key = fresh_key()
    answers = [post(it.gw, key) for _ in range(4)]
    assert [a.status for a in answers] == [201, 201, 201, 429]
    assert [a.headers.one("ratelimit").split(";")[1] for a in answers] == ["r=2", "r=1", "r=0", "r=0"]


def test_a_full_memory_takes_no_new_keys_and_forgets_none(world):
    it = Setup(world, wire.response(201, [], b"x" * 200_000), server={"idempotency": {"memory": "1MiB"}})
    keys = [fresh_key() for _ in range(8)]
    got = [post(it.gw, k).status for k in keys]
    assert got[:3] == [201] * 3
    # From some point on there is no room for answers, but for what was done.
    again = [post(it.gw, k).status for k in keys]
    assert set(again) == {201, 409} and it.calls == 8
    status = json.loads(it.gw.admin("/status").body)["idempotency_memory"]
    assert status["entries"] == 8 and status["bytes"] <= status["most_bytes"] == 1024 * 1024
    assert it.gw.metric("viewgate_idempotency_memory_refused_total") == status["refused"] > 0


def test_a_stop_finishes_what_a_left_client_began(world):
    gate = Gate()
    it = Setup(world, held(gate))
    client = it.gw.connect().send(wire.request("POST", "/orders", [("Idempotency-Key", fresh_key())], b"{}"))
    it.upstream.wait_requests(1)
    wire.abort(client.sock)
    it.gw.signal(15)
    it.gw.wait_log("stopping|drain")
    gate.open()
    it.gw.stop()
    assert it.calls == 1


def test_explain_shows_it(world, tmp_path):
    it = Setup(world, idempotency={"ttl": "1h", "required": True})
    done = command("explain", "-c", write_config(tmp_path / "v.yaml", it.config), "POST", "/orders")
    lines_of = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "store memory" in lines_of
    assert "one key for route, method, authorization or else client_ip" in lines_of
    assert any(line.startswith('ttl: "1h"') for line in lines_of), done.stdout
    assert lines_of.index("2 idempotency") > lines_of.index("1 timeout")
