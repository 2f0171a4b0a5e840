"""Settings beside routes and upstreams that a reload changes: log, admin listener, limits, timeouts (SPEC section 12)."""
import json

import pytest

from support import wire
from support.client import Client
from support.gateway import respond_config, wait_until


def test_a_log_that_moved_is_written_at_its_new_place(world):
    old, new = world.directory / "old.log", world.directory / "new.log"
    gw = world.gateway(respond_config(("r", "/{rest...}"), log={"file": str(old)}), log_file=old)
    gw.get("/in-old")
    wait_until(lambda: "/in-old" in old.read_text())
    gw.reload(respond_config(("r", "/{rest...}"), log={"file": str(new)}))
    wait_until(lambda: new.exists() and "reloaded" in new.read_text())
    gw.get("/in-new")
    wait_until(lambda: "/in-new" in new.read_text())
    assert "/in-new" not in old.read_text()


def test_a_log_that_becomes_json_has_no_line_of_text_after_the_first_of_json(world):
    path = world.directory / "gw.log"
    gw = world.gateway(respond_config(("r", "/{rest...}"), log={"file": str(path)}), log_file=path)
    gw.get("/text")
    wait_until(lambda: "/text" in path.read_text())
    gw.reload(respond_config(("r", "/{rest...}"), log={"file": str(path), "format": "json"}))
    wait_until(lambda: '"reloaded' in path.read_text())
    gw.get("/json")
    wait_until(lambda: "/json" in path.read_text())
    lines = path.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("{"))
    for line in lines[first:]:
        json.loads(line)


def test_an_admin_listener_comes_and_goes(world):
    gw = world.gateway(respond_config(("r", "/r")))
    gw.reload(respond_config(("r", "/r"), admin={"listen": "127.0.0.1:0"}))
    wait_until(lambda: gw.admin_address, what="an admin listener")
    assert gw.admin("/readyz").status == 200
    gw.reload(respond_config(("new", "/r")))
    wait_until(lambda: gw.get("/r").text == "new")

    def refused():
        try:
            gw.admin("/readyz")
        except OSError:
            return True
        except wire.Truncated:
            return False
        return False

    wait_until(refused, what="the admin listener gone")


def test_the_socket_file_of_an_admin_listener_goes_with_it(world):
    def admin_on(name):
        return respond_config(("r", "/r"), admin={"listen": f"unix:{world.directory}/{name}"})

    gw = world.gateway(admin_on("first.sock"))
    first, second = world.directory / "first.sock", world.directory / "second.sock"
    with Client(str(first)) as client:
        assert client.get("/readyz").status == 200
    gw.reload(admin_on("second.sock"))
    wait_until(lambda: second.exists() and not first.exists(), what="the other socket file")
    with Client(str(second)) as client:
        assert client.get("/readyz").status == 200
    gw.stop()
    assert not second.exists()


def test_a_raised_limit_of_connections_lets_the_waiting_in(world):
    def limited(count):
        return respond_config(("r", "/r"), server={"limits": {"connections": count}})

    gw = world.gateway(limited(2))
    clients = [gw.connect() for _ in range(4)]
    assert [c.get("/r").status for c in clients[:2]] == [200, 200]
    for client in clients[2:]:
        client.send(wire.request("GET", "/r"))
    gw.reload(limited(10))
    assert [c.read_response().status for c in clients[2:]] == [200, 200]


def test_timeouts_that_changed_hold_for_new_connections(world):
    def idle(after):
        return respond_config(
            {"name": "r", "path": "/r", "view": "respond", "text": after}, server={"timeouts": {"idle": after}}
        )

    gw = world.gateway(idle("60s"))
    gw.reload(idle("200ms"))
    wait_until(lambda: gw.get("/r").text == "200ms")
    client = gw.connect()
    assert client.get("/r").status == 200
    client.assert_closed()


@pytest.mark.parametrize("before, after, status", [("strict", "ignore", 200), ("ignore", "strict", 404)])
def test_a_changed_trailing_slash_holds(world, before, after, status):
    def config(mode):
        return respond_config(
            {"name": "r", "path": "/r", "view": "respond", "text": mode}, server={"trailing_slash": mode}
        )

    gw = world.gateway(config(before))
    gw.reload(config(after))
    wait_until(lambda: gw.get("/r").text == after)
    assert gw.get("/r/").status == status
