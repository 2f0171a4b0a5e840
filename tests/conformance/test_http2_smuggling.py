"""Smuggling by downgrade: what HTTP/2 can say and HTTP/1.1 would understand differently never reaches the upstream
(RFC 9113 sections 8.1.1, 8.2, 8.3 and 10.3)."""
import pytest

from support.http2 import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Code, frame, proxy, pseudo

REFUSED = [("status", 400), ("reset", Code.PROTOCOL_ERROR)]
MARK = "/attack"


@pytest.fixture(scope="module")
def shared(module_world):
    return proxy(module_world)


def of_the_attack(requests):
    return [r for r in requests if MARK in r.target or b"attack" in r.raw_head or b"smuggled" in r.raw_head]


def check(shared, attack):
    """Sends attack(raw) on a connection of its own: it is refused on stream 1, nothing of it reaches the upstream, and
    a request behind it is served as it is, on this connection or another."""
    gw, up = shared
    before = len(up.requests)
    raw = gw.frames()
    attack(raw)
    assert raw.outcome(1) in REFUSED
    raw.send(raw.get(3, "/after"))
    assert raw.outcome(3) == ("status", 200)
    assert gw.get("/other").status == 200
    assert [r.target for r in up.requests[-2:]] == ["/after", "/other"]
    assert of_the_attack(up.requests[before:]) == []


def changed(**values):
    """The pseudo-fields of a good request, but for these; None leaves one out."""
    fields = dict(pseudo(path=MARK))
    fields.update({f":{name}": value for name, value in values.items()})
    return [(n, v) for n, v in fields.items() if v is not None]


GOOD = changed()
FIELDS = {
    "CR LF in a value": [("x-a", "b\r\nsmuggled: 1")],
    "CR in a value": [("x-a", "b\rsmuggled: 1")],
    "LF in a value": [("x-a", "b\nsmuggled: 1")],
    "LF at the end of a value": [("x-a", "b\n")],
    "NUL in a value": [("x-a", "b\0c")],
    "a request in a value": [("x-a", "b\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a")],
    "CR LF in a cookie": [("cookie", "a=1\r\nsmuggled: 1"), ("cookie", "b=2")],
    "an upper-case name": [("X-A", "b")],
    "one upper-case letter": [("x-A", "b")],
    "an empty name": [("", "b")],
    "a blank in a name": [("x a", "b")],
    "a blank behind a name": [("x-a ", "b")],
    "a colon in a name": [("x-a:b", "c")],
    "a colon behind a name": [("x-a:", "b")],
    "a field in a name": [("x-a: b\r\nsmuggled", "1")],
    "CR in a name": [("x-a\r", "b")],
    "LF in a name": [("x\n-a", "b")],
    "NUL in a name": [("x\0a", "b")],
    "DEL in a name": [("x\x7fa", "b")],
    "a byte over 127 in a name": [("x-\xe9", "b")],
    "a tab in a name": [("x\ta", "b")],
    "brackets in a name": [("x(a)", "b")],
    "transfer-encoding": [("transfer-encoding", "chunked")],
    "transfer-encoding: identity": [("transfer-encoding", "identity")],
    "connection": [("connection", "close")],
    "connection that nominates": [("connection", "x-forwarded-for")],
    "keep-alive": [("keep-alive", "timeout=5")],
    "proxy-connection": [("proxy-connection", "keep-alive")],
    "upgrade": [("upgrade", "websocket")],
    "te: gzip": [("te", "gzip")],
    "te: trailers and gzip": [("te", "trailers, gzip")],
    "another host": [("host", "other.test")],
    "two hosts": [("host", "gateway.test"), ("host", "other.test")],
    "a host with CR LF": [("host", "gateway.test\r\nsmuggled: 1")],
    "a pseudo-field that is none": [(":smuggled", "1")],
    ":status": [(":status", "200")],
    ":protocol without CONNECT": [(":protocol", "websocket")],
    "a second :path": [(":path", "/smuggled")],
    "a second :method": [(":method", "POST")],
    "a second :scheme": [(":scheme", "https")],
    "a second :authority": [(":authority", "other.test")],
    "two lengths": [("content-length", "0"), ("content-length", "5")],
    "two lengths that agree": [("content-length", "0"), ("content-length", "0")],
    "a list of lengths": [("content-length", "0, 0")],
    "a signed length": [("content-length", "+0")],
    "a negative length": [("content-length", "-1")],
    "a length in hex": [("content-length", "0x0")],
    "an empty length": [("content-length", "")],
    "a length of 2^64": [("content-length", "18446744073709551616")],
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_http_1_1_would_misunderstand_is_refused(shared, name):
    check(shared, lambda raw: raw.send(raw.headers(1, GOOD + FIELDS[name])))


PSEUDO = {
    "an empty path": {"path": ""},
    "no path": {"path": None},
    "a blank in the path": {"path": "/attack HTTP/1.1"},
    "CR LF in the path": {"path": "/attack HTTP/1.1\r\nsmuggled: 1\r\nx: "},
    "LF in the path": {"path": "/attack\nx"},
    "NUL in the path": {"path": "/attack\0"},
    "a tab in the path": {"path": "/attack\tx"},
    "a byte over 127 in the path": {"path": "/attack\xe9"},
    "DEL in the path": {"path": "/attack\x7f"},
    "a fragment": {"path": "/attack#part"},
    "a path without slash": {"path": "attack"},
    "a query alone": {"path": "?attack"},
    "an absolute path": {"path": "http://gateway.test/attack"},
    "an absolute path to elsewhere": {"path": "http://other.test/attack"},
    "an asterisk": {"path": "*"},
    "two dots": {"path": "/a/../attack"},
    "encoded dots": {"path": "/a/%2e%2e/attack"},
    "an encoded NUL": {"path": "/attack%00"},
    "a bad percent sign": {"path": "/attack%zz"},
    "a blank in the query": {"path": "/attack?a= HTTP/1.1"},
    "no method": {"method": None},
    "an empty method": {"method": ""},
    "a blank in the method": {"method": "GET /smuggled HTTP/1.1\r\nx: "},
    "a colon in the method": {"method": "GET:"},
    "LF in the method": {"method": "GET\n"},
    "NUL in the method": {"method": "GE\0T"},
    "no scheme": {"scheme": None},
    "an empty scheme": {"scheme": ""},
    "a request in the scheme": {"scheme": "http://gateway.test/smuggled HTTP/1.1\r\nx: "},
    "no authority and no host": {"authority": None},
    "an empty authority": {"authority": ""},
    "user information": {"authority": "user@gateway.test"},
    "user and password": {"authority": "user:pass@gateway.test"},
    "a path in the authority": {"authority": "gateway.test/smuggled"},
    "a query in the authority": {"authority": "gateway.test?smuggled"},
    "a blank in the authority": {"authority": "gateway.test smuggled"},
    "CR LF in the authority": {"authority": "gateway.test\r\nsmuggled: 1"},
    "NUL in the authority": {"authority": "gateway.test\0"},
    "a list of authorities": {"authority": "gateway.test, other.test"},
    "a port that is no number": {"authority": "gateway.test:http"},
    "two ports": {"authority": "gateway.test:80:81"},
    "a backslash in the authority": {"authority": "gateway.test\\x"},
}


@pytest.mark.parametrize("name", PSEUDO)
def test_a_pseudo_field_that_http_1_1_would_misunderstand_is_refused(shared, name):
    check(shared, lambda raw: raw.send(raw.headers(1, changed(**PSEUDO[name]))))


@pytest.mark.parametrize("late", [":path", ":authority", ":method", ":scheme"])
def test_a_pseudo_field_behind_others_is_refused(shared, late):
    first = [f for f in GOOD if f[0] != late]
    last = [f for f in GOOD if f[0] == late]
    check(shared, lambda raw: raw.send(raw.headers(1, [*first, ("x-a", "b"), *last])))


def test_a_header_block_in_pieces_is_looked_at_as_a_whole(shared):
    def attack(raw):
        block = raw.block(GOOD + [("x-a", "b\r\nsmuggled: 1")])
        raw.send(frame(HEADERS, 1, block[:5], END_STREAM), frame(CONTINUATION, 1, block[5:], END_HEADERS))

    check(shared, attack)


def test_a_length_without_content_is_refused(shared):
    check(shared, lambda raw: raw.send(raw.headers(1, changed(method="POST") + [("content-length", "5")])))


TRAILERS = {
    "a pseudo-field": ([(":path", "/smuggled")], True),
    "an upper-case name": ([("X-A", "b")], True),
    "LF in a value": ([("x-a", "b\nsmuggled: 1")], True),
    "a blank in a name": ([("x a", "b")], True),
    "transfer-encoding": ([("transfer-encoding", "chunked")], True),
    "connection": ([("connection", "close")], True),
    "no end": ([("x-a", "b")], False),
}
BODIES = {
    "less than its length": ("10", lambda raw: frame(DATA, 1, b"begin", END_STREAM)),
    "more than its length": ("6", lambda raw: frame(DATA, 1, b"begin") + frame(DATA, 1, b"more", END_STREAM)),
    "less than its length, and trailers": ("10", lambda raw: frame(DATA, 1, b"begin") + raw.headers(1, [("x-a", "b")])),
    **{
        f"trailers with {name}": (None, lambda raw, fields=fields, end=end: frame(DATA, 1, b"begin")
                                  + raw.headers(1, fields, END_HEADERS | (END_STREAM if end else 0)))
        for name, (fields, end) in TRAILERS.items()
    },
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_body_that_contradicts_its_head_never_becomes_a_request(world, name, at_once):
    """Its head may have reached the upstream before: it never becomes complete there, and its connection is not used
    again."""
    gw, up = proxy(world)
    length, rest = BODIES[name]
    raw = gw.frames()
    more = [("content-length", length)] if length else []
    head = raw.post(1, MARK, more)
    raw.send(head + rest(raw) if at_once else head)
    if not at_once:
        up.wait_requests(1)
        raw.send(rest(raw))
    assert raw.outcome(1) in REFUSED
    up.wait_for(lambda u: u.open == 0)
    assert up.completed == []
    raw.send(raw.get(3, "/after"))
    assert raw.outcome(3) == ("status", 200)
    assert [r.target for r in up.completed] == ["/after"]


def test_content_behind_a_length_of_0_goes_nowhere(world):
    """The request may have been complete, and answered, when the content came."""
    gw, up = proxy(world)
    raw = gw.frames()
    smuggled = frame(DATA, 1, b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", END_STREAM)
    raw.send(raw.post(1, MARK, [("content-length", "0")]), smuggled)
    assert raw.outcome(1) in REFUSED + [("status", 200)]
    assert gw.get("/after").status == 200
    assert [r.target for r in up.requests] in (["/after"], [MARK, "/after"])


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding", "host", "authorization", "trailer", "content-type"])
def test_what_may_not_be_a_trailer_is_not_passed_on_as_one(world, name):
    gw, up = proxy(world)
    raw = gw.frames()
    raw.send(raw.post(1, "/"), frame(DATA, 1, b"abc"), raw.headers(1, [(name, "5"), ("x-fine", "1")]))
    outcome = raw.outcome(1)
    assert outcome in REFUSED + [("status", 200)]
    if outcome == ("status", 200):
        assert [(n.lower(), v) for n, v in up.last().trailers] == [("x-fine", "1")] and up.last().body == b"abc"
    else:
        up.wait_for(lambda u: u.open == 0)
        assert up.completed == []


@pytest.mark.parametrize("padding", [" b", "b ", "\tb", "b\t"])
def test_blanks_around_a_value_are_refused_or_no_part_of_it(world, padding):
    gw, up = proxy(world)
    raw = gw.frames()
    raw.send(raw.headers(1, [*pseudo(), ("x-a", padding)]))
    assert raw.outcome(1) in REFUSED + [("status", 200)]
    for request in up.requests:
        assert b": b\r\n" in request.raw_head.lower() and request.headers.one("x-a") == "b"


@pytest.mark.parametrize(
    "fields",
    [
        [("x-a", "b\r"), ("content-length", "0")],
        [("content-length", "0"), ("transfer-encoding", "chunked")],
        [("transfer-encoding", "chunked"), ("connection", "transfer-encoding")],
    ],
)
def test_combinations_are_refused_too(shared, fields):
    check(shared, lambda raw: raw.send(raw.headers(1, changed(method="POST") + fields)))
