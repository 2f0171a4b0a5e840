"""Ambiguous requests are attacks: each is refused, its connection closed, and nothing of it reaches the upstream.

RFC 9112 sections 2.2, 3, 5, 6, 7 and 11; RFC 9110 sections 5.5, 7.2; SPEC section 7.
"""
import pytest

from support import wire

FENCE = 0


@pytest.fixture(scope="module")
def stage(module_world):
    gw, up = module_world.proxy(lambda r, c: wire.response(body=b"served " + r.target.encode()), server={"timeouts": {"header": "2s", "body": "2s"}})
    return gw, up


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def raw(*lines, body=b""):
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def post(*fields, body=b"", host=b"Host: gateway.test"):
    return raw(b"POST /attack HTTP/1.1", host, *fields, body=body)


def get(*fields, host=b"Host: gateway.test"):
    return raw(b"GET /attack HTTP/1.1", host, *fields)


def line(request_line):
    return raw(request_line, b"Host: gateway.test")


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


CHUNKED = b"Transfer-Encoding: chunked"
FRAMING = {
    "two lengths that differ": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "two lengths that agree": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "a list of lengths that agree": post(b"Content-Length: 5, 5", body=b"hello"),
    "a list of lengths that differ": post(b"Content-Length: 5, 6", body=b"hello!"),
    "a length and a comma": post(b"Content-Length: 5,", body=b"hello"),
    "length and chunked": post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "chunked and length": post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n"),
    "chunked and length 0": post(CHUNKED, b"Content-Length: 0", body=b"0\r\n\r\n"),
    "chunked and a broken length": post(CHUNKED, b"Content-Length: x", body=b"0\r\n\r\n"),
    "a signed length": post(b"Content-Length: +5", body=b"hello"),
    "a negative length": post(b"Content-Length: -5", body=b"hello"),
    "a length in hex": post(b"Content-Length: 0x5", body=b"hello"),
    "a length with a fraction": post(b"Content-Length: 5.0", body=b"hello"),
    "an exponent": post(b"Content-Length: 1e1", body=b"hello12345"),
    "a length of two words": post(b"Content-Length: 5 5", body=b"hello"),
    "an empty length": post(b"Content-Length: ", body=b""),
    "a length with letters": post(b"Content-Length: 5a", body=b"hello"),
    "a quoted length": post(b'Content-Length: "5"', body=b"hello"),
    "a length of 2^64": post(b"Content-Length: 18446744073709551616", body=b""),
    "a length of 2^64+5": post(b"Content-Length: 18446744073709551621", body=b"hello"),
    "a length of 100 digits": post(b"Content-Length: " + b"9" * 100, body=b"hello"),
    "a length with an underscore": post(b"Content-Length: 1_0", body=b"hello12345"),
    "a length in other digits": post("Content-Length: \u0665".encode(), body=b"hello"),
    "chunked twice in a list": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked twice in two fields": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "an empty coding": post(b"Transfer-Encoding: ", body=b"0\r\n\r\n"),
    "an empty element before chunked": post(b"Transfer-Encoding: , chunked", body=b"0\r\n\r\n"),
    "a vertical tab before chunked": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "a vertical tab behind chunked": post(b"Transfer-Encoding: chunked\x0b", body=b"0\r\n\r\n"),
    "a NUL behind chunked": post(b"Transfer-Encoding: chunked\0", body=b"0\r\n\r\n"),
    "quoted chunked": post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;a=b", body=b"0\r\n\r\n"),
    "chunked on a folded line": post(b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"),
    "a length on a folded line": post(b"Content-Length:\r\n 5", body=b"hello"),
    "a blank before the colon of chunked": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a tab before the colon of chunked": post(b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"),
    "a blank before the colon of a length": post(b"Content-Length : 5", body=b"hello"),
    "chunked in HTTP/1.0": raw(b"POST /attack HTTP/1.0", b"Host: gateway.test", CHUNKED, body=b"0\r\n\r\n"),
    "a leading blank before chunked": post(b" Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "bare CR behind chunked": post(b"Transfer-Encoding: chunked\r", body=b"0\r\n\r\n"),
    "bare CR before chunked": post(b"X-A: b\rTransfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "bare LF before chunked": post(b"X-A: b\nTransfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "non-ASCII chunked": post("Transfer-Encoding: chunke\u0501".encode(), body=b"0\r\n\r\n"),
}


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused(stage, name):
    statuses = (400,)
    if "2^64" in name or "digits" in name:
        statuses = (400, 413)  # a length beyond all bounds may count as too large
    elif "length" not in name:
        statuses = (400, 501)  # a coding that is misspelt may count as unknown
    assert_refused(stage, FRAMING[name], statuses)


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "deflate", "identity", "xchunked", "chunkedx", "chunked-false", "cow", "br, chunked"])
def test_an_unknown_transfer_coding_is_501(stage, coding):
    assert_refused(stage, post(b"Transfer-Encoding: " + coding.encode(), body=b"0\r\n\r\n"), (501,))


@pytest.mark.parametrize("fields", [[b"Transfer-Encoding: gzip", CHUNKED], [CHUNKED, b"Transfer-Encoding: identity"], [b"Transfer-Encoding: chunked, gzip"], [CHUNKED, b"Transfer-Encoding: x"]])
def test_a_mix_of_codings_is_refused(stage, fields):
    assert_refused(stage, post(*fields, body=b"0\r\n\r\n"), (400, 501))


CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size that is no number": b"g\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a signed size": b"+5\r\nhello\r\n0\r\n\r\n",
    "a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\nhello12345678901\r\n0\r\n\r\n",
    "a blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "a blank behind the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "a tab behind the size": b"5\t\r\nhello\r\n0\r\n\r\n",
    "a size of 2^64": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "a size of 2^64+5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a size of many digits": b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
    "bare LF behind the content": b"5\r\nhello\n0\r\n\r\n",
    "nothing behind the content": b"5\r\nhello0\r\n\r\n",
    "more content than the size": b"5\r\nhello!\r\n0\r\n\r\n",
    "CR alone behind the content": b"5\r\nhello\r0\r\n\r\n",
    "bare LF behind the last chunk": b"5\r\nhello\r\n0\n\r\n",
    "bare LF at the end": b"5\r\nhello\r\n0\r\n\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL in an extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "a control character in an extension": b"5;a=\x01\r\nhello\r\n0\r\n\r\n",
    "a quoted extension without its end": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "a NUL behind the size": b"5\0\r\nhello\r\n0\r\n\r\n",
    "a trailer without a colon": b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
    "a trailer with a blank before the colon": b"5\r\nhello\r\n0\r\nX-A : b\r\n\r\n",
    "a folded trailer": b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n",
    "bare LF behind a trailer": b"5\r\nhello\r\n0\r\nX-A: b\n\r\n",
    "a trailer with a NUL": b"5\r\nhello\r\n0\r\nX-A: b\0c\r\n\r\n",
    "a trailer without a name": b"5\r\nhello\r\n0\r\n: b\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_is_refused(stage, name):
    assert_refused(stage, post(CHUNKED, body=CHUNKS[name]), (400, 413) if "2^64" in name else (400,))


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_that_comes_later_than_its_head_is_refused(stage, name):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(post(CHUNKED, body=b"3\r\nabc\r\n"))
    up.wait_for(lambda u: any(r.target == "/attack" and not r.complete for r in u.requests[since:]) and any(r.body for r in u.requests[since:]))
    client.try_send(CHUNKS[name] + SMUGGLED)
    answer = client.read_response()
    assert answer.status in ((400, 413) if "2^64" in name else (400,))
    client.assert_closed()
    assert upstream_saw(gw, up, since) == []


FIELDS = {
    "bare LF behind a field": b"GET /attack HTTP/1.1\r\nHost: gateway.test\nX-A: b\r\n\r\n",
    "bare LF everywhere": b"GET /attack HTTP/1.1\nHost: gateway.test\n\n",
    "bare LF at the end of the head": b"GET /attack HTTP/1.1\r\nHost: gateway.test\r\n\n",
    "bare LF behind the request line": b"GET /attack HTTP/1.1\nHost: gateway.test\r\n\r\n",
    "bare CR behind a field": b"GET /attack HTTP/1.1\r\nHost: gateway.test\rX-A: b\r\n\r\n",
    "bare CR in a value": get(b"X-A: b\rc"),
    "CR CR LF": b"GET /attack HTTP/1.1\r\nHost: gateway.test\r\r\n\r\n",
    "a folded line": get(b"X-A: b\r\n c"),
    "a line folded with a tab": get(b"X-A: b\r\n\tc"),
    "a folded line after the request line": b"GET /attack HTTP/1.1\r\n X-A: b\r\nHost: gateway.test\r\n\r\n",
    "a blank before the colon": get(b"X-A : b"),
    "a tab before the colon": get(b"X-A\t: b"),
    "an empty name": get(b": b"),
    "no colon": get(b"nonsense"),
    "a blank in a name": get(b"X A: b"),
    "a quote in a name": get(b'X"A: b'),
    "brackets in a name": get(b"X(A): b"),
    "a NUL in a name": get(b"X\0A: b"),
    "a control character in a name": get(b"X\x01A: b"),
    "a byte over 127 in a name": get(b"X\xe9A: b"),
    "DEL in a name": get(b"X\x7fA: b"),
    "a NUL in a value": get(b"X-A: b\0c"),
    "a control character in a value": get(b"X-A: b\x01c"),
    "a backspace in a value": get(b"X-A: b\x08c"),
    "ESC in a value": get(b"X-A: \x1b[0m"),
    "DEL in a value": get(b"X-A: b\x7fc"),
    "a vertical tab in a value": get(b"X-A: b\x0bc"),
    "a form feed in a value": get(b"X-A: b\x0cc"),
    "no Host": raw(b"GET /attack HTTP/1.1", b"X-A: b"),
    "two Hosts": get(b"Host: gateway.test"),
    "two Hosts that differ": get(b"Host: other.test"),
    "Host with a blank": get(host=b"Host: gateway.test other.test"),
    "Host with a list": get(host=b"Host: gateway.test, other.test"),
    "Host with a path": get(host=b"Host: gateway.test/x"),
    "Host with a query": get(host=b"Host: gateway.test?x"),
    "Host with a fragment": get(host=b"Host: gateway.test#x"),
    "Host with user information": get(host=b"Host: user@gateway.test"),
    "Host with a backslash": get(host=b"Host: gateway.test\\x"),
    "Host with a port that is no number": get(host=b"Host: gateway.test:http"),
    "Host with a port out of range": get(host=b"Host: gateway.test:70000"),
    "Host with two ports": get(host=b"Host: gateway.test:80:81"),
    "Host with half a bracket": get(host=b"Host: [::1"),
    "Host with brackets around a name": get(host=b"Host: [gateway.test]"),
    "Host with angle brackets": get(host=b"Host: <gateway.test>"),
    "Host with a quote": get(host=b'Host: "gateway.test"'),
    "Host with a bad percent sign": get(host=b"Host: gate%zzway.test"),
    "Host with a NUL": get(host=b"Host: gateway.test\0"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_malformed_field_is_refused(stage, name):
    assert_refused(stage, FIELDS[name], (400,))


LINES = {
    "two blanks before the target": b"GET  /attack HTTP/1.1",
    "two blanks before the version": b"GET /attack  HTTP/1.1",
    "a tab before the target": b"GET\t/attack HTTP/1.1",
    "a leading blank": b" GET /attack HTTP/1.1",
    "a trailing blank": b"GET /attack HTTP/1.1 ",
    "a blank in the target": b"GET /att ack HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "an empty target": b"GET  HTTP/1.1",
    "no version": b"GET /attack",
    "a method alone": b"GET",
    "a small version": b"GET /attack http/1.1",
    "another protocol": b"SOURCE /attack ICE/1.0",
    "RTSP": b"GET /attack RTSP/1.0",
    "a version without a dot": b"GET /attack HTTP/11",
    "a version without minor": b"GET /attack HTTP/1.",
    "a version of two digits": b"GET /attack HTTP/1.10",
    "a version with letters": b"GET /attack HTTP/1.x",
    "a signed version": b"GET /attack HTTP/+1.1",
    "junk behind the version": b"GET /attack HTTP/1.1 HTTP/1.1",
    "a method with brackets": b"G(E)T /attack HTTP/1.1",
    "a method with a colon": b"GET: /attack HTTP/1.1",
    "a method with a NUL": b"G\0ET /attack HTTP/1.1",
    "a method with a byte over 127": b"G\xc9T /attack HTTP/1.1",
    "asterisk for GET": b"GET * HTTP/1.1",
    "a relative target": b"GET attack HTTP/1.1",
    "a target without slash": b"GET ?attack HTTP/1.1",
    "a fragment": b"GET /attack#part HTTP/1.1",
    "user information": b"GET http://user:pass@gateway.test/attack HTTP/1.1",
    "an absolute target that disagrees with Host": b"GET http://other.test/attack HTTP/1.1",
    "an absolute target with another port": b"GET http://gateway.test:81/attack HTTP/1.1",
    "an absolute target without host": b"GET http:///attack HTTP/1.1",
    "another scheme": b"GET ftp://gateway.test/attack HTTP/1.1",
    "a scheme without slashes": b"GET http:gateway.test/attack HTTP/1.1",
    "a quote in the path": b'GET /at"tack HTTP/1.1',
    "angle brackets in the path": b"GET /<attack> HTTP/1.1",
    "a backslash in the path": b"GET /at\\tack HTTP/1.1",
    "a brace in the path": b"GET /at{tack} HTTP/1.1",
    "a caret in the path": b"GET /at^tack HTTP/1.1",
    "a backtick in the path": b"GET /at`tack HTTP/1.1",
    "a NUL in the path": b"GET /at\0tack HTTP/1.1",
    "a control character in the path": b"GET /at\x01tack HTTP/1.1",
    "DEL in the path": b"GET /at\x7ftack HTTP/1.1",
    "a byte over 127 in the path": b"GET /caf\xe9 HTTP/1.1",
    "a NUL in the query": b"GET /attack?a=\0 HTTP/1.1",
    "a control character in the query": b"GET /attack?a=\x01 HTTP/1.1",
    "a bad percent sign": b"GET /att%zzack HTTP/1.1",
    "half a percent sign": b"GET /attack%2 HTTP/1.1",
    "a percent sign alone": b"GET /attack% HTTP/1.1",
    "an encoded NUL": b"GET /attack%00 HTTP/1.1",
    "a dot segment": b"GET /./attack HTTP/1.1",
    "two dots": b"GET /a/../attack HTTP/1.1",
    "two dots at the end": b"GET /a/.. HTTP/1.1",
    "encoded dots": b"GET /a/%2e%2e/attack HTTP/1.1",
    "half encoded dots": b"GET /a/.%2E/attack HTTP/1.1",
    "an encoded dot": b"GET /%2e/attack HTTP/1.1",
}


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


@pytest.mark.parametrize("query", [b'a="b"', b"a=<b>", b"a={b}", b"a=b|c", b"a=b^c", b"a=b`c", b"a=[b]", b"a=%zz", b"a=%", b"a=\\"])
def test_a_query_beyond_the_grammar_is_refused_or_passed_safely(stage, query):
    gw, up = stage
    since = len(up.requests)
    client = gw.connect().send(line(b"GET /attack?" + query + b" HTTP/1.1"))
    assert client.read_response().status in (200, 400)
    assert all(r.target.startswith("/attack?a=") for r in upstream_saw(gw, up, since))


@pytest.mark.parametrize("field", [b"Content_Length: 3", b"Content-Length\x2d: 3", b"X-Content-Length: 3", b"Transfer_Encoding: chunked", b"X-Transfer-Encoding: chunked"])
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
        if not client.try_send(data[i:i + size]):
            break
    assert client.read_response().status == 400
    client.assert_closed()
    assert upstream_saw(gw, up, since) == []


@pytest.mark.parametrize("first", [wire.request("GET", "/good"), wire.request("POST", "/good", body=b"abc"), wire.request("POST", "/good", [("Transfer-Encoding", "chunked")], wire.chunked(b"abc"))])
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


@pytest.mark.parametrize("garbage", [b"\0" * 200, b"\xff" * 200, b"\x16\x03\x01\x02\0" + b"\1" * 500, b"*1\r\n$4\r\nPING\r\n", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"EHLO x\r\n\r\n", b"{}\r\n\r\n"])
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
