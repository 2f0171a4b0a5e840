"""view: list: filters, order, strict_query, sparse fields, context (SPEC section 5)."""
import threading

import pytest

from support.rest import degraded, json_of, meet, needs_views, problem, query, single, squeeze, status

pytestmark = needs_views()

ITEMS = [{"id": 1, "title": "a", "secret": "s1", "price": 2}, {"id": 2, "title": "b", "secret": "s2", "price": 3}]


def a_list(**more):
    return {"path": "/articles", "view": "list", "source": "up/articles", **more}


def asked(gw, up, target, code=200):
    assert gw.get(target).status == code
    return query(up.last())


# Filters and order


def test_filters_are_passed_on_and_others_are_dropped(world):
    gw, up = single(world, a_list(filters=["status", "author"]), {"GET /articles": ITEMS})
    assert sorted(asked(gw, up, "/articles?status=live&x=1&author=7&page=2&secret=s1")) == [
        ("author", "7"), ("status", "live")
    ]  # fmt: skip
    assert asked(gw, up, "/articles") == []


def test_without_filters_nothing_is_passed_on(world):
    gw, up = single(world, a_list(), {"GET /articles": ITEMS})
    assert asked(gw, up, "/articles?status=live&order=x&fields=id") == []


def test_filters_may_be_renamed(world):
    gw, up = single(world, a_list(filters={"author": "author_id", "status": "status"}), {"GET /articles": ITEMS})
    assert sorted(asked(gw, up, "/articles?author=7&status=a&author_id=9")) == [("author_id", "7"), ("status", "a")]


def test_values_of_filters_are_passed_as_they_are(world):
    gw, up = single(world, a_list(filters=["q"]), {"GET /articles": ITEMS})
    assert asked(gw, up, "/articles?q=a%26b%3D1%23+%2B%25&evil=1") == [("q", "a&b=1# +%")]
    assert asked(gw, up, "/articles?q=") == [("q", "")]
    assert asked(gw, up, "/articles?q=1&q=2") == [("q", "1"), ("q", "2")]
    assert asked(gw, up, "/articles?%71=1") == [("q", "1")]


def test_order_is_passed_on_for_the_members_named(world):
    gw, up = single(world, a_list(order=["created_at", "title"]), {"GET /articles": ITEMS})
    for order in ("title", "-title", "-created_at,title"):
        assert asked(gw, up, f"/articles?order={order}") == [("order", order)]


@pytest.mark.parametrize("order", ["secret", "-secret", "title,secret", "--title", "", "title%20desc", "-"])
def test_an_order_by_something_else_never_reaches_the_upstream(world, order):
    gw, up = single(world, a_list(order=["created_at", "title"]), {"GET /articles": ITEMS})
    answer = gw.get(f"/articles?order={order}")
    assert answer.status in (200, 400)
    for request in up.requests:
        given = dict(query(request)).get("order", "")
        assert {name.removeprefix("-") for name in given.split(",")} <= {"created_at", "title", ""}


@pytest.mark.parametrize(
    "target", ["/articles?x=1", "/articles?status=1&Status=2", "/articles?author_id=1", "/articles?order=secret"]
)
def test_strict_query_refuses_what_is_not_known(world, target):
    route = a_list(filters={"status": "status", "author": "author_id"}, order=["title"], strict_query=True)
    gw, up = single(world, route, {"GET /articles": ITEMS})
    problem(gw.get(target), 400)
    assert up.requests == []


def test_strict_query_knows_what_the_view_knows(world):
    route = a_list(
        filters=["status"], order=["title"], fields=["id", "title"], strict_query=True, paginate={"by": "gateway"}
    )
    gw, up = single(world, route, {"GET /articles": ITEMS})
    assert sorted(asked(gw, up, "/articles?status=a&order=-title&fields=id&page=1&page_size=5")) == [
        ("order", "-title"), ("status", "a")
    ]  # fmt: skip


def test_strict_query_knows_what_templates_refer_to(world):
    route = a_list(source="up/articles?lang={query.lang}", strict_query=True)
    gw, up = single(world, route, {"GET /articles": ITEMS})
    assert asked(gw, up, "/articles?lang=de") == [("lang", "de")]


# Fields


def test_fields_keep_members_in_their_order(world):
    gw, _ = single(world, a_list(fields=["title", "id", "none"]), {"GET /articles": ITEMS})
    body = json_of(gw.get("/articles"))
    assert [list(item.items()) for item in body["results"]] == [
        [("title", "a"), ("id", 1)], [("title", "b"), ("id", 2)]
    ]


def test_a_client_may_narrow_fields(world):
    gw, up = single(world, a_list(fields=["title", "id", "price"]), {"GET /articles": ITEMS})
    for text in ("id,title", "title,id"):
        body = json_of(gw.get(f"/articles?fields={text}"))
        assert [sorted(item) for item in body["results"]] == [["id", "title"]] * 2
    assert json_of(gw.get("/articles?fields=price"))["results"] == [{"price": 2}, {"price": 3}]
    assert set(up.lines) == {"GET /articles"}


def test_a_client_can_not_widen_fields(world):
    gw, _ = single(world, a_list(fields=["title", "id"]), {"GET /articles": ITEMS})
    for text in ("secret", "id,secret", "*", "", "id,,secret"):
        answer = gw.get(f"/articles?fields={text}")
        assert answer.status in (200, 400) and b"s1" not in answer.body


def test_rename_gives_members_another_name(world):
    gw, _ = single(world, a_list(rename={"title": "name"}), {"GET /articles": [{"id": 1, "title": "a", "x": 1.0}]})
    assert squeeze(gw.get("/articles").body) == b'{"results":[{"id":1,"name":"a","x":1.0}],"count":1}'


# Context


def test_context_calls_run_beside_the_main_one(world):
    three = threading.Barrier(3)
    route = a_list(context={"tags": "up/tags", "total": {"call": "up/stats", "select": "n"}})
    table = {"GET /articles": meet(three, [1]), "GET /tags": meet(three, ["x"]), "GET /stats": meet(three, {"n": 9})}
    gw, _ = single(world, route, table)
    assert list(json_of(gw.get("/articles")).items()) == [
        ("results", [1]), ("count", 1), ("context", {"tags": ["x"], "total": 9})
    ]  # fmt: skip


def test_context_stands_behind_the_page(world):
    route = a_list(context={"tags": "up/tags"}, paginate={"by": "gateway"})
    gw, _ = single(world, route, {"GET /articles": [1], "GET /tags": []})
    assert list(json_of(gw.get("/articles"))) == ["results", "count", "page", "pages", "next", "previous", "context"]


def test_a_context_call_that_fails_degrades(world):
    route = a_list(context={"a": "up/a", "b": {"call": "up/b", "default": [0]}, "c": "up/c"})
    gw, _ = single(world, route, {"GET /articles": [1], "GET /a": status(500), "GET /b": status(404), "GET /c": 3})
    answer = gw.get("/articles")
    assert json_of(answer) == {"results": [1], "count": 1, "context": {"b": [0], "c": 3}}
    assert degraded(answer) == {"a": "status_500", "b": "status_404"}


def test_a_context_in_which_all_fail_is_empty(world):
    gw, _ = single(world, a_list(context={"a": "up/a"}), {"GET /articles": [1], "GET /a": status(500)})
    assert json_of(gw.get("/articles"))["context"] == {}


def test_a_required_context_call_fails_the_view(world):
    route = a_list(context={"a": {"call": "up/a", "required": True}})
    gw, _ = single(world, route, {"GET /articles": [1], "GET /a": status(500)})
    problem(gw.get("/articles"), 502)


def test_context_calls_may_refer_to_each_other_and_to_the_request(world):
    route = a_list(context={"b": "up/b/{calls.a.id}?q={query.q}", "a": "up/a"})
    gw, up = single(world, route, {"GET /articles": [1], "GET /a": {"id": 4}, "GET /b/4": 1})
    assert list(json_of(gw.get("/articles?q=z"))["context"]) == ["b", "a"]
    assert up.only("GET /b/4").target == "/b/4?q=z"
