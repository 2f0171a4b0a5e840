"""Keys and variants: RFC 9111 sections 2, 4 and 4.1."""
import pytest

from support.cached import answer, assert_not_reused, is_hit, status_of


def varying(*names):
    return answer(*[f"Vary: {n}" for n in names], cc="max-age=60")


def test_rfc9111_4_1_the_same_values_select_the_same_answer(cached):
    page = cached.page(varying("X-A, X-B"))
    page.get("X-A: 1", "X-B: 2", "X-C: 3")
    assert is_hit(page.get("x-b: 2", "X-C: 4", "x-a: 1")) and page.calls == 1


def test_rfc9111_4_1_each_variant_has_its_answer(cached):
    page = cached.page(varying("X-A"))
    assert [page.get(f"X-A: {n}").body for n in (1, 2, 1, 2)] == [b"answer 1", b"answer 2", b"answer 1", b"answer 2"]
    assert page.calls == 2


def test_rfc9211_2_2_another_variant_is_a_vary_miss(cached):
    page = cached.page(varying("X-A"))
    assert status_of(page.get("X-A: 1"))["fwd"] == "uri-miss"
    assert status_of(page.get("X-A: 2"))["fwd"] == "vary-miss"


def test_rfc9111_4_1_an_absent_field_matches_its_absence_alone(cached):
    page = cached.page(varying("X-A"))
    page.get()
    assert is_hit(page.get("X-B: 1"))
    assert not is_hit(page.get("X-A: 1")) and not is_hit(page.get("X-A: 2"))
    assert is_hit(page.get()) and page.calls == 3


def test_rfc9111_4_1_all_lines_of_vary_count(cached):
    page = cached.page(varying("X-A", "x-b ,X-C"))
    page.get("X-A: 1", "X-B: 1", "X-C: 1")
    for different in (("X-A: 2", "X-B: 1", "X-C: 1"), ("X-A: 1", "X-B: 2", "X-C: 1"), ("X-A: 1", "X-B: 1", "X-C: 2")):
        assert not is_hit(page.get(*different))
    assert page.calls == 4


def test_rfc9111_4_1_blanks_in_lists_make_no_difference(cached):
    page = cached.page(varying("Accept-Language"))
    page.get("Accept-Language: en,  de;q=0.5")
    assert is_hit(page.get("Accept-Language: en, de; q=0.5")) and page.calls == 1


def test_rfc9111_4_1_lines_of_a_field_are_one_list(cached):
    page = cached.page(varying("X-A"))
    page.get("X-A: 1", "X-A: 2")
    assert is_hit(page.get("X-A: 1, 2")) and not is_hit(page.get("X-A: 1,2,3"))


@pytest.mark.parametrize("vary", [["*"], ["Accept, *"], ["Accept", "*"]])
@pytest.mark.parametrize("route", ["c", "ttl"])
def test_rfc9111_4_1_a_star_is_never_matched(cached, vary, route):
    page = cached.page(varying(*vary), route=route)
    assert_not_reused(page)


def test_rfc9111_4_1_an_answer_without_vary_beside_one_with(cached):
    page = cached.page(varying("X-A"), answer(cc="max-age=60"))
    page.get("X-A: 1")
    page.get("X-A: 2")
    assert page.calls == 2
    assert page.get("X-A: 1").status == 200 and page.get("X-A: 2").status == 200


def test_rfc9111_2_the_query_is_part_of_the_key(cached):
    page = cached.page()
    page.get(query="?a=1")
    assert not is_hit(page.get(query="?a=2")) and not is_hit(page.get()) and is_hit(page.get(query="?a=1"))


def test_the_order_of_parameters_does_not_matter(cached):
    page = cached.page()
    page.get(query="?a=1&b=2")
    assert is_hit(page.get(query="?b=2&a=1")) and page.calls == 1


def test_the_order_of_parameters_of_one_name_matters(cached):
    page = cached.page()
    page.get(query="?a=1&a=2")
    assert not is_hit(page.get(query="?a=2&a=1"))


def test_rfc9111_2_the_host_is_part_of_the_key(cached):
    page = cached.page()
    gateway = cached.gateway
    for host in ("a.test", "b.test", "a.test"):
        with gateway.connect() as client:
            client.request("GET", page.target, [("Connection", "close")], host=host)
    assert page.calls == 2


def test_rfc9111_2_the_path_is_part_of_the_key(cached):
    page = cached.page()
    page.get(below="/x")
    assert not is_hit(page.get(below="/y")) and not is_hit(page.get(below="/x/")) and is_hit(page.get(below="/x"))


def test_rfc9110_9_3_2_head_is_answered_from_what_get_stored(cached):
    page = cached.page(answer("X-A: 1", cc="max-age=60", body="12345"))
    page.get()
    head = page.fetch("HEAD")
    assert is_hit(head) and page.calls == 1 and head.body == b""
    assert head.headers.one("content-length") == "5" and head.headers.one("x-a") == "1"


def test_rfc9111_4_what_head_got_does_not_answer_get(cached):
    page = cached.page(answer(cc="max-age=60", body="12345"))
    page.fetch("HEAD")
    got = page.get()
    assert got.body == b"12345" and page.requests[-1].method == "GET"
