"""Views and defaults, named views, mixins; methods, OPTIONS, headers of the response (SPEC sections 2, 3, 5)."""
import pytest

from support.rest import Api, client_json, degraded, json_of, needs_views, query, reply, single, status

pytestmark = needs_views()

TABLE = {
    "GET /articles/1": {"id": 1, "tag": "x"},
    "GET /tags/x": ["t"],
    "GET /more": 5,
    "GET /wrapped": {"data": {"id": 2, "tag": "y"}, "other": 1},
    "GET /tags/y": ["u"],
}
BASE = {
    "view": "detail",
    "source": {"call": "up/articles/{id}", "headers": {"X-A": "base"}},
    "include": {"tags": {"call": "up/tags/{object.tag}", "default": []}},
    "fields": ["id", "tag", "tags", "more"],
}


def gateway(world, route, **top):
    up = Api(dict(TABLE))
    world.upstreams.append(up)
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1},
        "upstreams": {"up": {"url": up.url, "retry": 0}},
        "routes": [{"path": "/a/{id}", **route}],
        **top,
    }
    return world.gateway(config), up


def test_a_route_extends_a_named_view(world):
    gw, _ = gateway(world, {"extends": "article"}, views={"article": BASE})
    assert json_of(gw.get("/a/1")) == {"id": 1, "tag": "x", "tags": ["t"]}


def test_includes_merge_by_name_and_keep_the_order_of_the_weaker(world):
    route = {"extends": "article", "include": {"more": "up/more", "tags": {"required": False}}, "fields": None}
    gw, _ = gateway(world, route, views={"article": BASE})
    assert list(json_of(gw.get("/a/1"))) == ["id", "tag", "tags", "more"]


def test_null_removes_an_include(world):
    gw, up = gateway(world, {"extends": "article", "include": {"tags": None}}, views={"article": BASE})
    assert json_of(gw.get("/a/1")) == {"id": 1, "tag": "x"}
    assert up.lines == ["GET /articles/1"]


def test_a_short_form_replaces_the_call_and_keeps_the_rest(world):
    gw, up = gateway(
        world,
        {"extends": "article", "source": "up/wrapped"},
        views={"article": {**BASE, "source": {"call": "up/none", "select": "data", "headers": {"X-A": "base"}}}},
    )
    assert json_of(gw.get("/a/1")) == {"id": 2, "tag": "y", "tags": ["u"]}
    assert up.only("GET /wrapped").headers.one("x-a") == "base"


def test_mixins_go_from_left_to_right_and_the_route_is_the_strongest(world):
    mixins = {
        "one": {"include": {"a": "up/more", "b": "up/none"}, "fields": ["id"]},
        "two": {"include": {"b": "up/more"}, "fields": ["id", "a", "b", "c"]},
    }
    route = {"view": "detail", "source": "up/articles/{id}", "mixins": ["one", "two"], "include": {"c": "up/more"}}
    gw, _ = gateway(world, route, mixins=mixins)
    assert list(json_of(gw.get("/a/1")).items()) == [("id", 1), ("a", 5), ("b", 5), ("c", 5)]


def test_defaults_may_hold_settings_of_other_views(world):
    defaults = {"timeout": "20s", "paginate": {"size": 5}, "fields": ["id"]}
    gw, up = gateway(world, {"view": "detail", "source": "up/articles/{id}"}, defaults=defaults)
    assert json_of(gw.get("/a/1")) == {"id": 1}
    assert int(up.last().headers.one("x-request-deadline-ms")) <= 20000


# Methods


def test_views_of_one_path_share_it_by_their_methods(world):
    routes = [
        {"path": "/users", "view": "list", "source": "up/users"},
        {"path": "/users", "view": "create", "source": "up/users"},
        {"path": "/users/{id}", "view": "detail", "source": "up/users/{id}"},
        {"path": "/users/{id}", "view": "update", "source": "up/users/{id}"},
        {"path": "/users/{id}", "view": "delete", "source": "up/users/{id}"},
    ]
    table = {
        "GET /users": [1],
        "POST /users": reply({"id": 2}, 201),
        "GET /users/1": {"id": 1},
        "PATCH /users/1": {"id": 1, "n": 2},
        "DELETE /users/1": reply(None, 200),
    }
    gw, up = single(world, routes, table)
    assert json_of(gw.get("/users"))["results"] == [1]
    assert json_of(gw.fetch("POST", "/users", **client_json({})), 201) == {"id": 2}
    assert json_of(gw.get("/users/1")) == {"id": 1}
    assert json_of(gw.fetch("PATCH", "/users/1", **client_json({}))) == {"id": 1, "n": 2}
    assert gw.fetch("DELETE", "/users/1").status == 204
    assert up.lines == ["GET /users", "POST /users", "GET /users/1", "PATCH /users/1", "DELETE /users/1"]
    found = gw.fetch("OPTIONS", "/users/1")
    assert found.status == 204
    assert {"get", "head", "put", "patch", "post", "delete"} <= set(found.headers.tokens("allow"))


def test_methods_narrow_a_view(world):
    gw, up = single(world, {"path": "/u", "view": "update", "source": "up/u", "methods": ["PATCH"]}, {"PATCH /u": {}})
    assert gw.fetch("PUT", "/u", **client_json({})).status == 405
    assert gw.fetch("PATCH", "/u", **client_json({})).status == 200
    assert up.lines == ["PATCH /u"]


# Headers of the response


@pytest.mark.parametrize("view", ["detail", "list", "aggregate", "create"])
def test_headers_are_set_and_no_value_adds_a_line(world, view):
    route = {"path": "/r", "view": view, "headers": {"X-Q": "{query.q}", "Cache-Control": "no-store"}}
    route.update({"include": {"a": "up/x"}} if view == "aggregate" else {"source": "up/x"})
    gw, _ = single(world, route, {"GET /x": [1] if view == "list" else {"id": 1}, "POST /x": {"id": 1}})
    method = "POST" if view == "create" else "GET"
    kw = client_json({}) if view == "create" else {}
    for value in ("plain", "a%0d%0aX-Evil:%201", "%00", "%7f", "%c3%a9"):
        answer = gw.fetch(method, f"/r?q={value}", **kw)  # read strictly
        assert answer.status in (200, 201) and "x-evil" not in answer.headers
        assert answer.headers.one("cache-control") == "no-store"
        assert value != "plain" or answer.headers.one("x-q") == "plain"


def test_every_answer_carries_the_requests_id(world):
    gw, up = single(
        world,
        {"path": "/r", "view": "detail", "source": "up/x", "include": {"a": "up/a"}},
        {"GET /x": {}, "GET /a": status(500)},
    )
    answer = gw.get("/r")
    assert degraded(answer) == {"a": "status_500"}
    assert {r.headers.one("x-request-id") for r in up.requests} == {answer.headers.one("x-request-id")}


def test_rename_and_fields_together(world):
    route = {"path": "/r", "view": "detail", "source": "up/x", "rename": {"title": "name"}, "fields": ["name", "id"]}
    gw, _ = single(world, route, {"GET /x": {"id": 1, "title": "t", "x": 1}})
    assert list(json_of(gw.get("/r")).items()) == [("name", "t"), ("id", 1)]


def test_the_clients_query_is_for_templates_alone(world):
    gw, up = single(world, {"path": "/r", "view": "detail", "source": "up/x?lang={query.lang}"}, {"GET /x": {}})
    gw.get("/r?a=1&lang=de&b=2")
    assert query(up.last()) == [("lang", "de")]
