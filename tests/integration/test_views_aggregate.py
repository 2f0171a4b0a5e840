"""view: aggregate (SPEC section 5)."""
import pytest

from support.rest import (
    Hang, degraded, empty, json_of, needs_views, problem, raw, reply, reset, single, squeeze, start, status
)
from support.upstream import refused_url

pytestmark = needs_views()


def aggregate(**include):
    return {"path": "/dashboard", "view": "aggregate", "include": include}


def test_one_object_of_several_services(world):
    route = aggregate(user="users/me", notifications="notify/list", recent="users/recent", recommended="ai/r")
    gw, _ = start(
        world,
        route,
        users={"GET /me": {"id": 1}, "GET /recent": []},
        notify={"GET /list": [{"n": 1}]},
        ai={"GET /r": None},
    )
    answer = gw.get("/dashboard")
    assert list(json_of(answer).items()) == [
        ("user", {"id": 1}), ("notifications", [{"n": 1}]), ("recent", []), ("recommended", None)
    ]  # fmt: skip
    assert degraded(answer) == {}


@pytest.mark.parametrize("failing", ["user", "notifications", "recent"])
def test_any_part_may_fail(world, failing):
    names = ["user", "notifications", "recent"]
    table = {f"GET /{n}": {"of": n} for n in names}
    table[f"GET /{failing}"] = reset
    gw, _ = single(world, aggregate(**{n: f"up/{n}" for n in names}), table)
    answer = gw.get("/dashboard")
    assert list(json_of(answer)) == [n for n in names if n != failing]
    assert degraded(answer) == {failing: "reset"}


def test_a_failed_part_that_is_required_fails_the_view(world):
    route = aggregate(user={"call": "up/user", "required": True}, other="up/other")
    gw, _ = single(world, route, {"GET /user": status(500), "GET /other": 1})
    problem(gw.get("/dashboard"), 502)


@pytest.mark.parametrize(
    "answer, settings, code",
    [
        (reset, {}, 502),
        (status(500), {}, 502),
        (status(404), {}, 502),
        (Hang(), {"timeout": "100ms"}, 504),
        (raw(b"x"), {}, 502),
    ],
    ids=["reset", "500", "404", "timeout", "invalid"],
)
def test_when_all_parts_fail_so_does_the_view(world, answer, settings, code):
    route = aggregate(a={"call": "up/a", **settings}, b={"call": "up/b", **settings})
    gw, _ = single(world, route, {"GET /a": answer, "GET /b": answer})
    problem(gw.get("/dashboard"), code)


def test_when_nobody_can_be_reached_it_is_502(world):
    gw, _ = single(world, aggregate(a="up/a", b="up/b"), {}, {"url": refused_url()})
    problem(gw.get("/dashboard"), 502)


def test_when_all_fail_but_one_has_a_default_the_view_answers(world):
    route = aggregate(a="up/a", b={"call": "up/b", "default": []}, c="up/c")
    gw, _ = single(world, route, {"GET /*": status(503)})
    answer = gw.get("/dashboard")
    assert json_of(answer) == {"b": []}
    assert degraded(answer) == {"a": "status_503", "b": "status_503", "c": "status_503"}


def test_when_all_parts_are_skipped_the_object_is_empty(world):
    gw, up = single(world, aggregate(a={"call": "up/a", "when": "{query.a}"}), {"GET /a": 1})
    answer = gw.get("/dashboard")
    assert json_of(answer) == {} and up.requests == []


def test_merge_lifts_members_to_the_top(world):
    route = aggregate(first="up/f", user={"call": "up/user", "merge": True}, last="up/l")
    gw, _ = single(world, route, {"GET /f": 1, "GET /user": raw(b'{"id":7.0,"\\u006eame":"n"}'), "GET /l": 2})
    assert squeeze(gw.get("/dashboard").body) == b'{"first":1,"id":7.0,"\\u006eame":"n","last":2}'


def test_of_members_written_twice_the_later_written_wins(world):
    route = aggregate(a={"call": "up/a", "merge": True}, x="up/x", b={"call": "up/b", "merge": True})
    gw, _ = single(world, route, {"GET /a": {"x": 1, "y": 1, "z": 1}, "GET /x": 2, "GET /b": {"y": 3}})
    answer = gw.get("/dashboard")
    assert json_of(answer) == {"x": 2, "y": 3, "z": 1}
    assert all(answer.body.count(b'"%s"' % name) == 1 for name in (b"x", b"y", b"z"))


def test_a_failed_merge_is_left_out(world):
    route = aggregate(
        a={"call": "up/a", "merge": True}, b={"call": "up/b", "merge": True, "default": {"d": 1}}, c="up/c"
    )
    gw, _ = single(world, route, {"GET /a": status(500), "GET /b": status(500), "GET /c": 2})
    answer = gw.get("/dashboard")
    assert json_of(answer) == {"d": 1, "c": 2} and degraded(answer) == {"a": "status_500", "b": "status_500"}


@pytest.mark.parametrize("value", [[1], 5, "text"])
def test_what_is_no_object_can_not_be_merged(world, value):
    gw, _ = single(world, aggregate(a={"call": "up/a", "merge": True}, c="up/c"), {"GET /a": value, "GET /c": 2})
    answer = gw.get("/dashboard")
    assert json_of(answer) == {"c": 2} and list(degraded(answer)) == ["a"]


def test_nothing_merged_adds_nothing(world):
    gw, _ = single(world, aggregate(a={"call": "up/a", "merge": True}, c="up/c"), {"GET /a": empty(), "GET /c": 2})
    assert json_of(gw.get("/dashboard")) == {"c": 2}


def test_fields_and_rename_of_an_aggregate(world):
    route = {**aggregate(a="up/a", b="up/b", c="up/c"), "fields": ["c", "a"]}
    gw, _ = single(world, route, {"GET /*": 1})
    assert list(json_of(gw.get("/dashboard"))) == ["c", "a"]


def test_an_aggregate_answers_get_and_head_alone(world):
    gw, up = single(world, aggregate(a="up/a"), {"GET /a": 1})
    found = gw.fetch("POST", "/dashboard", body=b"")
    assert found.status == 405 and {"get", "head"} <= set(found.headers.tokens("allow"))
    got, head = gw.get("/dashboard"), gw.fetch("HEAD", "/dashboard")
    assert (head.status, head.body) == (200, b"")
    assert head.headers.one("content-length") == str(len(got.body))
    assert up.lines == ["GET /a"] * 2


def test_a_4xx_of_a_part_is_not_the_views(world):
    """There is no main call whose status could be the client's."""
    gw, _ = single(world, aggregate(a="up/a", b="up/b"), {"GET /a": status(401), "GET /b": reply([1])})
    answer = gw.get("/dashboard")
    assert json_of(answer) == {"b": [1]} and degraded(answer) == {"a": "status_401"}
