"""Templates in calls: what they refer to, and that no value adds anything where it stands (SPEC section 4)."""
import json
from urllib.parse import quote, unquote_to_bytes

import pytest

from support.rest import body_of, client_json, degraded, json_of, needs_views, problem, query, raw, reply, single

pytestmark = needs_views()

ECHO = {"GET /*": reply({"ok": True}), "POST /*": reply({"ok": True})}
BYTES = [b for b in range(256) if b]  # NUL in a path is 400 by itself


def one_call(call, path="/r", **settings):
    """An aggregate of one call, with which every place can be tried."""
    return {"path": path, "view": "aggregate", "include": {"it": call}, **settings}


# No value adds anything


def test_no_byte_of_a_path_parameter_adds_a_segment_or_a_query(world):
    gw, up = single(world, {"path": "/e/{id}/x", "view": "detail", "source": "up/items/{id}/end"}, ECHO)
    client = gw.connect()
    for byte in BYTES:
        assert client.get(f"/e/a%{byte:02X}b/x").status == 200
        target = up.last().target
        assert target.count("/") == 3 and "?" not in target and "#" not in target, target
        _, items, value, end = target.split("/")
        assert (items, unquote_to_bytes(value), end) == ("items", b"a" + bytes([byte]) + b"b", "end")


def test_no_byte_of_a_query_value_adds_a_segment_to_a_path(world):
    gw, up = single(world, one_call("up/items/{query.v}/end"), ECHO)
    client = gw.connect()
    for byte in range(256):
        assert client.get(f"/r?v=a%{byte:02x}b").status == 200
        target = up.last().target
        assert target.count("/") == 3 and "?" not in target and "#" not in target, target
        assert unquote_to_bytes(target.split("/")[2]) == b"a" + bytes([byte]) + b"b"


@pytest.mark.parametrize("call", ["up/s?v={query.v}&last=1", {"call": "up/s", "query": {"v": "{query.v}", "last": 1}}])
def test_no_byte_adds_a_query_parameter(world, call):
    gw, up = single(world, one_call(call), ECHO)
    client = gw.connect()
    for byte in range(256):
        assert client.get(f"/r?v=a%{byte:02x}b").status == 200
        target = up.last().target
        assert target.startswith("/s?") and target.count("?") == 1 and "#" not in target, target
        value = b"a" + bytes([byte]) + b"b"
        assert query(target) == [("v", value.decode("utf-8", "surrogateescape")), ("last", "1")]


def test_no_byte_adds_a_header_line(world):
    gw, up = single(world, one_call({"call": "up/s", "headers": {"X-V": "{query.v}", "X-Last": "1"}}), ECHO)
    client = gw.connect()
    names = None
    for byte in range(256):
        assert client.get(f"/r?v=a%{byte:02x}b").status == 200
        headers = up.last().headers  # read strictly: a bare control byte is an error by itself
        found = sorted(n.lower() for n, _ in headers if n.lower() != "x-v")
        names = names or found
        assert found == names
        assert len(headers.all("x-v")) <= 1
        if 0x20 <= byte < 0x7F:
            assert headers.one("x-v") == "a" + chr(byte) + "b"


def test_no_byte_adds_a_member_to_a_body(world):
    call = {"call": "POST up/s", "body": {"v": "{query.v}", "text": "<{query.v}>", "last": 1}}
    gw, up = single(world, one_call(call), ECHO)
    client = gw.connect()
    for byte in range(256):
        assert client.get(f"/r?v=a%{byte:02x}b").status == 200
        pairs = json.loads(up.last().body.decode(), object_pairs_hook=list)
        if byte < 0x80:
            value = "a" + chr(byte) + "b"
            assert pairs == [("v", value), ("text", f"<{value}>"), ("last", 1)]
        else:  # no UTF-8: replaced or missing, never raw
            assert [name for name, _ in pairs if name not in ("v", "text")] == ["last"]


@pytest.mark.parametrize(
    "value",
    [
        "1/../2",
        "a?b=c",
        "a&b=c#d",
        "x\r\nX-Evil: 1",
        '","evil":1,"a":"',
        "\\",
        '\\",',
        "é€😀",
        "%2f",
        "%252e",
        "{id}",
        "${A}",
    ],
)
def test_values_that_look_like_syntax_stay_values(world, value):
    call = {
        "call": "POST up/p/{query.v}",
        "query": {"q": "{query.v}"},
        "headers": {"X-V": "{query.v}"},
        "body": {"b": "{query.v}", "t": "({query.v})"},
    }
    gw, up = single(world, one_call(call), ECHO)
    assert gw.get("/r?v=" + quote(value, safe="")).status == 200
    seen = up.last()
    assert seen.path.count("/") == 2 and unquote_to_bytes(seen.path[3:]) == value.encode()
    assert query(seen) == [("q", value)]
    assert body_of(seen) == {"b": value, "t": f"({value})"}
    assert "x-evil" not in seen.headers
    if "\n" not in value:
        assert seen.headers.one("x-v").encode("latin-1") == value.encode()


@pytest.mark.parametrize("value", ["", ".", "..", "%2e", "%2E%2e", ".%2e"])
def test_a_value_that_is_empty_or_a_dot_segment_counts_as_missing_in_a_path(world, value):
    gw, up = single(
        world, {"path": "/r", "view": "aggregate", "include": {"it": "up/p/{query.v}", "other": "up/o"}}, ECHO
    )
    answer = gw.get("/r?v=" + value)
    assert json_of(answer) == {"other": {"ok": True}}
    assert degraded(answer) == {"it": "missing_value"}
    assert up.lines == ["GET /o"]


def test_only_a_rest_parameter_keeps_its_slashes(world):
    routes = [
        {"path": "/f/{rest...}", "view": "detail", "source": "up/files/{rest}"},
        {"path": "/g/{id}", "view": "detail", "source": "up/files/{id}"},
    ]
    gw, up = single(world, routes, ECHO)
    gw.get("/f/a/b%2Fc/d")
    assert up.last().target.upper() == "/FILES/A/B%2FC/D"
    gw.get("/g/a%2Fb")
    assert up.last().target.upper() == "/FILES/A%2FB"


# What they refer to


def test_references_of_the_request(world):
    call = {
        "call": "POST up/s",
        "body": {
            "id": "{id}",
            "name": "{name}",
            "q": "{query.q}",
            "h": "{header.x-tenant}",
            "c": "{cookie.sid}",
            "ip": "{client_ip}",
            "rid": "{request_id}",
            "both": "{name}-{id}",
            "braces": "{{id}}",
        },
    }
    gw, up = single(world, one_call(call, path="/r/{id:int}/{name}"), ECHO)
    answer = gw.get("/r/42/bob%20b?q=5", [("X-Tenant", "acme"), ("Cookie", "a=1; sid=s3; b=2")])
    assert body_of(up.last()) == {
        "id": 42,  # {id:int} is a JSON number
        "name": "bob b",
        "q": "5",  # other parameters, query values, headers and cookies are strings
        "h": "acme",
        "c": "s3",
        "ip": "127.0.0.1",
        "rid": answer.headers.one("x-request-id"),
        "both": "bob b-42",
        "braces": "{id}",
    }


@pytest.mark.parametrize(
    "template, text, expected",
    [
        ("{query.v:int}", "42", 42),
        ("{query.v:int}", "-7", -7),
        ("{query.v:number}", "1.5", 1.5),
        ("{query.v:bool}", "true", True),
        ("{query.v:bool}", "false", False),
        ("{query.v:json}", '{"a":[1,null]}', {"a": [1, None]}),
        ("{query.v:int|9}", None, 9),
        ("{query.v|none}", None, "none"),
        ("{query.v|}", None, ""),
        ("{query.v}", "", ""),
        ("{query.v}", "007", "007"),
    ],
)
def test_conversions_and_fallbacks_in_a_body(world, template, text, expected):
    gw, up = single(world, one_call({"call": "POST up/s", "body": {"v": template}}), ECHO)
    assert gw.get("/r" if text is None else "/r?v=" + quote(text)).status == 200
    assert body_of(up.last()) == {"v": expected}


@pytest.mark.parametrize(
    "template, text",
    [("{query.v:int}", "x"), ("{query.v:int}", "1.5"), ("{query.v:number}", "1,5"), ("{query.v:bool}", "yes")]
    + [("{query.v:json}", "{"), ("{query.v:int}", "1 or 1=1"), ("{query.v:int|1}", "x")],
)
def test_a_value_that_can_not_be_converted_is_400_and_nothing_is_called(world, template, text):
    gw, up = single(world, one_call({"call": "up/s", "query": {"v": template}}), ECHO)
    problem(gw.get("/r?v=" + quote(text)), 400)
    assert up.requests == []


def test_a_missing_value_leaves_out_parameter_header_and_member(world):
    call = {
        "call": "POST up/s?a={query.none}&b=1",
        "query": {"c": "{cookie.none}"},
        "headers": {"X-None": "{header.x-none}"},
        "body": {
            "d": "{query.none}", "e": {"f": "{query.none}", "g": 1}, "h": ["{query.none}", 2], "t": "<{query.none}>"
        },
    }
    gw, up = single(world, one_call(call), ECHO)
    assert degraded(gw.get("/r")) == {}
    assert query(up.last()) == [("b", "1")]
    assert "x-none" not in up.last().headers
    assert body_of(up.last()) == {"e": {"g": 1}, "h": [2]}


OBJECT = {
    "id": 7,
    "price": 1.5,
    "name": "a b",
    "yes": True,
    "nothing": None,
    "tags": ["x", 1, True],
    "deep": {"er": [{"k": "v"}]},
    "nested": [[1]],
}


def of_object(place, template):
    call = {"call": "POST up/s/x" if place != "path" else "POST up/s/" + template}
    if place != "path":
        call[place] = {"X-V" if place == "headers" else "v": template}
    return {"path": "/r", "view": "detail", "source": "up/main", "include": {"it": call}}


@pytest.mark.parametrize(
    "name, text",
    [("id", "7"), ("name", "a b"), ("yes", "true"), ("tags", "x,1,true"), ("tags.0", "x"), ("deep.er.0.k", "v")]
    + [("nothing", None), ("deep", None), ("nested", None), ("none", None), ("deep.er.1.k", None), ("name.x", None)],
)
def test_values_of_an_answer_as_text(world, name, text):
    """Arrays of scalars join by commas; any other structure is missing, and so is null."""
    for place in ("query", "headers", "path"):
        table = {"GET /main": OBJECT, "POST /s/*": {}}
        gw, up = single(world, of_object(place, "{object.%s}" % name), table)
        answer = gw.get("/r")
        if text is None and place == "path":
            assert degraded(answer) == {"it": "missing_value"}
            continue
        seen = up.only("POST /s/*")
        if place == "query":
            assert query(seen) == ([] if text is None else [("v", text)])
        elif place == "headers":
            assert seen.headers.get("x-v") == text
        else:
            assert unquote_to_bytes(seen.path) == b"/s/" + text.encode()


@pytest.mark.parametrize("name", ["id", "name", "yes", "nothing", "tags", "deep", "nested", "deep.er.0"])
def test_a_template_that_is_one_reference_keeps_its_json_type_in_a_body(world, name):
    table = {"GET /main": OBJECT, "POST /s/*": {}}
    gw, up = single(world, of_object("body", "{object.%s}" % name), table)
    gw.get("/r")
    expected = OBJECT
    for step in name.split("."):
        expected = expected[int(step)] if isinstance(expected, list) else expected[step]
    assert body_of(up.only("POST /s/*")) == {"v": expected}


def test_numbers_keep_their_text_wherever_they_go(world):
    main = b'{"price":1.10,"big":12345678901234567890123}'
    call = {"call": "POST up/s", "query": {"p": "{object.price}"}, "body": {"p": "{object.price}", "b": "{object.big}"}}
    route = {"path": "/r", "view": "detail", "source": "up/main", "include": {"it": call}}
    gw, up = single(world, route, {"GET /main": raw(main), "POST /s": {}})
    gw.get("/r")
    seen = up.only("POST /s")
    assert seen.target == "/s?p=1.10"
    assert b"1.10" in seen.body and b"12345678901234567890123" in seen.body and b'"12345' not in seen.body


def test_whole_values_of_body_object_and_calls(world):
    route = {
        "path": "/r",
        "view": "create",
        "source": {"call": "POST up/main", "body": {"wrapped": "{body}", "first": "{body.items.0}"}},
        "after": {
            "a": {"call": "POST up/a", "body": {"object": "{object}"}},
            "b": {"call": "POST up/b", "body": {"a": "{calls.a}", "x": "{calls.a.x.1}"}},
        },
    }
    table = {"POST /main": reply({"id": 1, "z": [1]}, 201), "POST /a": {"x": [1, 2]}, "POST /b": {}}
    gw, up = single(world, route, table)
    sent = {"items": [{"k": 1}], "n": None}
    assert gw.fetch("POST", "/r", **client_json(sent)).status == 201
    assert body_of(up.only("POST /main")) == {"wrapped": sent, "first": {"k": 1}}
    assert body_of(up.only("POST /a")) == {"object": {"id": 1, "z": [1]}}
    assert body_of(up.only("POST /b")) == {"a": {"x": [1, 2]}, "x": 2}
