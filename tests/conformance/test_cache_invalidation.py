"""Writes invalidate: RFC 9111 section 4.4, SPEC section 6; and purges."""
import threading

import pytest

from support import wire
from support.cached import answer, is_hit
from support.upstream import Gate


@pytest.fixture
def page(cached):
    page = cached.page(answer(cc="max-age=60"))
    page.get()
    assert is_hit(page.get())
    return page


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "FOO"])
@pytest.mark.parametrize("status", [200, 201, 204, 302, 303])
def test_rfc9111_4_4_a_write_that_succeeded_invalidates(page, method, status):
    page.then(answer(status=status))
    assert page.fetch(method).status == status
    page.then(answer(cc="max-age=60"))
    assert not is_hit(page.get())


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503])
def test_rfc9111_4_4_a_write_that_failed_does_not(page, status):
    page.then(answer(status=status))
    page.fetch("POST")
    assert is_hit(page.get())


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_rfc9111_4_4_safe_methods_do_not(page, method):
    page.then(answer(status=200))
    page.fetch(method)
    assert is_hit(page.get())


def test_rfc9111_4_4_whatever_the_query(page):
    page.get(query="?a=1")
    page.then(answer(status=204))
    page.fetch("PUT", query="?b=2")
    page.then(answer(cc="max-age=60"))
    assert not is_hit(page.get(query="?a=1")) and not is_hit(page.get())


def test_a_write_invalidates_what_is_below_and_the_parent_but_no_sibling(cached):
    page = cached.page(answer(cc="max-age=60"))
    below = ["/7", "/7/deep", "/8", ""]
    for path in below:
        page.get(below=path)
    page.then(answer(status=204))
    page.fetch("PUT", below="/7")
    page.then(answer(cc="max-age=60"))
    assert [is_hit(page.get(below=path)) for path in below] == [False, False, True, False]


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_rfc9111_4_4_what_location_names_is_invalidated_too(cached, name):
    page = cached.page(answer(cc="max-age=60"))
    other = cached.page(answer(cc="max-age=60"))
    other.get()
    page.then(answer(f"{name}: {cached.upstream.url}{other.name}", status=201))
    page.fetch("POST")
    assert not is_hit(other.get())


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_rfc9111_4_4_but_not_on_another_host(cached, name):
    page = cached.page(answer(cc="max-age=60"))
    other = cached.page(answer(cc="max-age=60"))
    other.get()
    page.then(answer(f"{name}: http://elsewhere.test{other.name}", status=201))
    page.fetch("POST")
    assert is_hit(other.get())


def test_rfc9111_4_4_variants_are_invalidated_together(cached):
    page = cached.page(answer("Vary: X-A", cc="max-age=60"))
    page.get("X-A: 1")
    page.get("X-A: 2")
    page.then(answer(status=204))
    page.fetch("DELETE")
    page.then(answer("Vary: X-A", cc="max-age=60"))
    assert not is_hit(page.get("X-A: 1")) and not is_hit(page.get("X-A: 2"))


def test_a_write_while_an_answer_is_under_way_keeps_it_from_being_stored(cached):
    gate = Gate()

    def slowly(request, connection):
        gate.hold()
        return wire.response(200, [("Cache-Control", "max-age=60")], b"old")

    page = cached.page(slowly, answer(status=204), answer(cc="max-age=60", body="new"))
    thread = threading.Thread(target=page.get)
    thread.start()
    cached.upstream.wait_for(lambda u: page.calls >= 1)
    assert page.fetch("PUT").status == 204
    gate.open()
    thread.join(20)
    assert page.get().body == b"new"


def purge(cached, query):
    answer = cached.gateway.admin("/cache/purge?" + query, method="POST")
    assert answer.status == 200, answer


def test_a_purge_by_tag_takes_along_what_is_below(cached, page):
    page.get(below="/7")
    purge(cached, f"tag=up{page.name}/7")
    assert not is_hit(page.get(below="/7")) and is_hit(page.get())
    purge(cached, f"tag=up{page.name}")
    assert not is_hit(page.get(below="/7")) and not is_hit(page.get())


def test_a_purge_by_path_is_of_that_path(cached, page):
    page.get(below="/7")
    page.get(query="?a=1")
    purge(cached, f"path={page.target}")
    assert not is_hit(page.get()) and not is_hit(page.get(query="?a=1")) and is_hit(page.get(below="/7"))
