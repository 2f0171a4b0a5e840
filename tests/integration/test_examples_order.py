"""The order of config/examples/: checked, saved, goods reserved, paid, a letter after the answer; undone when a part
fails."""
import json
import time

import pytest

from support.example_upstreams import FATAL, FAULTS, Example, answer, problem, same, skip_unless_views_run
from support.upstream import Gate

skip_unless_views_run()

ITEMS = [{"sku": "pot-5", "quantity": 2}, {"sku": "cup-1", "quantity": 6}]
ORDER = {"email": "ada@example.com", "items": ITEMS, "payment_method": "pm_1"}
SAVED = b'{"id":17,"status":"processing","total":49.80}'


@pytest.fixture
def shop(world):
    return Example(
        world,
        "order-create.yaml",
        {
            "orders": {"POST /orders": answer(SAVED, 201), "DELETE /orders/17": b"HTTP/1.1 204 No Content\r\n\r\n"},
            "inventory": {
                "POST /reservations": answer({"id": "res/9"}, 201),
                "DELETE /reservations/res%2F9": b"HTTP/1.1 204 No Content\r\n\r\n",
            },
            "payments": {"POST /charges": answer({"id": "ch-3", "receipt": "R-17"}, 201)},
            "mail": {"POST /messages": answer(b"", 202)},
        },
    )


def order(shop, body=ORDER, headers=()):
    return shop.send("POST", "/orders", body, headers)


def body_of(shop, service, name):
    return json.loads(shop[service].only(name).body)


def test_an_order_is_saved_reserved_and_paid_and_the_answer_says_so(shop):
    answered = order(shop)
    assert answered.status == 201 and answered.headers.one("location") == "/orders/17"
    expected = b'{"success":true,"object":%s,"message":"Thank you for your order.","redirect_url":"/orders/17"}' % SAVED
    assert same(answered, expected)
    assert body_of(shop, "orders", "POST /orders") == {**ORDER, "status": "processing"}
    assert body_of(shop, "inventory", "POST /reservations") == {"order": 17, "items": ITEMS}
    charge = shop["payments"].only("POST /charges")
    assert json.loads(charge.body) == {"order": 17, "amount": 49.8, "reservation": "res/9", "method": "pm_1"}
    assert b"49.80" in charge.body, "the text of a number changed on its way"
    assert charge.headers.one("idempotency-key") == "order-17"
    assert charge.headers.one("content-type") == "application/json"


def test_the_letter_is_sent_after_the_answer_and_knows_the_receipt(shop):
    gate = Gate()

    def late(request, connection):
        gate.hold()
        return answer(b"", 202)

    shop["mail"]["POST /messages"] = late
    assert order(shop).status == 201
    shop["mail"].wait()
    gate.open()
    assert body_of(shop, "mail", "POST /messages") == {
        "to": "ada@example.com", "template": "order-confirmed", "order": 17, "receipt": "R-17"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_letter_that_fails_is_nobodys_loss(shop, fault):
    shop["mail"]["POST /messages"] = FAULTS[fault][0]
    begin = time.monotonic()
    answered = order(shop)
    assert answered.status == 201 and "viewgate-degraded" not in answered.headers
    assert time.monotonic() - begin < 2
    shop["mail"].wait()


def test_each_step_waits_for_what_it_needs(shop):
    seen = []

    def noted(name, scripted):
        def handle(request, connection):
            seen.append(name)
            return scripted

        return handle

    steps = {"orders": "POST /orders", "inventory": "POST /reservations", "payments": "POST /charges"}
    for service, name in steps.items():
        shop[service][name] = noted(service, shop[service].answers[name])
    assert order(shop).status == 201
    assert seen == ["orders", "inventory", "payments"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_payment_that_fails_releases_the_goods_and_the_order(shop, fault):
    shop["payments"]["POST /charges"] = FAULTS[fault][0]
    assert "payment" in problem(order(shop), 502)["detail"]
    assert shop["inventory"].asked == ["POST /reservations", "DELETE /reservations/res%2F9"]
    assert shop["orders"].asked == ["POST /orders", "DELETE /orders/17"]
    assert shop["payments"].asked == ["POST /charges"], "a payment is never tried twice"
    assert shop["mail"].asked == []


@pytest.mark.parametrize("fault", FAULTS)
def test_goods_that_can_not_be_reserved_cost_nothing(shop, fault):
    shop["inventory"]["POST /reservations"] = FAULTS[fault][0]
    assert "inventory" in problem(order(shop), 502)["detail"]
    assert shop["orders"].asked == ["POST /orders", "DELETE /orders/17"]
    assert shop["payments"].asked == shop["mail"].asked == []
    assert shop["inventory"].asked == ["POST /reservations"], "nothing was reserved: nothing is released"


@pytest.mark.parametrize("down", ["inventory", "payments"])
def test_a_service_that_is_down_undoes_the_order(shop, down):
    shop.stop(down)
    problem(order(shop), 502)
    assert shop["orders"].asked == ["POST /orders", "DELETE /orders/17"]


def test_an_undo_that_fails_stops_no_other(shop):
    shop["payments"]["POST /charges"] = FAULTS["500"][0]
    shop["inventory"]["DELETE /reservations/res%2F9"] = FAULTS["500"][0]
    assert "payment" in problem(order(shop), 502)["detail"]
    assert "DELETE /orders/17" in shop["orders"].asked


def test_a_reservation_without_a_number_is_paid_and_one_that_lies_is_not_followed(shop):
    shop["inventory"]["POST /reservations"] = answer({"id": "../../admin"}, 201)
    shop["inventory"]["DELETE /reservations/..%2F..%2Fadmin"] = answer(b"", 204)
    shop["payments"]["POST /charges"] = FAULTS["401"][0]
    problem(order(shop), 502)
    assert shop["inventory"].asked == ["POST /reservations", "DELETE /reservations/..%2F..%2Fadmin"]


@pytest.mark.parametrize("fault", FATAL)
def test_an_order_that_is_not_saved_does_nothing_else(shop, fault):
    shop["orders"]["POST /orders"] = FAULTS[fault][0]
    problem(order(shop), FATAL[fault])
    assert shop["orders"].asked == ["POST /orders"], "a POST is never tried twice"
    assert shop["inventory"].asked == shop["payments"].asked == shop["mail"].asked == []


@pytest.mark.parametrize("status", [400, 401, 409, 422])
def test_what_the_order_service_refuses_reaches_the_client(shop, status):
    shop["orders"]["POST /orders"] = answer({"error": "closed today"}, status)
    answered = order(shop)
    assert answered.status == status and same(answered, {"error": "closed today"})
    assert shop["inventory"].asked == []


MISTAKES = {
    "nothing": ({}, {"email", "items", "payment_method"}),
    "no-items": ({**ORDER, "items": []}, {"items"}),
    "items-no-list": ({**ORDER, "items": {"sku": "x", "quantity": 1}}, {"items"}),
    "quantity": ({**ORDER, "items": [ITEMS[0], {"sku": "", "quantity": 0}]}, {"items.1.sku", "items.1.quantity"}),
    "half-a-pot": ({**ORDER, "items": [{"sku": "x", "quantity": 1.5}]}, {"items.0.quantity"}),
    "too-many": ({**ORDER, "items": [{"sku": "x", "quantity": 101}]}, {"items.0.quantity"}),
    "types": ({"email": 7, "items": ["x"], "payment_method": None}, {"email", "items.0", "payment_method"}),
    "long": ({**ORDER, "email": "a" * 255}, {"email"}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_all_mistakes_of_an_order_are_told_by_field_and_nothing_is_saved(shop, mistake):
    body, fields = MISTAKES[mistake]
    found = problem(order(shop, body), 422)
    assert set(found["errors"]) == fields
    assert all(isinstance(e, list) and e and all(e) for e in found["errors"].values())
    assert shop["orders"].asked == []


def test_an_integral_number_is_an_integer_however_it_is_written(shop):
    body = json.dumps(ORDER).replace('"quantity": 2', '"quantity": 2.0').encode()
    assert order(shop, body).status == 201


def test_members_that_nobody_asked_for_are_dropped_and_the_status_is_not_the_clients(shop):
    assert order(shop, {**ORDER, "status": "paid", "total": 0, "admin": True}).status == 201
    assert body_of(shop, "orders", "POST /orders") == {**ORDER, "status": "processing"}


@pytest.mark.parametrize(
    "body, headers, status",
    ids=["none", "half", "list", "xml", "large"],
    argvalues=[
        (b"", [("Content-Type", "application/json")], 400),
        (b"{", [("Content-Type", "application/json")], 400),
        (b"[]", [("Content-Type", "application/json")], 422),
        (b"<order/>", [("Content-Type", "application/xml")], 415),
        (b'{"a":"' + b"x" * (1 << 20) + b'"}', [("Content-Type", "application/json")], 413),
    ],
)
def test_what_is_no_order_is_refused_before_anybody_is_asked(shop, body, headers, status):
    problem(order(shop, body, headers), status)
    assert shop["orders"].asked == []


def test_an_order_from_a_page_leads_the_browser_to_it(shop):
    answered = order(shop, ORDER, [("Accept", "text/html")])
    assert (answered.status, answered.headers.one("location")) == (303, "/orders/17")


def test_an_object_without_a_number_has_no_address(shop):
    shop["orders"]["POST /orders"] = answer({"status": "processing"}, 201)
    answered = order(shop)
    assert answered.status == 201 and "location" not in answered.headers
    assert body_of(shop, "inventory", "POST /reservations") == {"items": ITEMS}
