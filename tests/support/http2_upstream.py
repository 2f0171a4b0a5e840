"""Scripted upstreams that speak HTTP/2, by the h2 library: it keeps the rules, and fails where the gateway breaks them.

A test gives a handler, called for each request in a thread of its own with (request, stream): it answers by the stream's
methods. What the library does not send is sent as bytes: Connection.send_raw().
"""
import queue
import socket
import ssl
import threading
import time

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes as Code
from h2.exceptions import ProtocolError
from h2.settings import Settings

from support import wire

TIMEOUT = 10  # seconds, of everything that is waited for


class Request:
    """One request, as its head came. `complete` once its content was there."""

    def __init__(self, fields, stream):
        fields = [(n.decode(), v.decode()) for n, v in fields]
        self.pseudo = {n: v for n, v in fields if n.startswith(":")}
        self.headers = wire.Headers((n, v) for n, v in fields if not n.startswith(":"))
        self.trailers = wire.Headers()
        self.method = self.pseudo[":method"]
        self.target = self.pseudo[":path"]
        self.authority = self.pseudo.get(":authority")
        self.stream = stream
        self.connection = stream.connection
        self.complete = False
        self.reset = None  # the code that the gateway gave it up with

    def __repr__(self):
        return f"<{self.method} {self.target} on {self.connection.index}/{self.stream.number}>"


class Stream:
    """What a handler answers by. Content comes in pieces; with `held` the gateway is told of none of it."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        self.over = False
        self._pieces = queue.SimpleQueue()

    def read(self, timeout=TIMEOUT):
        """The next piece of the request's content; b"" at its end."""
        piece = self._pieces.get(timeout=timeout)
        if piece:
            self.connection.acknowledge(self.number, len(piece))
        return piece

    def read_all(self):
        return b"".join(iter(self.read, b""))

    def head(self, status=200, headers=(), end=False):
        self.connection.do(lambda h2: h2.send_headers(self.number, [(":status", str(status)), *headers], end_stream=end))

    def send(self, data, end=False, patience=TIMEOUT):
        """Sends as the windows let it. How much went out: all, unless they were shut for so long, or the stream is over."""
        sent = 0
        while sent < len(data) or (end and not data):
            room = self.connection.room(self.number, patience) if data else 1
            if not room:
                break
            piece = data[sent : sent + room]
            sent += len(piece)
            last = end and sent == len(data)
            self.connection.do(lambda h2, p=piece, e=last: h2.send_data(self.number, p, end_stream=e))
            if not data:
                break
        return sent

    def end(self, trailers=None):
        if trailers:
            self.connection.do(lambda h2: h2.send_headers(self.number, trailers, end_stream=True))
        else:
            self.connection.do(lambda h2: h2.end_stream(self.number))

    def answer(self, body=b"ok", status=200, headers=(), trailers=None):
        self.head(status, headers, end=not body and not trailers)
        if body:
            self.send(body, end=not trailers)
        if trailers:
            self.end(trailers)

    def reset(self, code=Code.INTERNAL_ERROR):
        self.connection.do(lambda h2: h2.reset_stream(self.number, code))


class Connection:
    def __init__(self, upstream, sock, index):
        self.upstream = upstream
        self.sock = sock
        self.index = index
        self.streams = {}
        self.goaway_code = None  # of the gateway's
        self.ended = False  # by the gateway
        self.alpn = None
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.lock = threading.Condition()

    def do(self, change):
        """Changes the library's state, and sends what comes of it. Nothing, once the stream or connection is over."""
        with self.lock:
            try:
                change(self.h2)
                self.sock.sendall(self.h2.data_to_send())
            except (ProtocolError, OSError):
                pass
            self.lock.notify_all()

    def send_raw(self, data):
        with self.lock:
            self.sock.sendall(data)

    def goaway(self, last, code=Code.NO_ERROR):
        """Unlike the library's own, it takes nothing of what goes on."""
        self.send_raw(b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + int(code).to_bytes(4, "big"))

    def acknowledge(self, number, size):
        self.do(lambda h2: h2.acknowledge_received_data(size, number))

    def room(self, number, patience):
        def window():
            if self.streams[number].over or self.ended:
                return 0
            return min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)

        with self.lock:
            self.lock.wait_for(lambda: window() > 0 or self.streams[number].over or self.ended, patience)
            return window()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def serve(self):
        u = self.upstream
        with self.lock:
            self.h2.local_settings = Settings(client=False, initial_values=u.settings)
            self.h2.initiate_connection()
            self.sock.sendall(self.h2.data_to_send())
        while data := self._receive():
            with self.lock:
                for event in self.h2.receive_data(data):
                    self._take(event)
                self.sock.sendall(self.h2.data_to_send())
                self.lock.notify_all()

    def _receive(self):
        try:
            return self.sock.recv(65536)
        except OSError:
            return b""

    def _take(self, event):
        number = getattr(event, "stream_id", None)
        stream = self.streams.get(number)
        if isinstance(event, events.RequestReceived):
            stream = self.streams[number] = Stream(self, number)
            stream.request = Request(event.headers, stream)
            self.upstream.began(stream)
        elif isinstance(event, events.DataReceived):
            if event.data:
                stream._pieces.put(event.data)
        elif isinstance(event, events.TrailersReceived):
            stream.request.trailers = wire.Headers((n.decode(), v.decode()) for n, v in event.headers)
        elif isinstance(event, events.StreamEnded):
            stream.request.complete = True
            stream._pieces.put(b"")
        elif isinstance(event, events.StreamReset) and stream:
            stream.over = True
            stream.request.reset = Code(event.error_code)
            stream._pieces.put(b"")
        elif isinstance(event, events.ConnectionTerminated):
            self.goaway_code = event.error_code
        self.upstream.note()


class Http2Upstream:
    """A server on a port of its own. `settings`: what it tells, by Setting. `greet`: False: it never speaks."""

    def __init__(self, handler=None, settings=None, tls=None, on_connection=None):
        self.handler = handler or (lambda request, stream: stream.answer())
        self.settings = settings or {}
        self.tls = tls
        self.on_connection = on_connection or (lambda connection: connection.serve())
        self.changed = threading.Condition()
        self.requests = []
        self.connections = []
        self.open = 0
        self.failures = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def wait_for(self, condition, timeout=TIMEOUT):
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), timeout), f"{self.requests} {self.failures} {self.open} open"

    def wait_requests(self, count):
        self.wait_for(lambda u: len(u.requests) >= count)
        return self.requests[count - 1]

    def note(self, change=lambda: None):
        with self.changed:
            change()
            self.changed.notify_all()

    def began(self, stream):
        self.note(lambda: self.requests.append(stream.request))
        threading.Thread(target=self._handle, args=(stream,), daemon=True).start()

    def _handle(self, stream):
        try:
            self.handler(stream.request, stream)
        except Exception as error:  # noqa: BLE001: every failure belongs to the test
            self.note(lambda e=error: self.failures.append(e))

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        connection = Connection(self, sock, len(self.connections))
        try:
            if self.tls:
                connection.sock = sock = self.tls.wrap_socket(sock, server_side=True)
                connection.alpn = sock.selected_alpn_protocol()
        except (ssl.SSLError, OSError):
            return sock.close()
        self.note(lambda: (self.connections.append(connection), setattr(self, "open", self.open + 1)))
        try:
            self.on_connection(connection)
        except OSError:
            pass
        except Exception as error:  # noqa: BLE001
            self.note(lambda e=error: self.failures.append(e))
        with connection.lock:
            connection.ended = True
            connection.lock.notify_all()
        sock.close()
        for stream in list(connection.streams.values()):
            stream._pieces.put(b"")
        self.note(lambda: setattr(self, "open", self.open - 1))

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for connection in self.connections:
            connection.close()
        assert not self.failures, [f"{type(e).__name__}: {e}" for e in self.failures]
