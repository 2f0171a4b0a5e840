"""How long an answer may be used: RFC 9111 sections 4.2, 5.1, 5.2 and 5.3."""
import pytest

from support.cached import answer, assert_not_reused, assert_reused, date, stale, status_of

FRESH = [
    "max-age=60",
    'max-age="60"',
    "MAX-AGE=60",
    "mAx-aGe=60",
    "max-age=0060",
    "public, max-age=60",
    "max-age=60, foo",
    "max-age=60, foo=bar",
    'max-age=60, foo="bar, max-age=0"',
    'foo="max-age=0", max-age=60',
    "max-age=60, max-age=60",
    ",, max-age=60 ,",
    "max-age=2147483647",
    "max-age=2147483648",
    "max-age=99999999999999999999",
    "s-maxage=60",
    "immutable, max-age=60",
]
STALE = [
    "max-age=0",
    "max-age=-60",
    "max-age=60.5",
    "max-age=60s",
    "max-age='60'",
    "max-age=",
    "max-age",
    "max-age=x",
    "max-age =60",
    "max-age= 60",
    "max-age=60, max-age=0",
    'foo="max-age=60"',
    "xmax-age=60",
    "s-maxage=0",
]


@pytest.mark.parametrize("cc", FRESH)
def test_rfc9111_4_2_1_a_lifetime_is_understood(cached, cc):
    assert_reused(cached.page(answer(cc=cc)))


@pytest.mark.parametrize("cc", STALE)
def test_rfc9111_4_2_1_an_invalid_lifetime_is_stale(cached, cc):
    assert_not_reused(cached.page(answer(cc=cc)))


def test_rfc9111_4_2_1_directives_on_several_lines_are_one_list(cached):
    assert_reused(cached.page(answer("Cache-Control: public", cc="max-age=60")))
    assert_not_reused(cached.page(answer("Cache-Control: max-age=60", cc="no-store")))


def test_rfc9111_4_2_1_s_maxage_overrides_max_age(cached):
    assert_reused(cached.page(answer(cc="max-age=0, s-maxage=60")))
    assert_not_reused(cached.page(answer(cc="max-age=60, s-maxage=0")))


def test_rfc9111_4_2_1_s_maxage_overrides_expires(cached):
    assert_reused(cached.page(answer("Expires: " + date(-60), cc="s-maxage=60")))
    assert_not_reused(cached.page(answer("Expires: " + date(60), cc="s-maxage=0")))


def test_rfc9111_4_2_1_max_age_overrides_expires(cached):
    assert_reused(cached.page(answer("Date: " + date(), "Expires: " + date(-60), cc="max-age=60")))
    assert_reused(cached.page(answer("Expires: 0", cc="max-age=60")))
    assert_not_reused(cached.page(answer("Date: " + date(), "Expires: " + date(600), cc="max-age=0")))


def test_rfc9111_4_2_1_expires_less_date_is_the_lifetime(cached):
    assert_reused(cached.page(answer("Date: " + date(), "Expires: " + date(60))))
    # A clock of the origin's that is an hour ahead, or behind: what counts is the difference, and the age.
    assert_reused(cached.page(answer("Date: " + date(3600), "Expires: " + date(3660))))
    assert_not_reused(cached.page(answer("Date: " + date(3600), "Expires: " + date(3600))))
    assert_not_reused(cached.page(answer("Date: " + date(-3600), "Expires: " + date(-3540))))


@pytest.mark.parametrize(
    "expires",
    [
        "0",
        "-1",
        "tomorrow",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 2100 23:59:59 UTC",
        "Fri, 31 Dec 2100 23:59:59",
        "2100-12-31T23:59:59Z",
        "Fri, 31 Feb 2100 00:00:00 GMT",
        "fri, 31 dec 2100 23:59:59 gmt",
    ],
)
def test_rfc9111_5_3_an_invalid_or_past_expires_is_stale(cached, expires):
    assert_not_reused(cached.page(answer("Expires: " + expires)))


@pytest.mark.parametrize("form", ["Friday, 31-Dec-60 23:59:59 GMT", "Fri Dec 31 23:59:59 2060"])
def test_rfc9111_5_3_obsolete_forms_of_dates_are_read(cached, form):
    assert_reused(cached.page(answer("Expires: " + form)))


def test_rfc9111_5_3_two_expires_that_differ_are_stale(cached):
    assert_not_reused(cached.page(answer("Expires: " + date(60), "Expires: " + date(600))))


def test_rfc9111_4_2_2_there_are_no_heuristics(cached):
    assert_not_reused(cached.page(answer("Last-Modified: " + date(-864000))))
    assert_not_reused(cached.page(answer(cc="public")))
    assert_not_reused(cached.page(answer()))


def test_rfc9111_4_2_3_the_age_that_it_came_with_counts(cached):
    assert_reused(cached.page(answer("Age: 30", cc="max-age=60")))
    assert_not_reused(cached.page(stale()))
    assert_not_reused(cached.page(answer("Age: 60", cc="max-age=60")))


@pytest.mark.parametrize("age", ["-7200", "abc", "7200.0", "7200x", ""])
def test_rfc9111_5_1_an_invalid_age_is_ignored(cached, age):
    assert_reused(cached.page(answer("Age: " + age, cc="max-age=60")))


@pytest.mark.parametrize("ages", [["7200, 0"], ["7200", "0"], ["99999999999999"]])
def test_rfc9111_5_1_the_first_age_counts(cached, ages):
    assert_not_reused(cached.page(answer(*[f"Age: {a}" for a in ages], cc="max-age=60")))


def test_rfc9111_4_2_3_an_old_date_is_an_age(cached):
    assert_not_reused(cached.page(answer("Date: " + date(-100), cc="max-age=60")))
    assert_reused(cached.page(answer("Date: " + date(-30), cc="max-age=60")))


def test_rfc9111_4_2_3_a_date_in_the_future_is_no_age(cached):
    assert_reused(cached.page(answer("Date: " + date(3600), cc="max-age=60")))
    assert_reused(cached.page(answer("Date: nonsense", cc="max-age=60")))


def test_rfc9111_5_1_what_comes_from_the_cache_says_its_age(cached):
    reused = assert_reused(cached.page(answer(cc="max-age=60")))
    assert 0 <= int(reused.headers.one("age")) <= 10
    older = assert_reused(cached.page(answer("Age: 30", cc="max-age=60")))
    assert 30 <= int(older.headers.one("age")) <= 40
    dated = assert_reused(cached.page(answer("Date: " + date(-20), "Age: 3", cc="max-age=60")))
    assert 20 <= int(dated.headers.one("age")) <= 32


def test_rfc9111_5_1_the_age_of_what_passes_is_the_origins(cached):
    assert cached.page(answer("Age: 30", cc="max-age=60")).get().headers.one("age") == "30"


def test_rfc9110_6_6_1_the_date_is_the_origins(cached):
    then = date(-30)
    assert assert_reused(cached.page(answer("Date: " + then, cc="max-age=60"))).headers.one("date") == then


def test_rfc9111_5_2_3_unknown_directives_are_ignored(cached):
    assert_reused(cached.page(answer(cc="max-age=60, community=UCI, no-stores, x-private")))


def test_rfc9111_5_2_2_8_the_ttl_is_what_is_left(cached):
    reused = assert_reused(cached.page(answer("Age: 20", cc="max-age=60")))
    assert 30 <= int(status_of(reused)["ttl"]) <= 40
