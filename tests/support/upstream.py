"""Scripted upstreams: threaded raw-socket servers that record what the gateway sent them, byte by byte.

A test gives a handler, called for each request with (request, connection); what it returns is sent. It may instead
write to the connection itself: pieces, garbage, a reset. The requests are parsed strictly: one that breaks RFC 9112 is
a defect of the gateway and fails the test at teardown.
"""
import select
import socket
import ssl
import threading
import time

from support import wire


class Request:
    """One request as it came. `complete` once its body was read whole."""

    def __init__(self, method, target, version, headers, raw_head, connection):
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.raw_head = raw_head
        self.connection = connection
        self.body = b""
        self.trailers = wire.Headers()
        self.complete = False

    @property
    def path(self):
        return self.target.partition("?")[0]

    def __repr__(self):
        return f"<{self.method} {self.target} {list(self.headers)}>"


class Connection:
    """One accepted connection. Its index counts the connections of its upstream from 0."""

    def __init__(self, sock, index):
        self.sock = sock
        self.index = index
        self.reader = wire.Reader(sock)
        self.closed = threading.Event()  # we closed it, or its thread ended
        self.progress = lambda: None  # called for each piece of a body

    def send(self, data):
        self.sock.sendall(data)

    def read_request_head(self):
        """None when the peer ended the connection between requests."""
        if not self.reader.buffer and not self.reader.fill():
            return None
        line = self.reader.line("request line")
        match = wire.REQUEST_LINE.match(line)
        if not match:
            raise wire.WireError(f"bad request line {line!r}")
        headers, raw = wire.read_fields(self.reader, "request head")
        headers.one("host")
        return Request(match[1].decode(), match[2].decode(), match[3].decode(), headers, line + wire.CRLF + raw, self)

    def body_pieces(self, request):
        kind = wire.framing(request.headers, "request")
        if kind == "chunked":
            for piece in wire.read_chunks(self.reader, "request body"):
                if isinstance(piece, wire.Headers):
                    request.trailers = piece
                else:
                    yield piece
        else:
            left = kind or 0
            while left:
                piece = self.reader.some(left)
                if not piece:
                    raise wire.Truncated("request body", b"", self.reader.was_reset)
                left -= len(piece)
                yield piece
        request.complete = True

    def read_body(self, request):
        if "100-continue" in request.headers.tokens("expect"):
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        parts = []
        for piece in self.body_pieces(request):
            parts.append(piece)
            if len(parts) < 64:  # a test may wait for the beginning of a body
                request.body = b"".join(parts)
                self.progress()
        request.body = b"".join(parts)
        return request.body

    def peer_closed(self, timeout=5):
        """Waits until the peer ends or resets the connection. False if it does not in time."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return False
            try:
                if not self.sock.recv(65536):
                    return True
            except ConnectionError:
                return True

    def send_until_blocked(self, piece, limit, patience=1.0):
        """Sends `piece` again and again until the peer takes nothing for `patience` seconds, or `limit` bytes went out.
        Returns how many did: what all buffers on the way hold."""
        sent = 0
        self.sock.setblocking(False)
        try:
            while sent < limit:
                if not select.select([], [self.sock], [], patience)[1]:
                    break
                try:
                    sent += self.sock.send(piece)
                except BlockingIOError:
                    continue
        finally:
            self.sock.setblocking(True)
        return sent

    def close(self):
        self.closed.set()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def reset(self):
        self.closed.set()
        wire.abort(self.sock)


class Handshake:
    """What came of one, on the server's side."""

    def __init__(self, sock):
        self.version = sock.version()
        self.resumed = sock.session_reused
        subject = (sock.getpeercert() or {}).get("subject", ())
        self.client = dict(pair[0] for pair in subject).get("commonName")


class Upstream:
    """A server on a port of its own. Thread-safe to look at from the test; wait_for() watches a condition."""

    def __init__(self, handler=None, on_connection=None, read_body=True, receive_buffer=None, host="127.0.0.1", port=0, tls=None):
        self.tls = tls  # an SSLContext: it speaks https
        self.handshakes = []  # of each connection with tls: a Handshake, or why there is none
        self.handler = handler or (lambda request, connection: wire.response(body=b"ok"))
        self.on_connection = on_connection
        self.read_body = read_body
        self.host = host
        self.changed = threading.Condition()
        self.requests = []
        self.connections = []
        self.open = 0  # connections not ended yet
        self.most_open = 0  # at once, ever
        self.busy = 0  # requests under way
        self.most_busy = 0
        self.failures = []  # messages of the gateway that broke the protocol, and errors of handlers
        self._receive_buffer = receive_buffer
        self._listener = None
        self.port = port
        self.start()

    def start(self):
        """Listens (again, on the same port, after stop())."""
        self._listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self._listener.bind((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        self._listener.listen(1024)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://[{self.host}]:{self.port}" if ":" in self.host else f"{scheme}://{self.host}:{self.port}"

    @property
    def authority(self):
        return self.url.partition("://")[2]

    @property
    def completed(self):
        return [r for r in self.requests if r.complete]

    def wait_for(self, condition, timeout=10):
        """Waits until condition(self), looked at whenever something happens here."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: condition(self), timeout
            ), f"upstream saw {self.requests}, {len(self.connections)} connections, {self.open} open"

    def wait_requests(self, count, timeout=10):
        self.wait_for(lambda u: len(u.requests) >= count, timeout)
        return self.requests[count - 1]

    def last(self):
        return self.requests[-1]

    def stop(self, reset=False):
        """Stops listening and ends all connections."""
        listener, self._listener = self._listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self.changed:
            alive = [c for c in self.connections if not c.closed.is_set()]
        for connection in alive:
            connection.reset() if reset else connection.close()

    def _note(self, change):
        with self.changed:
            change()
            self.changed.notify_all()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, len(self.connections))
            connection.progress = lambda: self._note(lambda: None)
            self._note(lambda: self._opened(connection))
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _opened(self, connection):
        self.connections.append(connection)
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def _serve(self, connection):
        try:
            if self.tls:
                self._secure(connection)
            if self.on_connection:
                self.on_connection(connection)
            else:
                while self._serve_one(connection):
                    pass
        except (ConnectionError, wire.Truncated):
            pass  # the gateway left; tests look at what was recorded
        except OSError as error:
            if not connection.closed.is_set():
                self._note(lambda: self.failures.append(error))
        except Exception as error:  # noqa: BLE001: every failure belongs to the test
            self._note(lambda e=error: self.failures.append(e))
        finally:
            connection.closed.set()
            connection.sock.close()
            self._note(lambda: setattr(self, "open", self.open - 1))

    def _secure(self, connection):
        try:
            connection.sock = self.tls.wrap_socket(connection.sock, server_side=True)
        except (ssl.SSLError, OSError) as error:
            self._note(lambda: self.handshakes.append(error))
            raise ConnectionError("no handshake") from error
        connection.reader.sock = connection.sock
        self._note(lambda: self.handshakes.append(Handshake(connection.sock)))

    def _serve_one(self, connection):
        request = connection.read_request_head()
        if request is None:
            return False
        self._note(lambda: self._began(request))
        try:
            if self.read_body:
                connection.read_body(request)
                self._note(lambda: None)
            answer = self.handler(request, connection)
        finally:  # before the answer goes: who has it may ask again, elsewhere, before this thread runs on
            self._note(lambda: setattr(self, "busy", self.busy - 1))
        if answer:
            connection.send(answer)
        return not connection.closed.is_set()

    def _began(self, request):
        self.requests.append(request)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)


class Gate:
    """Holds handlers until a test opens it; says how many wait."""

    def __init__(self):
        self._open = threading.Event()

    def hold(self, timeout=30):
        assert self._open.wait(timeout), "the test never opened the gate"

    def open(self):
        self._open.set()


class BlackHole:
    """An address on loopback that never completes a connection: a listener whose queue is full."""

    def __init__(self):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        self._fillers = []
        while True:  # until one hangs
            filler = socket.socket()
            filler.setblocking(False)
            self._fillers.append(filler)
            filler.connect_ex(("127.0.0.1", self.port))
            if not select.select([], [filler], [], 0.3)[1]:
                break

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        for sock in self._fillers + [self._listener]:
            sock.close()


def refused_url():
    """The URL of a port on which nobody listens (it was free a moment ago)."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.close()
    return f"http://127.0.0.1:{port}"
