"""The commands and their exit statuses (SPEC section 1)."""
import re
import socket

import pytest

from support.gateway import Gateway, command, proxy_config, respond_config, write_config
from support.upstream import refused_url

BAD = """\
server:
  listn: 127.0.0.1:0
  workers: many
  limits: {headers: 0}
upstreams:
  catalog: {url: "http://127.0.0.1:1"}
routes:
  - {name: a, path: "/a", view: proxy-fetch, source: "catalogue/x"}
  - {name: a, path: "/b", view: nothing}
"""


def text_of(done):
    return done.stdout + done.stderr


def test_check_says_ok_with_the_numbers_of_routes_and_upstreams(tmp_path):
    file = write_config(tmp_path / "v.yaml", proxy_config("http://127.0.0.1:1"))
    done = command("check", "-c", file)
    assert done.returncode == 0
    assert re.search(re.escape(str(file)) + r": ok \(1 routes?, 1 upstreams?\)", done.stdout)


def test_check_binds_nothing(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r"), server={"listen": f"127.0.0.1:{port}"}))
        assert command("check", "-c", file).returncode == 0


def test_check_reports_every_error_with_its_place(tmp_path):
    file = write_config(tmp_path / "v.yaml", BAD)
    done = command("check", "-c", file)
    assert done.returncode == 78
    text = text_of(done)
    for line, key in (
        (2, "server.listn"),
        (3, "server.workers"),
        (4, "server.limits.headers"),
        (8, "source"),
        (9, "view"),
    ):
        assert re.search(
            rf"{re.escape(str(file))}:{line}:\d+: \S*{re.escape(key)}", text
        ), f"nothing about {key} in line {line}:\n{text}"
    assert 'did you mean "listen"?' in text and 'did you mean "catalog"?' in text


def test_run_refuses_a_bad_configuration_with_the_words_of_check(tmp_path):
    file = write_config(tmp_path / "v.yaml", BAD)
    run, check = command("run", "-c", file), command("check", "-c", file)
    assert run.returncode == 78
    for line in text_of(check).splitlines():
        if line.startswith(str(file)):
            assert line in text_of(run)


@pytest.mark.parametrize("name", ["run", "check", "routes", "health"])
def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path, name):
    done = command(name, "-c", tmp_path / "none.yaml")
    assert done.returncode == 78 and "none.yaml" in text_of(done)


@pytest.mark.parametrize(
    "text", ["", "[]", "text", "{", "a: b: c", "\0", "routes: []\nroutes: []", "- a\n- b", "&a [*a]", "\xff\xfe"]
)
def test_what_is_no_configuration_is_a_configuration_error(tmp_path, text):
    file = tmp_path / "v.yaml"
    file.write_bytes(text.encode("latin-1"))
    done = command("check", "-c", file)
    assert done.returncode == 78
    assert str(file) in text_of(done)


def test_a_port_in_use_is_a_failure_at_run_time(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r"), server={"listen": f"127.0.0.1:{port}"}))
        done = command("run", "-c", file)
    assert done.returncode == 1
    assert str(port) in text_of(done)


def test_an_admin_port_in_use_is_a_failure_at_run_time(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r"), admin={"listen": f"127.0.0.1:{port}"}))
        assert command("run", "-c", file).returncode == 1


def test_a_second_gateway_on_the_same_port_does_not_share_it(world, tmp_path):
    """SO_REUSEPORT is between the loops of one process: a second process would take half of the connections."""
    gw = world.gateway(respond_config(("r", "/r")))
    file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r"), server={"listen": f"127.0.0.1:{gw.port}"}))
    done = command("run", "-c", file)
    assert done.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["run", "--nonsense"],
        ["check", "-c"],
        ["run", "extra", "words"],
        ["-c", "x"],
        ["version", "--nonsense"],
    ],
)
def test_wrong_usage_is_2(arguments):
    done = command(*arguments)
    assert done.returncode == 2
    assert text_of(done).strip()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["check", "--help"]])
def test_help_is_no_failure(arguments):
    done = command(*arguments)
    assert done.returncode == 0 and "-c" in done.stdout or "check" in done.stdout


def test_version_names_itself_and_its_libraries():
    done = command("version")
    assert done.returncode == 0
    assert re.search(r"viewgate \d+\.\d+", done.stdout)
    for library in ("libuv", "c-ares", "libyaml", "hiredis"):
        assert re.search(re.escape(library) + r"\W+\d+\.\d+", done.stdout), done.stdout


def test_routes_prints_a_table(tmp_path):
    config = respond_config(
        ("shop-item", "/shop/{id:int}", {"methods": ["GET", "POST"], "timeout": "3s"}), ("home", "/")
    )
    config["routes"].append({"name": "moved", "path": "/old", "view": "redirect", "to": "/new"})
    done = command("routes", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 0
    [item] = [line for line in done.stdout.splitlines() if "shop-item" in line]
    for word in ("GET", "POST", "/shop/{id:int}", "respond", "timeout"):
        assert word in item
    [moved] = [line for line in done.stdout.splitlines() if "moved" in line]
    assert "redirect" in moved and "/old" in moved


def test_routes_of_a_bad_configuration_is_a_configuration_error(tmp_path):
    assert command("routes", "-c", write_config(tmp_path / "v.yaml", BAD)).returncode == 78


def free_port():
    return int(refused_url().rsplit(":", 1)[1])


def test_health_asks_the_running_gateway(world):
    config = respond_config(("r", "/r"), admin={"listen": f"127.0.0.1:{free_port()}"})
    gw = world.gateway(config)
    assert command("health", "-c", gw.config_file).returncode == 0


def test_health_of_a_gateway_that_does_not_run_fails(tmp_path):
    file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r"), admin={"listen": f"127.0.0.1:{free_port()}"}))
    assert command("health", "-c", file).returncode == 1


def test_health_without_an_admin_listener_says_so(tmp_path):
    done = command("health", "-c", write_config(tmp_path / "v.yaml", respond_config(("r", "/r"))))
    assert done.returncode not in (0, 2) and "admin" in text_of(done)


@pytest.mark.parametrize(
    "key, value, where",
    [
        ("plugins", [{"path": "/x.so"}], "top"),
        ("databases", {"shop": {"url": "sqlite:///x"}}, "top"),
        ("cache", "5m", "route"),
        ("auth", {"basic": "/x"}, "route"),
        ("cors", {"origins": ["*"]}, "route"),
        ("compress", True, "route"),
        ("csrf", True, "route"),
        ("ip", {"allow": ["10.0.0.0/8"]}, "route"),
    ],
)
def test_what_is_not_built_yet_is_refused_by_name(tmp_path, key, value, where):
    config = proxy_config("http://127.0.0.1:1")
    (config if where == "top" else config["routes"][0])[key] = value
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 78
    assert re.search(rf'"?{key}"?.* not supported', text_of(done)), text_of(done)


@pytest.mark.parametrize("key, value", [("required", True), ("default", {})])
def test_an_undo_refuses_what_it_could_not_obey(tmp_path, key, value):
    undo = {"call": "up/x", key: value}
    for route in ({"undo": undo}, {"after": {"pay": {"call": "up/pay", "undo": undo}}}):
        config = proxy_config("http://127.0.0.1:1", route={"view": "create", "source": "up/x", **route})
        done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
        assert done.returncode == 78 and f"undo.{key}" in text_of(done), text_of(done)


@pytest.mark.parametrize(
    "change, word",
    [
        ({"listener": "nowhere"}, "nowhere"),
        ({"mixins": ["unknown-one"]}, "unknown-one"),
        ({"extends": "unknown-base"}, "unknown-base"),
        ({"path": "/a/{rest...}/b"}, "rest"),
        ({"path": "no-slash"}, "path"),
        ({"path": "/{id}/{id}"}, "id"),
        ({"path": "/{id:float}"}, "float"),
        ({"source": "up/{nope}"}, "nope"),
        ({"source": "http://x.example/"}, "upstream"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": 3}, "timeout"),
        ({"methods": ["G ET"]}, "methods"),
        ({"timeout": {"after": "1s", "status": 200}}, "status"),
        ({"host": "a b"}, "host"),
        ({"source": None}, "source"),
    ],
)
def test_a_route_that_cannot_work_is_a_configuration_error_that_names_it(tmp_path, change, word):
    config = proxy_config("http://127.0.0.1:1", route=change)
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 78 and word in text_of(done), text_of(done)


@pytest.mark.parametrize(
    "change, word",
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://x:99999"}, "url"),
        ({"url": "http://user:pass@x"}, "url"),
        ({"url": "http://x/?q=1"}, "url"),
        ({"balance": "random"}, "balance"),
        ({"pool": {"connections": 0}}, "connections"),
        ({"retry": {"budget": "120%"}}, "budget"),
        ({"retry": {"attempts": -1}}, "attempts"),
        ({"timeout": "-1s"}, "timeout"),
        ({"urls": []}, "url"),
        ({"balance": "hash", "hash_by": "cookie"}, "hash_by"),
        ({"headers": {"X Bad": "1"}}, "headers"),
        ({"headers": {"X-A": "a\r\nb"}}, "headers"),
    ],
)
def test_an_upstream_that_cannot_work_is_a_configuration_error_that_names_it(tmp_path, change, word):
    config = proxy_config("http://127.0.0.1:1", upstream=change)
    done = command("check", "-c", write_config(tmp_path / "v.yaml", config))
    assert done.returncode == 78 and word in text_of(done), text_of(done)


class TestSubstitution:
    def answer(self, world, text, env=None):
        gw = world.gateway(respond_config({"name": "r", "path": "/r", "view": "respond", "text": text}), env=env)
        return gw.get("/r").text

    def test_a_variable_of_the_environment(self, world):
        assert self.answer(world, "a ${VG_TEST} b", {"VG_TEST": "value"}) == "a value b"

    def test_a_default_where_it_is_not_set(self, world):
        assert self.answer(world, "${VG_UNSET:-fallback}") == "fallback"

    def test_a_dollar_that_is_meant(self, world):
        assert self.answer(world, "$${VG_TEST}") == "${VG_TEST}"

    def test_a_file_without_its_last_newline(self, world, tmp_path):
        (tmp_path / "secret").write_text("line one\nline two\n")
        assert self.answer(world, "${file:%s}" % (tmp_path / "secret")) == "line one\nline two"

    def test_a_value_creates_no_structure_no_template_and_no_further_substitution(self, world):
        value = '${HOME} {id} {{x}} "}, b: [1'
        assert self.answer(world, "<${VG_TEST}>", {"VG_TEST": value}) == f"<{value}>"

    def test_an_unset_variable_without_default_is_an_error(self, tmp_path):
        file = write_config(
            tmp_path / "v.yaml", respond_config({"name": "r", "path": "/r", "view": "respond", "text": "${VG_UNSET}"})
        )
        done = command("check", "-c", file)
        assert done.returncode == 78 and "VG_UNSET" in text_of(done)


class TestIncludes:
    def test_included_files_add_routes(self, world):
        home = world.directory
        (home / "routes").mkdir()
        for name in ("b", "a"):
            write_config(
                home / "routes" / f"{name}.yaml",
                {"routes": [{"name": name, "path": f"/{name}", "view": "respond", "text": name}]},
            )
        gw = world.gateway({**respond_config(("main", "/main")), "include": [str(home / "routes" / "*.yaml")]})
        assert [gw.get(f"/{n}").text for n in ("a", "b", "main")] == ["a", "b", "main"]

    def test_a_name_defined_twice_names_both_places(self, tmp_path):
        write_config(tmp_path / "more.yaml", {"upstreams": {"up": {"url": "http://127.0.0.1:2"}}})
        file = write_config(tmp_path / "v.yaml", {**proxy_config("http://127.0.0.1:1"), "include": ["more.yaml"]})
        done = command("check", "-c", file)
        assert done.returncode == 78
        assert "more.yaml:" in text_of(done) and "v.yaml:" in text_of(done)

    def test_files_that_include_each_other_are_an_error_not_a_loop(self, tmp_path):
        write_config(tmp_path / "a.yaml", {"include": ["v.yaml"]})
        file = write_config(tmp_path / "v.yaml", {**respond_config(("r", "/r")), "include": ["a.yaml"]})
        assert command("check", "-c", file).returncode == 78


class TestInheritance:
    def test_settings_come_weakest_first_from_defaults_extends_mixins_and_the_route(self, world):
        config = respond_config()
        config["mixins"] = {
            "one": {"headers": {"X-A": "mixin-one", "X-B": "mixin-one"}},
            "two": {"headers": {"X-B": "mixin-two"}},
        }
        config["views"] = {
            "base": {
                "view": "respond",
                "text": "base",
                "status": 202,
                "headers": {"X-A": "base", "X-C": "base", "X-D": "base"},
            }
        }
        config["routes"] = [
            {
                "name": "r",
                "path": "/r",
                "extends": "base",
                "mixins": ["one", "two"],
                "headers": {"X-C": "route", "X-D": None},
            }
        ]
        answer = world.gateway(config).get("/r")
        assert answer.status == 202 and answer.text == "base"
        assert [answer.headers.get(n) for n in ("X-A", "X-B", "X-C", "X-D")] == [
            "mixin-one",
            "mixin-two",
            "route",
            None,
        ]

    def test_a_setting_foreign_to_the_view_is_an_error(self, tmp_path):
        file = write_config(tmp_path / "v.yaml", respond_config(("r", "/r", {"stream_idle": "5s"})))
        done = command("check", "-c", file)
        assert done.returncode == 78 and "stream_idle" in text_of(done)


def test_a_gateway_that_ends_at_its_start_leaves_nothing_listening(tmp_path):
    """One listener that can be bound, one that can't: the first is not left serving."""
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = [f"127.0.0.1:{port}", f"127.0.0.1:{taken.getsockname()[1]}"]
        gw = Gateway(tmp_path, respond_config(("r", "/r"), server={"listen": listen}), wait=False)
        assert gw.wait_exit() == 1
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
