"""view: list, its shape and its pages (SPEC section 5)."""
from urllib.parse import urlsplit

import pytest

from support import wire
from support.rest import json_of, needs_views, problem, query, raw, reply, single, status

pytestmark = needs_views()

ITEMS = [{"id": i, "title": f"t{i}"} for i in range(1, 8)]
MEMBERS = ["results", "count", "page", "pages", "next", "previous"]


def a_list(paginate=None, source="up/articles", **more):
    route = {"path": "/articles", "view": "list", "source": source, **more}
    if paginate is not None:
        route["paginate"] = paginate
    return route


def paging(items, total="meta.total"):
    """An upstream that pages: by page and limit, or by skip and limit."""

    def answer(request, connection):
        asked = dict(query(request))
        limit = int(asked["limit"])
        skip = int(asked["skip"]) if "skip" in asked else (int(asked["page"]) - 1) * limit
        page = items[skip : skip + limit]
        if total == "header":
            return reply(page, headers=[("X-Total-Count", str(len(items)))])
        return {"meta": {"total": len(items)}, "data": page} if total else page

    return answer


def link(value, path="/articles"):
    """The query of a next or previous link, whose path is the route's."""
    parts = urlsplit(value)
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", path), value
    return dict(query(value))


# Shape


def test_without_paginate_results_and_count_alone(world):
    gw, up = single(world, a_list(), {"GET /articles": ITEMS})
    assert list(json_of(gw.get("/articles")).items()) == [("results", ITEMS), ("count", 7)]
    assert up.lines == ["GET /articles"]  # no parameter added


def test_items_need_not_be_objects(world):
    gw, _ = single(world, a_list(), {"GET /articles": [1, "a", None, [2]]})
    assert json_of(gw.get("/articles")) == {"results": [1, "a", None, [2]], "count": 4}


def test_an_empty_list(world):
    gw, _ = single(world, a_list(), {"GET /articles": []})
    assert json_of(gw.get("/articles")) == {"results": [], "count": 0}


def test_select_finds_the_array(world):
    gw, _ = single(
        world,
        a_list(source={"call": "up/articles", "select": "data.items"}),
        {"GET /articles": {"data": {"items": [1]}}},
    )
    assert json_of(gw.get("/articles")) == {"results": [1], "count": 1}


@pytest.mark.parametrize("value", [{"results": []}, "x", 1, True])
def test_an_answer_that_is_no_array_is_502(world, value):
    gw, _ = single(world, a_list(), {"GET /articles": value})
    problem(gw.get("/articles"), 502)


def test_a_list_answers_get_and_head_alone(world):
    gw, up = single(world, a_list(), {"GET /articles": ITEMS})
    assert gw.fetch("POST", "/articles", body=b"").status == 405
    found = gw.fetch("DELETE", "/articles")
    assert found.status == 405 and {"get", "head"} <= set(found.headers.tokens("allow"))
    assert "post" not in found.headers.tokens("allow")
    assert up.requests == []


def test_head_has_the_heads_of_get(world):
    gw, up = single(world, a_list({"size": 3, "by": "gateway"}), {"GET /articles": ITEMS})
    got, head = gw.get("/articles"), gw.fetch("HEAD", "/articles")
    assert head.status == 200 and head.body == b""
    assert head.headers.one("content-length") == str(len(got.body))
    assert head.headers.one("content-type") == got.headers.one("content-type")
    assert up.lines == ["GET /articles", "GET /articles"]


# by: upstream


def test_the_page_is_passed_on_by_the_upstreams_names(world):
    source = {"call": "up/articles", "select": "data"}
    gw, up = single(world, a_list({"by": "upstream", "count": "meta.total"}, source), {"GET /articles": paging(ITEMS)})
    body = json_of(gw.get("/articles?page=3&page_size=2"))
    assert list(body) == MEMBERS
    assert (body["results"], body["count"], body["page"], body["pages"]) == (ITEMS[4:6], 7, 3, 4)
    assert dict(query(up.last())) == {"page": "3", "limit": "2"}
    assert link(body["next"]) == {"page": "4", "page_size": "2"}
    assert link(body["previous"]) == {"page": "2", "page_size": "2"}


def test_by_upstream_is_the_default_with_a_size_of_20(world):
    source = {"call": "up/articles", "select": "data"}
    gw, up = single(world, a_list({"count": "meta.total"}, source), {"GET /articles": paging(ITEMS * 10)})
    body = json_of(gw.get("/articles"))
    assert dict(query(up.last())) == {"page": "1", "limit": "20"}
    assert (len(body["results"]), body["count"], body["page"], body["pages"]) == (20, 70, 1, 4)
    assert (body["next"], body["previous"]) == ("/articles?page=2", None)
    body = json_of(gw.get("/articles?page=2"))
    assert (body["next"], body["previous"]) == ("/articles?page=3", "/articles?page=1")
    body = json_of(gw.get("/articles?page=4"))
    assert (body["next"], body["previous"], len(body["results"])) == (None, "/articles?page=3", 10)


def test_an_upstream_that_counts_by_offset(world):
    paginate = {"size": 2, "upstream": {"offset": "skip", "size": "limit"}, "count": "header:X-Total-Count"}
    gw, up = single(world, a_list(paginate), {"GET /articles": paging(ITEMS, "header")})
    body = json_of(gw.get("/articles?page=3"))
    assert dict(query(up.last())) == {"skip": "4", "limit": "2"}
    assert (body["results"], body["count"], body["pages"]) == (ITEMS[4:6], 7, 4)
    json_of(gw.get("/articles"))
    assert dict(query(up.last())) == {"skip": "0", "limit": "2"}


def test_parameters_have_names_of_their_own(world):
    paginate = {"size": 2, "params": {"page": "p", "size": "n"}, "upstream": {"page": "page", "size": "limit"}}
    gw, up = single(world, a_list(paginate), {"GET /articles": paging(ITEMS, None)})
    body = json_of(gw.get("/articles?p=2&n=3&page=9&page_size=9"))
    assert dict(query(up.last())) == {"page": "2", "limit": "3"}
    assert body["page"] == 2 and link(body["next"])["p"] == "3" and link(body["next"])["n"] == "3"


def test_a_source_keeps_its_own_parameters(world):
    gw, up = single(world, a_list({"size": 2}, "up/articles?status=live"), {"GET /articles": paging(ITEMS, None)})
    json_of(gw.get("/articles"))
    assert dict(query(up.last())) == {"status": "live", "page": "1", "limit": "2"}


@pytest.mark.parametrize("count", [None, "meta.none", "header:X-None"])
def test_where_the_total_is_unknown_a_full_page_has_a_next(world, count):
    paginate = {"size": 3, **({"count": count} if count else {})}
    gw, _ = single(world, a_list(paginate), {"GET /articles": paging(ITEMS, None)})
    body = json_of(gw.get("/articles?page=2"))
    assert list(body) == MEMBERS
    assert (body["count"], body["pages"], body["next"]) == (None, None, "/articles?page=3")
    body = json_of(gw.get("/articles?page=3"))
    assert (len(body["results"]), body["count"], body["next"]) == (1, None, None)


def test_a_page_past_an_unknown_end_is_empty(world):
    gw, _ = single(world, a_list({"size": 3}), {"GET /articles": paging(ITEMS, None)})
    body = json_of(gw.get("/articles?page=50"))
    assert (body["results"], body["next"], body["page"]) == ([], None, 50)


@pytest.mark.parametrize("total", ["x", -1, 1.5, {}, None])
def test_a_total_that_is_no_number_is_unknown(world, total):
    source = {"call": "up/articles", "select": "data"}
    gw, _ = single(
        world, a_list({"size": 3, "count": "total"}, source), {"GET /articles": {"data": ITEMS[:3], "total": total}}
    )
    body = json_of(gw.get("/articles"))
    assert (body["count"], body["pages"], body["next"]) == (None, None, "/articles?page=2")


# by: gateway


def test_the_gateway_slices_a_whole_array(world):
    gw, up = single(world, a_list({"size": 3, "by": "gateway"}), {"GET /articles": ITEMS})
    first, second, third = (json_of(gw.get(f"/articles?page={n}")) for n in (1, 2, 3))
    assert [page["results"] for page in (first, second, third)] == [ITEMS[:3], ITEMS[3:6], ITEMS[6:]]
    assert all((p["count"], p["pages"]) == (7, 3) for p in (first, second, third))
    assert [p["next"] for p in (first, second, third)] == ["/articles?page=2", "/articles?page=3", None]
    assert [p["previous"] for p in (first, second, third)] == [None, "/articles?page=1", "/articles?page=2"]
    assert set(up.lines) == {"GET /articles"}


def test_the_pages_that_are_exactly_full(world):
    gw, _ = single(world, a_list({"size": 7, "by": "gateway"}), {"GET /articles": ITEMS})
    body = json_of(gw.get("/articles"))
    assert (body["pages"], body["next"], len(body["results"])) == (1, None, 7)


# Sizes and pages that clients ask for


@pytest.mark.parametrize("by", ["upstream", "gateway"])
def test_a_size_over_the_maximum_is_clamped(world, by):
    items = ITEMS * 20
    answer = items if by == "gateway" else paging(items, None)
    gw, up = single(world, a_list({"size": 5, "max_size": 10, "by": by}), {"GET /articles": answer})
    for asked in ("11", "1000", "99999999999999999999999"):
        assert len(json_of(gw.get(f"/articles?page_size={asked}"))["results"]) == 10
        assert by == "gateway" or dict(query(up.last()))["limit"] == "10"
    assert len(json_of(gw.get("/articles?page_size=10"))["results"]) == 10


def test_the_maximum_is_100_by_default(world):
    gw, _ = single(world, a_list({"by": "gateway"}), {"GET /articles": ITEMS * 20})
    assert len(json_of(gw.get("/articles?page_size=101"))["results"]) == 100


@pytest.mark.parametrize("by", ["upstream", "gateway"])
@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "1x", "0x1", "%201", "2e1"])
def test_a_page_of_0_or_no_number_is_400(world, page, by):
    gw, up = single(world, a_list({"size": 3, "by": by}), {"GET /articles": ITEMS})
    problem(gw.get(f"/articles?page={page}"), 400)
    assert up.requests == []


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", ""])
def test_a_size_that_is_none_asks_the_upstream_for_nothing_strange(world, size):
    gw, up = single(world, a_list({"size": 3, "max_size": 5}), {"GET /articles": paging(ITEMS, None)})
    answer = gw.get(f"/articles?page_size={size}")
    assert answer.status in (200, 400)
    assert answer.status == 400 or 1 <= int(dict(query(up.last()))["limit"]) <= 5


@pytest.mark.parametrize("by", ["upstream", "gateway"])
def test_a_page_past_a_known_end_is_404(world, by):
    source = {"call": "up/articles", "select": "data"}
    table = {"GET /articles": {"data": ITEMS} if by == "gateway" else paging(ITEMS)}
    paginate = {"size": 3, "by": by, **({"count": "meta.total"} if by == "upstream" else {})}
    gw, _ = single(world, a_list(paginate, source), table)
    assert gw.get("/articles?page=3").status == 200
    for page in (4, 100):
        problem(gw.get(f"/articles?page={page}"), 404)
    for page in ("9223372036854775807", "99999999999999999999999999"):
        assert gw.get(f"/articles?page={page}").status in (400, 404)


@pytest.mark.parametrize("by", ["upstream", "gateway"])
def test_page_1_is_always_200(world, by):
    source = {"call": "up/articles", "select": "data"}
    table = {"GET /articles": {"data": []} if by == "gateway" else paging([])}
    paginate = {"size": 3, "by": by, **({"count": "meta.total"} if by == "upstream" else {})}
    gw, _ = single(world, a_list(paginate, source), table)
    for target in ("/articles", "/articles?page=1"):
        body = json_of(gw.get(target))
        assert (body["results"], body["count"], body["next"], body["previous"]) == ([], 0, None, None)
        assert body["pages"] in (0, 1)


def test_the_upstreams_own_404_for_a_page_is_404(world):
    gw, _ = single(world, a_list({"size": 3}), {"GET /articles": status(404)})
    assert gw.get("/articles?page=9").status == 404


# Links


def test_links_keep_the_other_parameters(world):
    gw, _ = single(world, a_list({"size": 2, "by": "gateway"}, filters=["status", "q"]), {"GET /articles": ITEMS})
    body = json_of(gw.get("/articles?status=a&q=x%26y%3D%23%2B+z&page=2&status=b&q=%C3%A9&page_size=2"))
    for name, page in (("next", "3"), ("previous", "1")):
        pairs = query(body[name])
        assert ("page", page) in pairs and [p for p in pairs if p[0] == "page"] == [("page", page)]
        assert [p for p in pairs if p[0] != "page"] == [
            ("status", "a"), ("q", "x&y=#+ z"), ("status", "b"), ("q", "é"), ("page_size", "2")
        ]  # fmt: skip
        assert body[name].isascii() and " " not in body[name]


def test_links_can_be_followed_to_the_end_and_back(world):
    gw, _ = single(world, a_list({"size": 2, "by": "gateway"}), {"GET /articles": ITEMS})
    seen, at = [], "/articles"
    while at:
        body = json_of(gw.get(at))
        seen += body["results"]
        last, at = at, body["next"]
    assert seen == ITEMS and last == "/articles?page=4"
    back = []
    while last:
        back.append(last)
        last = json_of(gw.get(last))["previous"]
    assert back == [f"/articles?page={n}" for n in (4, 3, 2, 1)]


def test_links_stay_under_the_path_that_was_asked_for(world):
    route = {
        "path": "/users/{name}/articles",
        "view": "list",
        "source": "up/a/{name}",
        "paginate": {"size": 1, "by": "gateway"},
    }
    gw, _ = single(world, route, {"GET /a/*": ITEMS})
    body = json_of(gw.get("/users/b%20b%2F/articles"))
    assert body["next"] == "/users/b%20b%2F/articles?page=2"


def test_a_path_that_looks_like_a_host_makes_no_foreign_link(world):
    route = {"path": "/{rest...}", "view": "list", "source": "up/a", "paginate": {"size": 1, "by": "gateway"}}
    gw, _ = single(world, route, {"GET /a": ITEMS})
    answer = gw.get("//evil.example/x")
    if answer.status == 200:
        assert not json_of(answer)["next"].startswith("//")


def test_requests_of_one_connection_do_not_mix(world):
    gw, _ = single(world, a_list({"size": 2, "by": "gateway"}), {"GET /articles": ITEMS})
    client = gw.connect()
    client.send(b"".join(wire.request("GET", f"/articles?page={n}") for n in (3, 1, 9, 2)))
    found = [client.read_response() for _ in range(4)]
    assert [a.status for a in found] == [200, 200, 404, 200]
    assert [json_of(found[i])["page"] for i in (0, 1, 3)] == [3, 1, 2]


def test_the_text_of_items_survives_slicing(world):
    gw, _ = single(world, a_list({"size": 1, "by": "gateway"}), {"GET /articles": raw(b'[ {"p":1.10} , {"p":1e400} ]')})
    assert b'[{"p":1e400}]' in gw.get("/articles?page=2").body.replace(b" ", b"")
