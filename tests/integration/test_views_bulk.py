"""view: bulk-update (SPEC section 5)."""
import json

import pytest

from support import wire
from support.rest import (
    Hang, body_of, client_json, empty, held, json_of, needs_views, problem, reply, reset, sequence, single,
    squeeze, status,
)
from support.upstream import Gate

pytestmark = needs_views()


def bulk(source="PATCH up/products/{item.id}", **more):
    return {"path": "/products", "view": "bulk-update", "source": source, **more}


def batches(**more):
    return bulk({"call": "POST up/batch", "per": "batch"}, **more)


def send(gw, value, method="POST", *headers):
    return gw.fetch(method, "/products", **client_json(value, *headers))


def items(*ids):
    return [{"id": i, "price": 1} for i in ids]


def summary(body):
    return {k: v for k, v in body.items() if k != "results"}


def counts(updated=0, not_found=0, errors=0, skipped=0):
    return {"updated": updated, "not_found": not_found, "errors": errors, "skipped": skipped}


# Per item


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_results_stand_in_the_order_of_the_body(world, method):
    table = {"PATCH /products/1": {"id": 1}, "PATCH /products/2": status(404), "PATCH /products/3": status(500)}
    gw, up = single(world, bulk(), table)
    body = json_of(send(gw, items(3, 1, 2), method))
    assert list(body) == ["updated", "not_found", "errors", "skipped", "results"]
    assert summary(body) == counts(1, 1, 1)
    assert [(r["id"], r["status"]) for r in body["results"]] == [(3, "error"), (1, "updated"), (2, "not_found")]
    assert body["results"][0]["message"] and "message" not in body["results"][1]
    assert body_of(up.only("PATCH /products/1")) == {"id": 1, "price": 1}


def test_the_array_may_stand_in_a_member(world):
    gw, up = single(world, bulk(), {"PATCH /products/*": {}})
    assert summary(json_of(send(gw, {"items": items(1, 2), "x": 1}))) == counts(2)
    gw, up = single(world, bulk(items="products"), {"PATCH /products/*": {}})
    assert summary(json_of(send(gw, {"products": items(1, 2)}))) == counts(2)
    assert send(gw, {"items": items(1)}).status in (400, 422)


@pytest.mark.parametrize("value", [b"{}", b'{"items":{}}', b'{"items":5}', b"5", b"null", b'"x"'])
def test_a_body_without_an_array_is_refused(world, value):
    gw, up = single(world, bulk(), {})
    assert send(gw, value).status in (400, 422)
    assert up.requests == []


def test_an_empty_array_is_nothing_to_do(world):
    gw, up = single(world, bulk(), {})
    assert json_of(send(gw, [])) == {**counts(), "results": []}
    assert up.requests == []


def test_ids_keep_their_type_and_text(world):
    gw, _ = single(world, bulk(), {"PATCH /products/*": {}})
    answer = send(gw, b'[{"id":"a b"},{"id":12345678901234567890},{"id":1.0}]')
    ids = [b'"a b"', b"12345678901234567890", b"1.0"]
    results = b",".join(b'{"id":%s,"status":"updated"}' % i for i in ids)
    assert b'"results":[' + results + b"]" in squeeze(answer.body)


@pytest.mark.parametrize("bad", [5, None, "x", [], {}, {"id": None}, {"id": ""}, {"id": ".."}, {"id": {"a": 1}}])
def test_one_bad_item_harms_no_other(world, bad):
    gw, up = single(world, bulk(), {"PATCH /products/*": {}})
    body = json_of(send(gw, [{"id": 1}, bad, {"id": 2}]))
    assert [r["status"] for r in body["results"]] == ["updated", "error", "updated"]
    assert body["results"][1]["message"] and summary(body) == counts(2, 0, 1)
    assert sorted(up.lines) == ["PATCH /products/1", "PATCH /products/2"]


@pytest.mark.parametrize("answer", [status(400), status(409), status(422), status(500), status(302), reset], ids=str)
def test_every_failure_is_an_error_of_its_item(world, answer):
    gw, _ = single(world, bulk(), {"PATCH /products/1": answer, "PATCH /products/2": {}})
    body = json_of(send(gw, items(1, 2)))
    assert [r["status"] for r in body["results"]] == ["error", "updated"]


def test_an_item_is_updated_by_any_2xx_whatever_its_body(world):
    table = {"PATCH /products/1": empty(), "PATCH /products/2": status(202, [])}
    gw, _ = single(world, bulk(), table)
    assert summary(json_of(send(gw, items(1, 2)))) == counts(2)


def test_nothing_internal_shows_in_a_message(world):
    gw, up = single(world, bulk(), {"PATCH /products/1": status(500, {"sql": "s3cret"}), "PATCH /products/2": reset})
    answer = send(gw, items(1, 2))
    assert summary(json_of(answer)) == counts(0, 0, 2)
    assert b"s3cret" not in answer.body and str(up.port).encode() not in answer.body


def test_templates_of_an_item_are_encoded(world):
    source = {
        "call": "PUT up/products/{item.id}",
        "query": {"q": "{item.q}"},
        "body": {"p": "{item.price}", "user": "{header.x-user}"},
    }
    gw, up = single(world, bulk(source), {"PUT /products/*": {}})
    send(gw, b'[{"id":"a/b","q":"x&y=1","price":1.10}]', "POST", ("X-User", "u"))
    assert up.last().target.upper() == "/PRODUCTS/A%2FB?Q=X%26Y%3D1"
    assert squeeze(up.last().body) == b'{"p":1.10,"user":"u"}'


def test_calls_are_bounded_by_concurrency(world):
    gate = Gate()
    gw, up = single(world, bulk(concurrency=3), {"PATCH /products/*": held(gate, reply({}))})
    client = gw.connect().send(wire.request("POST", "/products", **client_json(items(*range(10)))))
    up.wait_for(lambda u: u.busy == 3)
    gate.open()
    assert summary(json_of(client.read_response())) == counts(10)
    assert up.most_busy == 3


def test_one_batch_is_done_before_the_next_begins(world):
    gates = [Gate(), Gate()]
    gw, up = single(
        world,
        bulk(batch_size=2, concurrency=20),
        {
            "PATCH /products/0": held(gates[0], reply({})),
            "PATCH /products/1": {},
            "PATCH /products/2": held(gates[1], reply({})),
            "PATCH /products/3": {},
            "PATCH /products/4": {},
        },
    )
    client = gw.connect().send(wire.request("POST", "/products", **client_json(items(*range(5)))))
    up.wait_for(lambda u: len(u.requests) == 2 and u.busy == 1)
    gates[0].open()
    up.wait_for(lambda u: len(u.requests) == 4 and u.busy == 1)
    assert sorted(up.lines[2:]) == ["PATCH /products/2", "PATCH /products/3"]
    gates[1].open()
    assert summary(json_of(client.read_response())) == counts(5)
    assert up.lines[4] == "PATCH /products/4"


def test_items_not_tried_before_the_deadline_are_skipped(world):
    hang = Hang()
    table = {"PATCH /products/1": {}, "PATCH /products/2": hang}
    gw, up = single(world, bulk(concurrency=1, timeout="1s"), table)
    body = json_of(send(gw, items(1, 2, 3, 4)))
    assert [r["status"] for r in body["results"]] == ["updated", "error", "skipped", "skipped"]
    assert summary(body) == counts(1, 0, 1, 2)
    assert up.lines == ["PATCH /products/1", "PATCH /products/2"] and hang.gone.wait(10)


def test_a_client_that_leaves_stops_the_rest(world):
    hang = Hang()
    gw, up = single(world, bulk(concurrency=2), {"PATCH /products/*": hang, "PATCH /products/99": {}})
    client = gw.connect().send(wire.request("POST", "/products", **client_json(items(*range(50)))))
    up.wait_requests(2)
    client.reset()
    up.wait_for(lambda u: u.open == 0)
    assert summary(json_of(send(gw, items(99)))) == counts(1)
    assert len(up.requests) == 3


def test_too_many_items_are_413(world):
    gw, up = single(world, bulk(max_items=3), {"PATCH /products/*": {}})
    assert summary(json_of(send(gw, items(1, 2, 3)))) == counts(3)
    problem(send(gw, items(1, 2, 3, 4)), 413)
    assert len(up.requests) == 3


def test_the_default_of_max_items_is_10000(world):
    gw, up = single(world, batches(), {"POST /batch": {}})
    assert summary(json_of(send(gw, [{"id": i} for i in range(10000)]))) == counts(10000)
    problem(send(gw, [{"id": i} for i in range(10001)]), 413)
    assert len(up.requests) == 100


def test_a_bulk_update_answers_post_and_patch_alone(world):
    gw, up = single(world, bulk(), {})
    for method in ("GET", "DELETE"):
        answer = gw.fetch(method, "/products")
        assert answer.status == 405 and {"post", "patch"} <= set(answer.headers.tokens("allow"))
    problem(gw.fetch("POST", "/products", [("Content-Type", "text/plain")], b"[]"), 415)
    problem(gw.fetch("POST", "/products", [("Content-Type", "application/json")], b"[{]"), 400)
    assert up.requests == []


# Per batch


def sent_items(request):
    body = body_of(request)
    return body if isinstance(body, list) else body["items"]


def test_batches_of_100(world):
    gw, up = single(world, batches(), {"POST /batch": {"ok": True}})
    body = json_of(send(gw, items(*range(250))))
    assert summary(body) == counts(250) and [r["id"] for r in body["results"]] == list(range(250))
    assert sorted(len(sent_items(r)) for r in up.requests) == [50, 100, 100]
    assert sorted(i["id"] for r in up.requests for i in sent_items(r)) == list(range(250))


def test_an_array_of_equal_length_is_taken_by_position(world):
    found = [
        {"id": 1, "status": "updated"},
        {"id": 2, "status": "not_found"},
        {"id": 3, "status": "error", "message": "locked"},
    ]
    source = {"call": "POST up/batch", "per": "batch", "select": "data"}
    gw, _ = single(world, bulk(source), {"POST /batch": {"data": found}})
    body = json_of(send(gw, items(1, 2, 3)))
    assert summary(body) == counts(1, 1, 1)
    assert [(r["id"], r["status"]) for r in body["results"]] == [(1, "updated"), (2, "not_found"), (3, "error")]
    assert body["results"][2]["message"] == "locked"


@pytest.mark.parametrize(
    "answer",
    [reply([{"status": "error"}]), reply({"a": 1}), empty(), reply([])],
    ids=["shorter", "object", "empty", "none"],
)
def test_any_other_2xx_means_that_all_are_updated(world, answer):
    gw, _ = single(world, batches(), {"POST /batch": answer})
    assert summary(json_of(send(gw, items(1, 2, 3)))) == counts(3)


@pytest.mark.parametrize(
    "answer", [status(500), status(404), status(400), reset], ids=["500", "404", "400", "reset"]
)
def test_a_batch_that_fails_is_all_errors_and_the_others_go_on(world, answer):
    gw, up = single(world, batches(batch_size=2), {"POST /batch": sequence(answer, reply({}))})
    body = json_of(send(gw, items(1, 2, 3, 4, 5)))
    assert [r["id"] for r in body["results"]] == [1, 2, 3, 4, 5]
    assert sorted(r["status"] for r in body["results"]) == ["error"] * 2 + ["updated"] * 3
    assert len(up.requests) == 3


def test_the_body_of_a_batch_may_be_written(world):
    source = {"call": "POST up/batch", "per": "batch", "body": {"ids": "{items.id}", "by": "{header.x-user}"}}
    gw, up = single(world, bulk(source, batch_size=2), {"POST /batch": {}})
    assert summary(json_of(send(gw, items("a", "b", "c"), "POST", ("X-User", "u")))) == counts(3)
    assert {r.body.replace(b" ", b"") for r in up.requests} <= {
        b'{"ids":"a,b","by":"u"}', b'{"ids":["a","b"],"by":"u"}', b'{"ids":"c","by":"u"}', b'{"ids":["c"],"by":"u"}'
    }  # fmt: skip


def test_items_of_a_batch_keep_their_text(world):
    gw, up = single(world, batches(), {"POST /batch": {}})
    send(gw, b'[{"id":1.0,"s":"\\u00e9"},{"id":2,"p":1.10}]')
    assert b'[{"id":1.0,"s":"\\u00e9"},{"id":2,"p":1.10}]' in squeeze(up.last().body)


@pytest.mark.parametrize(
    "source", ["PATCH up/products/{item.id}", {"call": "POST up/batch", "per": "batch"}], ids=["item", "batch"]
)
def test_ten_thousand_items_stay_in_bounded_memory(world, source):
    gw, up = single(
        world, bulk(source, concurrency=20, limits={"body_bytes": "8MiB"}), {"PATCH /products/*": {}, "POST /batch": {}}
    )
    send(gw, items(*range(200)))
    before = gw.resident_bytes()
    text = json.dumps([{"id": i, "text": "x" * 300} for i in range(10000)]).encode()
    with gw.connect(timeout=60) as client:
        answer = client.request(
            "POST", "/products", [("Content-Type", "application/json"), ("Connection", "close")], text
        )
    assert summary(json_of(answer)) == counts(10000)
    assert gw.growth(before) < 48 * 1024 * 1024
