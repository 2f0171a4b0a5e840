"""view: list with paginate by link: the upstream's Link: rel=next is an opaque cursor (SPEC section 5, RFC 8288)."""
import pytest

from support.rest import Api, json_of, needs_views, query, reply, single

pytestmark = needs_views()

PAGES = {None: ([1, 2], "c1"), "c1": ([3, 4], "c2"), "c2": ([5], None)}
ROUTE = {"path": "/items", "view": "list", "source": "up/items", "paginate": {"by": "link", "size": 2}}


def following(form):
    """An upstream that pages by cursor and tells the next one in a Link field of this form."""

    def answer(request, connection):
        items, following_one = PAGES[dict(query(request)).get("cursor")]
        headers = [("Link", form.format(following_one))] if following_one else []
        return reply(items, headers=headers)

    return answer


def walk(gw, at="/items"):
    seen = []
    while at:
        assert at.startswith("/items"), at
        body = json_of(gw.get(at))
        seen.append(body["results"])
        at = body["next"]
        assert len(seen) < 10
    return seen


FORMS = [
    "</items?cursor={}>; rel=next",
    '</items?cursor={}>;rel="next"',
    '<?cursor={}>; rel="next"',
    '</items?cursor={}>; title="a, b; c"; rel="prefetch next"',
    '</items?cursor=c1>; rel="first", </items?cursor={}>; REL="NEXT", </items?cursor=c2>; rel=last',
    '</other>; rel="nextish", </items?cursor={}>; rel=next',
    '</other>; title="rel=next", </items?cursor={}>; rel=next',
]


@pytest.mark.parametrize("form", FORMS)
def test_next_follows_the_upstreams_link(world, form):
    gw, up = single(world, ROUTE, {"GET /items": following(form)})
    assert walk(gw) == [[1, 2], [3, 4], [5]]
    assert [dict(query(r)).get("cursor") for r in up.requests] == [None, "c1", "c2"]


def test_a_link_may_be_absolute_if_it_leads_to_the_upstream(world):
    up = Api({})
    world.upstreams.append(up)
    up.table["GET /api/items"] = following("<" + up.url + '/api/items?cursor={}>; rel="next"')
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1},
        "upstreams": {"up": {"url": up.url + "/api"}},
        "routes": [ROUTE],
    }
    gw = world.gateway(config)
    assert walk(gw) == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/items?cursor=c1",
        "//evil.example/items?cursor=c1",
        "https://127.0.0.1/items",
        "ftp://x/",
        "http://",
    ],
)
def test_a_link_to_another_host_is_not_followed(world, target):
    gw, up = single(world, ROUTE, {"GET /items": reply([1, 2], headers=[("Link", f"<{target}>; rel=next")])})
    body = json_of(gw.get("/items"))
    assert body["results"] == [1, 2]
    assert body["next"] is None
    assert up.lines[0].startswith("GET /items")


def test_a_link_out_of_the_upstreams_base_is_not_followed(world):
    up = Api({"GET /api/items": reply([1, 2], headers=[("Link", "</admin/items?cursor=c1>; rel=next")])})
    world.upstreams.append(up)
    config = {
        "server": {"listen": "127.0.0.1:0", "workers": 1},
        "upstreams": {"up": {"url": up.url + "/api"}},
        "routes": [ROUTE],
    }
    gw = world.gateway(config)
    body = json_of(gw.get("/items"))
    if body["next"]:
        gw.get(body["next"])
    assert {r.path for r in up.requests} == {"/api/items"}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "c1",
        "/etc/passwd",
        "http://evil.example/",
        "//evil.example/items",
        "../admin",
        "%00",
        "a%0d%0aX: 1",
        "/items?cursor=c1",
        "Lw",
        "0",
    ],
)
def test_a_cursor_that_a_client_makes_up_leads_nowhere_else(world, value):
    """Whatever it is: never another path of the upstream, never another host."""
    gw, up = single(world, ROUTE, {"GET /items": following(FORMS[0]), "GET /*": [0]})
    following_one = json_of(gw.get("/items"))["next"]
    (name,) = [n for n, v in query(following_one) if n not in ("page_size",)]
    answer = gw.get(f"/items?{name}={value}")
    assert answer.status in (200, 400, 404, 502)
    assert {r.path for r in up.requests} == {"/items"}
    assert all("x" not in r.headers for r in up.requests)


def test_a_cursor_keeps_the_other_parameters(world):
    gw, up = single(world, {**ROUTE, "filters": ["status"]}, {"GET /items": following(FORMS[0])})
    body = json_of(gw.get("/items?status=live"))
    assert dict(query(body["next"]))["status"] == "live"
    assert json_of(gw.get(body["next"]))["results"] == [3, 4]
    assert dict(query(up.last()))["cursor"] == "c1"


def test_by_link_nothing_is_known_of_totals(world):
    gw, _ = single(world, ROUTE, {"GET /items": following(FORMS[0])})
    body = json_of(gw.get("/items"))
    assert (body["count"], body["pages"]) == (None, None)


def test_without_a_link_there_is_no_next(world):
    gw, _ = single(world, ROUTE, {"GET /items": [1, 2]})
    assert json_of(gw.get("/items"))["next"] is None
