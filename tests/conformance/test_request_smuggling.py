"""Ambiguous requests are attacks: each is refused, its connection closed, and nothing of it reaches the upstream.

RFC 9112 sections 2.2, 3, 5, 6, 7 and 11; RFC 9110 sections 5.5, 7.2; SPEC section 7.
"""
import pytest

from support import wire
from support.attacks import CHUNKED, CHUNKS, FIELDS, FRAMING, LINES, line, post

FENCE = 0


@pytest.fixture(scope="module")
def stage(module_world):
    gw, up = module_world.proxy(
        lambda r, c: wire.response(body=b"served " + r.target.encode()),
        server={"timeouts": {"header": "2s", "body": "2s"}},
    )
    return gw, up


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def upstream_saw(gw, up, since):
    """What came since; a request that follows on the same loop fences what is still under way."""
    global FENCE
    FENCE += 1
    assert gw.get(f"/fence/{FENCE}").status == 200
    return [r for r in up.requests[since:] if r.complete and not r.target.startswith("/fence/")]


def assert_refused(stage, data, statuses):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect()
    client.try_send(data + SMUGGLED)
    answer = client.read_response()
    assert answer.status in statuses, answer
    assert "close" in answer.headers.tokens("connection")
    client.assert_closed()
    assert upstream_saw(gw, up, since) == []


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused(stage, name):
    statuses = (400,)
    if "2^64" in name or "digits" in name:
        statuses = (400, 413)  # a length beyond all bounds may count as too large
    elif "length" not in name:
        statuses = (400, 501)  # a coding that is misspelt may count as unknown
    assert_refused(stage, FRAMING[name], statuses)


@pytest.mark.parametrize(
    "coding",
    ["gzip", "gzip, chunked", "deflate", "identity", "xchunked", "chunkedx", "chunked-false", "cow", "br, chunked"],
)
def test_an_unknown_transfer_coding_is_501(stage, coding):
    assert_refused(stage, post(b"Transfer-Encoding: " + coding.encode(), body=b"0\r\n\r\n"), (501,))


@pytest.mark.parametrize(
    "fields",
    [
        [b"Transfer-Encoding: gzip", CHUNKED],
        [CHUNKED, b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: chunked, gzip"],
        [CHUNKED, b"Transfer-Encoding: x"],
    ],
)
def test_a_mix_of_codings_is_refused(stage, fields):
    assert_refused(stage, post(*fields, body=b"0\r\n\r\n"), (400, 501))


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_is_refused(stage, name):
    assert_refused(stage, post(CHUNKED, body=CHUNKS[name]), (400, 413) if "2^64" in name else (400,))


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_that_comes_later_than_its_head_is_refused(stage, name):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(post(CHUNKED, body=b"3\r\nabc\r\n"))
    up.wait_for(
        lambda u: any(r.target == "/attack" and not r.complete for r in u.requests[since:])
        and any(r.body for r in u.requests[since:])
    )
    client.try_send(CHUNKS[name] + SMUGGLED)
    answer = client.read_response()
    assert answer.status in ((400, 413) if "2^64" in name else (400,))
    client.assert_closed()
    assert upstream_saw(gw, up, since) == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_malformed_field_is_refused(stage, name):
    assert_refused(stage, FIELDS[name], (400,))


@pytest.mark.parametrize("name", LINES)
def test_a_malformed_request_line_is_refused(stage, name):
    assert_refused(stage, line(LINES[name]), (400, 505) if "version" in name else (400,))


@pytest.mark.parametrize("path", ["/a/..%2fattack", "/a%2f..%2fattack", "/a%2f..", "/%2e%2e%2fattack"])
def test_dots_beside_encoded_slashes_never_become_dot_segments(stage, path):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(line(b"GET " + path.encode() + b" HTTP/1.1"))
    assert client.read_response().status in (200, 400)
    for request in upstream_saw(gw, up, since):
        assert not {".", ".."} & set(request.target.split("/"))


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3.0", b"HTTP/9.9", b"HTTP/0.0"])
def test_another_major_version_is_505(stage, version):
    assert_refused(stage, line(b"GET /attack " + version), (505, 400) if version.startswith(b"HTTP/0") else (505,))


def test_the_preface_of_http_2_is_refused(stage):
    assert_refused(stage, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505))


def test_http_0_9_is_refused(stage):
    assert_refused(stage, b"GET /attack\r\n", (400, 505))


@pytest.mark.parametrize("target", [b"gateway.test:443", b"/attack", b"http://gateway.test/", b"127.0.0.1:22"])
def test_connect_opens_no_tunnel(stage, target):
    assert_refused(stage, line(b"CONNECT " + target + b" HTTP/1.1"), (400, 403, 405, 501))


def test_an_unknown_expectation_closes_nothing_but_its_request(stage):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(post(b"Expect: magic", b"Content-Length: 0"))
    assert client.read_response().status == 417
    assert upstream_saw(gw, up, since) == []


@pytest.mark.parametrize("length", [b"0005", b"5 ", b" 5", b"\t5\t"])
def test_a_length_that_may_be_read_is_read_as_everybody_does(stage, length):
    """Leading zeros and blanks around are the grammar's: accepted or refused, never read differently."""
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(post(b"Content-Length: " + length, body=b"hello") + wire.request("GET", "/second"))
    answer = client.read_response()
    if answer.status == 400:
        client.assert_closed()
        return
    assert client.read_response().body == b"served /second"
    assert [r.body for r in up.requests[since:]] == [b"hello", b""]
    assert up.requests[since].headers.one("content-length") == "5"


@pytest.mark.parametrize(
    "query", [b'a="b"', b"a=<b>", b"a={b}", b"a=b|c", b"a=b^c", b"a=b`c", b"a=[b]", b"a=%zz", b"a=%", b"a=\\"]
)
def test_a_query_beyond_the_grammar_is_refused_or_passed_safely(stage, query):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(line(b"GET /attack?" + query + b" HTTP/1.1"))
    assert client.read_response().status in (200, 400)
    assert all(r.target.startswith("/attack?a=") for r in upstream_saw(gw, up, since))


@pytest.mark.parametrize(
    "field",
    [
        b"Content_Length: 3",
        b"Content-Length\x2d: 3",
        b"X-Content-Length: 3",
        b"Transfer_Encoding: chunked",
        b"X-Transfer-Encoding: chunked",
    ],
)
def test_fields_that_only_look_like_framing_do_not_frame(stage, field):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(post(b"Content-Length: 5", field, body=b"hello") + wire.request("GET", "/second"))
    first = client.read_response()
    assert first.status in (200, 400)
    if first.status == 200:
        assert client.read_response().body == b"served /second"
        assert [r.body for r in up.requests[since:]] == [b"hello", b""]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_an_attack_cut_into_small_packets_is_still_refused(stage, size):
    gw, up = stage
    since = len(up.requests)
    data = FRAMING["length and chunked"] + SMUGGLED
    client = gw.connect()
    for i in range(0, len(data), size):
        if not client.try_send(data[i : i + size]):
            break
    assert client.read_response().status == 400
    client.assert_closed()
    assert upstream_saw(gw, up, since) == []


@pytest.mark.parametrize(
    "first",
    [
        wire.request("GET", "/good"),
        wire.request("POST", "/good", body=b"abc"),
        wire.request("POST", "/good", [("Transfer-Encoding", "chunked")], wire.chunked(b"abc")),
    ],
)
def test_an_attack_behind_a_good_request_is_refused_after_its_answer(stage, first):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(first + FRAMING["length and chunked"] + SMUGGLED)
    assert client.read_response().body == b"served /good"
    assert client.read_response().status == 400
    client.assert_closed()
    assert [r.target for r in upstream_saw(gw, up, since)] == ["/good"]


def test_framing_fields_named_by_connection_still_frame(stage):
    gw, up = stage
    since = len(up.requests)
    body = SMUGGLED
    client = gw.connect().send(post(b"Connection: Content-Length", b"Content-Length: %d" % len(body), body=body))
    assert client.read_response().status in (200, 400)
    for request in upstream_saw(gw, up, since):
        assert request.target == "/attack" and request.body == body


def test_a_get_with_a_body_keeps_its_body_to_itself(stage):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(wire.request("GET", "/attack", body=SMUGGLED) + wire.request("GET", "/second"))
    assert client.read_response().body == b"served /attack"
    assert client.read_response().body == b"served /second"
    assert [(r.target, r.body) for r in upstream_saw(gw, up, since)] == [("/attack", SMUGGLED), ("/second", b"")]


def test_options_for_the_whole_server_is_answered_or_refused_here(stage):
    gw, up = stage
    client = gw.connect().send(line(b"OPTIONS * HTTP/1.1"))
    assert client.read_response().status in (200, 204, 400, 404)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 200,
        b"\xff" * 200,
        b"\x16\x03\x01\x02\0" + b"\1" * 500,
        b"*1\r\n$4\r\nPING\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"EHLO x\r\n\r\n",
        b"{}\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(stage, garbage):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect()
    client.try_send(garbage)
    client.half_close()
    rest = client.reader.to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ") or rest.startswith(b"HTTP/1.1 505 ")
    assert rest.count(b"HTTP/1.1") <= 1
    assert upstream_saw(gw, up, since) == []
