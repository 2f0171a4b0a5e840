"""The upstream dies at every byte of its answer: always an error, or an end that the client can see."""
import os
import resource
import select
import threading

import pytest

from support import wire
from support.gateway import proxy_config, wait_until

ANSWERS = {
    "sized": wire.response(200, [("Content-Type", "text/plain"), ("X-A", "b")], b"0123456789", reason="OK"),
    "chunked": wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")])
    + wire.chunked(b"0123", b"456789", trailers=[("X-T", "1")]),
    "informational first": wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a>")])
    + wire.response(200, [], b"0123456789", reason="OK"),
}


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_upstream_that_ends_at_any_byte_never_makes_a_complete_answer(world, kind, end):
    whole = ANSWERS[kind]
    head_ends = whole.rindex(b"\r\n\r\n" if kind != "chunked" else b"chunked\r\n\r\n")

    def cut(request, connection):
        if request.target == "/fine":
            return wire.response(body=b"fine")
        connection.send(whole[: int(request.target[1:])])
        getattr(connection, end)()

    gw, up = world.proxy(cut)
    for at in range(len(whole)):
        client = gw.connect().send(wire.request("GET", f"/{at}"))
        try:
            answer = client.read_response()
        except wire.Truncated:
            assert at >= head_ends, f"cut at {at}, in the head, and the client got no answer"
            continue
        assert answer.status == 502, f"cut at {at} of {len(whole)}: {answer}"
    assert gw.get("/fine").body == b"fine"


@pytest.mark.parametrize("end", ["close", "reset"])
def test_an_upstream_that_ends_at_any_byte_of_the_request_is_502(world, end):
    """It leaves while the gateway still writes: after each of so many bytes read."""
    body = b"x" * 3000

    def leave(connection):
        connection.reader.exactly(next(counts), "request")
        getattr(connection, end)()

    counts = iter(range(0, 3200, 40))
    up = world.upstream(on_connection=leave)
    gw = world.gateway(proxy_config(up))
    for _ in range(70):
        assert gw.fetch("POST", "/", body=body).status == 502


def test_an_upstream_that_dies_between_answers_harms_no_later_request(world):
    served = []

    def sometimes(request, connection):
        served.append(1)
        if len(served) % 3 == 0:
            connection.send(wire.response(body=request.target.encode()))
            connection.reset()
            return None
        return wire.response(body=request.target.encode())

    gw, up = world.proxy(sometimes)
    client = gw.connect()
    for i in range(60):
        assert client.get(f"/{i}").text == f"/{i}"


def test_every_accept_and_close_at_once_is_502(world):
    up = world.upstream(on_connection=lambda c: c.reset())
    gw = world.gateway(proxy_config(up))
    client = gw.connect()
    assert [client.get("/").status for _ in range(30)] == [502] * 30


def test_running_out_of_files_is_survived(world):
    """No descriptor left: neither a crash nor a spinning loop, and service again once some are free."""
    gw, up = world.proxy(lambda r, c: wire.response(body=b"ok"))
    assert gw.get("/").status == 200
    soft, hard = resource.prlimit(gw.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gw.pid, resource.RLIMIT_NOFILE, (gw.open_files() + 5, hard))
    clients = [gw.connect().send(wire.request("GET", "/")) for _ in range(30)]
    assert select.select([c.sock for c in clients], [], [], 5)[0], "not even the first clients were served"
    before = cpu_seconds(gw.pid)
    threading.Event().wait(0.5)  # nothing moves any more: a loop that spins shows in its CPU time
    assert cpu_seconds(gw.pid) - before < 0.25
    for client in clients:
        client.close()
    resource.prlimit(gw.pid, resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: gw.get("/").status == 200)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
