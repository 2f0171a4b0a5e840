"""Cache-Status (RFC 9211) and CDN-Cache-Control (RFC 9213)."""
import threading

import pytest

from support import wire
from support.cached import answer, assert_not_reused, assert_reused, date, is_hit, stale, status_of
from support.upstream import Gate


def member(response):
    return response.headers.one("cache-status")


def test_rfc9211_2_1_a_hit_says_what_is_left(cached):
    page = cached.page()
    page.get()
    assert member(page.get()) in ("viewgate; hit; ttl=60", "viewgate; hit; ttl=59")


def test_rfc9211_2_2_a_miss_says_why_and_that_it_was_stored(cached):
    found = status_of(cached.page().get())
    assert found["fwd"] == "uri-miss" and "stored" in found and "hit" not in found


def test_rfc9211_2_2_other_methods_are_said(cached):
    page = cached.page()
    assert status_of(page.fetch("POST"))["fwd"] == "method"
    assert "stored" not in status_of(page.fetch("DELETE"))


def test_rfc9211_2_2_what_is_stale_is_said(cached):
    page = cached.page(stale('ETag: "1"'), answer('ETag: "1"', status=304, cc="max-age=60"), answer(cc="max-age=60"))
    page.get()
    validated = status_of(page.get())
    assert validated["fwd"] == "stale" and validated["fwd-status"] == "304" and "hit" not in validated


def test_rfc9211_2_6_who_shares_a_request_says_so(cached):
    gate = Gate()

    def slowly(request, connection):
        gate.hold()
        return wire.response(200, [("Cache-Control", "max-age=60")], b"shared")

    page = cached.page(slowly)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(page.get())) for _ in range(8)]
    for t in threads:
        t.start()
    cached.upstream.wait_for(lambda u: page.calls >= 1)
    gate.open()
    for t in threads:
        t.join(20)
    assert page.calls == 1 and [a.body for a in answers] == [b"shared"] * 8
    alone = [a for a in answers if not is_hit(a) and "collapsed" not in status_of(a)]
    assert len(alone) == 1


def test_rfc9211_2_it_stands_behind_those_nearer_to_the_origin(cached):
    page = cached.page(answer("Cache-Status: origin; hit", 'Cache-Status: "cdn one"; fwd=miss', cc="max-age=60"))
    for got in (page.get(), page.get()):
        members = ", ".join(got.headers.all("cache-status"))
        assert members.startswith('origin; hit, "cdn one"; fwd=miss, viewgate; ') and members.count("viewgate") == 1


def test_rfc9651_4_2_a_cache_status_that_is_none_goes(cached):
    page = cached.page(answer("Cache-Status: HIT from proxy", cc="max-age=60"))
    assert member(page.get()).startswith("viewgate; ")


def cdn(*values, cc=None, fields=()):
    return answer(*[f"CDN-Cache-Control: {v}" for v in values], *fields, cc=cc)


@pytest.mark.parametrize("cc", [None, "no-store", "private", "max-age=0", "no-cache", "max-age=x"])
def test_rfc9213_2_2_cdn_cache_control_stands_alone_for_cache_control(cached, cc):
    assert_reused(cached.page(cdn("max-age=60", cc=cc)))


@pytest.mark.parametrize("directives", ["no-store", "private", "max-age=0", "max-age=60, no-store", "foo", "none", "no-cache"])
def test_rfc9213_2_2_cdn_cache_control_restricts(cached, directives):
    assert_not_reused(cached.page(cdn(directives, cc="max-age=60")))


def test_rfc9213_2_2_cdn_cache_control_stands_alone_for_expires(cached):
    assert_reused(cached.page(cdn("max-age=60", fields=("Expires: " + date(-60),))))
    assert_not_reused(cached.page(cdn("must-revalidate", fields=("Expires: " + date(60),))))


@pytest.mark.parametrize(
    "value", ["", "max-age=0,", "MAX-AGE=0", "max-age =0", 'max-age="0', "no-store; max-age 60", "max-age=0 no-store", "&", "max-age='0'"]
)
def test_rfc9213_2_2_one_that_is_empty_or_invalid_is_ignored(cached, value):
    assert_reused(cached.page(cdn(value, cc="max-age=60")))
    assert_not_reused(cached.page(cdn(value, cc="no-store")))


@pytest.mark.parametrize("value", ['max-age="60"', "max-age=60.5", "max-age", "max-age=-60", "max-age=?1", "max-age=(60)"])
def test_rfc9213_2_1_a_number_is_an_integer(cached, value):
    assert_not_reused(cached.page(cdn(value, cc="max-age=60")))


def test_rfc9213_2_1_parameters_are_ignored(cached):
    assert_reused(cached.page(cdn("max-age=60;foo=bar;no-store")))


def test_rfc9213_2_1_several_lines_are_one_dictionary(cached):
    assert_reused(cached.page(cdn("foo", "max-age=60", cc="no-store")))
    assert_not_reused(cached.page(cdn("max-age=60", "no-store")))


def test_rfc9213_2_1_of_a_directive_written_twice_the_last_counts(cached):
    assert_reused(cached.page(cdn("max-age=0, max-age=60")))


def test_rfc9213_3_cdn_cache_control_is_passed_on(cached):
    page = cached.page(cdn("max-age=60", cc="no-store"))
    for got in (page.get(), page.get()):
        assert got.headers.one("cdn-cache-control") == "max-age=60" and got.headers.one("cache-control") == "no-store"
