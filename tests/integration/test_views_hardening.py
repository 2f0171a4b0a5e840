"""What a request or an answer made to hurt may not do to views: bounds, and failures that stay where they belong."""
import json
import os
from pathlib import Path

import pytest

from support import wire
from support.gateway import command, write_config
from support.rest import (
    Hang, client_json, degraded, held, json_of, needs_views, problem, query, raw, reply, reset, single, start, status
)
from support.upstream import Gate, refused_url

pytestmark = needs_views()


def of_list(**more):
    return {"path": "/l", "view": "list", "source": "up/items", **more}


def detail(**more):
    return {"path": "/d", "view": "detail", "source": "up/o", **more}


def bulk(gw, items):
    return gw.fetch("POST", "/b", **client_json(items))


BULK = {"path": "/b", "view": "bulk-update", "source": "PATCH up/i/{item.id}"}


# What a client sends


def test_not_every_unknown_name_of_a_large_content_is_told(world):
    route = {"path": "/o", "view": "create", "source": "up/o", "accept": ["a"], "strict_body": True}
    gw, up = single(world, route, {})
    answer = gw.fetch("POST", "/o", **client_json({f"k{i}": 1 for i in range(5000)}))
    errors = problem(answer, 422)["errors"]
    assert 1 <= len(errors) <= 101 and "k0" in errors
    assert len(answer.body) < 20_000 and up.requests == []


def cpu_seconds(gw):
    fields = Path(f"/proc/{gw.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_names_in_fields_that_nobody_has_cost_nothing_per_item(world):
    names = [f"field{i:02}" for i in range(20)]
    items = raw(json.dumps([dict.fromkeys(names, 7)] * 10_000).encode())
    gw, _ = single(world, of_list(fields=names), {"GET /items": items})
    costs = []
    for wanted in ("field00", "field00," + ",".join(f"fiel{i:03}" for i in range(900))):
        before = cpu_seconds(gw)
        assert json_of(gw.get("/l?fields=" + wanted))["results"][9_999] == {"field00": 7}
        costs.append(cpu_seconds(gw) - before)
    assert costs[1] < 3 * costs[0] + 0.2, costs


def test_a_call_without_a_value_takes_no_connection(world):
    gw, up = single(world, [BULK, detail(include={"x": "up/x/{object.none}"})], {"GET /o": {"a": 1}})
    answer = bulk(gw, [{"x": i} for i in range(50)])
    assert json_of(answer)["errors"] == 50, answer.body[:500]
    assert up.connections == []
    for _ in range(5):
        assert degraded(gw.get("/d")) == {"x": "missing_value"}
    assert len(up.connections) == 1 and up.lines == ["GET /o"] * 5


def test_a_call_without_a_value_fails_as_such_when_its_upstream_is_down(world):
    routes = [
        detail(include={"x": "down/x/{object.none}"}),
        {"path": "/e", "view": "detail", "source": "down/o?p={query.p:int}"},
    ]
    gw, _ = start(world, routes, {"down": {"url": refused_url()}}, up={"GET /o": {"a": 1}}, down={})
    assert degraded(gw.get("/d")) == {"x": "missing_value"}
    problem(gw.get("/e?p=abc"), 400)
    problem(gw.get("/e?p=1"), 502)


# Pages


GATEWAY_PAGES = {"size": 2, "by": "gateway"}


def test_a_page_past_the_end_is_404_with_a_default_too(world):
    route = of_list(source={"call": "up/items", "default": []}, paginate=GATEWAY_PAGES)
    gw, _ = single(world, route, {"GET /items": [{"id": i} for i in range(5)]})
    answer = gw.get("/l?page=9")
    problem(answer, 404)
    assert degraded(answer) == {}
    assert json_of(gw.get("/l?page=3"))["results"] == [{"id": 4}]


@pytest.mark.parametrize("failure, reason", [(status(503), "status_503"), (reset, "reset")], ids=["status", "reset"])
def test_a_default_is_shown_on_every_page_with_the_reason_of_the_failure(world, failure, reason):
    route = of_list(source={"call": "up/items", "default": [7]}, paginate=GATEWAY_PAGES)
    gw, _ = single(world, route, {"GET /items": failure})
    for page in ("", "?page=2"):
        answer = gw.get("/l" + page)
        assert json_of(answer)["results"] == [7] and degraded(answer) == {"object": reason}


NEXT = [("Link", "</items?status=secret&after=5>; rel=next")]


def test_a_cursor_changes_no_parameter_of_the_source(world):
    """Whoever made it: here the upstream itself."""
    route = of_list(source="up/items?status=published", paginate={"by": "link"})
    gw, up = single(world, route, {"GET /items": reply([1], headers=NEXT)})
    assert json_of(gw.get(json_of(gw.get("/l"))["next"]))["results"] == [1]
    assert query(up.last()) == [("status", "published"), ("after", "5")]


def test_a_cursor_is_of_no_use_to_a_request_with_another_source(world):
    route = of_list(source="up/items?tenant={header.x-tenant}", paginate={"by": "link"})
    gw, up = single(world, route, {"GET /items": reply([1], headers=NEXT)})
    following = json_of(gw.get("/l", [("X-Tenant", "a")]))["next"]
    problem(gw.get(following, [("X-Tenant", "b")]), 400)
    assert len(up.requests) == 1
    assert gw.get(following, [("X-Tenant", "a")]).status == 200
    assert query(up.last())[0] == ("tenant", "a")


# Failures that are not the client's


@pytest.mark.parametrize("default", [True, False])
def test_an_upstreams_value_that_cannot_be_converted_is_a_failed_call(world, default):
    include = {"call": "up/x?n={object.n:int}", **({"default": 0} if default else {"required": True})}
    gw, up = single(world, detail(include={"x": include}), {"GET /o": {"n": "abc"}})
    answer = gw.get("/d")
    if default:
        assert json_of(answer) == {"n": "abc", "x": 0} and degraded(answer) == {"x": "missing_value"}
    else:
        problem(answer, 502)
    assert up.lines == ["GET /o"]


def test_no_field_of_an_answer_that_failed_is_passed_on(world):
    route = of_list(source={"call": "up/items", "default": []}, pass_headers=["cache-control", "set-cookie"])
    fields = [("Cache-Control", "public, max-age=600"), ("Set-Cookie", "err=1")]
    gw, up = single(world, route, {"GET /items": status(503, headers=fields)})
    answer = gw.get("/l")
    assert json_of(answer)["results"] == [] and degraded(answer) == {"object": "status_503"}
    assert "set-cookie" not in answer.headers
    assert not any("600" in value for value in answer.headers.all("cache-control"))
    up.table["GET /items"] = reply([1], headers=fields)
    answer = gw.get("/l")
    assert answer.headers.one("set-cookie") == "err=1"
    assert answer.headers.one("cache-control") == "public, max-age=600"


def test_the_main_calls_refusal_ends_the_others(world):
    hang = Hang()

    def refused(request, connection):
        assert hang.began.wait(10)
        return status(404)(request, connection)

    route = detail(include={"i": {"call": "up/i", "required": True}})
    gw, _ = single(world, route, {"GET /o": refused, "GET /i": hang})
    assert gw.get("/d").status == 404
    assert hang.gone.wait(10)


# Joins


def keys(count):
    return [{"id": i} for i in range(count)]


@pytest.mark.parametrize("setting, most", [({}, 8), ({"concurrency": 2}, 2)])
def test_the_batches_of_a_join_do_not_start_all_at_once(world, setting, most):
    gate = Gate()
    include = {"call": "up/pubs?ids={items.id}", "match": {"id": "id"}, "default": [], **setting}
    table = {"GET /items": keys(2400), "GET /pubs": held(gate, []), "GET /o": {"a": 1}}
    gw, up = single(world, [of_list(include={"p": include}), detail()], table)
    client = gw.connect().send(wire.request("GET", "/l"))
    up.wait_call("GET /pubs", most)
    # One loop: what it began for the list, it began before it read this request.
    assert json_of(gw.get("/d")) == {"a": 1}
    assert len(up.calls("GET /pubs")) == most and len(up.connections) <= most + 1
    gate.open()
    assert client.read_response().status == 200
    assert len(up.calls("GET /pubs")) == 24


def test_a_join_by_key_refers_to_one_member_of_its_items(tmp_path):
    include = {"p": {"call": "up/pubs?a={items.a}&ids={items.id}", "match": {"id": "id"}}}
    config = {"upstreams": {"up": {"url": "http://127.0.0.1:1"}}, "routes": [of_list(include=include)]}
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode != 0
    assert "several members" in done.stdout + done.stderr


def test_a_join_that_makes_much_of_little_has_a_bound(world):
    size = 100_000
    table = {"GET /items": [{"k": 1}] * 50, "GET /pubs": [{"id": 1, "t": "x" * size}]}
    include = {"call": "up/pubs?ids={items.k}", "match": {"k": "id"}}
    gw, up = single(world, of_list(include={"p": include}), table)
    assert len(gw.get("/l").body) > 50 * size
    up.table["GET /items"] = [{"k": 1}] * 700
    assert len(gw.get("/l").body) < 10_000
    problem(gw.get("/l"), 502)


# What upstreams say


def test_a_long_message_of_an_upstream_is_cut_between_characters(world):
    messages = ["y" * shift + letter * 50_000 for letter in "xä€😀" for shift in range(4)]

    def refused(request, connection):
        return status(400, {"detail": messages[int(request.path.rpartition("/")[2])]})

    gw, _ = single(world, BULK, {"PATCH /i/*": refused})
    answer = bulk(gw, [{"id": i} for i in range(len(messages))])
    told = [result["message"] for result in json.loads(answer.body)["results"]]
    assert len(told) == len(messages)
    for short, whole in zip(told, messages):
        assert short.endswith("…") and whole.startswith(short[:-1])
        assert 990 < len(short[:-1].encode()) <= 1000


def test_viewgate_degraded_has_a_bound(world):
    include = {f"call-number-{i:04}": f"up/x/{{object.none{i}}}" for i in range(400)}
    gw, _ = single(world, detail(include=include), {"GET /o": {"a": 1}})
    answer = gw.get("/d")
    assert json_of(answer)["a"] == 1
    told = ", ".join(answer.headers.all("viewgate-degraded"))
    assert 3_000 < len(told) < 4_200
    entries = told.split(", ")
    assert entries.pop() == "and_more"
    assert entries == [f"call-number-{i:04};reason=missing_value" for i in range(len(entries))]
