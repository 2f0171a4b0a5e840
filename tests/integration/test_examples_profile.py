"""The profile of config/examples/: what the form and the service say is wrong is told together, and is never saved."""
import json

import pytest

from support.example_upstreams import FATAL, FAULTS, JSON, Example, answer, problem, same, skip_unless_views_run
from support.upstream import Gate

skip_unless_views_run()

SAVED = b'{"id":7,"name":"Ada","visits":1.0}'
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
WRONG = {"email": ["Email validation failed"]}


@pytest.fixture(scope="module")
def example_gateway(module_world):
    return Example(
        module_world,
        "profile-update.yaml",
        {
            "users": {f"{method} /users/7/profile": answer(SAVED) for method in ("PUT", "PATCH")},
            "validator": {"POST /check": answer({"valid": True})},
        },
    )


@pytest.fixture
def example(example_gateway):
    yield from example_gateway.fresh()


def change(example, body, method="PATCH", headers=()):
    return example.send(method, "/users/7/profile", body, headers)


def saved(example):
    assert len(example["users"].requests) == 1, example["users"].asked
    return json.loads(example["users"].requests[0].body)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_profile_is_saved_as_the_client_sent_it(example, method):
    body = {"name": "Ada", "email": "ada@example.com", "bio": "Tea."}
    answered = change(example, body, method, [("Authorization", "Bearer token"), ("Cookie", "a=b")])
    assert answered.status == 200 and same(answered, SAVED)
    assert answered.headers.one("location") == "/users/7"
    request = example["users"].only(f"{method} /users/7/profile")
    assert json.loads(request.body) == body and request.headers.one("content-type") == "application/json"
    assert request.headers.one("authorization") == "Bearer token" and "cookie" not in request.headers
    check = example["validator"].only("POST /check")
    assert json.loads(check.body) == {"email": "ada@example.com"} and "authorization" not in check.headers


def test_a_profile_is_not_saved_before_its_address_is_checked(example):
    gate = Gate()

    def late(request, connection):
        gate.hold()
        return answer({"valid": True})

    example["validator"]["POST /check"] = late
    client = example.begin("PATCH", "/users/7/profile", [JSON], b'{"email":"a@b.c"}')
    example["validator"].wait()
    assert example["users"].asked == []
    gate.open()
    assert client.read_response().status == 200


def test_an_address_that_does_not_work_is_told_by_field(example):
    example["validator"]["POST /check"] = answer({"valid": False, "reason": "no such host"})
    found = problem(change(example, {"email": "ada@nowhere"}), 422)
    assert found["errors"] == WRONG and example["users"].asked == []


def test_what_the_form_and_the_service_say_comes_together(example):
    example["validator"]["POST /check"] = answer({"valid": False})
    found = problem(change(example, {"name": "", "email": "ada@nowhere", "bio": "x" * 501}), 422)
    assert set(found["errors"]) == {"name", "email", "bio"} and found["errors"]["email"] == WRONG["email"]
    assert example["users"].asked == []


@pytest.mark.parametrize("lie", [b'{"valid":"true"}', b'{"valid":1}', b'{"valid":null}', b"{}", b"[]", b"true", b"null",
                                 b'{"VALID":true}', b'{"valid":[true]}', b'{"valid":true,"valid":false}'])
def test_an_answer_that_is_not_what_was_expected_is_a_no(example, lie):
    example["validator"]["POST /check"] = answer(lie)
    assert problem(change(example, {"email": "ada@example.com"}), 422)["errors"] == WRONG
    assert example["users"].asked == []


def test_an_answer_may_say_more_than_was_expected(example):
    example["validator"]["POST /check"] = answer({"score": 0.9, "valid": True})
    assert change(example, {"email": "ada@example.com"}).status == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_a_validator_that_fails_lets_no_address_pass(example, fault):
    example["validator"]["POST /check"] = FAULTS[fault][0]
    found = problem(change(example, {"email": "ada@example.com"}), 422)
    assert set(found["errors"]) == {"email"} and len(found["errors"]["email"]) == 1
    assert example["users"].asked == []


def test_a_validator_that_is_down_does_not_hinder_who_changes_nothing_of_it(example):
    example.stop("validator")
    assert change(example, {"bio": "New."}).status == 200
    assert saved(example) == {"bio": "New."}
    assert problem(change(example, {"email": "ada@example.com"}), 422)["errors"].keys() == {"email"}


def test_no_address_no_check(example):
    assert change(example, {"name": "Ada"}).status == 200
    assert example["validator"].asked == [] and saved(example) == {"name": "Ada"}


@pytest.mark.parametrize("address", ['"}', 'a","admin":true,"b":"', "\\", "ü@example.com", "\u0000", "😀", "{email}"])
def test_no_address_adds_a_member(example, address):
    assert change(example, {"email": address}).status == 200
    assert json.loads(example["validator"].only("POST /check").body) == {"email": address}
    assert saved(example) == {"email": address}


def test_members_that_are_no_part_of_a_profile_are_dropped(example):
    assert change(example, {"bio": "x", "admin": True, "id": 1}).status == 200
    assert saved(example) == {"bio": "x"}


@pytest.mark.parametrize("fault", FATAL)
def test_a_user_service_that_fails(example, fault):
    example["users"]["PATCH /users/7/profile"] = FAULTS[fault][0]
    problem(change(example, {"bio": "x"}), FATAL[fault])
    assert example["users"].asked == ["PATCH /users/7/profile"], "a PATCH is never tried twice"


@pytest.mark.parametrize("status", [401, 403, 404, 409, 412, 422])
def test_what_the_user_service_refuses_reaches_the_client(example, status):
    example["users"]["PATCH /users/7/profile"] = answer({"error": "no"}, status)
    answered = change(example, {"bio": "x"}, headers=[("If-Match", '"v1"')])
    assert answered.status == status and same(answered, {"error": "no"})
    assert example["users"].requests[0].headers.one("if-match") == '"v1"'


def test_an_empty_answer_is_204(example):
    example["users"]["PATCH /users/7/profile"] = answer(b"", 204)
    answered = change(example, {"bio": "x"})
    assert (answered.status, answered.body) == (204, b"")


def test_a_form_of_a_browser_is_saved_and_leads_to_the_user(example):
    form = b"name=Ada+L.&email=ada%40example.com&bio=%C3%A4&admin=1"
    answered = change(example, form, "POST", [*FORM, ("Accept", "text/html,*/*;q=0.1")])
    assert (answered.status, answered.headers.one("location")) == (303, "/users/7")
    assert saved(example) == {"name": "Ada L.", "email": "ada@example.com", "bio": "ä"}


def test_a_form_in_parts_is_the_same(example):
    form = b'--b\r\nContent-Disposition: form-data; name="bio"\r\n\r\nTea.\r\n--b--\r\n'
    answered = change(example, form, "POST", [("Content-Type", "multipart/form-data; boundary=b")])
    assert answered.status == 200 and same(answered, SAVED)
    assert saved(example) == {"bio": "Tea."}


def test_a_file_in_a_form_is_refused(example):
    part = b'Content-Disposition: form-data; name="bio"; filename="x.txt"\r\n\r\nTea.\r\n'
    typed = [("Content-Type", "multipart/form-data; boundary=b")]
    answered = change(example, b"--b\r\n" + part + b"--b--\r\n", "POST", typed)
    problem(answered, 422)
    assert example["users"].asked == []


def test_errors_of_a_form_are_a_page_for_a_browser(example):
    answered = change(example, b"bio=" + b"x" * 501, "POST", [*FORM, ("Accept", "text/html")])
    assert answered.status == 422 and answered.headers.one("content-type").startswith("text/html")
    assert b"bio" in answered.body and example["users"].asked == []


@pytest.mark.parametrize(
    "body, headers, status",
    [
        (b"", [], 400),
        (b"{", [], 400),
        (b'{"bio":"x"} ,', [], 400),
        (b'{"bio":"\xff"}', [], 400),
        (b"[" * 1000 + b"]" * 1000, [], 400),
        (b"7", [], 422),
        (b"bio=x", [("Content-Type", "text/plain")], 415),
    ],
)
def test_what_is_no_profile_is_refused_before_anybody_is_asked(example, body, headers, status):
    problem(change(example, body, headers=headers), status)
    assert example["users"].asked == example["validator"].asked == []


def test_a_profile_is_not_read_here(example):
    assert example.get("/users/7/profile").status == 405
