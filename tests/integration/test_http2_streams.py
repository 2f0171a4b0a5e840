"""Many streams of one HTTP/2 connection through proxy-fetch: none waits for another, each ends alone (SPEC section 5;
RFC 9113 section 5)."""
import hashlib
import threading

import pytest

from support import wire
from support.http2 import Code, proxy
from support.upstream import Gate

MIB = 1 << 20
OPEN_LIMITS = {"limits": {"body_bytes": "1GiB"}}
SOON = 5  # seconds, many times what the tests configure less than


def test_a_slow_stream_holds_no_other(world):
    gate = Gate()

    def answer(request, connection):
        if request.path == "/slow":
            gate.hold()
        return wire.response(body=request.path.encode())

    session = proxy(world, answer)[0].http2()
    slow = session.request("GET", "/slow")
    numbers = {session.request("GET", f"/{i}"): f"/{i}" for i in range(50)}
    assert all(session.response(n).text == path for n, path in numbers.items())
    assert not session.streams[slow].over
    gate.open()
    assert session.response(slow).text == "/slow"


def test_answers_come_in_the_order_in_which_they_are_ready(world):
    gates = [threading.Event() for _ in range(10)]

    def answer(request, connection):
        assert gates[int(request.path[1:])].wait(10)
        return wire.response(body=request.path.encode())

    session = proxy(world, answer)[0].http2()
    numbers = [session.request("GET", f"/{i}") for i in range(10)]
    for i in reversed(range(10)):
        gates[i].set()
        assert session.response(numbers[i]).text == f"/{i}"
        assert not any(session.streams[n].over for n in numbers[:i])


def test_large_bodies_of_many_streams_arrive_whole_both_ways(world):
    def digest(request, connection):
        return wire.response(200, [("X-Sum", hashlib.sha1(request.body).hexdigest())], request.body)

    session = proxy(world, digest, server=OPEN_LIMITS)[0].http2()
    contents = [bytes([i]) * (2 * MIB + i) for i in range(8)]
    numbers = [session.request("POST", f"/{i}", end=False) for i in range(8)]
    for begin in range(0, 2 * MIB + 8, 100_000):  # in turns
        for number, content in zip(numbers, contents):
            session.send(number, content[begin : begin + 100_000])
    for number, content in zip(numbers, contents):
        session.end(number)
        answer = session.response(number, 30)
        assert answer.body == content and answer.headers.one("x-sum") == hashlib.sha1(content).hexdigest()


def test_bodies_flow_both_ways_at_once(world):
    def echo_pieces(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in connection.body_pieces(request):
            connection.send(wire.chunk(piece))
        connection.send(b"0\r\n\r\n")

    session = proxy(world, echo_pieces, read_body=False)[0].http2()
    number = session.request("POST", "/", end=False)
    for turn in range(1, 6):  # the next piece is sent only when this one came back
        session.send(number, b"piece")
        session.wait(lambda: session.streams[number].size == 5 * turn, "the piece")
    session.end(number)
    assert session.response(number).body == b"piece" * 5


@pytest.mark.parametrize("leave", ["cancel", "close"])
@pytest.mark.parametrize("when", ["before the head", "in the answer", "in the upload"])
def test_a_client_that_leaves_cancels_its_call(world, leave, when):
    ended = threading.Event()

    def watch(request, connection):
        if when == "in the answer":
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"first"))
        if request.path == "/watched" and connection.peer_closed(10):
            ended.set()
        connection.close()

    gw, up = proxy(world, watch, read_body=False)
    session = gw.http2()
    upload = when == "in the upload"
    number = session.request("POST" if upload else "GET", "/watched", body=b"begin" if upload else None, end=not upload)
    up.wait_requests(1)
    if when == "in the answer":
        session.head(number)
    session.cancel(number) if leave == "cancel" else session.client.close()
    assert ended.wait(SOON)


def test_timeouts_end_their_stream_alone(world):
    gate = Gate()
    gw, up = proxy(world, lambda r, c: gate.hold() if r.path == "/slow" else wire.response(body=b"ok"),
                   route={"timeout": "300ms"}, server={"timeouts": {"body": "300ms"}})
    session = gw.http2()
    slow = session.request("GET", "/slow")
    stuck = session.request("POST", "/stuck", [("content-length", "10")], b"12345", end=False)
    assert session.get("/fast").status == 200
    assert session.response(slow).status == 504
    assert session.response(stuck).status == 408
    assert session.get("/again").status == 200 and session.goaways == []
    gate.open()
    assert "/stuck" not in [r.path for r in up.completed]


def test_stream_idle_resets_an_answer_that_fell_silent(world):
    def silent(request, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunk(b"only this"))
        connection.peer_closed(10)

    session = proxy(world, silent, route={"stream_idle": "300ms"})[0].http2()
    answer = session.get("/")
    assert answer.body == b"only this" and not answer.ended and answer.reset not in (None, Code.NO_ERROR)
    assert session.goaways == []
