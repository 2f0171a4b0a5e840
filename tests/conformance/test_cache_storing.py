"""What a shared cache may store: RFC 9111 section 3, and SPEC section 6."""
import pytest

from support import wire
from support.cached import answer, assert_not_reused, assert_reused, is_hit, status_of


def test_rfc9111_3_an_answer_with_a_lifetime_is_reused(cached):
    assert_reused(cached.page(answer(cc="max-age=60")))


def test_rfc9111_3_fields_are_kept_with_the_answer(cached):
    page = cached.page(answer("X-A: 1", "X-A: 2", "Content-Type: a/b", cc="max-age=60"))
    reused = assert_reused(page)
    assert reused.headers.all("x-a") == ["1", "2"] and reused.headers.one("content-type") == "a/b"


def test_rfc9111_3_an_empty_answer_is_kept(cached):
    page = cached.page(answer(cc="max-age=60", body=""))
    assert assert_reused(page).headers.one("content-length") == "0"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"])
def test_rfc9111_3_answers_to_other_methods_are_not_kept(cached, method):
    page = cached.page()
    page.fetch(method)
    page.fetch(method)
    assert page.calls == 2
    assert not is_hit(page.get()) and page.calls == 3


@pytest.mark.parametrize("status", [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
def test_rfc9111_3_statuses_that_are_understood_are_kept(cached, status):
    assert assert_reused(cached.page(answer(status=status, cc="max-age=60"))).status == status


@pytest.mark.parametrize(
    "status", [201, 202, 206, 207, 226, 302, 303, 307, 400, 401, 403, 406, 409, 416, 418, 429, 499, 500, 502, 503, 504, 599]
)
def test_rfc9111_3_other_statuses_are_not_kept(cached, status):
    assert_not_reused(cached.page(answer(status=status, cc="public, max-age=60")))


@pytest.mark.parametrize("status", [404, 405, 410, 414, 501])
def test_errors_are_kept_only_if_somebody_says_how_long(cached, status):
    assert_not_reused(cached.page(answer(status=status)))
    assert_not_reused(cached.page(answer(status=status), route="ttl"))
    assert_reused(cached.page(answer(status=status), route="errors"))


@pytest.mark.parametrize("cc", ["no-store", "no-store, max-age=60", "max-age=60, NO-STORE", "public, no-store, s-maxage=60"])
@pytest.mark.parametrize("route", ["c", "ttl"])
def test_rfc9111_5_2_2_5_no_store_is_not_kept(cached, cc, route):
    assert_not_reused(cached.page(answer(cc=cc), route=route))


@pytest.mark.parametrize("cc", ["private", "private, max-age=60", "max-age=60, Private, public"])
@pytest.mark.parametrize("route", ["c", "ttl"])
def test_rfc9111_5_2_2_7_private_is_not_kept(cached, cc, route):
    assert_not_reused(cached.page(answer(cc=cc), route=route))


@pytest.mark.parametrize("route", ["c", "ttl"])
def test_a_cookie_is_given_to_one_client_alone(cached, route):
    page = cached.page(answer("Set-Cookie: a=1", cc="public, max-age=60"), answer(cc="max-age=60"), route=route)
    assert page.get().headers.one("set-cookie") == "a=1"
    second = page.get()
    assert page.calls == 2 and "set-cookie" not in second.headers


def test_rfc9111_5_2_2_4_a_cookie_named_by_no_cache_does_not_come_from_the_cache(cached):
    page = cached.page(answer("Set-Cookie: a=1", cc='max-age=60, no-cache="Set-Cookie"'))
    assert page.get().headers.one("set-cookie") == "a=1"
    second = page.get()
    assert "set-cookie" not in second.headers and page.calls == 1


def test_rfc9111_5_2_2_7_fields_named_by_private_do_not_come_from_the_cache(cached):
    page = cached.page(answer("X-Own: 1", "X-Other: 2", cc='max-age=60, private="X-Own"'))
    assert page.get().headers.one("x-own") == "1"
    second = page.get()
    assert page.calls == 1 and "x-own" not in second.headers and second.headers.one("x-other") == "2"


def test_rfc9111_5_2_2_3_must_understand_replaces_no_store(cached):
    assert_reused(cached.page(answer(cc="no-store, must-understand, max-age=60")))
    assert_not_reused(cached.page(answer(status=418, cc="no-store, must-understand, max-age=60")))


def test_rfc9111_3_1_fields_of_one_connection_are_not_kept(cached):
    page = cached.page(
        answer(
            "Connection: X-Hop",
            "X-Hop: 1",
            "Keep-Alive: timeout=7",
            "Proxy-Authenticate: Basic",
            "Proxy-Authentication-Info: x",
            "X-End: 2",
            cc="max-age=60",
        )
    )
    reused = assert_reused(page)
    assert reused.headers.one("x-end") == "2"
    for name in ("x-hop", "keep-alive", "proxy-authenticate", "proxy-authentication-info"):
        assert name not in reused.headers, name


def cut(*fields, framing):
    """Half of an answer, and then the end of the connection."""

    def respond(request, connection):
        lines = [("Cache-Control", "max-age=60"), framing]
        begin = b"3\r\nabc\r\n" if framing[0] == "Transfer-Encoding" else b"abc"
        connection.send(wire.head("HTTP/1.1 200 OK", lines) + begin)
        connection.close()

    return respond


@pytest.mark.parametrize("framing", [("Content-Length", "10"), ("Transfer-Encoding", "chunked")])
def test_rfc9111_3_3_incomplete_answers_are_not_kept(cached, framing):
    page = cached.page(cut(framing=framing), answer(cc="max-age=60", body="whole"))
    with pytest.raises((wire.Truncated, AssertionError)):
        if page.get().status != 200:
            raise AssertionError("an error is as good")
    second = page.get()
    assert second.body == b"whole" and page.calls == 2


def test_rfc9111_3_4_parts_are_not_kept_as_the_whole(cached):
    page = cached.page(answer("Content-Range: bytes 0-2/10", status=206, body="abc", cc="max-age=60"), answer(cc="max-age=60"))
    assert page.get("Range: bytes=0-2").status == 206
    assert page.get().status == 200 and page.calls == 2


ALICE = "Authorization: Bearer alice"


@pytest.mark.parametrize("cc", ["max-age=60", "proxy-revalidate, max-age=60", "max-age=60, immutable"])
def test_rfc9111_3_5_answers_to_a_credential_are_not_kept(cached, cc):
    page = cached.page(answer(cc=cc))
    page.get(ALICE)
    assert not is_hit(page.get("Authorization: Bearer bob"))
    assert not is_hit(page.get(ALICE)) and page.calls == 3


@pytest.mark.parametrize("cc", ["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"])
def test_rfc9111_3_5_unless_the_upstream_allows_it(cached, cc):
    page = cached.page(answer(cc=cc))
    page.get(ALICE)
    assert is_hit(page.get("Authorization: Bearer bob")) and page.calls == 1


def test_rfc9111_3_5_a_ttl_does_not_allow_it(cached):
    page = cached.page(answer(), route="ttl")
    page.get(ALICE)
    assert not is_hit(page.get(ALICE)) and page.calls == 2


def test_a_credential_in_the_key_has_its_own_answer(cached):
    page = cached.page(answer(), route="token")
    page.get(ALICE)
    assert is_hit(page.get(ALICE))
    bob = page.get("Authorization: Bearer bob")
    assert not is_hit(bob) and bob.body == b"answer 2" and page.calls == 2


def test_answers_to_a_cookie_that_goes_along_are_not_kept(cached):
    page = cached.page(answer(cc="max-age=60"))
    page.get("Cookie: sid=alice")
    assert not is_hit(page.get("Cookie: sid=bob")) and page.calls == 2


def test_what_is_larger_than_max_bytes_streams_by(cached):
    page = cached.page(answer(body="x" * 5000), route="small")
    assert len(page.get().body) == 5000
    second = page.get()
    assert len(second.body) == 5000 and not is_hit(second) and page.calls == 2


def test_chunked_answers_are_kept_whole(cached):
    def chunks(request, connection):
        return wire.head("HTTP/1.1 200 OK", [("Cache-Control", "max-age=60"), ("Transfer-Encoding", "chunked")]) + wire.chunked(
            b"abc", b"defg"
        )

    reused = assert_reused(cached.page(chunks))
    assert reused.body == b"abcdefg" and reused.headers.one("content-length") == "7"


@pytest.mark.parametrize("cc", [None, "public", "max-age=60"])
@pytest.mark.parametrize(
    "fields", [(), ("Expires: 0",), ("Age: 7200",), ("Cache-Control: max-age=0",), ("Cache-Control: no-cache",)]
)
def test_a_ttl_replaces_the_upstreams_lifetime(cached, cc, fields):
    assert_reused(cached.page(answer(*fields, cc=cc), route="ttl"))


def test_rfc9110_6_5_1_trailers_do_not_become_fields(cached):
    def trailed(request, connection):
        fields = [("Cache-Control", "max-age=60"), ("Transfer-Encoding", "chunked"), ("Trailer", "X-T")]
        return wire.head("HTTP/1.1 200 OK", fields) + wire.chunked(b"abc", trailers=[("X-T", "1")])

    assert "x-t" not in assert_reused(cached.page(trailed)).headers


def test_rfc9110_6_6_1_an_answer_without_date_gets_one_and_keeps_it(cached):
    page = cached.page()
    then = page.get().headers.one("date")
    assert page.get().headers.one("date") == then


def test_rfc9111_3_why_it_was_not_kept_is_said(cached):
    assert status_of(cached.page(answer(cc="no-store")).get())["detail"] == "no-store"
    assert status_of(cached.page(answer(cc="private")).get())["detail"] == "private"
    assert "stored" not in status_of(cached.page(answer(cc="no-store")).get())
