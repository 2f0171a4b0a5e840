"""Strict reading and writing of HTTP/1.1 messages on sockets, shared by the raw client and the scripted upstreams.

What the gateway writes is held to RFC 9112 to the letter: a message that only a lenient peer would understand is a
WireError, and one that ends early is Truncated, never a shorter body.
"""
import re
import socket

CRLF = b"\r\n"
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
FIELD_VALUE = re.compile(rb"[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?\Z|\Z")
STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) ([1-5][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)\Z")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) (HTTP/1\.[01])\Z")


class WireError(AssertionError):
    """A message that breaks RFC 9112."""


class Truncated(Exception):
    """The connection ended before the message was complete."""

    def __init__(self, what, partial=b"", reset=False):
        super().__init__(f"{what}, after {len(partial)} bytes" + (", by a reset" if reset else ""))
        self.partial = partial
        self.reset = reset


class Headers(list):
    """Field lines in order, as (name, value) of str."""

    def all(self, name):
        return [v for n, v in self if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def one(self, name):
        """The value of a field that must be there exactly once."""
        values = self.all(name)
        if len(values) != 1:
            raise AssertionError(f"{name} is there {len(values)} times in {list(self)}")
        return values[0]

    def tokens(self, name):
        return [t.strip().lower() for v in self.all(name) for t in v.split(",") if t.strip()]

    def __contains__(self, name):
        return bool(self.all(name))


class Reader:
    """Buffered reading from a socket; remembers what it consumed and whether the peer ended or reset."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.eof = False
        self.was_reset = False

    def fill(self):
        """Reads once. False at the end of the connection."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError):
            self.was_reset = True
            data = b""
        if not data:
            self.eof = True
            return False
        self.buffer += data
        return True

    def line(self, what):
        """One line without its CRLF."""
        scanned = 0
        while True:
            end = self.buffer.find(b"\n", scanned)
            if end >= 0:
                break
            scanned = len(self.buffer)
            if not self.fill():
                raise Truncated(what, self.buffer, self.was_reset)
        line, self.buffer = self.buffer[: end + 1], self.buffer[end + 1 :]
        if not line.endswith(CRLF) or b"\r" in line[:-2] or b"\0" in line:
            raise WireError(f"{what}: bad line {line!r}")
        return line[:-2]

    def exactly(self, size, what):
        parts, have = [], 0
        while have < size:
            if not self.buffer and not self.fill():
                raise Truncated(what, b"".join(parts), self.was_reset)
            piece, self.buffer = self.buffer[: size - have], self.buffer[size - have :]
            parts.append(piece)
            have += len(piece)
        return b"".join(parts)

    def some(self, limit=1 << 20):
        """What is there, at least one byte; b"" at the end."""
        if not self.buffer and not self.fill():
            return b""
        piece, self.buffer = self.buffer[:limit], self.buffer[limit:]
        return piece

    def to_end(self):
        parts = []
        while True:
            piece = self.some()
            if not piece:
                return b"".join(parts)
            parts.append(piece)


def read_fields(reader, what):
    fields, raw = Headers(), b""
    while True:
        line = reader.line(what)
        raw += line + CRLF
        if not line:
            return fields, raw
        name, colon, value = line.partition(b":")
        value = value.strip(b" \t")
        if not colon or not TOKEN.match(name) or not FIELD_VALUE.match(value):
            raise WireError(f"{what}: bad field line {line!r}")
        fields.append((name.decode("latin-1"), value.decode("latin-1")))


def read_chunks(reader, what):
    """Yields the chunks' contents, then the trailer fields as a Headers."""
    while True:
        line = reader.line(what)
        size_text = line.split(b";")[0]
        if not re.match(rb"[0-9A-Fa-f]{1,16}\Z", size_text):
            raise WireError(f"{what}: bad chunk size {line!r}")
        size = int(size_text, 16)
        if size == 0:
            break
        yield reader.exactly(size, what)
        if reader.exactly(2, what) != CRLF:
            raise WireError(f"{what}: a chunk longer than its size")
    yield read_fields(reader, what)[0]


def framing(headers, what):
    """'chunked', a length, or None, for a message whose fields must not contradict themselves."""
    codings, lengths = headers.tokens("transfer-encoding"), headers.all("content-length")
    if codings and lengths:
        raise WireError(f"{what}: Transfer-Encoding with Content-Length")
    if codings:
        if codings != ["chunked"]:
            raise WireError(f"{what}: Transfer-Encoding {codings}")
        return "chunked"
    if lengths:
        if len(lengths) != 1 or not re.match(r"[0-9]+\Z", lengths[0]):
            raise WireError(f"{what}: Content-Length {lengths}")
        return int(lengths[0])
    return None


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(*parts, trailers=()):
    """A complete chunked body."""
    fields = b"".join(_field_line(n, v) for n, v in trailers)
    return b"".join(chunk(p) for p in parts) + b"0\r\n" + fields + CRLF


def _field_line(name, value):
    return name.encode("latin-1") + b": " + str(value).encode("latin-1") + CRLF


def head(start_line, headers=()):
    return start_line.encode("latin-1") + CRLF + b"".join(_field_line(n, v) for n, v in headers) + CRLF


def response(status=200, headers=(), body=b"", reason="Whatever", version="HTTP/1.1"):
    """A response with Content-Length, as an upstream would write it."""
    if isinstance(body, str):
        body = body.encode()
    fields = list(headers)
    if status >= 200 and status not in (204, 304):
        fields.append(("Content-Length", len(body)))
    return head(f"{version} {status} {reason}", fields) + body


def request(method, target, headers=(), body=None, host="gateway.test", version="HTTP/1.1"):
    """A request; `body` of bytes gets a Content-Length unless the headers have a framing of their own."""
    fields = Headers(headers)
    if host is not None and "host" not in fields:
        fields.insert(0, ("Host", host))
    if body is not None and "content-length" not in fields and "transfer-encoding" not in fields:
        fields.append(("Content-Length", len(body)))
    return head(f"{method} {target} {version}", fields) + (body or b"")


def abort(sock):
    """Closes with a reset instead of an orderly end, also while another thread waits in recv()."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    sock.close()
