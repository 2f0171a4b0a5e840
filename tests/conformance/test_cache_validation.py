"""Validation on both sides: RFC 9111 section 4.3, RFC 9110 sections 13 and 14."""
import pytest

from support.cached import answer, assert_not_reused, date, is_hit, stale, status_of

MODIFIED = "Sat, 05 Nov 2022 08:00:00 GMT"
OLDER = "Sat, 05 Nov 2022 07:59:59 GMT"
NEWER = "Sat, 05 Nov 2022 08:00:01 GMT"


def unchanged(*fields, cc="max-age=60"):
    return answer(*fields, status=304, cc=cc)


# What the upstream is asked


def test_rfc9111_4_3_1_a_stale_answer_is_validated_by_its_etag(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), unchanged('ETag: "v1"'))
    page.get()
    second = page.get()
    assert page.requests[1].headers.one("if-none-match") == '"v1"'
    assert second.status == 200 and second.body == b"first"


def test_rfc9111_4_3_1_a_weak_etag_is_sent_as_it_is(cached):
    page = cached.page(stale('ETag: W/"v1"'), unchanged('ETag: W/"v1"'))
    page.get()
    assert page.get().status == 200 and page.requests[1].headers.one("if-none-match") == 'W/"v1"'


def test_rfc9111_4_3_1_a_stale_answer_is_validated_by_its_last_modified(cached):
    page = cached.page(stale(f"Last-Modified: {MODIFIED}", body="first"), unchanged())
    page.get()
    second = page.get()
    assert page.requests[1].headers.one("if-modified-since") == MODIFIED
    assert "if-none-match" not in page.requests[1].headers
    assert second.status == 200 and second.body == b"first"


def test_rfc9111_4_3_1_both_validators_are_sent(cached):
    page = cached.page(stale('ETag: "v1"', f"Last-Modified: {MODIFIED}"), unchanged('ETag: "v1"'))
    page.get()
    page.get()
    asked = page.requests[1].headers
    assert asked.one("if-none-match") == '"v1"' and asked.one("if-modified-since") == MODIFIED


def test_rfc9111_4_3_1_the_clients_conditions_do_not_take_their_place(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), unchanged('ETag: "v1"'))
    page.get()
    second = page.get('If-None-Match: "other"')
    assert page.requests[1].headers.tokens("if-none-match") == ['"v1"'], page.requests[1]
    assert second.status == 200 and second.body == b"first"


def test_rfc9111_4_3_1_the_clients_conditions_do_not_keep_the_whole_from_being_stored(cached):
    page = cached.page(answer('ETag: "v1"', cc="max-age=60", body="first"))
    assert page.get('If-None-Match: "v1"').status == 304
    assert "if-none-match" not in page.requests[0].headers
    second = page.get()
    assert second.status == 200 and second.body == b"first" and page.calls == 1


# What a 304 does


def test_rfc9111_4_3_4_a_304_makes_it_fresh_again(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), unchanged('ETag: "v1"'))
    page.get()
    assert status_of(page.get())["fwd"] == "stale"
    third = page.get()
    assert is_hit(third) and third.body == b"first" and page.calls == 2


def test_rfc9111_3_2_a_304_updates_the_stored_fields(cached):
    page = cached.page(
        stale('ETag: "v1"', "X-A: old", "X-B: kept", "Content-Type: a/b", body="first"),
        unchanged('ETag: "v1"', "X-A: new", "X-C: added", cc="max-age=120"),
    )
    page.get()
    for got in (page.get(), page.get()):
        assert got.headers.all("x-a") == ["new"] and got.headers.one("x-b") == "kept"
        assert got.headers.one("x-c") == "added" and got.headers.one("cache-control") == "max-age=120"
        assert got.headers.one("content-length") == "5" and got.headers.one("content-type") == "a/b"
        assert int(got.headers.get("age", "0")) < 30, "the old Age is of the old answer"
    assert page.calls == 2


def test_rfc9111_3_2_a_304_does_not_change_what_describes_the_content(cached):
    page = cached.page(
        stale('ETag: "v1"', "Content-Encoding: gzip", body="first"),
        unchanged('ETag: "v1"', "Content-Encoding: br", "Content-Length: 0", "Content-Range: bytes 0-1/2"),
    )
    page.get()
    for got in (page.get(), page.get()):
        assert got.headers.one("content-encoding") == "gzip" and got.headers.one("content-length") == "5"
        assert "content-range" not in got.headers and got.body == b"first"


def test_rfc9111_4_3_4_a_304_about_something_else_is_not_applied(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), unchanged('ETag: "v2"'), answer('ETag: "v2"', cc="max-age=60", body="new"))
    page.get()
    second = page.get()
    assert second.status == 200 and second.body == b"new"


def test_rfc9111_4_3_4_a_304_that_forbids_storing_ends_it(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), unchanged('ETag: "v1"', cc="no-store"), answer(body="third"))
    page.get()
    assert page.get().body == b"first"
    assert page.get().body in (b"first", b"third") and page.calls == 3


def test_a_304_with_a_cookie_gives_it_to_one_client_alone(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), unchanged('ETag: "v1"', "Set-Cookie: a=1"), answer(cc="max-age=60"))
    page.get()
    assert page.get().body == b"first"
    assert "set-cookie" not in page.get().headers


def test_rfc9111_4_3_3_a_200_takes_its_place(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), answer('ETag: "v2"', cc="max-age=60", body="second"))
    page.get()
    second = page.get()
    assert second.body == b"second" and second.headers.one("etag") == '"v2"'
    third = page.get()
    assert is_hit(third) and third.body == b"second"


def test_rfc9111_4_3_3_an_error_is_passed_on(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), answer(status=503, body="down"))
    page.get()
    assert page.get().status == 503


def test_rfc9111_4_3_3_an_error_does_not_end_what_is_stored(cached):
    page = cached.page(stale('ETag: "v1"', body="first"), answer(status=503), unchanged('ETag: "v1"'))
    page.get()
    page.get()
    third = page.get()
    assert third.status == 200 and third.body == b"first"


def test_rfc9111_4_3_3_without_validator_it_is_asked_anew(cached):
    page = cached.page(stale(cc="max-age=60, stale-if-error=600", body="first"), answer(cc="max-age=60", body="second"))
    page.get()
    second = page.get()
    assert second.body == b"second" and "if-none-match" not in page.requests[1].headers


def test_rfc9111_4_3_4_each_variant_is_validated_by_its_own(cached):
    page = cached.page(
        stale('ETag: "a"', "Vary: X-A", body="of 1"),
        stale('ETag: "b"', "Vary: X-A", body="of 2"),
        unchanged('ETag: "a"', "Vary: X-A"),
        unchanged('ETag: "b"', "Vary: X-A"),
    )
    page.get("X-A: 1")
    page.get("X-A: 2")
    assert page.get("X-A: 1").body == b"of 1" and page.requests[2].headers.one("if-none-match") == '"a"'
    assert page.get("X-A: 2").body == b"of 2" and page.requests[3].headers.one("if-none-match") == '"b"'


# What clients ask


@pytest.fixture
def stored(cached):
    page = cached.page(
        answer('ETag: "v1"', f"Last-Modified: {MODIFIED}", "Content-Type: a/b", "X-A: 1", cc="max-age=60", body="0123456789")
    )
    page.get()
    return page


@pytest.mark.parametrize("condition", ['"v1"', 'W/"v1"', '"v0", "v1"', "*", '"v0",W/"v1" '])
def test_rfc9111_4_3_2_if_none_match_is_answered_from_the_cache(stored, condition):
    got = stored.get("If-None-Match: " + condition)
    assert got.status == 304 and stored.calls == 1 and got.headers.one("etag") == '"v1"'
    assert got.headers.one("cache-control") == "max-age=60" and "date" in got.headers
    assert "content-type" not in got.headers


@pytest.mark.parametrize("condition", ['"v0"', "v1", '"V1"', '"v1'])
def test_rfc9111_4_3_2_another_validator_gets_the_whole(stored, condition):
    got = stored.get("If-None-Match: " + condition)
    assert got.status == 200 and got.body == b"0123456789" and stored.calls == 1


def test_rfc9111_4_3_2_if_modified_since_is_answered_from_the_cache(stored):
    assert [stored.get(f"If-Modified-Since: {d}").status for d in (MODIFIED, NEWER, OLDER, "nonsense")] == [
        304,
        304,
        200,
        200,
    ]
    assert stored.calls == 1


def test_rfc9110_13_1_3_if_none_match_hides_if_modified_since(stored):
    assert stored.get('If-None-Match: "v0"', f"If-Modified-Since: {NEWER}").status == 200
    assert stored.get('If-None-Match: "v1"', f"If-Modified-Since: {OLDER}").status == 304


def test_rfc9111_4_3_2_without_last_modified_date_counts(cached):
    page = cached.page(answer("Date: " + date(-10), cc="max-age=60"))
    page.get()
    assert page.get("If-Modified-Since: " + date(-5)).status == 304
    assert page.get("If-Modified-Since: " + date(-60)).status == 200
    assert page.calls == 1


def test_rfc9110_13_2_1_conditions_do_not_count_for_errors(cached):
    page = cached.page(answer('ETag: "v1"', status=404, cc="max-age=60"))
    page.get()
    assert page.get('If-None-Match: "v1"').status == 404 and page.calls == 1


def test_rfc9110_13_conditions_of_head_count_as_well(stored):
    assert stored.fetch("HEAD", 'If-None-Match: "v1"').status == 304


@pytest.mark.parametrize("condition", ['If-Match: "v1"', f"If-Unmodified-Since: {MODIFIED}"])
def test_rfc9111_4_3_2_conditions_for_the_origin_reach_it(stored, condition):
    stored.then(answer(status=412))
    assert stored.get(condition).status == 412
    assert stored.requests[-1].headers.one(condition.partition(":")[0]) == condition.partition(": ")[2]


@pytest.mark.parametrize(
    "asked, content, part",
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
    ],
)
def test_rfc9110_14_2_a_range_is_cut_from_what_is_stored(stored, asked, content, part):
    got = stored.get("Range: " + asked)
    assert got.status == 206 and got.body == content and got.headers.one("content-range") == part
    assert got.headers.one("content-type") == "a/b" and got.headers.one("etag") == '"v1"' and stored.calls == 1


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_rfc9110_15_5_17_a_range_beyond_the_end_is_416(stored, asked):
    got = stored.get("Range: " + asked)
    assert got.status == 416 and got.headers.one("content-range") == "bytes */10" and stored.calls == 1
    assert b"0123" not in got.body


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=0-1", "bytes=3-1", "bytes=x", "bytes", "bytes=0-1x"])
def test_rfc9110_14_2_what_is_no_single_range_gets_the_whole(stored, asked):
    got = stored.get("Range: " + asked)
    assert got.status == 200 and got.body == b"0123456789" and stored.calls == 1


@pytest.mark.parametrize(
    "validator, status",
    [('"v1"', 206), ('"v0"', 200), ('W/"v1"', 200), (MODIFIED, 206), (NEWER, 200), (OLDER, 200), ("nonsense", 200)],
)
def test_rfc9110_13_1_5_if_range_is_compared_strongly(stored, validator, status):
    assert stored.get("Range: bytes=0-3", f"If-Range: {validator}").status == status and stored.calls == 1


def test_rfc9110_14_2_head_has_no_ranges(stored):
    got = stored.fetch("HEAD", "Range: bytes=0-3")
    assert got.status == 200 and got.headers.one("content-length") == "10"


def test_rfc9110_14_2_a_range_that_is_not_stored_is_the_upstreams(cached):
    page = cached.page(answer("Content-Range: bytes 0-1/5", status=206, body="ab", cc="max-age=60"))
    assert page.get("Range: bytes=0-1").status == 206
    assert page.requests[0].headers.one("range") == "bytes=0-1"
    assert_not_reused_after(page)


def assert_not_reused_after(page):
    page.then(answer(cc="max-age=60", body="whole"))
    got = page.get()
    assert got.status == 200 and got.body == b"whole"


def test_rfc9110_13_2_2_if_none_match_comes_before_range(stored):
    assert stored.get('If-None-Match: "v1"', "Range: bytes=0-3").status == 304


def test_rfc9111_4_3_5_head_that_disagrees_makes_it_stale(cached):
    page = cached.page(
        answer('ETag: "v1"', cc="max-age=60", body="first"),
        answer('ETag: "v2"', cc="max-age=60", body="second one"),
        route="refresh",
    )
    page.get()
    assert page.fetch("HEAD", "Cache-Control: no-cache").headers.one("etag") == '"v2"'
    assert page.get().body == b"second one"


# Answers that must be validated each time


@pytest.mark.parametrize("cc", ["no-cache", "no-cache, max-age=60", "max-age=60, No-Cache", 'no-cache="", max-age=60'])
def test_rfc9111_5_2_2_4_no_cache_is_validated_each_time(cached, cc):
    page = cached.page(answer('ETag: "v1"', cc=cc, body="first"), unchanged('ETag: "v1"', cc=cc))
    page.get()
    for call in (2, 3):
        got = page.get()
        assert got.status == 200 and got.body == b"first" and page.calls == call
        assert page.requests[-1].headers.one("if-none-match") == '"v1"'


def test_rfc9111_5_2_2_4_no_cache_without_validator_is_not_reused(cached):
    assert_not_reused(cached.page(answer(cc="no-cache, max-age=60")))
