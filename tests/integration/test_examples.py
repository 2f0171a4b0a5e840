"""The examples that read one object: config/examples/product-detail, dashboard and external-fetch, each file as it is,
with services that answer, fail, delay and lie. What clients get and what the services were asked, to the letter."""
import json
import threading
import time

import pytest

from support.example_upstreams import (FATAL, FAULTS, Example, answer, degraded, problem, query, same,
                                       skip_unless_views_run)
from support.upstream import Gate

skip_unless_views_run()

PRODUCT = b'{"id":5,"price":12.50,"name":"caf\\u00e9","stock":12345678901234567890,"category":"tea pots & more"}'
REVIEWS = b'[{"stars":4.0,"text":"ok"},{"stars":5}]'
RELATED = b'[{"id":6},{"id":9}]'


def product_page(reviews=REVIEWS, related=RELATED):
    """The product's page as it must be: reviews and related after the product's own members, None: left out."""
    parts = {b"reviews": reviews, b"related": related}
    return PRODUCT[:-1] + b"".join(b',"%s":%s' % (n, v) for n, v in parts.items() if v is not None) + b"}"


@pytest.fixture(scope="module")
def product_gateway(module_world):
    return Example(
        module_world,
        "product-detail.yaml",
        {
            "catalog": {"GET /products/5": answer(PRODUCT), "GET /products": answer(RELATED)},
            "reviews": {"GET /products/5/reviews": answer(REVIEWS)},
        },
    )


@pytest.fixture
def product(product_gateway):
    yield from product_gateway.fresh()


def test_the_product_with_reviews_and_related_products(product):
    answered = product.get("/products/5")
    assert answered.status == 200 and same(answered, product_page())
    assert "viewgate-degraded" not in answered.headers
    assert query(product["catalog"].only("GET /products")) == {
        "category": ["tea pots & more"], "exclude": ["5"], "limit": ["4"]}
    assert product["reviews"].only("GET /products/5/reviews").target == "/products/5/reviews"


def test_the_category_is_known_only_after_the_product_and_the_reviews_wait_for_nobody(product):
    gate = Gate()

    def late(request, connection):
        gate.hold()
        return answer(PRODUCT)

    product["catalog"]["GET /products/5"] = late
    client = product.begin("GET", "/products/5")
    for name in ("reviews", "catalog"):
        product[name].wait()
    assert product["catalog"].asked == ["GET /products/5"], "asked for a category that nobody knows"
    gate.open()
    assert same(client.read_response(), product_page())


def test_the_product_has_a_validator_and_its_conditional_request_is_answered_304(product):
    client = product.gateway.connect()
    tag = client.get("/products/5", host=product.host).headers.one("etag")
    assert tag.startswith('"')
    again = client.get("/products/5", [("If-None-Match", tag)], host=product.host)
    assert (again.status, again.body, again.headers.one("etag")) == (304, b"", tag)
    assert client.get("/products/5", [("If-None-Match", '"another"')], host=product.host).status == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_reviews_that_fail_become_an_empty_list(product, fault):
    product["reviews"]["GET /products/5/reviews"], reason = FAULTS[fault]
    answered = product.get("/products/5")
    assert answered.status == 200 and same(answered, product_page(reviews=b"[]"))
    assert degraded(answered) == {"reviews": reason} and "etag" not in answered.headers


@pytest.mark.parametrize("fault", FAULTS)
def test_related_products_that_fail_are_left_out(product, fault):
    product["catalog"]["GET /products"], reason = FAULTS[fault]
    answered = product.get("/products/5")
    assert answered.status == 200 and same(answered, product_page(related=None))
    assert degraded(answered) == {"related": reason}


def test_both_fail_and_the_product_is_still_served(product):
    product.stop("reviews")
    product["catalog"]["GET /products"] = FAULTS["503"][0]
    answered = product.get("/products/5")
    assert answered.status == 200 and same(answered, product_page(reviews=b"[]", related=None))
    assert list(degraded(answered).items()) == [("reviews", "connect"), ("related", "status_503")]


def test_reviews_that_hang_hold_the_page_no_longer_than_their_timeout(product):
    product["reviews"]["GET /products/5/reviews"] = FAULTS["hang"][0]
    begin = time.monotonic()
    assert product.get("/products/5").status == 200
    assert 0.45 < time.monotonic() - begin < 5


@pytest.mark.parametrize("value", [b'"nothing"', b"null", b"0", b'{"reviews":"many"}', b"[null,[[1]],{}]"])
def test_json_of_another_shape_is_still_json_and_passes(product, value):
    product["reviews"]["GET /products/5/reviews"] = answer(value)
    answered = product.get("/products/5")
    assert answered.status == 200 and same(answered, product_page(reviews=value)) and degraded(answered) == {}


@pytest.mark.parametrize("category", [b"null", b"{}", b"[[1]]"])
def test_a_category_that_is_no_text_is_left_out_of_the_query(product, category):
    product["catalog"]["GET /products/5"] = answer(b'{"id":5,"category":%s}' % category)
    assert product.get("/products/5").status == 200
    assert query(product["catalog"].only("GET /products")) == {"exclude": ["5"], "limit": ["4"]}


@pytest.mark.parametrize("category", ["a&limit=1000", "a#b", "a b+c", "ä/../x", "\r\nX: y", "%26", ""])
def test_no_category_adds_a_parameter(product, category):
    product["catalog"]["GET /products/5"] = answer({"id": 5, "category": category})
    assert product.get("/products/5").status == 200
    assert query(product["catalog"].only("GET /products")) == {"category": [category], "exclude": ["5"], "limit": ["4"]}


def test_a_product_that_does_not_exist_is_404_with_the_words_of_the_catalog(product):
    product["catalog"]["GET /products/5"] = answer({"error": "no such product"}, 404)
    answered = product.get("/products/5")
    assert answered.status == 404 and same(answered, {"error": "no such product"})
    assert "GET /products" not in product["catalog"].asked


@pytest.mark.parametrize("fault", FATAL)
def test_without_the_product_there_is_no_page(product, fault):
    product["catalog"]["GET /products/5"] = FAULTS[fault][0]
    problem(product.get("/products/5"), FATAL[fault])
    assert "GET /products" not in product["catalog"].asked


def test_a_catalog_that_is_down_is_502(product):
    product.stop("catalog")
    found = problem(product.get("/products/5"), 502)
    assert "127.0.0.1" not in json.dumps(found)


@pytest.mark.parametrize("target, status", [("/products/abc", 404), ("/products/", 404), ("/products/5/x", 404)])
def test_what_is_no_product_asks_nobody(product, target, status):
    assert product.get(target).status == status
    assert product["catalog"].asked == product["reviews"].asked == []


def test_a_product_is_read_only_and_head_is_a_get_without_content(product):
    assert product.fetch("POST", "/products/5").status == 405
    assert product["catalog"].asked == []
    answered = product.fetch("HEAD", "/products/5")
    assert (answered.status, answered.body) == (200, b"") and int(answered.headers.one("content-length")) > len(PRODUCT)


# The dashboard

USER = b'{"id":7,"name":"Ada","interests":["tea","old books"]}'
PARTS = {
    "user": USER,
    "notifications": b'[{"id":1}]',
    "recent_activity": b'[{"at":1.10}]',
    "recommendations": b'[{"id":9}]',
}
SERVICE = {
    "user": ("users", "GET /users/7"),
    "notifications": ("notifications", "GET /users/7/unread"),
    "recent_activity": ("activity", "GET /users/7/events"),
    "recommendations": ("recommendations", "GET /products"),
}
DEFAULTS = {"notifications": b"[]", "recent_activity": b"[]"}


def dashboard_page(failed=()):
    parts = {n: DEFAULTS.get(n) if n in failed else v for n, v in PARTS.items()}
    return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in parts.items() if v is not None) + b"}"


@pytest.fixture(scope="module")
def dashboard_gateway(module_world):
    services = {}
    for part, (service, name) in SERVICE.items():
        services[service] = {name: answer(PARTS[part])}
    return Example(module_world, "dashboard.yaml", services)


@pytest.fixture
def dashboard(dashboard_gateway):
    yield from dashboard_gateway.fresh()


def breaks(dashboard, part, fault):
    service, name = SERVICE[part]
    dashboard[service][name] = FAULTS[fault][0]


def test_the_dashboard_is_made_of_four_answers_in_the_order_written(dashboard):
    answered = dashboard.get("/dashboard/7", [("Authorization", "Bearer token"), ("Cookie", "a=b")])
    assert answered.status == 200 and same(answered, dashboard_page())
    assert query(dashboard["activity"].only("GET /users/7/events")) == {"limit": ["10"]}
    assert query(dashboard["recommendations"].only("GET /products")) == {"interests": ["tea,old books"]}
    asked = {name: service.requests[0].headers for name, service in dashboard.services.items()}
    assert {name: h.get("authorization") for name, h in asked.items()} == {
        "users": "Bearer token", "notifications": "Bearer token", "activity": "Bearer token", "recommendations": None}
    assert all("cookie" not in headers for headers in asked.values())


def test_the_order_of_members_does_not_depend_on_who_answers_first(dashboard):
    gate = Gate()

    def last(request, connection):
        gate.hold()
        return answer(PARTS["notifications"])

    dashboard["notifications"]["GET /users/7/unread"] = last
    client = dashboard.begin("GET", "/dashboard/7")
    for name in ("users", "activity", "recommendations"):
        dashboard[name].wait()
    gate.open()
    assert same(client.read_response(), dashboard_page())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", PARTS)
def test_any_part_of_the_dashboard_may_fail(dashboard, part, fault):
    breaks(dashboard, part, fault)
    answered = dashboard.get("/dashboard/7")
    assert answered.status == 200 and same(answered, dashboard_page([part]))
    assert degraded(answered) == {part: FAULTS[fault][1]}


def test_recommendations_without_a_user_are_those_for_everybody(dashboard):
    dashboard.stop("users")
    answered = dashboard.get("/dashboard/7")
    assert same(answered, dashboard_page(["user"])) and degraded(answered) == {"user": "connect"}
    assert dashboard["recommendations"].only("GET /products").target.rstrip("?") == "/products"


def test_three_services_are_asked_together(dashboard):
    together = threading.Barrier(3, timeout=10)

    def when_all_are_asked(part):
        def handle(request, connection):
            together.wait()
            return answer(PARTS[part])

        return handle

    for part in ("user", "notifications", "recent_activity"):
        service, name = SERVICE[part]
        dashboard[service][name] = when_all_are_asked(part)
    assert same(dashboard.get("/dashboard/7"), dashboard_page())


def test_a_dashboard_of_which_all_hang_has_its_defaults(dashboard):
    for part in PARTS:
        breaks(dashboard, part, "hang")
    begin = time.monotonic()
    answered = dashboard.get("/dashboard/7")
    assert time.monotonic() - begin < 5
    assert answered.status == 200 and same(answered, dashboard_page(PARTS))
    assert degraded(answered) == dict.fromkeys(PARTS, "timeout")


def test_what_a_service_lies_about_stays_in_its_own_member(dashboard):
    dashboard["notifications"]["GET /users/7/unread"] = answer(b'"],\\"user\\":{\\"admin\\":true}"')
    dashboard["users"]["GET /users/7"] = answer(b'{"user":1,"notifications":2,"interests":7}')
    answered = dashboard.get("/dashboard/7")
    found = json.loads(answered.body)
    assert list(found) == list(PARTS)
    assert found["user"] == {"user": 1, "notifications": 2, "interests": 7}
    assert found["notifications"] == '],"user":{"admin":true}'


# The external API

RATES = b'{"terms":"private","rates":{"USD":1.1640,"GBP":0.8790},"base":"EUR","date":"2026-11-20"}'


@pytest.fixture(scope="module")
def rates_gateway(module_world):
    headers = [("Cache-Control", "max-age=60"), ("Set-Cookie", "a=b"), ("X-Powered-By", "php"), ("ETag", '"upstream"')]
    services = {"rates": {"GET /latest": answer(RATES, headers=headers)}}
    return Example(module_world, "external-fetch.yaml", services, env={"RATES_KEY": "k3y"})


@pytest.fixture
def rates(rates_gateway):
    yield from rates_gateway.fresh()


def test_the_external_api_is_fetched_with_its_key_and_answers_only_what_was_asked_for(rates):
    answered = rates.get("/rates/EUR?ignored=1", [("Authorization", "secret"), ("Cookie", "c=d")])
    assert answered.status == 200
    assert same(answered, b'{"base":"EUR","date":"2026-11-20","rates":{"USD":1.1640,"GBP":0.8790}}')
    assert answered.headers.one("cache-control") == "max-age=60"
    assert not {"set-cookie", "x-powered-by"} & {n.lower() for n, _ in answered.headers}
    request = rates["rates"].only("GET /latest")
    assert query(request) == {"base": ["EUR"]} and request.headers.one("x-api-key") == "k3y"
    assert request.headers.one("accept") == "application/json"
    assert "authorization" not in request.headers and "cookie" not in request.headers


@pytest.mark.parametrize("base", ["EUR%26base%3DUSD", "a%2Fb", "%E2%82%AC", "a%20b", "a%23b"])
def test_no_currency_adds_a_parameter(rates, base):
    assert rates.get(f"/rates/{base}").status == 200
    assert list(query(rates["rates"].requests[0])) == ["base"]


@pytest.mark.parametrize("fault", FATAL)
def test_the_external_api_fails_and_the_client_gets_a_plain_error(rates, fault):
    rates["rates"]["GET /latest"] = FAULTS[fault][0]
    problem(rates.get("/rates/EUR"), FATAL[fault])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
def test_what_the_external_api_refuses_reaches_the_client(rates, status):
    said = [("Retry-After", "7"), ("WWW-Authenticate", "Bearer"), ("Set-Cookie", "a=b")]
    rates["rates"]["GET /latest"] = answer({"error": "no"}, status, said)
    answered = rates.get("/rates/EUR")
    assert answered.status == status and same(answered, {"error": "no"})
    assert answered.headers.one("retry-after") == "7" and answered.headers.one("www-authenticate") == "Bearer"
    assert "set-cookie" not in answered.headers


def test_json_is_known_by_its_content_not_by_its_type(rates):
    rates["rates"]["GET /latest"] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (
        len(RATES), RATES)
    assert rates.get("/rates/EUR").status == 200
