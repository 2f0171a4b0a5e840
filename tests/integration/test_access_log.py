"""The access log: one line a request, text or JSON, never in the way (SPEC sections 2 and 10)."""
import json
import subprocess
import time

import pytest

from support import wire
from support.client import Client
from support.gateway import binary, proxy_config, respond_config, wait_until, write_config


def logged(world, config_routes, log, **kw):
    path = world.directory / "access.log"
    return world.gateway(respond_config(*config_routes, log={"file": str(path), **log}, **kw), log_file=path), path


def lines_with(path, word):
    return [line for line in path.read_text().splitlines() if word in line]


def wait_line(path, word):
    return wait_until(lambda: lines_with(path, word), what=f"a line with {word}")[0]


def test_a_line_of_text_says_route_status_method_and_path(world):
    gw, path = logged(world, [("shop", "/shop/{id}")], {"format": "text"})
    gw.get("/shop/unique-1")
    line = wait_line(path, "unique-1")
    for word in ("shop", "200", "GET", "/shop/unique-1", "127.0.0.1"):
        assert word in line
    assert len(lines_with(path, "unique-1")) == 1


def test_a_line_of_json_is_json_with_all_of_it(world):
    up = world.upstream(lambda r, c: wire.response(201, [], b"x" * 321))
    path = world.directory / "access.log"
    gw = world.gateway(proxy_config(up, log={"file": str(path), "format": "json"}), log_file=path)
    gw.fetch("POST", "/unique-2", body=b"y" * 123)
    entry = json.loads(wait_line(path, "unique-2"))
    assert entry["status"] == 201 and entry["method"] == "POST" and entry["route"] == "all"
    assert entry["bytes_in"] == 123 and entry["bytes_out"] > 321
    assert entry["request_id"] == up.last().headers.one("x-request-id")
    assert entry["duration_ms"] > 0 and any("upstream" in key for key in entry)


def test_every_line_of_a_json_log_is_json(world):
    gw, path = logged(world, [("r", "/{rest...}", {"methods": ["GET"]})], {"format": "json"})
    for target in ("/a", "/%22quote%22", "/back%5Cslash", "/%C3%A9", "/%FF", "/a?q=%22&b=<>"):
        gw.get(target, [("User-Agent", 'evil " agent \\ \xe9'), ("Referer", '"}')])
    gw.connect().send(b'"BROKEN"\r\n\r\n').read_response()
    gw.fetch("POST", "/post")
    gw.get("/last-one")
    wait_line(path, "last-one")
    for line in path.read_bytes().decode("utf-8").splitlines():
        json.loads(line)


def test_a_request_cannot_forge_a_line(world):
    gw, path = logged(world, [("r", "/{rest...}")], {"format": "text"})
    gw.get("/%0Aforged-line%0D%0Aforged-line", [("User-Agent", "x\t y")])
    gw.get("/marker")
    wait_line(path, "marker")
    assert not [line for line in path.read_text().splitlines() if line.startswith("forged-line")]


def test_every_request_has_exactly_one_line(world):
    gw, path = logged(
        world, [("r", "/r/{id}"), ("slow", "/slow", {"delay": "5s", "timeout": "100ms"})], {"format": "json"}
    )
    client = gw.connect()
    client.send(b"".join(wire.request("GET", f"/r/{i}") for i in range(200)))
    for _ in range(200):
        client.read_response()
    gw.get("/nothing/404")
    gw.get("/slow")
    gw.get("/r/end")
    wait_line(path, "/r/end")
    entries = [json.loads(line) for line in path.read_text().splitlines() if '"status"' in line]
    assert sorted(e["status"] for e in entries) == [200] * 201 + [404, 504]


def test_refused_requests_are_logged(world):
    gw, path = logged(world, [("r", "/r")], {"format": "json"})
    gw.connect().send(
        wire.request("GET", "/r", [("Transfer-Encoding", "chunked"), ("Content-Length", "3")])
    ).read_response()
    wait_until(lambda: any(json.loads(line).get("status") == 400 for line in path.read_text().splitlines()))


def test_a_client_that_left_is_logged(world):
    path = world.directory / "access.log"
    up = world.upstream(lambda r, c: c.peer_closed(5) and None)
    gw = world.gateway(proxy_config(up, log={"file": str(path), "format": "json"}), log_file=path)
    client = gw.connect().send(wire.request("GET", "/left-early"))
    up.wait_requests(1)
    client.reset()
    entry = json.loads(wait_line(path, "left-early"))
    assert (
        entry["status"] == 499 or entry["status"] == 0 or "abort" in json.dumps(entry) or "cancel" in json.dumps(entry)
    )


def test_access_false_writes_no_lines_of_requests(world):
    gw, path = logged(world, [("r", "/r/{id}")], {"access": False})
    gw.get("/r/unique-3")
    gw.stop()
    assert lines_with(path, "unique-3") == []


def test_secrets_are_not_logged(world):
    gw, path = logged(world, [("r", "/r")], {"format": "json"})
    gw.get("/r", [("Authorization", "Bearer s3cr3t-token"), ("Cookie", "sid=s3cr3t-cookie")])
    wait_line(path, '"/r"')
    gw.stop()
    assert "s3cr3t" not in path.read_text()


def test_lines_are_complete_at_the_end_of_the_process(world):
    gw, path = logged(world, [("r", "/r/{id}")], {"format": "json"})
    client = gw.connect()
    for i in range(50):
        client.get(f"/r/n{i}-end")
    gw.stop()
    assert len(lines_with(path, "-end")) == 50


def test_a_pipe_that_nobody_reads_blocks_nobody_and_lines_are_counted_as_dropped(world, tmp_path):
    """The log goes to stderr, stderr is a pipe, and its reader sleeps."""
    config = respond_config(("r", "/{rest...}"), admin={"listen": "127.0.0.1:0"}, server={"workers": 2})
    file = write_config(tmp_path / "v.yaml", config)
    process = subprocess.Popen([binary(), "run", "-c", str(file)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        port = admin = None
        for raw in process.stderr:  # up to ready, then never again
            line = raw.decode()
            if "admin on" in line:
                admin = int(line.split("admin on 127.0.0.1:")[1])
            elif "listening on" in line:
                port = int(line.split("listening on 127.0.0.1:")[1].split()[0])
            if line.rstrip().endswith("ready"):
                break
        begin = time.monotonic()
        with Client(("127.0.0.1", port)) as client:
            for i in range(60):
                client.send(b"".join(wire.request("GET", f"/{'x' * 200}/{i}/{k}") for k in range(100)))
                for _ in range(100):
                    assert client.read_response().status == 200
        assert time.monotonic() - begin < 20
        with Client(("127.0.0.1", admin)) as client:
            metrics = client.get("/metrics", host="127.0.0.1").text
        dropped = [line for line in metrics.splitlines() if "dropped" in line and not line.startswith("#")]
        assert dropped and sum(float(line.rsplit(" ", 1)[1]) for line in dropped) > 0
        process.terminate()
        process.wait(10)  # and it ends, too
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_log_file_that_cannot_be_opened_fails_the_start(world):
    with pytest.raises(AssertionError, match="ended with (1|78)"):
        world.gateway(respond_config(("r", "/r"), log={"file": "/nonexistent/dir/x.log"}))
