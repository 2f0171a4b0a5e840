"""view: update and view: delete (SPEC section 5)."""
import json

import pytest

from support.rest import (
    body_of, client_json, degraded, empty, json_of, needs_views, problem, reply, reset, single, status
)

pytestmark = needs_views()

CHANGED = {"id": 5, "name": "b"}


def update(**more):
    return {"path": "/users/{id:int}", "view": "update", "source": "up/users/{id}", **more}


def delete(**more):
    return {"path": "/users/{id:int}", "view": "delete", "source": "up/users/{id}", **more}


def send(gw, method="PATCH", value=None, *headers):
    return gw.fetch(method, "/users/5", **client_json({"name": "b"} if value is None else value, *headers))


# update


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_source_is_called_as_the_client_did(world, method):
    gw, up = single(world, update(), {f"{method} /users/5": CHANGED})
    assert json_of(send(gw, method)) == CHANGED
    assert body_of(up.only(f"{method} /users/5")) == {"name": "b"}


def test_a_form_may_be_posted(world):
    gw, up = single(world, update(), {"PUT /users/5": CHANGED, "PATCH /users/5": CHANGED})
    answer = gw.fetch("POST", "/users/5", [("Content-Type", "application/x-www-form-urlencoded")], b"name=b")
    assert json_of(answer) == CHANGED
    assert body_of(up.last()) == {"name": "b"}


def test_the_sources_own_method_wins(world):
    gw, up = single(world, update(source="POST up/users/{id}/rename"), {"POST /users/5/rename": CHANGED})
    assert json_of(send(gw, "PUT")) == CHANGED
    assert json_of(send(gw, "PATCH")) == CHANGED
    assert len(up.requests) == 2


def test_an_update_answers_put_patch_and_post(world):
    gw, up = single(world, update(), {})
    for method in ("GET", "DELETE"):
        answer = gw.fetch(method, "/users/5")
        assert answer.status == 405 and {"put", "patch", "post"} <= set(answer.headers.tokens("allow"))
    assert up.requests == []


def test_an_empty_answer_is_204(world):
    gw, _ = single(world, update(), {"PATCH /users/5": empty()})
    answer = send(gw)
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("code", [400, 403, 404, 409, 412, 422])
def test_the_sources_own_4xx_reach_the_client(world, code):
    gw, _ = single(world, update(), {"PATCH /users/5": status(code, {"why": 1})})
    answer = send(gw)
    assert answer.status == code and json.loads(answer.body) == {"why": 1}


def test_what_is_invalid_is_not_saved(world):
    check = {
        "call": "up/check?e={body.email}",
        "expect": {"valid": True},
        "field": "email",
        "message": "Email validation failed",
    }
    route = update(accept=["name", "email"], schema={"properties": {"name": {"maxLength": 3}}}, validate=[check])
    gw, up = single(world, route, {"GET /check": {"valid": False}})
    body = problem(send(gw, "PUT", {"name": "long", "email": "e", "admin": 1}), 422)
    assert set(body["errors"]) == {"name", "email"} and body["errors"]["email"] == ["Email validation failed"]
    assert up.lines == ["GET /check?e=e"]


def test_accept_and_set_of_an_update(world):
    gw, up = single(
        world, update(accept=["name"], set={"changed_by": "{header.x-user}", "id": "{id}"}), {"PATCH /users/5": CHANGED}
    )
    send(gw, "PATCH", {"name": "b", "id": 6, "admin": True}, ("X-User", "u"))
    assert body_of(up.last()) == {"name": "b", "changed_by": "u", "id": 5}


def test_success_url_envelope_and_html_of_an_update(world):
    route = update(success_url="/users/{object.id}", envelope=True, message="Saved")
    gw, _ = single(world, route, {"PATCH /users/5": CHANGED})
    answer = send(gw)
    assert json_of(answer) == {"success": True, "object": CHANGED, "message": "Saved", "redirect_url": "/users/5"}
    answer = send(gw, "PATCH", None, ("Accept", "text/html"))
    assert answer.status == 303 and answer.headers.one("location") == "/users/5"


def test_after_and_undo_of_an_update(world):
    route = update(
        undo="POST up/users/{id}/revert", after={"sync": {"call": "POST up/sync/{object.id}", "required": True}}
    )
    gw, up = single(world, route, {"PATCH /users/5": CHANGED, "POST /sync/5": reset, "POST /users/5/revert": {}})
    assert "sync" in problem(send(gw), 502)["detail"]
    assert up.lines == ["PATCH /users/5", "POST /sync/5", "POST /users/5/revert"]


def test_if_match_is_passed_on(world):
    def answer(request, connection):
        return CHANGED if request.headers.get("if-match") == '"v1"' else status(412)

    gw, up = single(world, update(), {"PATCH /users/5": answer})
    assert json_of(send(gw, "PATCH", None, ("If-Match", '"v1"'))) == CHANGED
    assert send(gw, "PATCH", None, ("If-Match", '"v0"')).status == 412
    assert [r.headers.get("if-match") for r in up.requests] == ['"v1"', '"v0"']


def test_if_match_is_not_made_up(world):
    gw, up = single(world, update(), {"PATCH /users/5": CHANGED})
    send(gw, "PATCH", None, ("If-None-Match", "*"), ("If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT"))
    assert not {"if-match", "if-none-match", "if-unmodified-since"} & {n.lower() for n, _ in up.last().headers}


def with_etag(world, table):
    routes = [
        {"name": "user-detail", "path": "/users/{id:int}", "view": "detail", "source": "up/users/{id}"},
        {"name": "user-update", **update(etag={"route": "user-detail"})},
    ]
    return single(world, routes, table)


def test_if_match_may_be_compared_with_a_fresh_read(world):
    gw, up = with_etag(world, {"GET /users/5": {"id": 5, "name": "a"}, "PATCH /users/5": CHANGED})
    tag = gw.get("/users/5").headers.one("etag")
    assert send(gw, "PATCH", None, ("If-Match", '"other"')).status == 412
    assert up.calls("PATCH /users/5") == []
    for given in (tag, f'"x", {tag}', "*"):
        assert json_of(send(gw, "PATCH", None, ("If-Match", given))) == CHANGED
    assert send(gw, "PATCH", None, ("If-Match", "W/" + tag)).status == 412  # compared strongly
    up.table["GET /users/5"] = {"id": 5, "name": "changed meanwhile"}
    assert send(gw, "PATCH", None, ("If-Match", tag)).status == 412
    assert len(up.calls("PATCH /users/5")) == 3


def test_without_if_match_nothing_is_read(world):
    gw, up = with_etag(world, {"PATCH /users/5": CHANGED})
    assert json_of(send(gw)) == CHANGED
    assert up.lines == ["PATCH /users/5"]


def test_if_match_for_an_object_that_is_not_there_changes_nothing(world):
    gw, up = with_etag(world, {"GET /users/5": status(404), "PATCH /users/5": CHANGED})
    assert send(gw, "PATCH", None, ("If-Match", "*")).status in (404, 412)
    assert up.calls("PATCH /users/5") == []


# delete


@pytest.mark.parametrize("answer", [empty(), reply({"deleted": 1}), reply({}, 202)], ids=["204", "200", "202"])
def test_a_deleted_object_is_204(world, answer):
    gw, up = single(world, delete(), {"DELETE /users/5": answer})
    found = gw.fetch("DELETE", "/users/5")
    assert (found.status, found.body) == (204, b"")
    assert up.lines == ["DELETE /users/5"] and up.last().body == b""


@pytest.mark.parametrize("code", [403, 404, 409, 410])
def test_a_4xx_of_the_source_of_a_delete_reaches_the_client(world, code):
    gw, _ = single(world, delete(), {"DELETE /users/5": status(code, {"why": 1})})
    found = gw.fetch("DELETE", "/users/5")
    assert found.status == code and json.loads(found.body) == {"why": 1}


def test_a_delete_that_fails_is_502(world):
    gw, _ = single(world, delete(), {"DELETE /users/5": status(500)})
    problem(gw.fetch("DELETE", "/users/5"), 502)


def test_a_delete_answers_delete_alone(world):
    gw, up = single(world, delete(), {})
    for method in ("GET", "POST"):
        found = gw.fetch(method, "/users/5", body=b"" if method == "POST" else None)
        assert found.status == 405 and "delete" in found.headers.tokens("allow")
    assert up.requests == []


def test_after_calls_of_a_delete(world):
    route = delete(after={"index": "DELETE up/index/{id}", "mail": {"call": "POST up/mail", "wait": False}})
    gw, up = single(world, route, {"DELETE /users/5": empty(), "DELETE /index/5": status(500), "POST /mail": {}})
    found = gw.fetch("DELETE", "/users/5")
    assert found.status == 204 and degraded(found) == {"index": "status_500"}
    up.wait_call("POST /mail")
