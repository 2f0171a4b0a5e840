"""Which route answers (SPEC section 3)."""
import itertools
import time
from urllib.parse import parse_qs

import pytest

from support.client import Client
from support.gateway import command, respond_config, sanitized, write_config


def owner(gw, path, method="GET", **kw):
    answer = gw.fetch(method, path, **kw)
    return answer.text if answer.status == 200 else answer.status


PATHS = [
    ("literal", "/a/x"),
    ("int", "/a/{n:int}"),
    ("uuid", "/a/{u:uuid}"),
    ("slug", "/a/{s:slug}"),
    ("plain", "/a/{p}"),
    ("rest", "/a/{r...}"),
]


@pytest.fixture(scope="module", params=[PATHS, PATHS[::-1]], ids=["in order", "in reverse order"])
def ranked(request, module_world):
    return module_world.gateway(respond_config(*request.param))


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/a/x", "literal"),
        ("/a/7", "int"),
        ("/a/123456789012345678", "int"),
        ("/a/1234567890123456789", "slug"),
        ("/a/6ba7b810-9dad-11d1-80b4-00c04fd430c8", "uuid"),
        ("/a/my-post", "slug"),
        ("/a/-7", "slug"),
        ("/a/a.b", "plain"),
        ("/a/%C3%A9", "plain"),
        ("/a/b/c", "rest"),
        ("/a/", "rest"),
        ("/a/x/y", "rest"),
        ("/a", 404),
        ("/b", 404),
        ("/", 404),
        ("/a/%78", "literal"),
    ],
)
def test_the_most_specific_form_wins_wherever_it_stands_in_the_file(ranked, path, expected):
    assert owner(ranked, path) == expected


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_segments_are_compared_from_the_left(world, order):
    routes = [("literal-first", "/x/{b}/{c}"), ("int-second", "/{a}/{b:int}/z"), ("plain", "/{a}/{b}/{c}")]
    gw = world.gateway(respond_config(*[routes[i] for i in order]))
    assert owner(gw, "/x/5/z") == "literal-first"
    assert owner(gw, "/y/5/z") == "int-second"
    assert owner(gw, "/y/5/q") == "plain"


def test_a_dead_end_falls_back_to_a_weaker_route(world):
    gw = world.gateway(
        respond_config(("deep", "/a/b/c/d"), ("int", "/a/{n:int}/c/x"), ("rest", "/a/{r...}"), ("top", "/{r...}"))
    )
    assert owner(gw, "/a/b/c/d") == "deep"
    assert owner(gw, "/a/b/c/e") == "rest"
    assert owner(gw, "/a/5/c/x") == "int"
    assert owner(gw, "/a/5/c/y") == "rest"
    assert owner(gw, "/b/b/c/d") == "top"


def test_rest_may_be_empty_but_needs_its_slash(world):
    gw = world.gateway(respond_config(("files", "/f/{rest...}")))
    assert (owner(gw, "/f/"), owner(gw, "/f"), owner(gw, "/f/a/b/")) == ("files", 404, "files")


def test_a_segment_parameter_is_never_empty(world):
    gw = world.gateway(respond_config(("one", "/f/{id}"), ("two", "/f/{id}/g")))
    assert (owner(gw, "/f/"), owner(gw, "/f//g"), owner(gw, "/f/x")) == (404, 404, "one")


def test_an_encoded_slash_does_not_separate(world):
    gw = world.gateway(respond_config(("one", "/f/{id}"), ("two", "/f/{id}/{sub}")))
    assert (owner(gw, "/f/a%2Fb"), owner(gw, "/f/a%2fb"), owner(gw, "/f/a/b")) == ("one", "one", "two")


def test_a_parameter_is_decoded_exactly_once(world):
    gw, up = world.proxy(route={"path": "/echo/{id}", "source": "up/x?q={id}"})
    seen = []
    for path in ("a%20b", "a%2520b", "a%2Fb", "%C3%A9", "a%2Bb", "a%26b"):
        assert gw.get(f"/echo/{path}").status == 200
        seen.append(parse_qs(up.last().target.partition("?")[2])["q"])
    assert seen == [["a b"], ["a%20b"], ["a/b"], ["é"], ["a+b"], ["a&b"]]


@pytest.mark.parametrize("path", ["/a/../b", "/./a", "/a/..", "/%2e%2e/b", "/a/%2E", "/a%00", "/a%zz", "/a%2", "/a%"])
def test_dot_segments_nul_and_invalid_escapes_are_400(world, path):
    gw = world.gateway(respond_config(("all", "/{rest...}")))
    assert gw.get(path).status == 400


@pytest.mark.parametrize("path", ["/a/...", "/.well-known/x", "/a/..b", "/a/b..", "/.a"])
def test_dots_that_are_no_dot_segments_pass(world, path):
    gw = world.gateway(respond_config(("all", "/{rest...}")))
    assert owner(gw, path) == "all"


def test_paths_are_case_sensitive(world):
    gw = world.gateway(respond_config(("r", "/Shop")))
    assert (owner(gw, "/Shop"), owner(gw, "/shop")) == ("r", 404)


class TestHosts:
    ROUTES = [
        ("exact", "/p", {"host": "api.example.com"}),
        ("long", "/p", {"host": "*.eu.example.com"}),
        ("short", "/p", {"host": "*.example.com"}),
        ("none", "/p"),
        ("deeper", "/{rest...}", {"host": "only.example.com"}),
    ]

    @pytest.fixture(scope="class", params=[1, -1])
    def hosts(self, request, module_world):
        return module_world.gateway(respond_config(*self.ROUTES[:: request.param]))

    @pytest.mark.parametrize(
        "host, expected",
        [
            ("api.example.com", "exact"),
            ("API.Example.COM", "exact"),
            ("api.example.com:8080", "exact"),
            ("a.eu.example.com", "long"),
            ("b.a.eu.example.com", "long"),
            ("a.example.com", "short"),
            ("example.com", "none"),
            ("other.test", "none"),
            ("xexample.com", "none"),
            ("api.example.com.evil.test", "none"),
            ("127.0.0.1", "none"),
            ("[::1]:80", "none"),
        ],
    )
    def test_host_decides_first_exact_then_the_longest_wildcard_then_none(self, hosts, host, expected):
        assert owner(hosts, "/p", host=host) == expected

    def test_a_better_host_wins_over_a_better_path(self, hosts):
        assert owner(hosts, "/p", host="only.example.com") == "deeper"

    def test_the_host_of_an_absolute_target_decides(self, hosts):
        assert owner(hosts, "http://api.example.com/p", host="api.example.com") == "exact"


class TestMethods:
    @pytest.fixture(scope="class")
    def methods(self, module_world):
        return module_world.gateway(
            respond_config(
                ("read", "/thing", {"methods": ["GET"]}),
                ("write", "/thing", {"methods": ["POST", "PUT"]}),
                ("item-delete", "/item/{id:int}", {"methods": ["DELETE"]}),
                ("item-any-get", "/item/{id}", {"methods": ["GET"]}),
                ("own-options", "/own", {"methods": ["GET", "OPTIONS"]}),
            )
        )

    def test_the_method_chooses_among_routes_of_one_path(self, methods):
        assert (owner(methods, "/thing"), owner(methods, "/thing", "POST"), owner(methods, "/thing", "PUT")) == (
            "read",
            "write",
            "write",
        )

    def test_routes_of_another_method_are_passed_over(self, methods):
        assert owner(methods, "/item/5") == "item-any-get"

    def test_405_lists_the_methods_of_all_routes_that_match(self, methods):
        answer = methods.fetch("DELETE", "/thing")
        assert answer.status == 405
        assert (
            {"GET", "POST", "PUT"}
            <= {m.strip() for m in answer.headers.one("allow").split(",")}
            <= {"GET", "HEAD", "POST", "PUT", "OPTIONS"}
        )

    def test_404_has_no_allow(self, methods):
        answer = methods.fetch("DELETE", "/nothing")
        assert answer.status == 404 and "allow" not in answer.headers

    def test_head_works_where_get_does_with_gets_headers(self, methods):
        get, head = methods.get("/thing"), methods.fetch("HEAD", "/thing")
        assert head.status == 200 and head.body == b""
        assert head.headers.one("content-length") == get.headers.one("content-length")
        assert head.headers.one("content-type") == get.headers.one("content-type")

    def test_head_does_not_work_where_get_does_not(self, world):
        gw = world.gateway(respond_config(("write", "/w", {"methods": ["POST"]})))
        assert gw.fetch("HEAD", "/w").status == 405

    def test_options_is_answered_with_allow(self, methods):
        answer = methods.fetch("OPTIONS", "/thing")
        assert answer.status == 204
        assert {"GET", "POST", "PUT"} <= {m.strip() for m in answer.headers.one("allow").split(",")}

    def test_options_goes_to_a_route_that_names_it(self, methods):
        assert owner(methods, "/own", "OPTIONS") == "own-options"

    def test_options_of_an_unknown_path_is_404(self, methods):
        assert methods.fetch("OPTIONS", "/nothing").status == 404

    def test_options_of_a_proxy_fetch_route_goes_to_the_upstream(self, world):
        gw, up = world.proxy()
        assert gw.fetch("OPTIONS", "/x").status == 200 and up.last().method == "OPTIONS"

    def test_methods_are_case_sensitive(self, methods):
        assert methods.fetch("get", "/thing").status in (405, 501)

    def test_a_method_nobody_knows_is_405_where_routes_name_theirs(self, methods):
        assert methods.fetch("BREW", "/thing").status == 405


class TestTrailingSlash:
    ONE = [("without", "/a"), ("with", "/b/")]
    BOTH = [("both", "/c"), ("both-slash", "/c/")]

    def gw(self, world, mode, routes):
        return world.gateway(respond_config(*routes, server={"trailing_slash": mode}))

    def test_strict_tells_them_apart(self, world):
        gw = self.gw(world, "strict", self.ONE + self.BOTH)
        assert [owner(gw, p) for p in ("/a", "/a/", "/b", "/b/", "/c", "/c/")] == [
            "without",
            404,
            404,
            "with",
            "both",
            "both-slash",
        ]

    def test_ignore_serves_both(self, world):
        gw = self.gw(world, "ignore", self.ONE)
        assert [owner(gw, p) for p in ("/a", "/a/", "/b", "/b/")] == ["without", "without", "with", "with"]

    def test_redirect_sends_to_the_declared_form_with_its_query(self, world):
        gw = self.gw(world, "redirect", self.ONE + self.BOTH)
        for asked, declared in (("/a/", "/a"), ("/b", "/b/")):
            answer = gw.get(asked + "?x=1&y=%20")
            assert answer.status in (301, 308)
            assert answer.headers.one("location").endswith(declared + "?x=1&y=%20")
        assert [owner(gw, p) for p in ("/a", "/b/", "/c", "/c/")] == ["without", "with", "both", "both-slash"]

    def test_redirect_is_never_an_open_one(self, world):
        gw = world.gateway(respond_config(("r", "/{a}/{b}/"), server={"trailing_slash": "redirect"}))
        answer = gw.get("//evil.example")
        assert answer.status == 404 or not answer.headers.get("location", "/x").startswith("//")


class TestListeners:
    @pytest.fixture(scope="class")
    def listeners(self, module_world):
        server = {
            "listen": [
                "127.0.0.1:0",
                {"address": "127.0.0.1:0", "name": "inner"},
                {"address": "127.0.0.1:0", "name": "other"},
            ]
        }
        return module_world.gateway(
            respond_config(
                ("public", "/p"),
                ("inner-p", "/p", {"listener": "inner"}),
                ("inner-q", "/q", {"listener": "inner"}),
                server=server,
            )
        )

    def test_a_route_with_a_listener_is_served_there_alone(self, listeners):
        assert owner(listeners, "/q", listener="inner") == "inner-q"
        assert owner(listeners, "/q") == 404
        assert owner(listeners, "/q", listener="other") == 404

    def test_a_route_without_one_is_served_where_listeners_have_no_name(self, listeners):
        assert owner(listeners, "/p") == "public"
        assert owner(listeners, "/p", listener="inner") == "inner-p"
        assert owner(listeners, "/p", listener="other") == 404


def test_a_unix_socket_is_a_listener(world):
    path = str(world.directory / "gw.sock")
    gw = world.gateway(respond_config(("r", "/r"), server={"listen": ["127.0.0.1:0", f"unix:{path}"]}))
    assert owner(gw, "/r") == "r"
    with Client(path) as client:
        assert client.get("/r").text == "r"


@pytest.mark.parametrize(
    "first, second",
    [
        (("a", "/x/{id}"), ("b", "/x/{other}")),
        (("a", "/x"), ("b", "/x")),
        (("a", "/{r...}"), ("b", "/{rest...}")),
        (("a", "/x/{i:int}"), ("b", "/x/{n:int}")),
        (("a", "/x", {"methods": ["GET", "POST"]}), ("b", "/x", {"methods": ["POST"]})),
        (("a", "/x", {"host": "a.example"}), ("b", "/x", {"host": "A.example"})),
    ],
)
def test_two_routes_that_match_the_same_requests_are_an_error(tmp_path, first, second):
    file = write_config(tmp_path / "v.yaml", respond_config(first, second))
    done = command("check", "-c", file)
    assert done.returncode == 78
    assert '"a"' in done.stdout + done.stderr or "routes" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "first, second",
    [
        (("a", "/x/{id}"), ("b", "/x/{id:int}")),
        (("a", "/x", {"methods": ["GET"]}), ("b", "/x", {"methods": ["POST"]})),
        (("a", "/x", {"host": "a.example"}), ("b", "/x")),
        (("a", "/x"), ("b", "/x/")),
        (("a", "/x/{r...}"), ("b", "/x/{id}")),
    ],
)
def test_two_routes_that_differ_in_rank_are_none(tmp_path, first, second):
    file = write_config(tmp_path / "v.yaml", respond_config(first, second))
    assert command("check", "-c", file).returncode == 0


def test_ten_thousand_routes_are_served_soon_after_the_start(world):
    routes = [(f"r{i}", f"/group{i % 100}/item{i}/{{id:int}}") for i in range(10_000)]
    begin = time.monotonic()
    gw = world.gateway(respond_config(*routes))
    assert owner(gw, "/group42/item4242/7") == "r4242"
    assert time.monotonic() - begin < (30 if sanitized() else 3)
    assert owner(gw, "/group42/item4243/7") == 404
