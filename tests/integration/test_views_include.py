"""include on a list: by key in one call a page, and per item (SPEC section 5)."""
import threading

import pytest

from support import wire
from support.rest import (
    degraded, empty, held, json_of, meet, needs_views, problem, query, raw, reply, single, squeeze, start, status
)
from support.upstream import Gate

pytestmark = needs_views()


def books(include, **more):
    return {"path": "/books", "view": "list", "source": "up/books", "include": include, **more}


def publisher(**more):
    return {"call": "up/publishers?ids={items.publisher_id}", "match": {"publisher_id": "id"}, **more}


def by_ids(objects, name="ids", key="id", log=None):
    """An upstream that answers those objects whose key was asked for."""

    def answer(request, connection):
        ids = dict(query(request))[name].split(",")
        if log is not None:
            log.append(ids)
        return [o for o in objects if str(o[key]) in ids]

    return answer


BOOKS = [
    {"id": 1, "publisher_id": 7},
    {"id": 2, "publisher_id": 8},
    {"id": 3, "publisher_id": 7},
    {"id": 4, "publisher_id": None},
    {"id": 5},
]
PUBLISHERS = [{"id": 8, "name": "P8"}, {"id": 7, "name": "P7"}]


def members(answer, name):
    return [item.get(name, "left out") for item in json_of(answer)["results"]]


# By key


def test_one_call_joins_the_whole_page(world):
    gw, up = single(
        world, books({"publisher": publisher()}), {"GET /books": BOOKS, "GET /publishers": by_ids(PUBLISHERS)}
    )
    answer = gw.get("/books")
    assert members(answer, "publisher") == [PUBLISHERS[1], PUBLISHERS[0], PUBLISHERS[1], None, None]
    assert dict(query(up.only("GET /publishers"))) == {"ids": "7,8"}  # distinct, in order of occurrence
    assert degraded(answer) == {}
    assert list(json_of(answer)["results"][0]) == ["id", "publisher_id", "publisher"]


def test_many_joins_arrays(world):
    reviews = [{"book": 1, "n": 1}, {"book": 3, "n": 2}, {"book": 1, "n": 3}]
    include = {"reviews": {"call": "up/reviews?books={items.id}", "match": {"id": "book"}, "many": True}}
    table = {"GET /books": BOOKS[:3], "GET /reviews": by_ids(reviews, "books", "book")}
    gw, _ = single(world, books(include), table)
    assert members(gw.get("/books"), "reviews") == [[reviews[0], reviews[2]], [], [reviews[1]]]


def test_of_several_matches_one_object_is_taken(world):
    table = {"GET /books": BOOKS[:1], "GET /publishers": [{"id": 7, "n": 1}, {"id": 7, "n": 2}]}
    gw, _ = single(world, books({"publisher": publisher()}), table)
    assert members(gw.get("/books"), "publisher")[0] in ({"id": 7, "n": 1}, {"id": 7, "n": 2})


def test_keys_compare_as_text(world):
    items = [{"publisher_id": 7}, {"publisher_id": "8"}, {"publisher_id": "007"}, {"publisher_id": True}]
    found = [{"id": "7"}, {"id": 8}, {"id": "true"}]
    gw, _ = single(world, books({"publisher": publisher()}), {"GET /books": items, "GET /publishers": found})
    assert members(gw.get("/books"), "publisher") == [{"id": "7"}, {"id": 8}, None, {"id": "true"}]


def test_the_default_stands_for_what_is_missing(world):
    default = {"name": "nobody"}
    table = {"GET /books": BOOKS[:3], "GET /publishers": PUBLISHERS[1:]}
    gw, _ = single(world, books({"publisher": publisher(default=default)}), table)
    answer = gw.get("/books")
    assert members(answer, "publisher") == [PUBLISHERS[1], default, PUBLISHERS[1]]
    assert degraded(answer) == {}


def test_a_failed_include_yields_its_default_in_every_item(world):
    gw, _ = single(
        world, books({"p": publisher(default=None)}), {"GET /books": BOOKS[:2], "GET /publishers": status(503)}
    )
    answer = gw.get("/books")
    assert members(answer, "p") == [None, None] and degraded(answer) == {"p": "status_503"}


def test_a_failed_include_without_default_is_left_out(world):
    gw, _ = single(world, books({"p": publisher()}), {"GET /books": BOOKS[:2], "GET /publishers": status(500)})
    answer = gw.get("/books")
    assert members(answer, "p") == ["left out"] * 2 and degraded(answer) == {"p": "status_500"}


def test_a_failed_required_include_fails_the_view(world):
    gw, _ = single(world, books({"p": publisher(required=True)}), {"GET /books": BOOKS, "GET /publishers": status(500)})
    problem(gw.get("/books"), 502)


@pytest.mark.parametrize("value", [{"7": {}}, "text", 5])
def test_an_answer_that_is_no_array_fails_the_include(world, value):
    gw, _ = single(world, books({"p": publisher()}), {"GET /books": BOOKS[:1], "GET /publishers": value})
    answer = gw.get("/books")
    assert members(answer, "p") == ["left out"] and "p" in degraded(answer)


def test_entries_that_are_no_objects_match_nothing(world):
    table = {
        "GET /books": BOOKS[:1] + [5, None, "x"], "GET /publishers": [7, None, "7", [7], {"id": {"x": 7}}, {}, {"id": None}]
    }
    gw, _ = single(world, books({"p": publisher()}), table)
    results = json_of(gw.get("/books"))["results"]
    assert results[0]["p"] is None and results[1:] == [5, None, "x"]


def test_select_finds_the_array_to_join(world):
    gw, _ = single(
        world,
        books({"p": publisher(select="data")}),
        {"GET /books": BOOKS[:1], "GET /publishers": {"data": PUBLISHERS}},
    )
    assert members(gw.get("/books"), "p") == [PUBLISHERS[1]]


@pytest.mark.parametrize("items", [[], [{"id": 1}], [{"publisher_id": None}], [{"publisher_id": {"x": 1}}]])
def test_without_items_or_keys_there_is_no_call(world, items):
    gw, up = single(world, books({"p": publisher()}), {"GET /books": items})
    answer = gw.get("/books")
    assert json_of(answer)["count"] == len(items) and degraded(answer) == {}
    assert up.lines == ["GET /books"]
    assert members(answer, "p") == [None] * len(items)


@pytest.mark.parametrize("count, calls", [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_over_100_keys_are_parallel_calls_of_100(world, count, calls):
    items = [{"id": i, "publisher_id": f"p{i}"} for i in range(count)] * 2
    objects = [{"id": f"p{i}", "n": i} for i in range(count)]
    together, log = threading.Barrier(len(calls)), []
    gw, _ = single(
        world,
        books({"p": publisher()}),
        {"GET /books": items, "GET /publishers": meet(together, by_ids(objects, log=log))},
    )
    assert [p["n"] for p in members(gw.get("/books"), "p")] == [i["id"] for i in items]
    assert sorted(map(len, log), reverse=True) == calls
    assert sorted(k for ids in log for k in ids) == sorted({i["publisher_id"] for i in items})


def test_keys_are_those_of_the_page_alone(world):
    route = books({"p": publisher()}, paginate={"size": 1, "by": "gateway"})
    gw, up = single(world, route, {"GET /books": BOOKS, "GET /publishers": by_ids(PUBLISHERS)})
    assert members(gw.get("/books?page=2"), "p") == [PUBLISHERS[0]]
    assert dict(query(up.only("GET /publishers"))) == {"ids": "8"}


def test_fields_come_after_the_join(world):
    route = books({"p": publisher(), "q": publisher()}, fields=["p", "id"])
    gw, _ = single(world, route, {"GET /books": BOOKS[:1], "GET /publishers": PUBLISHERS})
    assert json_of(gw.get("/books"))["results"] == [{"p": PUBLISHERS[1], "id": 1}]


def test_two_includes_run_at_once(world):
    both = threading.Barrier(2)
    include = {"p": publisher(), "s": {"call": "up/stock?ids={items.id}", "match": {"id": "id"}}}
    table = {"GET /books": BOOKS[:2], "GET /publishers": meet(both, PUBLISHERS), "GET /stock": meet(both, [{"id": 2}])}
    gw, up = single(world, books(include), table)
    results = json_of(gw.get("/books"))["results"]
    assert [list(item) for item in results] == [["id", "publisher_id", "p", "s"]] * 2
    assert [item["s"] for item in results] == [None, {"id": 2}]
    assert len(up.requests) == 3


def test_values_that_would_break_the_list_of_keys_are_encoded(world):
    items = [{"publisher_id": "a&x=1"}, {"publisher_id": "é#"}]
    objects = [{"id": "a&x=1", "n": 1}, {"id": "é#", "n": 2}]
    gw, up = single(world, books({"p": publisher()}), {"GET /books": items, "GET /publishers": by_ids(objects)})
    assert members(gw.get("/books"), "p") == objects
    assert query(up.only("GET /publishers")) == [("ids", "a&x=1,é#")]


def test_keys_may_go_in_a_body(world):
    include = {"p": {"call": "POST up/find", "body": {"ids": "{items.publisher_id}"}, "match": {"publisher_id": "id"}}}
    gw, up = single(world, books(include), {"GET /books": BOOKS[:3], "POST /find": PUBLISHERS})
    assert members(gw.get("/books"), "p")[1] == PUBLISHERS[0]
    assert up.only("POST /find").body.replace(b" ", b"") in (b'{"ids":"7,8"}', b'{"ids":[7,8]}', b'{"ids":["7","8"]}')


def test_what_is_joined_keeps_its_text(world):
    table = {
        "GET /books": raw(b'[ {"publisher_id":7,"a":1.10} ]'), "GET /publishers": raw(b'[{"id":7, "n":"\\u00e9" }]')
    }
    gw, _ = single(world, books({"p": publisher()}), table)
    assert squeeze(
        gw.get("/books").body
    ) == b'{"results":[{"publisher_id":7,"a":1.10,"p":{"id":7,"n":"\\u00e9"}}],"count":1}'


# Per item


def test_a_call_for_each_item(world):
    route = books({"stock": {"call": "inventory/stock/{item.sku}"}})
    gw, apis = start(
        world, route, up={"GET /books": [{"sku": "a"}, {"sku": "b"}]}, inventory={
            "GET /stock/a": 1, "GET /stock/b": {"n": 2}
        }
    )
    assert members(gw.get("/books"), "stock") == [1, {"n": 2}]
    assert sorted(apis.inventory.lines) == ["GET /stock/a", "GET /stock/b"]


def test_the_same_call_is_made_once(world):
    items = [{"sku": s} for s in "abcabcaaa"]
    gw, up = single(
        world, books({"s": "up/stock/{item.sku}"}), {"GET /books": items, "GET /stock/*": lambda r, c: r.path[-1]}
    )
    assert members(gw.get("/books"), "s") == list("abcabcaaa")
    assert sorted(up.lines) == ["GET /books", "GET /stock/a", "GET /stock/b", "GET /stock/c"]


def test_calls_for_items_are_bounded(world):
    gate = Gate()
    items = [{"sku": i} for i in range(20)]
    include = {"s": {"call": "up/stock/{item.sku}", "concurrency": 4}}
    gw, up = single(world, books(include), {"GET /books": items, "GET /stock/*": held(gate, reply(1))})
    client = gw.connect().send(wire.request("GET", "/books"))
    up.wait_for(lambda u: u.busy == 4)
    gate.open()
    assert members(client.read_response(), "s") == [1] * 20
    assert up.most_busy == 4


def test_results_stand_with_their_items_whatever_answers_first(world):
    gates = {n: Gate() for n in "abc"}
    table = {"GET /books": [{"sku": s} for s in "abc"], **{f"GET /stock/{n}": held(g, n) for n, g in gates.items()}}
    gw, up = single(world, books({"s": {"call": "up/stock/{item.sku}", "concurrency": 8}}), table)
    client = gw.connect().send(wire.request("GET", "/books"))
    up.wait_requests(4)
    for name in "cba":
        busy = up.busy
        gates[name].open()
        up.wait_for(lambda u: u.busy == busy - 1)
    assert members(client.read_response(), "s") == list("abc")


def test_a_failure_harms_its_own_item_alone(world):
    items = [{"sku": "a"}, {"sku": "b"}, {"sku": "c"}, {}]
    table = {"GET /books": items, "GET /stock/a": 1, "GET /stock/b": status(404), "GET /stock/c": empty()}
    gw, _ = single(world, books({"s": "up/stock/{item.sku}"}), table)
    answer = gw.get("/books")
    assert members(answer, "s") == [1, "left out", None, "left out"]
    assert degraded(answer)["s"] in ("status_404", "missing_value")  # once, though two failed
    gw, _ = single(world, books({"s": {"call": "up/stock/{item.sku}", "default": 0}}), table)
    assert members(gw.get("/books"), "s") == [1, 0, None, 0]


def test_a_required_call_for_each_item(world):
    items = [{"sku": "a"}, {"sku": "b"}]
    gw, _ = single(
        world,
        books({"s": {"call": "up/stock/{item.sku}", "required": True}}),
        {"GET /books": items, "GET /stock/a": 1, "GET /stock/b": status(500)},
    )
    problem(gw.get("/books"), 502)


def test_when_of_an_item_skips_its_call(world):
    include = {"s": {"call": "up/stock/{item.sku}", "when": "{item.tracked}"}}
    items = [{"sku": "a", "tracked": True}, {"sku": "b", "tracked": False}, {"sku": "c"}]
    gw, up = single(world, books(include), {"GET /books": items, "GET /stock/a": 5})
    answer = gw.get("/books")
    assert members(answer, "s") == [5, "left out", "left out"] and degraded(answer) == {}


def test_calls_for_items_of_an_empty_page_are_none(world):
    gw, up = single(world, books({"s": "up/stock/{item.sku}"}), {"GET /books": []})
    assert json_of(gw.get("/books")) == {"results": [], "count": 0}
    assert up.lines == ["GET /books"]


def test_a_client_that_leaves_stops_the_calls_for_items(world):
    gate = Gate()
    include = {"s": {"call": "up/stock/{item.sku}", "concurrency": 2}}
    items = [{"sku": i} for i in range(50)]
    gw, up = single(world, books(include), {"GET /books": items, "GET /stock/*": held(gate, reply(1)), "GET /x": 1})
    client = gw.connect().send(wire.request("GET", "/books"))
    up.wait_requests(3)
    client.reset()
    up.table["GET /books"] = [{"sku": 99}]
    gate.open()
    up.wait_for(lambda u: u.open <= 1 and u.busy == 0)
    assert members(gw.get("/books"), "s") == [1]
    assert len(up.calls("GET /stock/*")) <= 2 + 2 + 1
