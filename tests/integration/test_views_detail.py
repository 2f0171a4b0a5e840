"""view: detail, and what all views share: fields, rename, headers, pass_headers (SPEC section 5)."""
import re

import pytest

from support.rest import (
    Hang, degraded, empty, json_of, needs_views, problem, raw, reply, sequence, single, squeeze, start, status
)

pytestmark = needs_views()

FIVE = {"id": 5, "title": "t", "author": {"id": 7}, "secret": "s"}


def detail(**more):
    return {"path": "/articles/{id:int}", "view": "detail", "source": "up/articles/{id}", **more}


def test_the_object_is_the_upstreams(world):
    gw, up = single(world, detail(), {"GET /articles/5": FIVE})
    answer = gw.get("/articles/5")
    assert list(json_of(answer).items()) == list(FIVE.items())
    assert up.lines == ["GET /articles/5"]
    assert answer.headers.one("content-length") == str(len(answer.body))


def test_includes_stand_as_members_in_the_order_written(world):
    route = detail(
        include={"comments": "comments/by/{id}", "author": "users/{object.author.id}", "none": "users/none"}
    )
    gw, apis = start(
        world,
        route,
        up={"GET /articles/5": {"id": 5, "author": {"id": 7}}},
        comments={"GET /by/5": [1]},
        users={"GET /7": {"n": "N"}, "GET /none": status(404)},
    )
    answer = gw.get("/articles/5")
    body = json_of(answer)
    assert body == {"id": 5, "author": {"n": "N"}, "comments": [1]}
    assert degraded(answer) == {"none": "status_404"}


def test_404_of_the_source_is_404(world):
    gw, _ = single(world, detail(), {"GET /articles/6": status(404, {"detail": "no such article"})})
    assert gw.get("/articles/6").status == 404
    assert gw.get("/articles/abc").status == 404  # no route


def test_a_detail_answers_get_and_head_alone(world):
    gw, up = single(world, detail(), {"GET /articles/5": FIVE})
    found = gw.fetch("PUT", "/articles/5", body=b"{}")
    assert found.status == 405 and {"get", "head"} <= set(found.headers.tokens("allow"))
    assert "put" not in found.headers.tokens("allow")
    assert up.requests == []


@pytest.mark.parametrize("value", [[1], "text", 5, True])
def test_includes_can_not_be_added_to_what_is_no_object(world, value):
    gw, _ = single(world, detail(include={"more": "up/more"}), {"GET /articles/5": value, "GET /more": 1})
    problem(gw.get("/articles/5"), 502)


# Validators


def test_an_etag_is_strong_and_belongs_to_the_body(world):
    gw, up = single(world, detail(include={"more": "up/more"}), {"GET /articles/5": FIVE, "GET /more": 1})
    first, again = gw.get("/articles/5"), gw.get("/articles/5")
    tag = first.headers.one("etag")
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', tag)
    assert again.headers.one("etag") == tag
    up.table["GET /more"] = 2
    assert gw.get("/articles/5").headers.one("etag") != tag
    up.table["GET /more"] = 1
    assert gw.get("/articles/5").headers.one("etag") == tag


def test_if_none_match_gives_304(world):
    gw, up = single(world, detail(), {"GET /articles/5": FIVE})
    client = gw.connect()
    tag = client.get("/articles/5").headers.one("etag")
    for given in (tag, "W/" + tag, f'"x", {tag}', f'"x",W/"y",{tag},"z"', "*"):
        answer = client.get("/articles/5", [("If-None-Match", given)])
        assert answer.status == 304, given
        assert answer.headers.one("etag") == tag
    answer = client.get("/articles/5", [("If-None-Match", '"x"'), ("If-None-Match", tag)])
    assert answer.status == 304
    for given in ('"x"', tag[:-1] + 'x"', tag.strip('"'), ""):
        assert client.get("/articles/5", [("If-None-Match", given)]).status == 200
    up.table["GET /articles/5"] = {"id": 6}
    answer = client.get("/articles/5", [("If-None-Match", tag)])
    assert json_of(answer) == {"id": 6}


def test_if_none_match_is_for_the_gateway_and_not_passed_on(world):
    gw, up = single(world, detail(), {"GET /articles/5": FIVE})
    gw.get("/articles/5", [("If-None-Match", '"x"')])
    assert "if-none-match" not in up.last().headers


def test_head_has_the_heads_of_get(world):
    gw, up = single(world, detail(), {"GET /articles/5": FIVE, "GET /articles/6": status(404)})
    got, head = gw.get("/articles/5"), gw.fetch("HEAD", "/articles/5")
    assert (head.status, head.body) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert head.headers.one(name) == got.headers.one(name)
    assert up.lines == ["GET /articles/5"] * 2
    assert gw.fetch("HEAD", "/articles/5", [("If-None-Match", got.headers.one("etag"))]).status == 304
    assert gw.fetch("HEAD", "/articles/6").status == 404


@pytest.mark.parametrize("more", [{}, {"default": []}])
def test_a_degraded_object_has_no_etag(world, more):
    route = detail(include={"more": {"call": "up/more", **more}})
    gw, up = single(world, route, {"GET /articles/5": FIVE, "GET /more": status(500)})
    answer = gw.get("/articles/5")
    assert degraded(answer) == {"more": "status_500"} and "etag" not in answer.headers
    for given in ("*", '"x"'):
        assert gw.get("/articles/5", [("If-None-Match", given)]).status == 200
    up.table["GET /more"] = []
    assert "etag" in gw.get("/articles/5").headers


def test_an_error_has_no_etag(world):
    gw, _ = single(world, detail(), {"GET /articles/5": sequence(status(500), status(404))})
    for code in (502, 404):
        answer = gw.get("/articles/5", [("If-None-Match", "*")])
        assert answer.status == code and "etag" not in answer.headers


# fields and rename


def test_fields_keep_members_in_their_order(world):
    gw, _ = single(world, detail(fields=["title", "none", "id"]), {"GET /articles/5": FIVE})
    assert list(json_of(gw.get("/articles/5")).items()) == [("title", "t"), ("id", 5)]


def test_fields_choose_among_includes_too(world):
    route = detail(fields=["more", "id"], include={"more": "up/more", "other": "up/more"})
    gw, _ = single(world, route, {"GET /articles/5": FIVE, "GET /more": 1})
    assert list(json_of(gw.get("/articles/5")).items()) == [("more", 1), ("id", 5)]


def test_what_fields_leave_out_may_still_be_referred_to(world):
    route = detail(fields=["id", "author_name"], include={"author_name": "up/u/{object.author.id}"})
    gw, _ = single(world, route, {"GET /articles/5": FIVE, "GET /u/7": "N"})
    assert json_of(gw.get("/articles/5")) == {"id": 5, "author_name": "N"}


def test_what_fields_keep_keeps_its_text(world):
    gw, _ = single(
        world, detail(fields=["p", "s"]), {"GET /articles/5": raw(b'{"s": "\\u00e9\\/", "x":1, "p": [1.10, 1e400]}')}
    )
    assert squeeze(gw.get("/articles/5").body) == b'{"p":[1.10,1e400],"s":"\\u00e9\\/"}'


def test_rename_changes_names_alone(world):
    gw, _ = single(
        world,
        detail(rename={"title": "headline", "none": "x"}),
        {"GET /articles/5": raw(b'{"id":5.0,"title":"\\u00e9","z":1}')},
    )
    assert squeeze(gw.get("/articles/5").body) == b'{"id":5.0,"headline":"\\u00e9","z":1}'


def test_a_rename_onto_another_member_leaves_one_of_them(world):
    gw, _ = single(world, detail(rename={"title": "id"}), {"GET /articles/5": {"id": 5, "title": "t"}})
    assert squeeze(gw.get("/articles/5").body).count(b'"id"') == 1


# Headers


def test_headers_are_set_on_the_response(world):
    route = detail(headers={"Cache-Control": "max-age=60", "X-Id": "{id}", "X-None": "{query.none}"})
    gw, _ = single(world, route, {"GET /articles/5": FIVE})
    answer = gw.get("/articles/5")
    assert answer.headers.one("cache-control") == "max-age=60"
    assert answer.headers.one("x-id") == "5" and "x-none" not in answer.headers


UPSTREAM_HEADERS = [
    ("ETag", '"up"'), ("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT"), ("Cache-Control", "max-age=5"),
    ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("X-Powered-By", "php"), ("Link", "</x>; rel=x"), ("Server", "up/1"),
    ("Content-Type", "application/json; v=9"), ("Vary", "X-Y"), ("X-Request-Id", "theirs"),
]  # fmt: skip


def test_nothing_of_the_main_calls_headers_passes_by_itself(world):
    gw, _ = single(world, detail(), {"GET /articles/5": reply(FIVE, headers=UPSTREAM_HEADERS)})
    answer = gw.get("/articles/5")
    for name in ("last-modified", "set-cookie", "x-powered-by", "link", "server"):
        assert name not in answer.headers
    assert answer.headers.get("etag") != '"up"' and answer.headers.one("x-request-id") != "theirs"
    assert answer.headers.one("content-type") == "application/json"


def test_pass_headers_of_the_main_call(world):
    route = detail(pass_headers=["ETag", "last-modified", "set-cookie", "x-none"], include={"more": "up/more"})
    table = {
        "GET /articles/5": reply(FIVE, headers=UPSTREAM_HEADERS),
        "GET /more": reply(1, headers=[("Set-Cookie", "e=f"), ("Last-Modified", "x")]),
    }
    gw, _ = single(world, route, table)
    answer = gw.get("/articles/5")
    assert answer.headers.one("etag") == '"up"'
    assert answer.headers.one("last-modified") == "Thu, 01 Jan 2015 00:00:00 GMT"
    assert answer.headers.all("set-cookie") == ["a=b", "c=d"]
    assert "x-powered-by" not in answer.headers and "x-none" not in answer.headers


def test_a_passed_etag_is_what_if_none_match_is_compared_with(world):
    gw, _ = single(world, detail(pass_headers=["etag"]), {"GET /articles/5": reply(FIVE, headers=UPSTREAM_HEADERS)})
    assert gw.get("/articles/5", [("If-None-Match", '"up"')]).status == 304
    assert gw.get("/articles/5", [("If-None-Match", '"other"')]).status == 200


# The example of the contract's first page


def test_a_product_page_survives_failing_reviews(world):
    route = {
        "path": "/products/{id:int}",
        "view": "detail",
        "source": "catalog/products/{id}",
        "include": {
            "reviews": {"call": "reviews/products/{id}/reviews", "default": [], "timeout": "300ms"},
            "related": {"call": "catalog/products?category={object.category}", "select": "items"},
        },
    }
    gw, apis = start(
        world,
        route,
        catalog={"GET /products/5": {"id": 5, "category": "toys"}, "GET /products": {"items": [{"id": 6}]}},
        reviews={"GET /products/5/reviews": sequence(status(503), Hang(), empty())},
    )
    for reason in ("status_503", "timeout"):
        answer = gw.get("/products/5")
        assert json_of(answer) == {"id": 5, "category": "toys", "reviews": [], "related": [{"id": 6}]}
        assert answer.headers.one("viewgate-degraded") == f"reviews;reason={reason}"
    answer = gw.get("/products/5")
    assert json_of(answer)["reviews"] is None and degraded(answer) == {}
    assert apis.catalog.calls("GET /products")[0].target == "/products?category=toys"
