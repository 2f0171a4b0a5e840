"""A raw HTTP/1.1 client: sends exactly the bytes it is given and reads answers strictly."""
import socket

from support import wire


class Response:
    """An answer; `informational` are the 1xx heads that came before it."""

    def __init__(self, status, reason, version, headers, raw_head):
        self.status = status
        self.reason = reason
        self.version = version
        self.headers = headers
        self.raw_head = raw_head
        self.body = b""
        self.trailers = wire.Headers()
        self.informational = []

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.version} {self.status} {list(self.headers)} {self.body[:200]!r}>"


class Client:
    """One connection to the gateway. `address` is (host, port) or the path of a unix socket. With `tls`, an SSLContext,
    it speaks TLS and asks for `server_name`; `session` is one to resume."""

    def __init__(self, address, timeout=10, receive_buffer=None, tls=None, server_name=None, session=None):
        family = (
            socket.AF_UNIX if isinstance(address, str) else (socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        )
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(address)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name, session=session)
        self.reader = wire.Reader(self.sock)

    @property
    def local_port(self):
        return self.sock.getsockname()[1]

    def send(self, data):
        self.sock.sendall(data)
        return self

    def try_send(self, data):
        """Sends what the gateway still takes: it may have refused and closed already. True if all went out."""
        try:
            self.sock.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def request(self, method, target, headers=(), body=None, **kw):
        """Sends a request and reads its answer."""
        self.send(wire.request(method, target, headers, body, **kw))
        return self.read_response(method)

    def get(self, target="/", headers=(), **kw):
        return self.request("GET", target, headers, **kw)

    def read_head(self, keep_informational=False):
        """Reads heads up to a final one (or the first, with keep_informational). The body stays unread."""
        before = []
        while True:
            line = self.reader.line("status line")
            match = wire.STATUS_LINE.match(line)
            if not match:
                raise wire.WireError(f"bad status line {line!r}")
            headers, raw = wire.read_fields(self.reader, "response head")
            found = Response(
                int(match[2]), match[3].decode("latin-1"), match[1].decode(), headers, line + wire.CRLF + raw
            )
            if 100 <= found.status < 200 and found.status != 101 and not keep_informational:
                before.append(found)
                continue
            found.informational = before
            return found

    def body_pieces(self, found, method="GET"):
        """Yields the content of an answer as it arrives; sets found.trailers at the end."""
        if method == "HEAD" or found.status in (204, 304) or found.status < 200:
            wire.framing(found.headers, "response") if found.status != 304 else None
            return
        kind = wire.framing(found.headers, "response")
        if kind == "chunked":
            if found.version != "HTTP/1.1":
                raise wire.WireError("chunked in HTTP/1.0")
            for piece in wire.read_chunks(self.reader, "response body"):
                if isinstance(piece, wire.Headers):
                    found.trailers = piece
                else:
                    yield piece
        elif kind is None:
            if "close" not in found.headers.tokens("connection") and found.version == "HTTP/1.1":
                raise wire.WireError("a body that ends with the connection, without Connection: close")
            while True:
                piece = self.reader.some()
                if not piece:
                    break
                yield piece
            if self.reader.was_reset:
                raise wire.Truncated("response body until close", b"", True)
        else:
            left = kind
            while left:
                piece = self.reader.some(left)
                if not piece:
                    raise wire.Truncated(f"response body, {left} of {kind} bytes missing", b"", self.reader.was_reset)
                left -= len(piece)
                yield piece

    def read_body(self, found, method="GET"):
        found.body = b"".join(self.body_pieces(found, method))
        return found

    def read_response(self, method="GET"):
        return self.read_body(self.read_head(), method)

    def assert_closed(self):
        """The gateway ends the connection, and sends nothing more."""
        rest = self.reader.to_end()
        assert rest == b"", f"bytes after the last answer: {rest[:300]!r}"

    def is_closed(self):
        """True if the end of the connection has arrived already."""
        self.sock.setblocking(False)
        try:
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        finally:
            self.sock.settimeout(10)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        wire.abort(self.sock)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
