"""view: create: bodies, accept, schema, validate, set; what is invalid is never saved (SPEC section 5)."""
import json
import threading

import pytest

from support import wire
from support.rest import (
    Hang, body_of, client_json, degraded, json_of, meet, needs_views, problem, reply, reset, single, squeeze, status
)

pytestmark = needs_views()

SAVED = {"POST /users": reply({"id": 1}, 201)}
FORM = "application/x-www-form-urlencoded"


def create(**more):
    return {"path": "/users", "view": "create", "source": "up/users", **more}


def post(gw, value, *headers, target="/users"):
    return gw.fetch("POST", target, **client_json(value, *headers))


def form(gw, body, kind=FORM):
    return gw.fetch("POST", "/users", [("Content-Type", kind)], body)


def multipart(*parts, boundary="b0undary"):
    """A body and its type. Each part: (name, value) or (name, value, file name)."""
    out = b""
    for name, value, *file in parts:
        file_name = f'; filename="{file[0]}"' if file else ""
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n{value}\r\n'.encode()
    return out + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def errors_of(answer):
    body = problem(answer, 422)
    assert all(isinstance(m, str) and m for messages in body["errors"].values() for m in messages)
    return body["errors"]


# Bodies


def test_json_is_passed_on_and_the_new_object_comes_back(world):
    gw, up = single(world, create(), {"POST /users": reply({"id": 1, "name": "a"}, 201)})
    answer = post(gw, b'{"name": "a", "price": 1.10, "big": 12345678901234567890, "s": "\\u00e9"}')
    assert json_of(answer, 201) == {"id": 1, "name": "a"}
    seen = up.only("POST /users")
    assert squeeze(seen.body) == b'{"name":"a","price":1.10,"big":12345678901234567890,"s":"\\u00e9"}'
    assert seen.headers.one("content-type").split(";")[0] == "application/json"
    assert degraded(answer) == {}


@pytest.mark.parametrize("code", [200, 201, 202])
def test_any_success_of_the_source_is_201(world, code):
    gw, _ = single(world, create(), {"POST /users": status(code, {"id": 1})})
    assert json_of(post(gw, {}), 201) == {"id": 1}


def test_an_empty_answer_of_the_source_is_204(world):
    gw, _ = single(world, create(), {"POST /users": lambda r, c: wire.response(201)})
    answer = post(gw, {})
    assert (answer.status, answer.body) == (204, b"")


def test_an_urlencoded_form_becomes_an_object_of_strings(world):
    gw, up = single(world, create(), SAVED)
    assert form(gw, b"name=a+b%26c&n=1&tag=x&empty=&tag=%C3%A9&tag=x&none").status == 201
    assert body_of(up.last()) == {"name": "a b&c", "n": "1", "tag": ["x", "é", "x"], "empty": "", "none": ""}


def test_a_multipart_form_becomes_an_object_of_strings(world):
    gw, up = single(world, create(), SAVED)
    body, kind = multipart(("name", "a\r\nb"), ("tag", "x"), ("tag", "é"), ("empty", ""), ("a.b[]", "1"))
    assert form(gw, body, kind).status == 201
    assert body_of(up.last()) == {"name": "a\r\nb", "tag": ["x", "é"], "empty": "", "a.b[]": "1"}


def test_files_in_a_form_are_422(world):
    gw, up = single(world, create(), SAVED)
    body, kind = multipart(("name", "a"), ("photo", "GIF89a", "a.gif"))
    assert form(gw, body, kind).status == 422
    assert up.requests == []


@pytest.mark.parametrize("boundary", ['"quoted b"', "x'()+_,-./:=?", "b" * 70])
def test_boundaries_of_many_forms(world, boundary):
    gw, up = single(world, create(), SAVED)
    body, _ = multipart(("name", "--" + boundary[:-1]), boundary=boundary.strip('"'))
    kind = boundary if boundary.startswith('"') else f'"{boundary}"'
    assert form(gw, body, f"multipart/form-data; charset=utf-8; boundary={kind}").status == 201
    assert body_of(up.last()) == {"name": "--" + boundary[:-1]}


BROKEN_FORMS = {
    "no boundary": ("multipart/form-data", multipart(("a", "1"))[0]),
    "another boundary": ("multipart/form-data; boundary=other", multipart(("a", "1"))[0]),
    "not closed": ("multipart/form-data; boundary=b0undary", multipart(("a", "1"))[0][:-6]),
    "no name": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n"),
    "no blank line": (
        "multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n--b--\r\n'
    ),
    "empty multipart": ("multipart/form-data; boundary=b", b""),
    "not utf-8": (FORM, b"a=%ff"),
    "bad escape": (FORM, b"a=%zz"),
}


@pytest.mark.parametrize("name", BROKEN_FORMS)
def test_a_form_that_can_not_be_read_is_400(world, name):
    gw, up = single(world, create(), SAVED)
    kind, body = BROKEN_FORMS[name]
    answer = form(gw, body, kind)
    if name == "bad escape" and answer.status == 201:  # browsers never send one; taken as it stands
        assert body_of(up.last()) == {"a": "%zz"}
        return
    assert answer.status in (400, 422) and up.requests == []


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png", "application/jsonx", "json", ""])
def test_other_content_is_415(world, kind):
    gw, up = single(world, create(), SAVED)
    problem(form(gw, b'{"a":1}', kind), 415)
    assert up.requests == []


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"']
)
def test_the_type_of_json_may_have_parameters(world, kind):
    gw, up = single(world, create(), SAVED)
    assert form(gw, b'{"a":1}', kind).status == 201
    assert body_of(up.last()) == {"a": 1}


@pytest.mark.parametrize("value", [b"[]", b"5", b'"x"', b"null", b"true"])
def test_json_that_is_no_object_has_no_members_to_accept(world, value):
    gw, up = single(world, create(accept=["name"]), SAVED)
    assert post(gw, value).status in (400, 422)
    assert up.requests == []


@pytest.mark.parametrize("value", [b"", b"{", b"{'a':1}", b'{"a":1}x', b'{"a":"\xff"}', b"[" * 5000 + b"]" * 5000])
def test_a_body_that_is_no_json_is_400(world, value):
    gw, up = single(world, create(), SAVED)
    problem(post(gw, value), 400)
    assert up.requests == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_over_the_limit_is_413(world, framing):
    gw, up = single(world, create(limits={"body_bytes": "100B"}), SAVED)

    def send(size):
        body = json.dumps({"a": "x" * (size - 9)}).encode()
        assert len(body) == size
        if framing == "length":
            return post(gw, body)
        headers = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]
        return gw.fetch("POST", "/users", headers, wire.chunked(body[:50], body[50:]))

    assert send(100).status == 201
    problem(send(101), 413)
    assert len(up.requests) == 1


def test_a_create_answers_post_alone(world):
    gw, up = single(world, create(), SAVED)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = gw.fetch(method, "/users", **(client_json({}) if method in ("PUT", "PATCH") else {}))
        assert answer.status == 405 and answer.headers.tokens("allow").count("post") == 1
    assert up.requests == []


# accept, set


def test_accept_drops_other_members(world):
    gw, up = single(world, create(accept=["name", "email"]), SAVED)
    assert post(gw, {"admin": True, "email": "e", "name": {"admin": 1}, "id": 7}).status == 201
    assert body_of(up.last()) == {"email": "e", "name": {"admin": 1}}
    form(gw, b"admin=1&name=a")
    assert body_of(up.last()) == {"name": "a"}


def test_strict_body_refuses_other_members(world):
    gw, up = single(world, create(accept=["name"], strict_body=True), SAVED)
    assert set(errors_of(post(gw, {"name": "a", "admin": True, "x": 1}))) == {"admin", "x"}
    assert up.requests == []
    assert post(gw, {"name": "a"}).status == 201


def test_an_accepted_name_can_not_be_smuggled_twice(world):
    gw, up = single(world, create(accept=["name"], schema={"properties": {"name": {"maxLength": 3}}}), SAVED)
    for text in (
        b'{"name":"ok","name":"too long"}', b'{"name":"too long","name":"ok"}', b'{"name":"ok","\\u006eame":"too long"}'
    ):
        answer = post(gw, text)
        if answer.status == 201:
            assert up.last().body.count(b"ame") == 1 and b"too long" not in up.last().body
        else:
            assert answer.status in (400, 422)


def test_set_adds_members_that_clients_can_not_choose(world):
    route = create(
        set={
            "status": "processing",
            "by": "{header.x-user}",
            "n": 1,
            "tags": ["{body.name}", "x"],
            "none": "{query.none}",
        },
    )
    gw, up = single(world, route, SAVED)
    assert post(gw, {"name": "a", "status": "paid", "by": "me"}, ("X-User", "u7")).status == 201
    assert body_of(up.last()) == {"name": "a", "status": "processing", "by": "u7", "n": 1, "tags": ["a", "x"]}
    assert up.last().body.count(b'"status"') == 1


def test_the_source_may_have_a_body_of_its_own(world):
    route = create(source={"call": "PUT up/users", "body": {"data": "{body}", "n": "{body.name}"}})
    gw, up = single(world, route, {"PUT /users": {"id": 1}})
    assert post(gw, {"name": "a"}).status == 201
    assert body_of(up.only("PUT /users")) == {"data": {"name": "a"}, "n": "a"}


# schema


SCHEMA = {
    "type": "object",
    "required": ["name", "email"],
    "properties": {
        "name": {"type": "string", "minLength": 3, "maxLength": 5, "pattern": "^[b-z]"},
        "email": {"type": "string"},
        "age": {"type": "integer", "minimum": 18},
        "address": {"type": "object", "required": ["city"], "properties": {"zip": {"type": "string"}}},
        "items": {"type": "array", "items": {"type": "object", "required": ["sku"]}},
    },
}


def test_all_errors_of_the_schema_are_reported_by_field(world):
    gw, up = single(world, create(schema=SCHEMA), SAVED)
    found = errors_of(post(gw, {"name": "abcdef", "age": 17, "address": {"zip": 5}, "items": [{"sku": 1}, {}]}))
    assert set(found) == {"name", "email", "age", "address.city", "address.zip", "items.1.sku"}
    assert len(found["name"]) == 2  # too long, and another first letter
    assert up.requests == []


def test_what_the_schema_allows_is_saved(world):
    gw, up = single(world, create(schema=SCHEMA), SAVED)
    good = {"name": "bcd", "email": "e", "age": 18, "address": {"city": "c"}, "items": []}
    assert post(gw, good).status == 201 and body_of(up.last()) == good


def test_a_schema_in_a_file(world, tmp_path):
    (tmp_path / "user.json").write_text(json.dumps(SCHEMA))
    gw, up = single(world, create(schema=str(tmp_path / "user.json")), SAVED)
    assert set(errors_of(post(gw, {}))) == {"name", "email"}
    assert up.requests == []


def test_a_form_is_held_to_the_schema_too(world):
    gw, up = single(world, create(schema=SCHEMA), SAVED)
    assert set(errors_of(form(gw, b"name=bc&email=e"))) == {"name"}
    assert form(gw, b"name=bcd&email=e").status == 201


# validate


def check(url="up/check?email={body.email}", **more):
    return {"call": url, "expect": {"valid": True}, "field": "email", "message": "Email validation failed", **more}


VALIDATED = create(validate=[check()])


def test_what_a_validation_call_refuses_is_422_and_not_saved(world):
    gw, up = single(world, VALIDATED, {**SAVED, "GET /check": {"valid": False}})
    answer = post(gw, {"email": "a b@x"})
    body = problem(answer, 422)
    assert body["errors"] == {"email": ["Email validation failed"]}
    assert up.lines == ["GET /check?email=" + "a%20b@x"] or up.only("GET /check")


@pytest.mark.parametrize(
    "value, ok",
    [
        ({"valid": True, "n": 1}, True),
        ({"valid": 1}, False),
        ({"valid": "true"}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_expect_names_members_that_the_answer_must_have(world, value, ok):
    gw, up = single(world, VALIDATED, {**SAVED, "GET /check": value})
    assert post(gw, {"email": "e"}).status == (201 if ok else 422)
    assert len(up.calls("POST /users")) == (1 if ok else 0)


@pytest.mark.parametrize(
    "answer", [status(500), status(404), status(422), reset, Hang()], ids=["500", "404", "422", "reset", "timeout"]
)
def test_a_validation_call_that_fails_is_an_error_of_its_field(world, answer):
    gw, up = single(world, create(validate=[check(timeout="200ms")]), {**SAVED, "GET /check": answer})
    assert list(errors_of(post(gw, {"email": "e"}))) == ["email"]
    assert up.calls("POST /users") == []


def test_a_validation_call_with_a_default_may_fail(world):
    gw, up = single(world, create(validate=[check(default={"valid": True})]), {**SAVED, "GET /check": status(500)})
    assert post(gw, {"email": "e"}).status == 201
    gw, up = single(world, create(validate=[check(default={"valid": False})]), {**SAVED, "GET /check": status(500)})
    assert errors_of(post(gw, {"email": "e"})) == {"email": ["Email validation failed"]}
    assert up.calls("POST /users") == []


def test_validation_calls_run_together_and_report_together(world):
    three = threading.Barrier(3)
    route = create(
        validate=[check("up/a"), check("up/b", field="name", message="Name taken"), check("up/c", message="No MX")]
    )
    table = {
        **SAVED,
        "GET /a": meet(three, {"valid": False}),
        "GET /b": meet(three, {"valid": False}),
        "GET /c": meet(three, {}),
    }
    gw, up = single(world, route, table)
    assert errors_of(post(gw, {})) == {"email": ["Email validation failed", "No MX"], "name": ["Name taken"]}
    assert up.calls("POST /users") == []


def test_errors_of_schema_and_calls_come_together(world):
    route = create(schema=SCHEMA, validate=[check()])
    gw, up = single(world, route, {**SAVED, "GET /check": {"valid": False}})
    found = errors_of(post(gw, {"name": "ab", "email": "e"}))
    assert set(found) == {"name", "email"} and found["email"] == ["Email validation failed"]
    assert up.calls("POST /users") == []


def test_a_validation_call_sees_what_is_accepted(world):
    route = create(validate=[check("POST up/check")], accept=["email"])
    route["validate"][0]["body"] = {"all": "{body}", "email": "{body.email}"}
    gw, up = single(world, route, {**SAVED, "POST /check": {"valid": True}})
    assert post(gw, {"email": "e", "x": 1}).status == 201
    assert body_of(up.only("POST /check"))["email"] == "e"
    assert up.lines == ["POST /check", "POST /users"]
