"""The gateway and a real redis-server: signing in, being told apart, going away and coming back; what is said of it."""
import json
import socket

import pytest

from support.gateway import command, respond_config, wait_until, write_config
from support.redis import Redis, free_port

ADMIN = {"listen": "127.0.0.1:0"}


@pytest.fixture
def redis(world):
    return world.own(Redis(world.directory / "redis"))


def config(url, workers=2, timeout="2s", **more):
    return respond_config(
        ("home", "/"), server={"workers": workers}, admin=ADMIN, redis={"url": url, "timeout": timeout, **more}
    )


def status(gw):
    return json.loads(gw.admin("/status").body)["redis"]


def wait_state(gw, wanted):
    wait_until(lambda: status(gw)["state"] == wanted, what=f"redis {wanted}")


def names(redis):
    return redis.command("CLIENT", "LIST").count("name=viewgate ")


def test_every_worker_connects_once_and_it_is_said_once(world, redis):
    gw = world.gateway(config(redis.url, workers=3))
    wait_until(lambda: names(redis) >= 3)
    wait_state(gw, "up")
    assert gw.metric("viewgate_redis_up") == 1
    assert gw.metric("viewgate_redis_connects_total") == 3
    assert sum("is connected" in line for line in gw.lines) == 1


def test_a_unix_socket_with_a_database(world):
    redis = world.own(Redis(world.directory / "redis", unix=True))
    gw = world.gateway(config(redis.url + "?db=3"))
    wait_state(gw, "up")
    assert "db=3" in redis.command("CLIENT", "LIST")
    assert status(gw)["address"] == redis.url + "?db=3"


def test_a_password_signs_in_and_never_shows(world, tmp_path):
    redis = world.own(Redis(world.directory / "redis", password="to@p/s3cret"))
    (tmp_path / "password").write_text("to@p/s3cret\n")
    gw = world.gateway(config("redis://:${file:%s}@127.0.0.1:%d/0" % (tmp_path / "password", redis.port)))
    wait_state(gw, "up")
    assert "s3cret" not in "\n".join(gw.lines) + gw.admin("/status").text + gw.admin("/metrics").text


@pytest.mark.parametrize("password, words", [("", "it asks for a password"), (":wrong@", "password in redis.url is wrong")])
def test_without_the_right_password_it_is_down_and_says_why_once(world, password, words):
    redis = world.own(Redis(world.directory / "redis", password="right"))
    gw = world.gateway(config(f"redis://{password}127.0.0.1:{redis.port}"))
    wait_state(gw, "down")
    assert words in status(gw)["last_error"]
    wait_until(lambda: gw.metric("viewgate_redis_up") == 0)
    assert gw.get("/").status == 200
    redis.command("CONFIG", "SET", "requirepass", "" if not password else "wrong")
    redis.password = None if not password else "wrong"
    wait_state(gw, "up")
    gw.wait_log("answers again")
    said = [line.partition("can't be used: ")[2] for line in gw.lines if "can't be used" in line]
    assert said and len(said) == len(set(said))  # each reason of the outage once
    assert sum("answers again" in line for line in gw.lines) == 1


def test_a_redis_that_is_not_there_never_stops_a_start(world):
    port = free_port()
    gw = world.gateway(config(f"redis://127.0.0.1:{port}"))
    gw.wait_log("can't be used: .*connection refused")
    assert gw.get("/").status == 200
    assert status(gw)["state"] == "down"


def test_a_name_that_does_not_resolve_never_stops_a_start(world):
    gw = world.gateway(config("redis://nowhere.invalid"))
    gw.wait_log("can't be used: .*nowhere.invalid", timeout=20)
    assert gw.get("/").status == 200


def test_check_contacts_nobody(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.setblocking(False)
        file = write_config(tmp_path / "viewgate.yaml", config(f"redis://127.0.0.1:{listener.getsockname()[1]}"))
        assert command("check", "-c", file).returncode == 0
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_killed_and_started_again_it_is_found(world, redis):
    gw = world.gateway(config(redis.url))
    wait_state(gw, "up")
    redis.kill()
    wait_state(gw, "down")
    redis.start()
    wait_state(gw, "up")
    gw.wait_log("answers again")
    said = [line.partition("can't be used: ")[2] for line in gw.lines if "can't be used" in line]
    assert said and len(said) == len(set(said))  # each reason of the outage once
    assert sum("answers again" in line for line in gw.lines) == 1


@pytest.mark.parametrize(
    "words, back, why",
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "memory is full"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "read-only replica"),
        (("ACL", "SETUSER", "default", "-eval"), ("ACL", "SETUSER", "default", "+eval"), "lacks a permission"),
    ],
)
def test_a_redis_that_takes_no_writes_is_down_until_it_does(world, redis, words, back, why):
    redis.command(*words)
    gw = world.gateway(config(redis.url))
    wait_state(gw, "down")
    assert why in status(gw)["last_error"]
    redis.command(*back)
    wait_state(gw, "up")


def test_a_reload_keeps_what_did_not_change_and_replaces_what_did(world, redis):
    other = world.own(Redis(world.directory / "other"))
    gw = world.gateway(config(redis.url))
    wait_until(lambda: names(redis) == 2)
    ids = redis.command("CLIENT", "LIST")
    gw.reload()
    gw.wait_log("reloaded")
    assert gw.metric("viewgate_redis_connects_total") == 2
    gw.reload(config(other.url))
    wait_until(lambda: names(other) == 2 and names(redis) == 0)
    assert status(gw)["address"] == other.url and ids
    gw.reload(respond_config(("home", "/"), server={"workers": 2}, admin=ADMIN))
    wait_until(lambda: names(other) == 0)
    assert "redis" not in json.loads(gw.admin("/status").body)
    assert gw.metric("viewgate_redis_up") is None


def test_a_server_that_is_no_redis_is_said_so(world):
    web = world.gateway(respond_config(("web", "/")))
    gw = world.gateway(config(f"redis://127.0.0.1:{web.port}"))
    wait_state(gw, "down")
    assert "not Redis's protocol" in status(gw)["last_error"]
    assert gw.get("/").status == 200


def purge(gw):
    return gw.admin("/cache/purge?tag=catalog/articles", method="POST")


def test_a_purge_is_told_to_redis(world, redis):
    gw = world.gateway(config(redis.url))
    wait_state(gw, "up")
    assert redis.command("EXISTS", "viewgate:drops") == 0
    assert purge(gw).status == 200
    assert redis.command("EXISTS", "viewgate:drops") == 1


def test_a_purge_that_redis_does_not_hear_of_says_so(world, redis):
    gw = world.gateway(config(redis.url))
    wait_state(gw, "up")
    redis.stop()
    wait_state(gw, "down")
    answer = purge(gw)
    assert answer.status == 503 and "not in Redis" in answer.text
