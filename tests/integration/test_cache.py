"""cache on routes (SPEC section 6): what is kept under which key, who waits for whom, what is given stale."""
import concurrent.futures
import json
import threading

import pytest

from support.caching import aged, fresh, is_hit, is_miss, kept, said
from support.gateway import command, wait_until, write_config
from support.rest import Hang, close, held, json_of, raw, reply, reset, sequence, single, start, status
from support.upstream import Gate


def field(request, name, otherwise=""):
    return ", ".join(request.headers.all(name)) or otherwise


# What is kept


def test_a_fresh_answer_is_given_again_without_asking(world):
    gw, up = kept(world, {"GET /a": fresh(b"hello", ("X-Own", "1"), ("Content-Type", "text/plain"))})
    first, second = gw.get("/a"), gw.get("/a")
    assert said(first) == {"fwd": "uri-miss", "stored": True}
    assert said(second)["hit"] and 98 <= said(second)["ttl"] <= 100
    assert first.body == second.body == b"hello"
    assert second.headers.one("x-own") == "1" and second.headers.one("content-type") == "text/plain"
    assert second.headers.one("age") in ("0", "1")
    assert second.headers.one("date") == first.headers.one("date")
    assert first.headers.one("x-request-id") != second.headers.one("x-request-id")
    assert up.lines == ["GET /a"]


def test_without_ttl_the_upstream_says_and_with_it_the_setting(world):
    routes = [{"name": "five", "path": "/five/{rest...}", "view": "proxy-fetch", "source": "up/{rest}", "cache": "5m"}]
    gw, up = kept(world, {"GET /silent": raw(b"s"), "GET /short": fresh(b"x", seconds=0)}, routes=routes)
    for path in ("/silent", "/short"):
        assert is_miss(gw.get(path)) and is_miss(gw.get(path))
        assert is_miss(gw.get("/five" + path))
        assert 298 <= said(gw.get("/five" + path))["ttl"] <= 300


@pytest.mark.parametrize(
    "fields",
    [
        [("Cache-Control", "no-store")],
        [("Cache-Control", "private")],
        [("Cache-Control", "max-age=100, private")],
        [("Vary", "*")],
        [("Set-Cookie", "sid=1")],
        [("Cache-Control", "public, max-age=100"), ("Set-Cookie", "sid=1")],
    ],
)
def test_a_ttl_does_not_keep_what_the_upstream_forbids(world, fields):
    gw, up = kept(world, {"GET /a": raw(b"mine", 200, fields)}, cache="5m")
    assert [is_hit(gw.get("/a")) for _ in range(3)] == [False] * 3
    assert len(up.requests) == 3


def test_what_becomes_keepable_is_kept(world):
    gw, up = kept(world, {"GET /a": sequence(raw(b"1", 200, [("Cache-Control", "no-store")]), fresh(b"2"))})
    assert [gw.get("/a").body for _ in range(3)] == [b"1", b"2", b"2"]
    assert is_hit(gw.get("/a"))


@pytest.mark.parametrize("code", [200, 203, 204, 300, 301, 308])
def test_under_a_ttl_these_statuses_are_kept(world, code):
    gw, up = kept(world, {"GET /a": raw(b"" if code == 204 else b"x", code, [("Location", "/b")])}, cache="5m")
    first, second = gw.get("/a"), gw.get("/a")
    assert second.status == code and is_hit(second) and second.body == first.body
    assert len(up.requests) == 1


@pytest.mark.parametrize("code", [201, 202, 302, 303, 307, 400, 403, 404, 410, 429, 500, 501, 503])
def test_under_a_ttl_other_statuses_and_errors_are_not(world, code):
    gw, up = kept(world, {"GET /a": raw(b"x", code, [("Location", "/b")])}, cache="5m")
    assert gw.get("/a").status == code and not is_hit(gw.get("/a"))
    assert len(up.requests) == 2


def test_errors_are_kept_under_errors_ttl_or_where_the_upstream_says_so(world):
    table = {"GET /gone": status(410), "GET /told": fresh(b"no", status=404), "GET /broken": status(500)}
    gw, up = kept(world, table, cache={"ttl": "5m", "errors_ttl": "30s"})
    gw.get("/gone")
    assert said(gw.get("/gone"))["ttl"] <= 30
    gw.get("/broken")
    assert is_miss(gw.get("/broken"))
    gw, up = kept(world, table)
    gw.get("/told"), gw.get("/gone")
    assert said(gw.get("/told"))["ttl"] >= 98 and is_miss(gw.get("/gone"))


def test_larger_content_than_max_bytes_streams_by(world):
    def chunks(request, connection):
        from support import wire

        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Cache-Control", "max-age=9")]))
        connection.send(wire.chunked(*[b"y" * 1000] * 20))

    gw, up = kept(world, {"GET /a": fresh(b"x" * 5000), "GET /b": chunks, "GET /c": fresh(b"z" * 4096)},
                  cache={"max_bytes": "4KiB"})
    for path, body in (("/a", b"x" * 5000), ("/b", b"y" * 20000)):
        assert gw.get(path).body == body and gw.get(path).body == body
        assert is_miss(gw.get(path))
    assert gw.get("/c").body == b"z" * 4096 and is_hit(gw.get("/c"))


def test_chunked_content_is_kept_when_it_is_whole(world):
    def pieces(request, connection):
        from support import wire

        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Cache-Control", "max-age=9")]))
        connection.send(wire.chunk(b"one "))
        connection.send(wire.chunk(b"two") + b"0\r\n\r\n")

    gw, up = kept(world, {"GET /a": pieces})
    assert gw.get("/a").body == b"one two"
    second = wait_until(lambda: (lambda r: r if is_hit(r) else None)(gw.get("/a")))
    assert second.body == b"one two" and second.headers.one("content-length") == "7"


def test_an_answer_cut_short_is_not_kept(world):
    def cut(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: max-age=100\r\n\r\nhalf of")
        connection.close()

    gw, up = kept(world, {"GET /a": sequence(cut, fresh(b"whole"))})
    with pytest.raises(Exception):
        gw.get("/a")
    assert gw.get("/a").body == b"whole"


def test_a_slow_client_does_not_keep_an_answer_from_others(world):
    body = b"b" * 900_000
    gw, up = kept(world, {"GET /a": fresh(body)})
    slow = gw.connect(receive_buffer=4096)
    slow.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    up.wait_call("GET /a")
    assert gw.get("/a").body == body  # waits for it, or finds it: the slow one has not read a byte
    assert len(up.requests) == 1
    slow.sock.close()


def test_head_is_answered_from_what_get_left(world):
    gw, up = kept(world, {"GET /a": fresh(b"12345"), "HEAD /b": fresh(b"")})
    assert is_miss(gw.fetch("HEAD", "/b")) and is_miss(gw.fetch("HEAD", "/b"))
    gw.get("/a")
    head = gw.fetch("HEAD", "/a")
    assert is_hit(head) and head.body == b"" and head.headers.one("content-length") == "5"


# The key


def test_the_order_of_parameters_does_not_matter_but_that_of_one_name_does(world):
    gw, up = kept(world, {"GET /a": lambda r, c: fresh(r.target.encode())(r, c)})
    assert gw.get("/a?x=1&y=2").body == gw.get("/a?y=2&x=1").body
    assert is_hit(gw.get("/a?y=2&x=1"))
    assert is_miss(gw.get("/a?x=1&x=2")) and is_miss(gw.get("/a?x=2&x=1"))
    assert is_miss(gw.get("/a")) and is_miss(gw.get("/a?x=1"))


def test_hosts_are_kept_apart_whatever_their_case(world):
    gw, up = kept(world, {"GET /a": fresh(b"a")})
    with gw.connect() as client:
        assert is_miss(client.request("GET", "/a", host="one.test"))
        assert is_miss(client.request("GET", "/a", host="two.test"))
        assert is_hit(client.request("GET", "/a", host="ONE.test"))


def test_every_value_of_the_clients_that_a_call_carries_is_in_the_key(world):
    echo = lambda r, c: reply({"who": field(r, "x-who", ""), "auth": field(r, "authorization", ""),  # noqa: E731
                               "cookie": field(r, "cookie", ""), "ip": field(r, "x-ip", "")})(r, c)
    gw, up = single(
        world,
        {"path": "/d/{id}", "view": "detail", "cache": "5m",
         "source": {"call": "up/d/{id}", "headers": {"X-Who": "{header.x-user}", "X-Ip": "{client_ip}"},
                    "forward_headers": ["authorization"], "forward_cookies": ["sid"]}},
        {"GET /d/1": echo},
    )
    seen = set()
    for headers in ([], [("X-User", "a")], [("X-User", "b")], [("Authorization", "one")], [("Authorization", "two")],
                    [("Cookie", "sid=1")], [("Cookie", "sid=2")]):
        first, again = gw.get("/d/1", headers), gw.get("/d/1", headers)
        assert is_miss(first) and is_hit(again), headers
        assert first.body == again.body and first.body not in seen
        seen.add(first.body)
    assert is_hit(gw.get("/d/1", [("Cookie", "other=1")]))  # does not go along


def test_a_key_replaces_path_and_query_but_not_the_rest(world):
    gw, up = kept(
        world,
        {"GET /a/*": lambda r, c: fresh(r.target.encode())(r, c)},
        cache={"ttl": "5m", "key": ["query:page", "header:accept-language"]},
        route={"path": "/a/{id}", "source": {"call": "up/a/{id}", "query": {"page": "{query.page}"}}},
    )
    assert is_miss(gw.get("/a/1?page=2&utm=x"))
    assert is_hit(gw.get("/a/1?utm=other&page=2"))
    assert is_miss(gw.get("/a/1?page=3"))
    assert is_miss(gw.get("/a/1?page=2", [("Accept-Language", "de")]))
    assert is_miss(gw.get("/a/2?page=2"))  # a parameter that the call carries


def test_variants_are_kept_apart_by_vary(world):
    table = {"GET /a": lambda r, c: fresh(field(r, "accept-language", "none").encode(),
                                          ("Vary", "Accept-Language"))(r, c)}
    gw, up = kept(world, table)
    for language in ("de", "en"):
        headers = [("Accept-Language", language)]
        assert is_miss(gw.get("/a", headers))
        again = gw.get("/a", headers)
        assert is_hit(again) and again.body == language.encode()
    assert said(gw.get("/a", [("Accept-Language", "fr")]))["fwd"] == "vary-miss"
    assert is_miss(gw.get("/a")) and is_hit(gw.get("/a"))


@pytest.mark.parametrize("header", [("Authorization", "Bearer x"), ("Cookie", "sid=1")])
def test_what_a_credential_got_is_kept_only_with_the_upstreams_leave(world, header):
    gw, up = kept(world, {"GET /mine": raw(b"x", 200, [("Cache-Control", "max-age=100")]),
                          "GET /public": raw(b"x", 200, [("Cache-Control", "public, max-age=100")]),
                          "GET /shared": raw(b"x", 200, [("Cache-Control", "s-maxage=100")])})
    assert is_miss(gw.get("/mine", [header])) and is_miss(gw.get("/mine", [header]))
    assert is_miss(gw.get("/mine")), "what a credential got must not be given without it"
    assert is_miss(gw.get("/mine", [header])), "nor what was got without it to one that the upstream would know"
    for path in ("/public", "/shared"):
        assert is_miss(gw.get(path, [header])) and is_hit(gw.get(path, [header])) and is_hit(gw.get(path))


def test_with_the_credential_in_the_key_each_has_their_own(world):
    gw, up = kept(world, {"GET /a": lambda r, c: fresh(field(r, "authorization").encode())(r, c)},
                  cache={"key": ["path", "query", "header:authorization"]})
    for name in ("one", "two"):
        assert is_miss(gw.get("/a", [("Authorization", name)]))
        again = gw.get("/a", [("Authorization", name)])
        assert is_hit(again) and again.body == name.encode()


# Conditions and ranges


def test_conditions_are_answered_from_the_store(world):
    gw, up = kept(world, {"GET /a": fresh(b"abc", ("ETag", '"v1"'), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"))})
    gw.get("/a")
    same = gw.get("/a", [("If-None-Match", '"x", W/"v1"')])
    assert same.status == 304 and same.body == b"" and is_hit(same)
    assert same.headers.one("etag") == '"v1"' and "content-type" not in same.headers
    assert gw.get("/a", [("If-None-Match", '"v2"')]).status == 200
    assert gw.get("/a", [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]).status == 304
    assert gw.get("/a", [("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT")]).status == 200
    assert len(up.requests) == 1


def test_a_condition_that_misses_asks_for_the_whole_and_is_answered_here(world):
    gw, up = kept(world, {"GET /a": fresh(b"abc", ("ETag", '"v1"'))})
    assert gw.get("/a", [("If-None-Match", '"v1"')]).status == 304
    assert "if-none-match" not in up.requests[0].headers
    assert is_hit(gw.get("/a"))


def test_one_range_is_cut_from_the_store(world):
    gw, up = kept(world, {"GET /a": fresh(b"0123456789", ("ETag", '"v1"'))})
    gw.get("/a")
    part = gw.get("/a", [("Range", "bytes=2-4")])
    assert part.status == 206 and part.body == b"234" and part.headers.one("content-range") == "bytes 2-4/10"
    assert gw.get("/a", [("Range", "bytes=-3")]).body == b"789"
    assert gw.get("/a", [("Range", "bytes=2-4"), ("If-Range", '"old"')]).status == 200
    beyond = gw.get("/a", [("Range", "bytes=50-")])
    assert beyond.status == 416 and beyond.headers.one("content-range") == "bytes */10"
    assert len(up.requests) == 1


def test_a_range_that_misses_goes_on_and_its_part_is_not_kept(world):
    def part(request, connection):
        if "range" in request.headers:
            return raw(b"23", 206, [("Cache-Control", "max-age=100"), ("Content-Range", "bytes 2-3/10")])(request, connection)
        return fresh(b"0123456789")(request, connection)

    gw, up = kept(world, {"GET /a": part})
    assert gw.get("/a", [("Range", "bytes=2-3")]).status == 206
    assert gw.get("/a").body == b"0123456789" and len(up.requests) == 2


def test_a_view_answers_conditions_whether_or_not_it_is_kept(world):
    for cache in ({}, "5m"):
        gw, up = single(world, {"path": "/d", "view": "detail", "source": "up/d", "cache": cache}, {"GET /d": {"id": 1}})
        etag = gw.get("/d").headers.one("etag")
        assert gw.get("/d", [("If-None-Match", etag)]).status == 304
        assert gw.get("/d", [("If-None-Match", '"other"')]).status == 200


# Stale


def test_what_is_stale_is_validated_and_a_304_makes_it_fresh(world):
    def versions(request, connection):
        if field(request, "if-none-match", "") == '"v1"':
            return raw(b"", 304, [("ETag", '"v1"'), ("Cache-Control", "max-age=50"), ("X-New", "2")])(request, connection)
        return aged(b"body", ("ETag", '"v1"'), ("X-New", "1"), lifetime=10, age=20)(request, connection)

    gw, up = kept(world, {"GET /a": versions})
    assert is_miss(gw.get("/a"))
    renewed = gw.get("/a")
    assert renewed.status == 200 and renewed.body == b"body" and renewed.headers.one("x-new") == "2"
    assert said(renewed) == {"fwd": "stale", "fwd-status": 304, "stored": True}
    assert is_hit(gw.get("/a")) and len(up.requests) == 2


def test_a_validation_that_brings_something_new_replaces(world):
    gw, up = kept(world, {"GET /a": sequence(aged(b"old", ("ETag", '"v1"'), lifetime=10, age=20), fresh(b"new", ("ETag", '"v2"')))})
    assert [gw.get("/a").body for _ in range(3)] == [b"old", b"new", b"new"]
    assert up.requests[1].headers.one("if-none-match") == '"v1"'


def test_no_cache_is_asked_about_every_time(world):
    def answer(request, connection):
        if field(request, "if-none-match", ""):
            return raw(b"", 304, [("ETag", '"v"'), ("Cache-Control", "no-cache")])(request, connection)
        return raw(b"body", 200, [("ETag", '"v"'), ("Cache-Control", "no-cache")])(request, connection)

    gw, up = kept(world, {"GET /a": answer})
    assert [gw.get("/a").body for _ in range(3)] == [b"body"] * 3
    assert [("if-none-match" in r.headers) for r in up.requests] == [False, True, True]


def test_while_it_is_renewed_the_stale_one_is_given(world):
    gate = Gate()
    gw, up = kept(world, {"GET /a": sequence(aged(b"old", lifetime=10, age=20), held(gate, fresh(b"new")))},
                  cache={"stale_while_revalidate": "1h"})
    assert gw.get("/a").body == b"old"
    stale = gw.get("/a")
    assert stale.body == b"old" and is_hit(stale) and said(stale)["ttl"] <= 0
    up.wait_call("GET /a", 2)
    assert gw.get("/a").body == b"old"  # and asks no third time
    gate.open()
    wait_until(lambda: gw.get("/a").body == b"new")
    assert len(up.requests) == 2


def test_the_upstreams_own_stale_while_revalidate_counts(world):
    answers = sequence(raw(b"old", 200, [("Cache-Control", "max-age=1, stale-while-revalidate=600"), ("Age", "5")]), fresh(b"new"))
    gw, up = kept(world, {"GET /a": answers})
    assert [gw.get("/a").body, gw.get("/a").body] == [b"old", b"old"]
    wait_until(lambda: gw.get("/a").body == b"new")


def test_a_view_is_renewed_beside_too(world):
    gw, up = single(
        world,
        {"path": "/d", "view": "detail", "source": "up/d", "cache": {"stale_while_revalidate": "1h"}},
        {"GET /d": sequence(reply({"n": 1}, 200, [("Cache-Control", "max-age=1"), ("Age", "5"), ("Content-Type", "application/json")]),
                            reply({"n": 2}, 200, [("Cache-Control", "max-age=60"), ("Content-Type", "application/json")]))},
    )
    assert json_of(gw.get("/d")) == {"n": 1} and json_of(gw.get("/d")) == {"n": 1}
    wait_until(lambda: json_of(gw.get("/d")) == {"n": 2})


@pytest.mark.parametrize("failure", [status(503), status(500), reset, close])
def test_where_the_upstream_fails_the_stale_one_stands_in(world, failure):
    gw, up = kept(world, {"GET /a": sequence(aged(b"old", lifetime=10, age=20), failure)}, cache={"stale_if_error": "1h"})
    assert gw.get("/a").body == b"old"
    stale = gw.get("/a")
    assert stale.status == 200 and stale.body == b"old"
    assert said(stale)["fwd"] == "stale" and said(stale)["detail"] == "stale-if-error" and said(stale)["ttl"] <= 0


@pytest.mark.parametrize("word", ["must-revalidate", "proxy-revalidate", "s-maxage=10"])
def test_what_must_be_validated_never_stands_in(world, word):
    old = raw(b"old", 200, [("Cache-Control", f"max-age=10, {word}"), ("Age", "20")])
    gw, up = kept(world, {"GET /a": sequence(old, status(503))}, cache={"stale_if_error": "1h", "stale_while_revalidate": "1h"})
    assert gw.get("/a").body == b"old"
    assert gw.get("/a").status == 503


def test_a_stale_one_stands_in_for_an_upstream_that_is_too_slow(world):
    hang = Hang()
    gw, up = kept(world, {"GET /a": sequence(aged(b"old", lifetime=10, age=20), hang)},
                  cache={"stale_if_error": "1h"}, route={"timeout": "300ms"})
    assert gw.get("/a").body == b"old"
    assert gw.get("/a").body == b"old"
    assert hang.gone.wait(10)


# The client's own word


def test_a_clients_no_cache_and_max_age_count_under_client_refresh_alone(world):
    refresh = {"name": "r", "path": "/r/{rest...}", "view": "proxy-fetch", "source": "up/{rest}", "cache": {"client_refresh": True}}
    gw, up = kept(world, {"GET /a": aged(b"a", lifetime=100, age=50)}, routes=[refresh])
    for prefix, counts in (("", False), ("/r", True)):
        gw.get(prefix + "/a")
        for value in ("no-cache", "max-age=10", "max-age=0", "min-fresh=90"):
            answer = gw.get(prefix + "/a", [("Cache-Control", value)])
            assert is_hit(answer) != counts, value
            assert not counts or said(answer)["fwd"] == "request"
        assert is_hit(gw.get(prefix + "/a", [("Cache-Control", "max-age=90")]))


def test_no_store_and_only_if_cached_of_a_client(world):
    gw, up = kept(world, {"GET /a": fresh(b"a")})
    assert gw.get("/a", [("Cache-Control", "only-if-cached")]).status == 504
    assert gw.get("/a", [("Cache-Control", "no-store")]).body == b"a"
    assert is_miss(gw.get("/a"))
    assert is_hit(gw.get("/a", [("Cache-Control", "only-if-cached")]))


# Who waits for whom


def test_concurrent_misses_make_one_call_on_all_workers(world):
    gate = Gate()
    gw, up = kept(world, {"GET /a": held(gate, fresh(b"one"))}, top={"server": {"listen": "127.0.0.1:0", "workers": 2}})
    clients = [gw.connect() for _ in range(60)]
    for client in clients:
        client.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    up.wait_call("GET /a")
    gate.open()
    answers = [client.read_response("GET") for client in clients]
    assert {a.body for a in answers} == {b"one"}
    assert len(up.requests) == 1
    assert sum("collapsed" in said(a) for a in answers) + sum(is_hit(a) for a in answers) == 59


def test_those_who_wait_go_on_alone_when_it_can_not_be_kept(world):
    gate = Gate()
    barrier = threading.Barrier(6)

    def answers(request, connection):
        first = request is up.requests[0]
        if first:
            gate.hold()
        else:
            barrier.wait(10)  # all others at once: none waits for another
        return raw(b"mine", 200, [("Cache-Control", "private")])(request, connection)

    gw, up = kept(world, {"GET /a": answers})
    clients = [gw.connect() for _ in range(7)]
    for client in clients:
        client.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    up.wait_call("GET /a")
    gate.open()
    assert {client.read_response("GET").body for client in clients} == {b"mine"}
    assert len(up.requests) == 7


def test_those_who_wait_go_on_when_the_call_fails(world):
    gate = Gate()
    first = held(gate, status(503))
    gw, up = kept(world, {"GET /a": sequence(first, fresh(b"fine"))})
    leader = gw.connect()
    leader.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    up.wait_call("GET /a")
    others = [gw.connect() for _ in range(5)]
    for client in others:
        client.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    gate.open()
    assert leader.read_response("GET").status == 503
    assert {client.read_response("GET").body for client in others} == {b"fine"}


def test_when_the_one_who_asks_leaves_another_asks(world):
    hang = Hang()
    gw, up = kept(world, {"GET /a": sequence(hang, fresh(b"fine"))})
    leader = gw.connect()
    leader.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert hang.began.wait(10)
    others = [gw.connect() for _ in range(5)]
    for client in others:
        client.send(b"GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    leader.sock.close()
    assert {client.read_response("GET").body for client in others} == {b"fine"}
    assert len(up.requests) == 2


def test_those_who_wait_do_so_within_their_own_time(world):
    hang = Hang()
    gw, up = kept(world, {"GET /a": hang}, route={"timeout": "400ms"})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: gw.get("/a").status, range(4)))
    assert answers == [504] * 4 and len(up.requests) <= 4


# Composed answers


def test_a_composed_answer_lives_as_long_as_its_shortest_call(world):
    def fields(seconds):
        return [("Content-Type", "application/json"), ("Cache-Control", f"max-age={seconds}")]

    gw, up = single(
        world,
        [{"path": "/both", "view": "aggregate", "cache": {}, "include": {"a": "up/long", "b": "up/short"}},
         {"path": "/one", "view": "aggregate", "cache": {}, "include": {"a": "up/long", "b": "up/silent"}}],
        {"GET /long": reply(1, 200, [*fields(500), ("Vary", "X-A")]), "GET /short": reply(2, 200, [*fields(60), ("Vary", "X-B")]),
         "GET /silent": 3},
    )
    first = gw.get("/both")
    assert {v.strip().lower() for v in first.headers.one("vary").split(",")} == {"x-a", "x-b"}
    second = gw.get("/both")
    assert is_hit(second) and 58 <= said(second)["ttl"] <= 60 and second.body == first.body
    gw.get("/one")
    assert is_miss(gw.get("/one")), "a call of which nothing is known is not kept"


def test_a_part_that_may_not_be_kept_keeps_the_whole_from_it(world):
    gw, up = single(
        world,
        {"path": "/both", "view": "aggregate", "cache": "5m", "include": {"a": "up/a", "b": "up/b"}},
        {"GET /a": 1, "GET /b": reply(2, 200, [("Content-Type", "application/json"), ("Cache-Control", "private")])},
    )
    assert is_miss(gw.get("/both")) and is_miss(gw.get("/both"))


def test_a_degraded_answer_is_kept_for_degraded_ttl_alone(world):
    table = {"GET /a": 1, "GET /b": sequence(status(503), status(503), 2)}
    route = {"path": "/both", "view": "aggregate", "cache": {"ttl": "5m"}, "include": {"a": "up/a", "b": "up/b"}}
    gw, up = single(world, route, table)
    assert json_of(gw.get("/both")) == {"a": 1} and json_of(gw.get("/both")) == {"a": 1}
    assert json_of(gw.get("/both")) == {"a": 1, "b": 2} and is_hit(gw.get("/both"))
    route["cache"]["degraded_ttl"] = "30s"
    gw, up = single(world, route, {"GET /a": 1, "GET /b": sequence(status(503), 2)})
    gw.get("/both")
    again = gw.get("/both")
    assert is_hit(again) and said(again)["ttl"] <= 30 and json_of(again) == {"a": 1}
    assert again.headers.one("viewgate-degraded") == "b;reason=status_503"


def test_the_sources_own_404_is_kept_as_the_upstream_says(world):
    gw, up = single(world, {"path": "/d/{id}", "view": "detail", "source": "up/d/{id}", "cache": {"ttl": "5m"}},
                    {"GET /d/1": status(404), "GET /d/2": status(404, headers=[("Cache-Control", "max-age=60")])})
    assert gw.get("/d/1").status == 404 and is_miss(gw.get("/d/1"))
    assert gw.get("/d/2").status == 404
    again = gw.get("/d/2")
    assert again.status == 404 and is_hit(again)


# Writes invalidate


SHOP = [
    {"name": "list", "path": "/articles", "view": "list", "source": "up/articles", "cache": "1h"},
    {"name": "detail", "path": "/articles/{id:int}", "view": "detail", "source": "up/articles/{id}", "cache": "1h"},
    {"name": "comments", "path": "/articles/{id:int}/comments", "view": "list", "source": "up/articles/{id}/comments", "cache": "1h"},
    {"name": "update", "path": "/articles/{id:int}", "view": "update", "source": "up/articles/{id}"},
    {"name": "create", "path": "/articles", "view": "create", "source": "up/articles"},
    {"name": "publish", "path": "/articles/{id:int}/publish", "view": "create", "source": "up/articles/{id}/publish"},
    {"name": "raw", "path": "/raw/{rest...}", "view": "proxy-fetch", "source": "up/{rest}"},
    {"name": "other", "path": "/other", "view": "detail", "source": "up/other", "cache": "1h"},
]
TABLE = {
    "GET /articles": [{"id": 7}], "GET /articles/*/comments": [{"id": 1}], "GET /articles/*": {"id": 7}, "GET /other": {"id": 0},
    "PATCH /articles/*": {"id": 7}, "PUT /articles/*": {"id": 7}, "DELETE /articles/*": lambda r, c: raw(b"", 204, [])(r, c),
    "POST /articles": reply({"id": 9}, 201), "POST /articles/7/publish": {"ok": True},
}
ALL = ["/articles", "/articles/7", "/articles/8", "/articles/7/comments", "/articles/8/comments", "/other"]


@pytest.mark.parametrize(
    "method, path, body, dropped",
    [
        ("PATCH", "/articles/7", b'{"t":1}', {"/articles", "/articles/7", "/articles/7/comments"}),
        ("POST", "/articles", b'{"t":1}', {"/articles", "/articles/7", "/articles/8", "/articles/7/comments", "/articles/8/comments"}),
        ("POST", "/articles/7/publish", b"{}", set()),
        ("DELETE", "/raw/articles/7", None, {"/articles", "/articles/7", "/articles/7/comments"}),
        ("PUT", "/raw/articles/8", b"{}", {"/articles", "/articles/8", "/articles/8/comments"}),
    ],
)
def test_a_write_drops_what_depends_on_it_and_nothing_else(world, method, path, body, dropped):
    gw, up = single(world, SHOP, TABLE)
    for target in ALL:
        assert is_miss(gw.get(target)) and is_hit(gw.get(target))
    headers = [("Content-Type", "application/json")] if body else []
    assert gw.fetch(method, path, headers, body).status < 300
    assert {target for target in ALL if is_miss(gw.get(target))} == dropped


def test_a_write_that_fails_drops_nothing(world):
    gw, up = single(world, SHOP, {**TABLE, "PATCH /articles/*": status(422), "PUT /articles/*": status(500)})
    for target in ALL:
        gw.get(target)
    for method in ("PATCH", "PUT"):
        assert gw.fetch(method, "/articles/7", [("Content-Type", "application/json")], b'{"t":1}').status >= 400
    assert all(is_hit(gw.get(target)) for target in ALL)


def test_an_answer_whose_call_began_before_the_write_is_not_kept(world):
    gate = Gate()
    gw, up = single(world, SHOP, {**TABLE, "GET /articles/7": sequence(held(gate, {"v": "old"}), {"v": "new"})})
    early = gw.connect()
    early.send(b"GET /articles/7 HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    up.wait_call("GET /articles/7")
    gw.fetch("PATCH", "/articles/7", [("Content-Type", "application/json")], b'{"t":1}')
    gate.open()
    assert json.loads(early.read_response("GET").body) == {"v": "old"}
    assert json_of(gw.get("/articles/7")) == {"v": "new"}


def test_location_and_content_location_of_a_write_are_dropped_too(world):
    table = {"GET /a": fresh(b"a"), "GET /b": fresh(b"b"), "GET /c": fresh(b"c"),
             "POST /x": raw(b"", 200, [("Location", "/a"), ("Content-Location", "http://gateway.test/b")])}
    gw, up = kept(world, table)
    for path in ("/a", "/b", "/c"):
        gw.get(path)
    gw.fetch("POST", "/x", body=b"")
    assert is_miss(gw.get("/a")) and is_miss(gw.get("/b")) and is_hit(gw.get("/c"))


def test_tags_of_a_setting_are_rendered_from_the_object(world):
    admin = {"admin": {"listen": "127.0.0.1:0"}}
    gw, up = single(
        world,
        {"path": "/d/{id}", "view": "detail", "source": "up/d/{id}", "cache": {"ttl": "1h", "tags": ["author:{object.author.id}"]}},
        {"GET /d/1": {"author": {"id": 3}}, "GET /d/2": {"author": {"id": 4}}},
        top=admin,
    )
    for path in ("/d/1", "/d/2"):
        gw.get(path)
    assert gw.admin("/cache/purge?tag=author:3", method="POST").status in (200, 204)
    assert is_miss(gw.get("/d/1")) and is_hit(gw.get("/d/2"))


# One call's answer alone


def test_a_calls_own_cache_keeps_its_answer_alone(world):
    gw, up = single(
        world,
        {"path": "/p/{id}", "view": "aggregate", "include": {"a": {"call": "up/a/{id}", "cache": "1m"}, "b": "up/b"}},
        {"GET /a/*": sequence({"n": 1}, {"n": 2}), "GET /b": sequence(1, 2, 3)},
    )
    assert json_of(gw.get("/p/1")) == {"a": {"n": 1}, "b": 1}
    assert json_of(gw.get("/p/1")) == {"a": {"n": 1}, "b": 2}
    assert json_of(gw.get("/p/2")) == {"a": {"n": 2}, "b": 3}
    assert [r.path for r in up.calls("GET /a/*")] == ["/a/1", "/a/2"]


def test_an_upstreams_cache_is_for_the_calls_that_views_make(world):
    routes = [{"path": "/d", "view": "detail", "source": "up/d"},
              {"path": "/raw/{rest...}", "view": "proxy-fetch", "source": "up/{rest}"},
              {"path": "/d", "view": "update", "source": "up/d"}]
    gw, up = single(world, routes, {"GET /d": sequence({"n": 1}, {"n": 2}, {"n": 3}), "PATCH /d": {"n": 0}}, settings={"cache": "1m"})
    assert [json_of(gw.get("/d"))["n"] for _ in range(2)] == [1, 1]
    assert json.loads(gw.get("/raw/d").body) == {"n": 2}
    gw.fetch("PATCH", "/d", [("Content-Type", "application/json")], b"{}")
    assert json_of(gw.get("/d")) == {"n": 3}


def test_a_calls_expired_answer_stands_in_and_says_so(world):
    old = reply({"n": 1}, 200, [("Content-Type", "application/json"), ("Cache-Control", "max-age=1"), ("Age", "5")])
    gw, up = single(
        world,
        {"path": "/p", "view": "aggregate",
         "include": {"reviews": {"call": "up/a", "cache": {"stale_if_error": "1h"}, "default": []}, "b": "up/b"}},
        {"GET /a": sequence(old, status(503), reset), "GET /b": 1},
    )
    assert json_of(gw.get("/p")) == {"reviews": {"n": 1}, "b": 1}
    for reason in ("status_503", "reset"):
        answer = gw.get("/p")
        assert json_of(answer) == {"reviews": {"n": 1}, "b": 1}
        assert answer.headers.one("viewgate-degraded") == f"reviews;reason={reason};stale"


def test_the_same_call_of_many_requests_is_made_once(world):
    gate = Gate()
    gw, up = single(
        world,
        {"path": "/p", "view": "aggregate", "include": {"a": {"call": "up/a", "cache": "1m"}}},
        {"GET /a": held(gate, {"n": 1})},
        top={"server": {"listen": "127.0.0.1:0", "workers": 2}},
    )
    clients = [gw.connect() for _ in range(20)]
    for client in clients:
        client.send(b"GET /p HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    up.wait_call("GET /a")
    gate.open()
    assert {client.read_response("GET").body for client in clients} == {b'{"a":{"n": 1}}'}
    assert len(up.requests) == 1


def test_a_kept_part_shortens_the_life_of_the_whole(world):
    gw, up = single(
        world,
        {"path": "/p", "view": "aggregate", "cache": {}, "include": {"a": {"call": "up/a", "cache": "20s"}}},
        {"GET /a": {"n": 1}},
    )
    gw.get("/p")
    assert said(gw.get("/p"))["ttl"] <= 20


# Reload, and what is seen of it


def test_a_reload_keeps_what_did_not_change(world):
    def config(up, **more):
        return {"server": {"listen": "127.0.0.1:0", "workers": 1}, "upstreams": {"up": {"url": up.url}},
                "routes": [{"name": "a", "path": "/a", "view": "proxy-fetch", "source": "up/a", "cache": "1h"},
                           {"name": "b", "path": "/b", "view": "proxy-fetch", "source": "up/b", "cache": "1h", **more}]}

    up = world.upstream()
    gw = world.gateway(config(up))
    gw.get("/a"), gw.get("/b")
    gw.reload(config(up, timeout="7s"))
    gw.wait_log("reloaded")
    assert is_hit(gw.get("/a")) and is_hit(gw.get("/b"))
    since = len(gw.lines)
    gw.reload(config(up, source="up/other"))
    gw.wait_log("reloaded", since=since)
    assert is_hit(gw.get("/a")) and is_miss(gw.get("/b"))


def test_log_and_metrics_tell_what_became_of_a_request(world):
    gw, up = kept(world, {"GET /a": fresh(b"a")}, top={"admin": {"listen": "127.0.0.1:0"}})
    gw.get("/a"), gw.get("/a")
    gw.wait_log(r'"GET /a HTTP/1.1" 200 .* cache=miss'), gw.wait_log(r'"GET /a HTTP/1.1" 200 .* cache=hit')
    text = gw.admin("/metrics").text
    assert 'viewgate_cache_requests_total{route="all",result="hit"} 1' in text
    assert 'viewgate_cache_requests_total{route="all",result="miss"} 1' in text


def test_explain_tells_key_and_tags(tmp_path):
    config = {"upstreams": {"up": {"url": "http://127.0.0.1:1"}},
              "routes": [{"name": "d", "path": "/d/{id}", "view": "detail", "cache": {"ttl": "5m", "tags": ["a:{object.b}"]},
                          "source": {"call": "up/d/{id}?full=1", "headers": {"X-U": "{header.x-user}"}}}]}
    out = command("explain", "-c", write_config(tmp_path / "v.yaml", config), "GET", "/d/1").stdout
    assert "route, host, path, query, header:x-user" in out
    assert "path:PATH, up/d/{id}, a:{object.b}" in out


@pytest.mark.parametrize(
    "route, message",
    [
        ({"cache": {"ttl": "0s"}}, "cache.ttl: 0s is out of range"),
        ({"cache": {"key": ["claims.sub"]}}, "claims need auth"),
        ({"cache": {"key": ["body"]}}, 'can\'t be part of a key'),
        ({"cache": {"store": "redis"}}, "there is no redis: to keep it in"),
        ({"cache": {"store": "disk"}}, "disk"),
        ({"cache": {"tags": ["{object.id}"]}}, "object"),
        ({"cache": {"tll": "5m"}}, 'did you mean "ttl"'),
    ],
)
def test_mistakes_in_cache_are_told(tmp_path, route, message):
    config = {"upstreams": {"up": {"url": "http://127.0.0.1:1"}},
              "routes": [{"path": "/a", "view": "proxy-fetch", "source": "up/a", **route}]}
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 78 and message in done.stderr + done.stdout


def test_cache_is_no_setting_of_views_that_write_but_in_defaults(tmp_path):
    config = {"upstreams": {"up": {"url": "http://127.0.0.1:1"}}, "defaults": {"cache": "5m"},
              "routes": [{"path": "/a", "view": "create", "source": "up/a"}]}
    assert command("check", "-c", write_config(tmp_path / "v.yaml", config)).returncode == 0
    config["routes"][0]["cache"] = "5m"
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 78 and "not a setting of view create" in done.stderr + done.stdout
