"""What clients ask of a cache: RFC 9111 sections 5.2.1 and 5.4; without client_refresh little of it is heard."""
import pytest

from support.cached import answer, is_hit, status_of

WISHES = ["Cache-Control: no-cache", "Cache-Control: max-age=0", "Cache-Control: min-fresh=3600", "Pragma: no-cache"]


@pytest.mark.parametrize("wish", WISHES)
def test_a_client_can_not_make_the_upstream_work(cached, wish):
    page = cached.page(answer("Age: 10", cc="max-age=60"))
    page.get()
    assert is_hit(page.get(wish)) and page.calls == 1


@pytest.mark.parametrize("wish", WISHES + ["Cache-Control: max-age=5", "Cache-Control: NO-CACHE, foo=bar"])
def test_rfc9111_5_2_1_under_client_refresh_it_gets_what_is_newer(cached, wish):
    page = cached.page(answer("Age: 10", cc="max-age=60"), route="refresh")
    page.get()
    second = page.get(wish)
    assert not is_hit(second) and page.calls == 2 and status_of(second)["fwd"] == "request"


@pytest.mark.parametrize(
    "wish",
    [
        "Cache-Control: max-age=50",
        "Cache-Control: min-fresh=20",
        "Cache-Control: max-stale=60",
        "Cache-Control: max-age=x",
        "Cache-Control: no-transform",
        "Pragma: foo",
    ],
)
def test_rfc9111_5_2_1_under_client_refresh_what_is_new_enough_is_reused(cached, wish):
    page = cached.page(answer("Age: 10", cc="max-age=60"), route="refresh")
    page.get()
    assert is_hit(page.get(wish)) and page.calls == 1


def test_rfc9111_5_4_pragma_does_not_count_beside_cache_control(cached):
    page = cached.page(route="refresh")
    page.get()
    assert is_hit(page.get("Pragma: no-cache", "Cache-Control: max-age=50"))


def test_rfc9111_5_2_1_4_no_cache_validates(cached):
    page = cached.page(
        answer('ETag: "v1"', cc="max-age=60", body="first"), answer('ETag: "v1"', status=304, cc="max-age=60"), route="refresh"
    )
    page.get()
    second = page.get("Cache-Control: no-cache")
    assert second.body == b"first" and page.requests[1].headers.one("if-none-match") == '"v1"'


@pytest.mark.parametrize("route", ["c", "refresh", "ttl"])
def test_rfc9111_5_2_1_5_an_answer_to_no_store_is_not_kept(cached, route):
    page = cached.page(route=route)
    page.get("Cache-Control: no-store")
    assert not is_hit(page.get()) and page.calls == 2


@pytest.mark.parametrize("route", ["c", "refresh"])
def test_rfc9111_5_2_1_7_only_if_cached_asks_nobody(cached, route):
    page = cached.page(route=route)
    assert page.get("Cache-Control: only-if-cached").status == 504 and page.calls == 0
    page.get()
    assert is_hit(page.get("Cache-Control: only-if-cached")) and page.calls == 1
