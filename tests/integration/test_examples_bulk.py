"""Bulk updates of config/examples/: results in order, batches of a hundred, no item that harms another."""
import json
import threading

import pytest

from support.example_upstreams import FAULTS, JSON, SAID_DONE, Example, answer, parse, problem, query, skip_unless_views_run
from support.gateway import wait_until
from support.upstream import Gate

skip_unless_views_run()

# What a client is told of an item: done is done, whatever the catalog had to say about it.
OUTCOMES = {**dict.fromkeys(FAULTS, "error"), **dict.fromkeys(SAID_DONE, "updated"), "404": "not_found"}


class Catalog:
    """Takes products one by one and prices in batches; notes what was under way when each request began."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scripts = {}  # id or number of the batch -> a script; what has none is saved
        self.ended = set()
        self.ended_before = {}  # id -> how many had ended when it began
        self.bodies = {}

    def product(self, request, connection):
        number = int(request.path.rsplit("/", 1)[1])
        with self.lock:
            self.ended_before.setdefault(number, len(self.ended))
            self.bodies[number] = request.body
        try:
            return self.run(self.scripts.get(number, answer({"id": number})), request, connection)
        finally:
            with self.lock:
                self.ended.add(number)

    def prices(self, request, connection):
        items = json.loads(request.body)
        with self.lock:
            self.bodies[items[0]["id"]] = request.body
        return self.run(self.scripts.get(items[0]["id"], answer({"saved": len(items)})), request, connection)

    @staticmethod
    def run(script, request, connection):
        while callable(script):
            script = script(request, connection)
        return script


@pytest.fixture
def catalog():
    return Catalog()


@pytest.fixture(scope="module")
def gateway(module_world):
    return Example(module_world, "bulk-products.yaml", {"catalog": {}})


@pytest.fixture
def example(gateway, catalog):
    for made in gateway.fresh():
        made["catalog"].answers = Paths(catalog)
        yield made


class Paths(dict):
    """Answers PATCH /products/N for every N."""

    def __init__(self, catalog):
        super().__init__({"POST /prices/batch": catalog.prices})
        self.catalog = catalog

    def values(self):
        return [*super().values(), *self.catalog.scripts.values()]

    def get(self, name, default=None):
        return self.catalog.product if name.startswith("PATCH /products/") else super().get(name, default)


def products(count, first=1):
    return [{"id": n, "price": n / 4} for n in range(first, first + count)]


def update(example, items, target="/products", method="PATCH"):
    answered = example.send(method, target, items)
    assert answered.status == 200, answered
    return json.loads(answered.body)


def counts(found):
    return {name: found[name] for name in ("updated", "not_found", "errors", "skipped")}


def everything(count):
    return {"updated": count, "not_found": 0, "errors": 0, "skipped": 0}


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_every_product_is_updated_and_told_in_the_order_of_the_body(example, catalog, method):
    items = list(reversed(products(250)))
    found = update(example, items, method=method)
    assert list(found) == ["updated", "not_found", "errors", "skipped", "results"] and counts(found) == everything(250)
    assert found["results"] == [{"id": i["id"], "status": "updated"} for i in items]
    assert {n: json.loads(b) for n, b in catalog.bodies.items()} == {i["id"]: i for i in items}
    assert len(example["catalog"].requests) == 250


def test_a_batch_begins_when_the_one_before_has_ended_and_twenty_run_at_once(example, catalog):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return answer({})

    catalog.scripts = dict.fromkeys(range(1, 21), held)
    client = example.begin("PATCH", "/products", [JSON], json.dumps(products(250)).encode())
    example["catalog"].upstream.wait_for(lambda u: u.busy == 20)
    gate.open()
    found = json.loads(client.read_response().body)
    assert counts(found) == everything(250), {r.get("message") for r in found["results"]}
    assert example["catalog"].upstream.most_busy == 20
    late = {n: before for n, before in catalog.ended_before.items() if before < (n - 1) // 100 * 100}
    assert late == {}, "began before the batch before it had ended"


def test_an_item_reaches_the_catalog_as_it_was_written(example, catalog):
    body = b'{"items": [ {"price":1.10,"id":1,"name":"\\u00e9","stock":12345678901234567890} ]}'
    answered = example.send("PATCH", "/products", body)
    assert answered.status == 200 and json.loads(answered.body)["updated"] == 1
    assert parse(catalog.bodies[1]) == parse(body)[0][1][0]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_product_that_fails_harms_no_other(example, catalog, fault):
    catalog.scripts[120] = FAULTS[fault][0]
    found = update(example, products(130))
    outcome = OUTCOMES[fault]
    told = {"updated": 129, "not_found": 0, "errors": 0, "skipped": 0}
    told["errors" if outcome == "error" else outcome] += 1
    assert counts(found) == told
    failed = found["results"].pop(119)
    assert (failed["id"], failed["status"]) == (120, outcome) and ("message" in failed) == (outcome == "error")
    assert all(r["status"] == "updated" for r in found["results"])
    assert example["catalog"].asked.count("PATCH /products/120") == 1, "a PATCH is never tried twice"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_catalog_of_which_everything_fails_still_answers_for_each(example, catalog, fault):
    catalog.scripts = dict.fromkeys(range(1, 11), FAULTS[fault][0])
    found = update(example, products(10))
    assert [(r["id"], r["status"]) for r in found["results"]] == [(n, OUTCOMES[fault]) for n in range(1, 11)]


def test_a_catalog_that_is_down_is_an_error_of_each_item(example):
    example.stop("catalog")
    found = update(example, products(5))
    assert counts(found) == {"updated": 0, "not_found": 0, "errors": 5, "skipped": 0}
    assert all("127.0.0.1" not in r["message"] for r in found["results"])


@pytest.mark.parametrize(
    "odd", [None, 7, "text", [], {}, {"id": None}, {"id": ""}, {"id": ".."}, {"id": [[1]]}, {"price": 1}]
)
def test_an_item_without_a_number_is_an_error_of_its_own(example, catalog, odd):
    found = update(example, [{"id": 1}, odd, {"id": 3}])
    assert [r["status"] for r in found["results"]] == ["updated", "error", "updated"]
    assert sorted(catalog.bodies) == [1, 3]


def test_no_number_adds_a_segment_or_a_parameter(example, catalog):
    example["catalog"].answers = {"PATCH /products/1%2F2": answer({}), "PATCH /products/1%3Fall=1": answer({}),
                                  "PATCH /products/1%3Fall%3D1": answer({})}
    found = update(example, [{"id": "1/2"}, {"id": "1?all=1"}])
    assert counts(found) == everything(2) and found["results"][0]["id"] == "1/2"
    assert [query(r) for r in example["catalog"].requests] == [{}, {}]


def test_an_item_twice_is_updated_twice(example, catalog):
    found = update(example, [{"id": 1, "price": 1}, {"id": 1, "price": 2}])
    assert counts(found) == everything(2) and example["catalog"].asked == ["PATCH /products/1"] * 2


def test_no_items_no_calls(example):
    assert update(example, []) == {**everything(0), "results": []}
    assert example["catalog"].asked == []


@pytest.mark.parametrize("target", ["/products", "/prices"])
def test_more_items_than_ten_thousand_are_413_and_nothing_is_begun(example, target):
    body = b"[" + b",".join(b'{"id":%d}' % n for n in range(10001)) + b"]"
    problem(example.send("PATCH", target, body), 413)
    assert example["catalog"].asked == []


@pytest.mark.parametrize("body, status", [(b"", 400), (b"{", 400), (b"[1,]", 400), (b"{}", 422), (b"7", 422),
                                          (b'{"items":{}}', 422), (b'{"items":"x"}', 422)])
def test_what_is_no_list_of_items_is_refused(example, body, status):
    problem(example.send("PATCH", "/products", body), status)
    assert example["catalog"].asked == []


def test_a_client_that_leaves_stops_the_rest(example, catalog):
    gate = Gate()

    def held(request, connection):
        gate.hold()
        return answer({})

    catalog.scripts = dict.fromkeys(range(1, 21), held)
    client = example.begin("PATCH", "/products", [JSON], json.dumps(products(1000)).encode())
    example["catalog"].upstream.wait_for(lambda u: u.busy == 20)
    client.reset()
    connections = [r.connection for r in example["catalog"].requests]
    wait_until(lambda: all(c.peer_closed(0.01) for c in connections), what="the end of all calls")
    gate.open()
    assert len(example["catalog"].requests) == 20


# A hundred prices a request

def test_prices_go_out_by_the_hundred(example, catalog):
    items = products(250)
    found = update(example, items, "/prices")
    assert counts(found) == everything(250)
    assert found["results"] == [{"id": i["id"], "status": "updated"} for i in items]
    assert [json.loads(catalog.bodies[first]) for first in (1, 101, 201)] == [items[:100], items[100:200], items[200:]]
    assert example["catalog"].asked == ["POST /prices/batch"] * 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_batch_that_fails_is_an_error_of_its_items_alone(example, catalog, fault):
    catalog.scripts[101] = FAULTS[fault][0]
    found = update(example, products(250), "/prices")
    if fault in SAID_DONE:
        assert counts(found) == everything(250)
        return
    assert counts(found) == {"updated": 150, "not_found": 0, "errors": 100, "skipped": 0}
    assert [r["status"] for r in found["results"]] == ["updated"] * 100 + ["error"] * 100 + ["updated"] * 50
    assert all(r["message"] for r in found["results"][100:200])


def test_a_batch_may_be_answered_item_by_item(example, catalog):
    said = [{"status": "updated"}, {"status": "not_found"}, {"status": 404}, {"error": "locked"}, {"status": 200}, {}]
    catalog.scripts[1] = answer(said)
    found = update(example, products(6), "/prices")
    assert [r["status"] for r in found["results"]] == ["updated", "not_found", "not_found", "error", "updated", "updated"]
    assert found["results"][3] == {"id": 4, "status": "error", "message": "locked"}
    assert counts(found) == {"updated": 3, "not_found": 2, "errors": 1, "skipped": 0}


@pytest.mark.parametrize("lie", [b"[]", b'[{"id":1,"status":"error"}]', b"{}", b"null", b'"x"', b"7"])
def test_an_answer_of_another_length_says_only_that_the_batch_was_taken(example, catalog, lie):
    catalog.scripts[1] = answer(lie)
    assert counts(update(example, products(3), "/prices")) == everything(3)
