"""The article list of config/examples/: pages, joined authors, featured authors, the total; what fails and lies."""
import json

import pytest

from support.example_upstreams import (FATAL, FAULTS, Example, answer, degraded, problem, query, same,
                                       skip_unless_views_run)

skip_unless_views_run()

ARTICLES = [{"id": i, "author_id": author} for i, author in ((31, 7), (30, 8), (28, 7), (27, 99))]
AUTHORS = [{"id": "8", "name": "Bela"}, {"name": "Ada", "id": 7}, {"id": 5, "name": "nobody asked for"}]
FEATURED = [{"id": 5}]
JOINED = {7: AUTHORS[1], 8: AUTHORS[0]}


def page(articles=ARTICLES, join=True, **members):
    """The answer as it must be, for page 1 of 3 unless `members` say otherwise."""
    results = [{**a, "author": JOINED.get(a["author_id"])} if join else a for a in articles]
    usual = {"count": 42, "page": 1, "pages": 3, "next": "/articles?page=2", "previous": None}
    return {"results": results, **usual, **members, "context": {"featured_authors": FEATURED}}


@pytest.fixture(scope="module")
def example_gateway(module_world):
    return Example(
        module_world,
        "article-list.yaml",
        {
            "catalog": {
                "GET /articles": answer({"items": ARTICLES, "total": 42}),
                "GET /authors": answer(AUTHORS),
                "GET /authors/featured": answer(FEATURED),
            }
        },
    )


@pytest.fixture
def example(example_gateway):
    yield from example_gateway.fresh()


def listed(example):
    """The query that the catalog got for its articles."""
    return query(example["catalog"].only("GET /articles"))


def test_a_page_of_articles_with_their_authors_and_the_featured_ones(example):
    answered = example.get("/articles")
    assert answered.status == 200 and same(answered, page()) and degraded(answered) == {}
    assert listed(example) == {"status": ["published"], "page": ["1"], "limit": ["20"]}
    assert query(example["catalog"].only("GET /authors")) == {"ids": ["7,8,99"]}
    assert len(example["catalog"].requests) == 3


def test_the_second_page_links_to_both_sides(example):
    expected = page(page=2, next="/articles?page=3", previous="/articles?page=1")
    assert same(example.get("/articles?page=2"), expected)
    assert listed(example)["page"] == ["2"]


def test_the_last_page_has_no_next(example):
    assert same(example.get("/articles?page=3"), page(page=3, next=None, previous="/articles?page=2"))


def test_a_page_past_the_end_is_404(example):
    for page in ("4", "1000000", "99999999999999999999999"):
        problem(example.get(f"/articles?page={page}"), 404)


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", "1e3", "", "%201", "1%00"])
def test_a_page_that_is_no_number_is_400_and_asks_nobody(example, wrong):
    problem(example.get(f"/articles?page={wrong}"), 400)
    assert example["catalog"].asked == []


def test_filters_and_order_pass_and_nothing_else_does(example):
    answered = example.get("/articles?author_id=7&order=-title&admin=1&status=draft&limit=5&page=2")
    assert answered.status == 200
    assert listed(example) == {
        "status": ["published"], "page": ["2"], "limit": ["20"], "author_id": ["7"], "order": ["-title"]}
    assert "author_id=7" in json.loads(answered.body)["next"] and "order=-title" in json.loads(answered.body)["next"]


def test_an_order_that_is_not_declared_does_not_reach_the_catalog(example):
    example.get("/articles?order=password")
    for request in example["catalog"].requests:
        assert "password" not in request.target


@pytest.mark.parametrize("asked, given", [("5", "5"), ("100", "100"), ("101", "100"), ("1000000", "100")])
def test_the_size_of_a_page_is_the_clients_up_to_a_hundred(example, asked, given):
    answered = example.get(f"/articles?page_size={asked}")
    assert listed(example)["limit"] == [given]
    found = json.loads(answered.body)
    assert found["pages"] == -(-42 // int(given))


def test_an_author_of_many_articles_is_asked_for_once(example):
    example["catalog"]["GET /articles"] = answer({"items": [{"author_id": 7}] * 20, "total": 20})
    example.get("/articles")
    assert query(example["catalog"].only("GET /authors")) == {"ids": ["7"]}


def test_no_articles_no_call_for_authors(example):
    example["catalog"]["GET /articles"] = answer({"items": [], "total": 0})
    found = json.loads(example.get("/articles").body)
    assert (found["results"], found["count"], found["next"], found["previous"]) == ([], 0, None, None)
    assert "GET /authors" not in example["catalog"].asked


@pytest.mark.parametrize("fault", FAULTS)
def test_authors_that_fail_are_left_out(example, fault):
    example["catalog"]["GET /authors"], reason = FAULTS[fault]
    answered = example.get("/articles")
    assert answered.status == 200 and same(answered, page(join=False))
    assert degraded(answered) == {"author": reason}


@pytest.mark.parametrize("fault", FAULTS)
def test_featured_authors_that_fail_are_an_empty_list(example, fault):
    example["catalog"]["GET /authors/featured"], reason = FAULTS[fault]
    answered = example.get("/articles")
    expected = page()
    expected["context"]["featured_authors"] = []
    assert answered.status == 200 and same(answered, expected)
    assert degraded(answered) == {"featured_authors": reason}


@pytest.mark.parametrize("fault", FATAL)
def test_without_articles_there_is_no_list(example, fault):
    example["catalog"]["GET /articles"] = FAULTS[fault][0]
    problem(example.get("/articles"), FATAL[fault])


@pytest.mark.parametrize("lie", [b"{}", b"[]", b'{"items":{}}', b'{"items":"[]"}', b"null", b"5", b'{"Items":[]}'])
def test_a_catalog_whose_list_is_no_list_is_502(example, lie):
    example["catalog"]["GET /articles"] = answer(lie)
    problem(example.get("/articles"), 502)


def test_null_in_place_of_the_list_is_an_empty_one(example):
    example["catalog"]["GET /articles"] = answer({"items": None, "total": 0})
    found = json.loads(example.get("/articles").body)
    assert (found["results"], found["count"]) == ([], 0)


@pytest.mark.parametrize(
    "total", [b"", b',"total":null', b',"total":"many"', b',"total":-1', b',"total":[42]', b',"total":4.5']
)
def test_a_total_that_is_no_count_is_unknown(example, total):
    example["catalog"]["GET /articles"] = answer(b'{"items":%s%s}' % (json.dumps(ARTICLES).encode(), total))
    answered = example.get("/articles")
    found = json.loads(answered.body)
    assert answered.status == 200 and (found["count"], found["pages"], found["next"]) == (None, None, None)


@pytest.mark.parametrize("odd", [None, 7, "text", [], [1], {}, {"author_id": None}, {"author_id": {"a": 1}}])
def test_an_item_that_can_not_be_joined_harms_no_other(example, odd):
    example["catalog"]["GET /articles"] = answer({"items": [ARTICLES[0], odd, ARTICLES[1]], "total": 3})
    answered = example.get("/articles")
    found = json.loads(answered.body)["results"]
    assert answered.status == 200 and len(found) == 3
    assert (found[0]["author"], found[2]["author"]) == (AUTHORS[1], AUTHORS[0])
    assert found[1] == ({**odd, "author": None} if isinstance(odd, dict) else odd)


@pytest.mark.parametrize("lie", [b"{}", b'{"id":7}', b'"x"', b"7"])
def test_authors_that_are_no_list_are_left_out(example, lie):
    example["catalog"]["GET /authors"] = answer(lie)
    answered = example.get("/articles")
    assert answered.status == 200 and same(answered, page(join=False))
    assert list(degraded(answered)) == ["author"]


def test_authors_that_are_no_objects_match_nothing(example):
    example["catalog"]["GET /authors"] = answer(b'[null,7,"7",[7],{"name":"no id"},{"id":null},{"id":7,"name":"Ada"}]')
    found = json.loads(example.get("/articles").body)["results"]
    assert [a["author"] for a in found] == [{"id": 7, "name": "Ada"}, None, {"id": 7, "name": "Ada"}, None]


def test_two_hundred_and_fifty_authors_are_asked_for_in_three_calls(example):
    many = [{"id": n, "author_id": n} for n in range(250)]
    example["catalog"]["GET /articles"] = answer({"items": many, "total": 250})
    example["catalog"]["GET /authors"] = lambda r, c: answer([{"id": int(i)} for i in query(r)["ids"][0].split(",")])
    found = json.loads(example.get("/articles").body)["results"]
    assert [a["author"] for a in found] == [{"id": n} for n in range(250)]
    asked = [query(r)["ids"][0].split(",") for r in example["catalog"].requests if r.path == "/authors"]
    assert sorted(map(len, asked)) == [50, 100, 100]


@pytest.mark.parametrize("author", ["7%26admin%3D1", "a%23b", "a%0d%0aX:1", "7;page=9", "%E4"])
def test_no_filter_adds_a_parameter(example, author):
    assert example.get(f"/articles?author_id={author}").status == 200
    assert set(listed(example)) == {"status", "page", "limit", "author_id"}
