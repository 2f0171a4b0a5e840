"""JSON passes through as it came, and what is not JSON never does (SPEC section 4; RFC 8259)."""
import json

import pytest

from support.rest import client_json, degraded, json_of, needs_views, raw, reply, single, squeeze

pytestmark = needs_views()

DETAIL = {"path": "/r", "view": "detail", "source": "up/x"}
INCLUDE = {"path": "/r", "view": "aggregate", "include": {"it": "up/x", "ok": "up/ok"}}

# Texts that say more than their values.
VALID = [
    b'{"z":1,"a":2,"m":3}',
    b'{"price":1.10,"exp":1E+2,"e":1e-07,"zero":-0,"tenth":0.10}',
    b'{"i64":9223372036854775808,"big":123456789012345678901234567890,"tiny":1e-400,"huge":1e400}',
    b'{"u":"\\u00e9\\u00E9","s":"a\\/b","c":"\\b\\f\\n\\r\\t\\"\\\\","pair":"\\ud83d\\ude00"}',
    '{"raw":"é😀 "}'.encode(),
    b'{"\\u0061":1,"":2,"a b":3}',
    b'{"lone":"\\ud800","other":"\\udfff","wrong":"\\ude00\\ud83d"}',
    b'{"nul":"\\u0000","del":"\x7f"}',
    b'{"twice":1,"twice":2}',
    b'{"deep":' + b"[" * 90 + b"]" * 90 + b"}",
    b'{"empty":[[],{},"",null,true,false]}',
]
# What RFC 8259 does not allow: names as in JSONTestSuite.
INVALID = {
    "array_1_true_without_comma": b"[1 true]",
    "array_a_invalid_utf8": b"[a\xe5]",
    "array_colon_instead_of_comma": b'["":1]',
    "array_comma_after_close": b'[""],',
    "array_double_comma": b"[1,,2]",
    "array_extra_close": b'["x"]]',
    "array_extra_comma": b'["",]',
    "array_just_minus": b"[-]",
    "array_unclosed": b'[""',
    "incomplete_false": b"[fals]",
    "incomplete_null": b"[nul]",
    "number_plus": b"[+1]",
    "number_dot_first": b"[.5]",
    "number_dot_last": b"[1.]",
    "number_leading_zero": b"[01]",
    "number_minus_leading_zero": b"[-01]",
    "number_double_exponent": b"[1e1e1]",
    "number_exponent_empty": b"[1e]",
    "number_exponent_sign_empty": b"[1e+]",
    "number_hex": b"[0x1]",
    "number_nan": b"[NaN]",
    "number_infinity": b"[Infinity]",
    "number_minus_infinity": b"[-Infinity]",
    "number_with_space": b"[- 1]",
    "object_bad_value": b'["x", truth]',
    "object_comma_instead_of_colon": b'{"x", null}',
    "object_key_without_quotes": b"{a: 1}",
    "object_single_quotes": b"{'a':0}",
    "object_trailing_comma": b'{"id":0,}',
    "object_trailing_comment": b'{"a":"b"}/**/',
    "object_comment_line": b'{"a":"b"}//',
    "object_two_values": b'{"a":1 2}',
    "object_non_string_key": b"{1:1}",
    "string_bad_escape": b'["\\a"]',
    "string_escaped_x": b'["\\x00"]',
    "string_incomplete_escape": b'["\\"]',
    "string_incomplete_surrogate": b'["\\ud83"]',
    "string_unescaped_newline": b'["new\nline"]',
    "string_unescaped_tab": b'["\t"]',
    "string_unescaped_nul": b'["a\x00a"]',
    "string_overlong_utf8": b'["\xc0\xaf"]',
    "string_surrogate_in_utf8": b'["\xed\xa0\x80"]',
    "string_lone_continuation": b'["\x81"]',
    "string_beyond_unicode": b'["\xf4\xbf\xbf\xbf"]',
    "string_cut_utf8": b'["\xe0\xff"]',
    "string_unclosed": b'["asd',
    "structure_utf16": '{"a":1}'.encode("utf-16"),
    "structure_no_data_but_brace": b"{",
    "structure_open_array_object": b'[{"":' * 30,
    "structure_formfeed": b"[\x0c]",
    "structure_nbsp": b"[\xc2\xa0]",
    "structure_nul_after": b"[]\x00",
    "structure_trailing_hash": b'{"a":"b"}#{}',
    "structure_capital_true": b"[True]",
    "structure_too_deep": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_the_main_object_passes_byte_by_byte(world, text):
    gw, _ = single(world, DETAIL, {"GET /x": raw(text)})
    answer = gw.get("/r")
    assert answer.status == 200 and answer.body.strip() == text


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_members_of_an_aggregate_are_spliced_in_as_they_came(world, text):
    gw, _ = single(world, INCLUDE, {"GET /x": raw(text), "GET /ok": raw(text)})
    answer = gw.get("/r")
    assert answer.status == 200
    assert squeeze(answer.body) == b'{"it":' + squeeze(text) + b',"ok":' + squeeze(text) + b"}"


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_an_object_keeps_its_text_when_includes_are_added(world, text):
    route = {**DETAIL, "include": {"more": "up/ok"}}
    gw, _ = single(world, route, {"GET /x": raw(text), "GET /ok": raw(b"[1.0]")})
    assert squeeze(gw.get("/r").body) == squeeze(text)[:-1] + b',"more":[1.0]}'


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_items_of_a_list_keep_their_text(world, text):
    gw, _ = single(world, {"path": "/r", "view": "list", "source": "up/x"}, {"GET /x": raw(b"[" + text + b" , 1.50]")})
    assert squeeze(gw.get("/r").body) == b'{"results":[' + squeeze(text) + b',1.50],"count":2}'


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_what_select_takes_keeps_its_text(world, text):
    route = {**DETAIL, "source": {"call": "up/x", "select": "data.it"}}
    gw, _ = single(world, route, {"GET /x": raw(b'{"data":{"no":0,"it":' + text + b'},"n":1}')})
    assert squeeze(gw.get("/r").body) == squeeze(text)


def test_a_member_that_an_include_writes_replaces_that_of_the_object(world):
    route = {**DETAIL, "include": {"b": "up/ok"}}
    gw, _ = single(world, route, {"GET /x": raw(b'{"a":1,"b":2,"\\u0062":3,"c":4.0}'), "GET /ok": 5})
    pairs = json.loads(gw.get("/r").body, object_pairs_hook=list)
    assert [v for n, v in pairs if n == "b"] == [5]
    assert [p for p in pairs if p[0] != "b"] == [("a", 1), ("c", 4.0)]


@pytest.mark.parametrize("where", ["include", "main", "list"])
def test_what_is_not_json_never_reaches_a_client(world, where):
    routes = {"include": INCLUDE, "main": DETAIL, "list": {"path": "/r", "view": "list", "source": "up/x"}}
    gw, up = single(world, routes[where], {"GET /ok": 1})
    client = gw.connect()
    for name, text in INVALID.items():
        up.table["GET /x"] = raw(text)
        answer = client.get("/r")
        if where == "include":
            assert json_of(answer) == {"ok": 1}, name
            assert degraded(answer) == {"it": "invalid_json"}, name
        else:
            assert answer.status == 502, name


def test_blanks_around_an_answer_are_no_fault(world):
    gw, _ = single(world, INCLUDE, {"GET /x": raw(b'\r\n\t {"a" : 1}\n\n'), "GET /ok": 1})
    assert json_of(gw.get("/r")) == {"it": {"a": 1}, "ok": 1}


def test_a_lone_surrogate_as_a_value_is_replaced(world):
    route = {
        **DETAIL, "include": {"it": {"call": "POST up/ok", "query": {"v": "{object.v}"}, "body": {"w": "<{object.v}>"}}}
    }
    gw, up = single(world, route, {"GET /x": raw(b'{"v":"a\\ud800b"}'), "POST /ok": 1})
    assert gw.get("/r").status == 200
    assert up.last().target == "/ok?v=a%EF%BF%BDb"
    assert json.loads(up.last().body) == {"w": "<a\ufffdb>"}


def test_of_duplicate_members_the_last_is_the_value_wherever_one_is_taken(world):
    route = {**DETAIL, "source": {"call": "up/x", "select": "d"}, "include": {"it": "up/ok/{object.id}"}}
    gw, up = single(world, route, {"GET /x": raw(b'{"d":{"id":0},"d":{"id":1,"id":2}}'), "GET /ok/2": 1})
    assert json_of(gw.get("/r"))["it"] == 1
    up.only("GET /ok/2")


def test_escaped_names_are_the_names_that_they_spell(world):
    route = {**DETAIL, "fields": ["id", "n"], "include": {"n": "up/ok/{object.id}"}}
    gw, _ = single(world, route, {"GET /x": raw(b'{"\\u0069\\u0064":7,"x":1}'), "GET /ok/7": 1})
    assert json_of(gw.get("/r")) == {"id": 7, "n": 1}


def test_a_large_answer_passes_whole(world):
    items = [{"id": i, "name": f"item {i}", "price": 1.5} for i in range(30_000)]
    gw, _ = single(world, {"path": "/r", "view": "list", "source": "up/x"}, {"GET /x": items})
    assert json_of(gw.get("/r")) == {"results": items, "count": len(items)}


# What clients send


@pytest.mark.parametrize("where", ["create", "bulk"])
def test_a_body_that_is_not_json_is_400(world, where):
    routes = {
        "create": {"path": "/r", "view": "create", "source": "up/x"},
        "bulk": {"path": "/r", "view": "bulk-update", "source": "PATCH up/x/{item.id}"},
    }
    gw, up = single(world, routes[where], {})
    for name, text in INVALID.items():
        answer = gw.fetch("POST", "/r", **client_json(text))
        assert answer.status == 400, name
    assert up.requests == []


def test_what_was_sent_is_what_is_saved(world):
    gw, up = single(world, {"path": "/r", "view": "create", "source": "up/x"}, {"POST /x": reply({"id": 1}, 201)})
    for text in VALID:
        begun = len(up.requests)
        answer = gw.fetch("POST", "/r", **client_json(text))
        if b"twice" in text:  # refused, or one of them alone: never both to those who read the first
            assert answer.status == 400 or squeeze(up.last().body).count(b'"twice"') == 1
        else:
            assert answer.status == 201 and len(up.requests) == begun + 1
            assert squeeze(up.last().body) == squeeze(text)
