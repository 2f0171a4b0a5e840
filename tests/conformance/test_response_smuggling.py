"""A malformed answer of an upstream is 502 (or a visible end where the head has gone out); its connection is never used
again and nothing of it reaches the next client. RFC 9112 sections 4 to 7, 9.2 and 11.2."""
import pytest

from support import wire

OK = b"HTTP/1.1 200 OK\r\n"
INJECTED = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Injected: yes\r\n\r\ninjected"


def answer(*fields, body=b"", status=b"HTTP/1.1 200 OK"):
    return b"\r\n".join([status, *fields]) + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def stage(module_world):
    """/bad answers what the test put into `bad`; every other path answers itself."""
    script = {}

    def handler(request, connection):
        if request.path == "/bad":
            connection.send(script["bad"])
            if script.get("close"):
                connection.close()
            return None
        return wire.response(body=request.target.encode())

    gw, up = module_world.proxy(handler, upstream={"timeout": "3s"}, server={"workers": 1})
    return gw, up, script


COUNT = 0


def assert_next_client_unharmed(gw, up, used):
    """Three more requests get their own answers, none over a connection in `used`."""
    global COUNT
    for _ in range(3):
        COUNT += 1
        found = gw.get(f"/good/{COUNT}")
        assert (found.status, found.text) == (200, f"/good/{COUNT}")
        assert "x-injected" not in found.headers
        assert up.last().connection.index not in used, "the connection of a malformed answer was used again"


def assert_502(stage, data, method="GET", close=False):
    gw, up, script = stage
    script.update(bad=data, close=close)
    client = gw.connect()
    found = client.request(method, "/bad")
    assert found.status == 502, found
    used = {r.connection.index for r in up.requests if r.path == "/bad"}
    assert_next_client_unharmed(gw, up, used)
    if "close" not in found.headers.tokens("connection"):
        assert client.get("/own").text == "/own"


HEADS = {
    "lengths that differ": answer(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "a list of lengths that differ": answer(b"Content-Length: 5, 6", body=b"hello!"),
    "length and chunked": answer(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"),
    "chunked and length": answer(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"5\r\nhello\r\n0\r\n\r\n"),
    "a negative length": answer(b"Content-Length: -5", body=b"hello"),
    "a signed length": answer(b"Content-Length: +5", body=b"hello"),
    "a length that is no number": answer(b"Content-Length: five", body=b"hello"),
    "an empty length": answer(b"Content-Length:", body=b""),
    "a length of 2^64": answer(b"Content-Length: 18446744073709551616", body=b"hello"),
    "an unknown coding": answer(b"Transfer-Encoding: gzip", body=b"hello"),
    "an unknown coding before chunked": answer(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked before another coding": answer(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunked twice": answer(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "an obfuscated coding": answer(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "an empty coding": answer(b"Transfer-Encoding: ", body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": answer(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", status=b"HTTP/1.0 200 OK"),
    "a blank before the colon": answer(b"Content-Length : 5", body=b"hello"),
    "a folded line": answer(b"X-A: b\r\n c", b"Content-Length: 5", body=b"hello"),
    "a folded coding": answer(b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
    "bare LF behind the status line": b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
    "bare LF behind a field": b"HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 5\r\n\r\nhello",
    "bare LF at the end of the head": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello",
    "bare CR in a value": answer(b"X-A: b\rc", b"Content-Length: 5", body=b"hello"),
    "a NUL in a value": answer(b"X-A: b\0c", b"Content-Length: 5", body=b"hello"),
    "a control character in a value": answer(b"X-A: b\x01c", b"Content-Length: 5", body=b"hello"),
    "a NUL in a name": answer(b"X\0A: b", b"Content-Length: 5", body=b"hello"),
    "an empty name": answer(b": b", b"Content-Length: 5", body=b"hello"),
    "no colon": answer(b"nonsense", b"Content-Length: 5", body=b"hello"),
    "a blank in a name": answer(b"X A: b", b"Content-Length: 5", body=b"hello"),
    "a NUL in the reason": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 200 O\0K"),
    "a control character in the reason": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 200 O\x01K"),
    "bare CR in the reason": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 200 O\rK"),
    "status 99": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 99 Low"),
    "status 099": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 099 Low"),
    "status 600": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 600 High"),
    "status 1000": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 1000 High"),
    "status 20": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 20 OK"),
    "a status that is no number": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 2x0 OK"),
    "a negative status": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1 -200 OK"),
    "HTTP/2.0": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/2.0 200 OK"),
    "HTTP/0.9": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/0.9 200 OK"),
    "another protocol": answer(b"Content-Length: 5", body=b"hello", status=b"ICY 200 OK"),
    "a small version": answer(b"Content-Length: 5", body=b"hello", status=b"http/1.1 200 OK"),
    "two blanks in the status line": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1  200 OK"),
    "a leading blank": answer(b"Content-Length: 5", body=b"hello", status=b" HTTP/1.1 200 OK"),
    "no status": answer(b"Content-Length: 5", body=b"hello", status=b"HTTP/1.1"),
    "a body without head": b"<html>hello</html>\r\n\r\n",
    "binary": bytes(range(256)),
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a switch of protocols nobody asked for": answer(
        b"Connection: Upgrade", b"Upgrade: websocket", status=b"HTTP/1.1 101 Switching Protocols"
    ),
    "101 without Upgrade": answer(status=b"HTTP/1.1 101 Switching Protocols"),
    "a head that never ends": OK + b"X-A: " + b"x" * 300_000,
    "too many fields": OK + b"".join(b"X-%d: 1\r\n" % i for i in range(5000)) + b"\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_malformed_head_is_502(stage, name):
    assert_502(stage, HEADS[name])


@pytest.mark.parametrize("name", ["lengths that differ", "length and chunked", "a folded line", "a NUL in a value"])
def test_a_malformed_head_in_answer_to_head_is_502(stage, name):
    assert_502(stage, HEADS[name].split(b"\r\n\r\n")[0] + b"\r\n\r\n", method="HEAD")


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"H",
        b"HTTP/1.1",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
)
def test_an_answer_that_ends_in_its_head_is_502(stage, part):
    assert_502(stage, part, close=True)


def test_informational_answers_without_end_are_bounded(stage):
    assert_502(stage, (b"HTTP/1.1 103 Early Hints\r\nLink: </" + b"a" * 1000 + b">\r\n\r\n") * 3000, close=True)


CHUNKS = {
    "no number": b"g\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "2^64+5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare LF behind the content": b"5\r\nhello\n0\r\n\r\n",
    "more than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "a blank behind the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "an empty line": b"\r\nhello",
    "bare LF at the end": b"5\r\nhello\r\n0\r\n\n",
    "a bad trailer": b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
    "a NUL in an extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "a folded trailer": b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_never_makes_a_complete_answer(stage, name):
    gw, up, script = stage
    script.update(bad=answer(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n" + CHUNKS[name]), close=False)
    client = gw.connect().send(wire.request("GET", "/bad"))
    try:
        assert client.read_response().status == 502
    except wire.Truncated:
        pass  # the head had gone out: the end is visible
    used = {r.connection.index for r in up.requests if r.path == "/bad"}
    assert_next_client_unharmed(gw, up, used)


EXTRA = {
    "behind a sized body": answer(b"Content-Length: 5", body=b"hello"),
    "behind a chunked body": answer(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"),
    "behind 204": answer(status=b"HTTP/1.1 204 No Content"),
    "behind 304": answer(b"Content-Length: 5", status=b"HTTP/1.1 304 Not Modified"),
    "behind an empty body": answer(b"Content-Length: 0"),
}


@pytest.mark.parametrize("name", EXTRA)
def test_a_second_answer_nobody_asked_for_never_reaches_anyone(stage, name):
    gw, up, script = stage
    script.update(bad=EXTRA[name] + INJECTED, close=False)
    client = gw.connect()
    found = client.get("/bad")
    assert found.status in (200, 204, 304, 502)
    assert b"injected" not in found.body
    used = {r.connection.index for r in up.requests if r.path == "/bad"}
    assert_next_client_unharmed(gw, up, used)


def test_a_body_in_answer_to_head_never_reaches_anyone(stage):
    gw, up, script = stage
    script.update(bad=answer(b"Content-Length: %d" % len(INJECTED), body=INJECTED), close=False)
    client = gw.connect()
    assert client.request("HEAD", "/bad").status in (200, 502)
    used = {r.connection.index for r in up.requests if r.path == "/bad"}
    assert_next_client_unharmed(gw, up, used)
    assert client.get("/own").text == "/own"


def test_a_body_of_204_never_reaches_anyone(stage):
    gw, up, script = stage
    script.update(
        bad=answer(b"Content-Length: %d" % len(INJECTED), body=INJECTED, status=b"HTTP/1.1 204 No Content"), close=False
    )
    client = gw.connect()
    assert client.get("/bad").status in (204, 502)
    used = {r.connection.index for r in up.requests if r.path == "/bad"}
    assert_next_client_unharmed(gw, up, used)


def test_an_answer_sent_on_an_idle_connection_never_reaches_anyone(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=r.target.encode()))
    for i in range(10):
        assert gw.get(f"/{i}").text == f"/{i}"
        count = len(up.connections)
        up.connections[-1].send(INJECTED)
        found = gw.get(f"/next/{i}")
        assert (found.status, found.text) == (200, f"/next/{i}")
        assert len(up.connections) == count + 1


def test_two_lengths_that_agree_are_502_or_one_length(stage):
    gw, up, script = stage
    script.update(bad=answer(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), close=False)
    found = gw.get("/bad")
    assert found.status == 502 or (found.body == b"hello" and found.headers.one("content-length") == "5")


def test_an_early_final_answer_ends_the_use_of_a_connection_that_still_takes_a_body(world):
    """The upstream answers before the upload is over: what is left of the upload must not become its next request."""

    def early(request, connection):
        if request.target == "/early":
            connection.send(wire.response(400, [], b"no"))
            for _ in connection.body_pieces(request):
                pass
            return None
        return wire.response(body=request.target.encode())

    gw, up = world.proxy(early, read_body=False)
    body = wire.request("GET", "/smuggled")
    client = gw.connect().send(wire.request("POST", "/early", [("Content-Length", len(body))]))
    assert client.read_response().status == 400
    client.try_send(body)
    assert gw.get("/good").text == "/good"
    assert "/smuggled" not in [r.target for r in up.requests]
