"""`viewgate explain` (SPEC section 1): whole answers, word by word."""
import textwrap

import pytest

from support.gateway import command

MAIN = """\
server:
  listen: ["127.0.0.1:0", {address: "127.0.0.1:0", name: inside}]
  limits: {body_bytes: 2MiB}

include: routes/*.yaml

upstreams:
  catalog:
    url: http://127.0.0.1:8000/api
    timeout: 5s
    headers: {X-Api-Key: "${CATALOG_KEY}"}

defaults: {timeout: 20s}

mixins:
  quick:
    timeout: {after: 3s}

views:
  shop:
    view: proxy-fetch
    source: "catalog/products/{id}"
    response: {remove: [Server, X-Powered-By]}

routes:
  - name: product
    path: "/products/{id:int}"
    extends: shop
    mixins: [quick]
    methods: [GET, POST]

  - {name: hello, path: "/hello/{name}/{rest...}", view: respond, text: hello, limits: {body_bytes: 1KiB}}
  - {name: tools, path: /tools, view: respond, text: x, listener: inside}
"""

MORE = """\
routes:
  - {name: staff, path: /staff, view: respond, text: y, host: "*.example.com"}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    here = tmp_path_factory.mktemp("explain")
    (here / "routes").mkdir()
    (here / "v.yaml").write_text(MAIN)
    (here / "routes" / "more.yaml").write_text(MORE)
    return here


def ask(folder, *arguments):
    return command("explain", "-c", "v.yaml", *arguments, cwd=folder, env={"CATALOG_KEY": "a-secret"})


def answer(folder, status, *arguments):
    done = ask(folder, *arguments)
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


def lines(text):
    return textwrap.dedent(text).lstrip("\n")


def test_a_proxied_request_is_explained_from_its_route_to_its_call(folder):
    assert answer(folder, 0, "GET", "/products/5?page=2") == lines("""
        request  GET /products/5?page=2
        route    product
        path     /products/{id:int}
        written  v.yaml:26

        parameters
          id  int  5

        settings
          name: product                     v.yaml:26
          path: "/products/{id:int}"        v.yaml:27
          view: proxy-fetch                 v.yaml:21
          preserve_host: false              built-in
          stream_idle: 60s                  built-in
          upgrade_idle: 1h                  built-in
          timeout:
            after: 3s                       v.yaml:17
            status: 504                     built-in
          source:
            call: "catalog/products/{id}"   v.yaml:22
          response:
            remove: [Server, X-Powered-By]  v.yaml:23
          methods: [GET, POST]              v.yaml:30

        upstream catalog
          url: http://127.0.0.1:8000/api         v.yaml:9
          timeout: 5s                            v.yaml:10
          headers:
            X-Api-Key: (substituted, not shown)  v.yaml:11
          pool:
            connections: 100                     built-in
            per_endpoint: 30                     built-in
            idle: 60s                            built-in
          max_pending: 1000                      built-in
          dns_ttl: 300s                          built-in
          balance: round_robin                   built-in
          hash_by: client_ip                     built-in
          connect_timeout: 1s                    built-in
          retry:
            attempts: 1                          built-in
            attempt_timeout: null                built-in
            on: [connect, reset, 502, 503, 504]  built-in
            methods: []                          built-in
            budget: 20%                          built-in
            backoff: 25ms                        built-in
          circuit_breaker:
            failures: 5                          built-in
            open_for: 60s                        built-in
            half_open: 1                         built-in
            ratio: null                          built-in
            window: 10s                          built-in
            min_requests: 20                     built-in
          http2: false                           built-in

        server
          limits.body_bytes: 2MiB  v.yaml:3
          trailing_slash: strict   built-in

        policies, in the order that they run
          1  timeout

        calls
          wave 1  source  catalog/products/{id}  with the client's method, query and body, streamed
        """)


def test_parameters_are_shown_decoded_and_as_they_were_sent(folder):
    assert answer(folder, 0, "GET", "/hello/a%20b/c/d%2Fe") == lines("""
        request  GET /hello/a%20b/c/d%2Fe
        route    hello
        path     /hello/{name}/{rest...}
        written  v.yaml:32

        parameters
          name  plain  a b    sent as a%20b
          rest  rest   c/d/e  sent as c/d%2Fe

        settings
          name: hello                      v.yaml:32
          path: "/hello/{name}/{rest...}"  v.yaml:32
          view: respond                    v.yaml:32
          status: 200                      built-in
          timeout:
            after: 20s                     v.yaml:13
            status: 504                    built-in
          text: hello                      v.yaml:32
          limits:
            body_bytes: 1KiB               v.yaml:32

        server
          trailing_slash: strict  built-in

        policies, in the order that they run
          1  timeout
        """)


NO_ROUTE = {
    "a mistyped word": (
        ["GET", "/product/5"],
        """
        request  GET /product/5
        answer   404, no route matches this path

        nearest routes
          product  /products/{id:int}  v.yaml:26  has "products" where the path has "product"
        """,
    ),
    "nothing near": (
        ["GET", "/wp-login.php"],
        """
        request  GET /wp-login.php
        answer   404, no route matches this path
        """,
    ),
    "another method": (
        ["DELETE", "/products/5"],
        """
        request  DELETE /products/5
        answer   405, this path does not take DELETE
        allow    GET, HEAD, POST, OPTIONS

        routes of this path
          product  /products/{id:int}  v.yaml:26  takes GET, POST
        """,
    ),
    "OPTIONS": (
        ["OPTIONS", "/products/5"],
        """
        request  OPTIONS /products/5
        answer   204, the gateway answers OPTIONS itself
        allow    GET, HEAD, POST, OPTIONS

        routes of this path
          product  /products/{id:int}  v.yaml:26  takes GET, POST
        """,
    ),
    "another host": (
        ["GET", "http://www.example.org:8080/staff"],
        """
        request  GET /staff
        host     www.example.org
        answer   404, no route matches this path

        nearest routes
          staff  /staff  routes/more.yaml:2  is for host *.example.com alone
        """,
    ),
    "another listener": (
        ["GET", "/tools"],
        """
        request  GET /tools
        answer   404, no route matches this path

        nearest routes
          tools  /tools  v.yaml:33  is served on listener "inside" alone
        """,
    ),
    "a path that is refused": (
        ["GET", "/a/../b"],
        """
        request  GET /a/../b
        answer   400, dot segment in the path
        """,
    ),
    "a method that is refused": (
        ["TRACE", "/tools"],
        """
        request  TRACE /tools
        answer   501, this gateway does not take TRACE
        """,
    ),
}


@pytest.mark.parametrize("arguments, expected", NO_ROUTE.values(), ids=NO_ROUTE.keys())
def test_a_request_without_a_route_is_told_why(folder, arguments, expected):
    assert answer(folder, 1, *arguments) == lines(expected)


@pytest.mark.parametrize(
    "arguments",
    [["http://a.Example.com:80/staff"], ["--host", "a.example.com", "/staff"], ["--host=a.example.com:8080", "/staff"]],
)
def test_a_host_is_named_by_a_url_or_an_option(folder, arguments):
    text = answer(folder, 0, "GET", *arguments)
    assert text.startswith("request  GET /staff\nhost     a.example.com\nroute    staff\n")


def test_a_listener_is_named_by_an_option(folder):
    text = answer(folder, 0, "GET", "/tools", "--listener", "inside")
    assert text.startswith("request   GET /tools\nlistener  inside\nroute     tools\n")
    assert answer(folder, 1, "GET", "/products/5", "--listener", "inside").splitlines()[-1].endswith(
        "is served on listeners without a name alone"
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "METHOD"),
        (["GET"], "PATH"),
        (["GET", "/a", "/b"], ""),
        (["get", "/a"], '"get" is not a method; write for example GET'),
        (["GET", "a"], '"a" is not a path'),
        (["GET", "http:///a"], "names no host"),
        (["GET", "/a", "--host", "a b"], '"a b" is not a host'),
        (["GET", "http://a/b", "--host", "c"], "write it in one place"),
        (["GET", "/a", "--listener", "insde"], 'no listener is called "insde", did you mean "inside"?'),
    ],
)
def test_wrong_arguments_are_wrong_usage(folder, arguments, words):
    done = ask(folder, *arguments)
    assert done.returncode == 2 and words in done.stderr + done.stdout


def test_a_configuration_error_is_told_as_check_tells_it(tmp_path):
    (tmp_path / "v.yaml").write_text(MAIN.replace("catalog/products", "catalogue/products").replace("include:", "#"))
    environment = {"CATALOG_KEY": "a-secret"}
    told = command("explain", "-c", "v.yaml", "GET", "/products/5", cwd=tmp_path, env=environment)
    checked = command("check", "-c", "v.yaml", cwd=tmp_path, env=environment)
    assert told.returncode == checked.returncode == 78
    assert told.stderr == checked.stderr and "catalogue" in told.stderr and told.stdout == ""
