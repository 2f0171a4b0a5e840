"""Stale answers: RFC 9111 sections 4.2.4 and 5.2.2, RFC 5861."""
import pytest

from support.cached import answer, assert_not_reused, is_hit, stale, status_of
from support.gateway import wait_until


def closes(request, connection):
    connection.close()


FAILURES = {"500": answer(status=500), "502": answer(status=502), "503": answer(status=503), "504": answer(status=504)}
FAILURES["no answer"] = closes


@pytest.fixture(params=FAILURES)
def failure(request):
    return FAILURES[request.param]


def test_rfc5861_4_stale_if_error_stands_in_for_a_failure(cached, failure):
    page = cached.page(stale(cc="max-age=60, stale-if-error=600", body="first"), failure)
    page.get()
    second = page.get()
    assert second.status == 200 and second.body == b"first" and page.calls >= 2
    assert int(second.headers.one("age")) >= 61
    assert "warning" not in second.headers, "obsolete: RFC 9111 section 5.5"


def test_stale_if_error_may_be_the_users_word(cached, failure):
    page = cached.page(stale(body="first"), failure, route="sie")
    page.get()
    assert page.get().body == b"first"


def test_rfc5861_4_the_upstream_is_asked_again_each_time(cached):
    page = cached.page(
        stale(cc="max-age=60, stale-if-error=600", body="first"), answer(status=503), answer(cc="max-age=60", body="new")
    )
    page.get()
    assert page.get().body == b"first"
    assert page.get().body == b"new"


def test_rfc5861_4_its_time_is_bounded(cached, failure):
    page = cached.page(answer("Age: 90", cc="max-age=60, stale-if-error=20", body="first"), failure)
    page.get()
    assert page.get().status >= 500


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429])
def test_rfc5861_4_the_clients_mistakes_are_no_failure(cached, status):
    page = cached.page(stale(cc="max-age=60, stale-if-error=600", body="first"), answer(status=status))
    page.get()
    assert page.get().status == status


def test_rfc9111_4_2_4_without_leave_a_failure_is_a_failure(cached, failure):
    page = cached.page(stale('ETag: "v1"', body="first"), failure)
    page.get()
    assert page.get().status >= 500


@pytest.mark.parametrize("route", ["c", "sie"])
@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate", "Must-Revalidate"])
def test_rfc9111_5_2_2_2_must_revalidate_is_never_stale(cached, failure, directive, route):
    page = cached.page(stale(cc=f"max-age=60, {directive}, stale-if-error=600", body="first"), failure, route=route)
    page.get()
    got = page.get()
    assert got.status >= 500 and got.body != b"first"


def test_rfc9111_5_2_2_10_s_maxage_is_never_stale_by_the_users_word(cached, failure):
    page = cached.page(stale(cc="s-maxage=60", body="first"), failure, route="sie")
    page.get()
    assert page.get().status >= 500


def test_rfc9111_5_2_2_4_no_cache_is_never_stale(cached, failure):
    page = cached.page(answer('ETag: "v1"', cc="no-cache, stale-if-error=600", body="first"), failure, route="sie")
    page.get()
    assert page.get().status >= 500


def test_rfc5861_3_stale_while_revalidate_answers_at_once_and_renews(cached):
    page = cached.page(
        stale('ETag: "v1"', cc="max-age=60, stale-while-revalidate=600", body="first"),
        answer('ETag: "v2"', cc="max-age=60", body="second"),
    )
    page.get()
    second = page.get()
    assert second.body == b"first" and int(second.headers.one("age")) >= 61
    assert int(status_of(second)["ttl"]) < 0
    wait_until(lambda: page.calls == 2, what="the renewal")
    wait_until(lambda: page.get().body == b"second", what="the new answer")
    assert page.calls == 2


def test_rfc5861_3_the_renewal_is_a_validation(cached):
    page = cached.page(
        stale('ETag: "v1"', cc="max-age=60, stale-while-revalidate=600", body="first"),
        answer('ETag: "v1"', status=304, cc="max-age=600"),
    )
    page.get()
    assert page.get().body == b"first"
    wait_until(lambda: page.calls == 2, what="the renewal")
    assert page.requests[1].headers.one("if-none-match") == '"v1"'
    wait_until(lambda: int(status_of(page.get()).get("ttl", -1)) > 100, what="a longer life")
    assert page.calls == 2


def test_stale_while_revalidate_may_be_the_users_word(cached):
    page = cached.page(stale(body="first"), answer(cc="max-age=60", body="second"), route="swr")
    page.get()
    assert page.get().body == b"first"
    wait_until(lambda: page.get().body == b"second", what="the new answer")


def test_rfc5861_3_its_time_is_bounded(cached):
    page = cached.page(answer("Age: 90", cc="max-age=60, stale-while-revalidate=20", body="first"), answer(body="second"))
    page.get()
    assert page.get().body == b"second"


@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate"])
def test_rfc9111_4_2_4_must_revalidate_forbids_stale_while_revalidate(cached, directive):
    page = cached.page(
        stale(cc=f"max-age=60, {directive}, stale-while-revalidate=600", body="first"), answer(body="second"), route="swr"
    )
    page.get()
    assert page.get().body == b"second"


def test_rfc9111_4_2_4_stale_is_not_used_without_leave(cached):
    second = assert_not_reused(cached.page(stale()))
    assert not is_hit(second)
