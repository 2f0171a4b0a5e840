"""HTTP/2 clients over a blocking socket. A Session keeps the rules (by the h2 library) and fails where the gateway
breaks them; Frames sends whatever it is told, frame by frame, and says what came of it."""
import select
import time

import hpack
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes as Code
from h2.settings import SettingCodes as Setting
from h2.settings import Settings
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, RstStreamFrame

from support import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
TIMEOUT = 10  # seconds, of everything that is waited for


def serving(server=None, **listener):
    """The `server` section of a gateway whose one listener takes HTTP/2."""
    return {"listen": [{"address": "127.0.0.1:0", "http2": True, **listener}], **(server or {})}


def proxy(world, handler=None, server=None, **kw):
    """world.proxy() with such a listener."""
    return world.proxy(handler, server=serving(server), **kw)


def pseudo(method="GET", path="/", authority="gateway.test", scheme="http"):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]


def _fill(reader, size, deadline):
    """Reads until so many bytes are there. False at the end of the connection."""
    while len(reader.buffer) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no frame in time")
        reader.sock.settimeout(left)
        if not reader.fill():
            return False
    return True


def _read_frame(reader, deadline):
    """The next frame and its bytes; None at the end of the connection."""
    if not _fill(reader, 9, deadline):
        return None
    size = 9 + int.from_bytes(reader.buffer[:3], "big")
    if not _fill(reader, size, deadline):
        return None
    raw, reader.buffer = reader.buffer[:size], reader.buffer[size:]
    frame, _ = Frame.parse_frame_header(memoryview(raw[:9]))
    frame.parse_body(memoryview(raw[9:]))
    return frame, raw


class Stream:
    """What came on one stream. Over once it `ended`, or `reset` says the code."""

    def __init__(self, held=False):
        self.status = None
        self.headers = wire.Headers()
        self.trailers = wire.Headers()
        self.informational = []  # (status, Headers) of each 1xx
        self.pieces = []
        self.size = 0  # bytes of content
        self.ended = False
        self.reset = None
        self.held = held  # the gateway is not told that there is room again
        self.owed = 0  # bytes that were held back so

    @property
    def body(self):
        return b"".join(self.pieces)

    @property
    def text(self):
        return self.body.decode()

    @property
    def over(self):
        return self.ended or self.reset is not None

    def __repr__(self):
        how = "ended" if self.ended else f"reset {self.reset}" if self.reset is not None else "open"
        return f"<{self.status} {list(self.headers)} {self.size} bytes, {how}: {self.body[:200]!r}>"


class Session:
    """One connection. `settings` are ours; `goaways` are the (code, last stream) that came, `settings_seen` the gateway's
    own. Single-threaded: what the gateway sends is taken while the test waits for something."""

    def __init__(self, client, settings=None):
        self.client = client
        self.streams = {}
        self.goaways = []
        self.settings_seen = {}
        self.closed = False  # the gateway ended the connection
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        ours = {Setting.ENABLE_PUSH: 0, **(settings or {})}
        self.h2.local_settings = Settings(client=True, initial_values=ours)
        self.h2.initiate_connection()
        self.flush()
        self.wait(lambda: self.settings_seen, "SETTINGS of the gateway")

    # Sending

    def flush(self):
        self.client.sock.settimeout(TIMEOUT)
        self.client.try_send(self.h2.data_to_send())

    def request(self, method, path, headers=(), body=None, *, end=True, trailers=None, held=False, **of):
        """Begins a request, and says the number of its stream. `end`: nothing comes behind `body`."""
        number = self.h2.get_next_available_stream_id()
        self.streams[number] = Stream(held)
        fields = [*pseudo(method, path, **of), *headers]
        self.h2.send_headers(number, _bytes(fields), end_stream=end and body is None and trailers is None)
        self.flush()
        if body is not None:
            self.send(number, body, end=end and trailers is None)
        if trailers is not None:
            self.h2.send_headers(number, _bytes(trailers), end_stream=True)
            self.flush()
        return number

    def send(self, number, data, end=False, patience=None):
        """Sends content as the windows allow. How much went out: all, unless the stream was over before, or the windows
        were shut for `patience` seconds."""
        sent = 0
        while sent < len(data) or (end and not data):
            self.poll()
            if self.closed or self.streams[number].over:
                return sent
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room <= 0 and data:
                if not self._wait_window(number, patience):
                    return sent
                continue
            piece = data[sent : sent + room]
            sent += len(piece)
            self.h2.send_data(number, piece, end_stream=end and sent == len(data))
            self.flush()
            if not data:
                break
        return sent

    def _wait_window(self, number, patience):
        def opened():
            return self.streams[number].over or self.h2.local_flow_control_window(number) > 0

        try:
            self.wait(opened, "room in the windows", patience or TIMEOUT)
        except TimeoutError:
            if patience is None:
                raise
            return False
        return True

    def end(self, number):
        self.h2.end_stream(number)
        self.flush()

    def cancel(self, number, code=Code.CANCEL):
        self.h2.reset_stream(number, code)
        self.flush()

    def release(self, number):
        """Tells the gateway that what came on a held stream has made room again."""
        stream = self.streams[number]
        size, stream.owed = stream.owed, 0
        if size and not stream.over:
            self.h2.increment_flow_control_window(size, number)
            self.flush()

    # Receiving

    def wait(self, condition, what="the condition", timeout=TIMEOUT):
        """Takes frames until condition() is true or the connection ends; whether it is true then."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            if self.closed or not self._take_frame(deadline):
                return condition()
        return value

    def poll(self):
        """Takes what is there already."""
        while not self.closed and self._arrived():
            self._take_frame(time.monotonic() + TIMEOUT)

    def _arrived(self):
        sock = self.client.sock
        decrypted = sock.pending() if hasattr(sock, "pending") else 0
        return self.client.reader.buffer or decrypted or select.select([sock], [], [], 0)[0]

    def _take_frame(self, deadline):
        found = _read_frame(self.client.reader, deadline)
        if found is None:
            self.closed = True
            return False
        frame, raw = found
        if isinstance(frame, GoAwayFrame):  # the library takes nothing more behind the first one
            self.goaways.append((frame.error_code, frame.last_stream_id))
            return True
        for event in self.h2.receive_data(raw):
            self._take(event)
        self.flush()
        return True

    def _take(self, event):
        if isinstance(event, events.RemoteSettingsChanged):
            self.settings_seen.update({key: changed.new_value for key, changed in event.changed_settings.items()})
            self.settings_seen.setdefault(None, True)  # even if it set nothing
            return
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is None:
            return
        if isinstance(event, events.ResponseReceived):
            stream.status, stream.headers = _split(event.headers)
        elif isinstance(event, events.InformationalResponseReceived):
            stream.informational.append(_split(event.headers))
        elif isinstance(event, events.TrailersReceived):
            stream.trailers = wire.Headers(event.headers)
        elif isinstance(event, events.DataReceived):
            self._take_data(stream, event)
        elif isinstance(event, events.StreamEnded):
            stream.ended = True
        elif isinstance(event, events.StreamReset):
            stream.reset = Code(event.error_code)

    def _take_data(self, stream, event):
        stream.pieces.append(event.data)
        stream.size += len(event.data)
        if stream.held:
            stream.owed += event.flow_controlled_length
            self.h2.increment_flow_control_window(event.flow_controlled_length)
        elif event.flow_controlled_length:
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def head(self, number):
        """The stream, once its final head is there."""
        stream = self.streams[number]
        assert self.wait(lambda: stream.status or stream.over, f"a head on stream {number}"), self
        return stream

    def response(self, number, timeout=TIMEOUT):
        """The stream, once it is over."""
        stream = self.streams[number]
        assert self.wait(lambda: stream.over, f"the end of stream {number}", timeout), self
        return stream

    def fetch(self, method, path, headers=(), body=None, **kw):
        return self.response(self.request(method, path, headers, body, **kw))

    def get(self, path="/", headers=(), **kw):
        return self.fetch("GET", path, headers, **kw)

    def wait_closed(self, timeout=TIMEOUT):
        """The code of the last GOAWAY, behind which the gateway ended the connection."""
        self.wait(lambda: False, "the end of the connection", timeout)
        assert self.goaways, "the connection ended without GOAWAY"
        return self.goaways[-1][0]

    def __repr__(self):
        return f"<closed={self.closed} goaways={self.goaways} {self.streams}>"


def _bytes(fields):
    return [(n.encode("latin-1"), str(v).encode("latin-1")) for n, v in fields]


def _split(fields):
    """The status, and the other fields."""
    return int(dict(fields)[":status"]), wire.Headers((n, v) for n, v in fields if not n.startswith(":"))


def frame(kind, stream=0, payload=b"", flags=0, size=None):
    """The bytes of a frame, whether it makes sense or not; `size`: the length that it claims to have."""
    length = len(payload) if size is None else size
    return length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(k.to_bytes(2, "big") + v.to_bytes(4, "big") for k, v in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, stream, increment.to_bytes(4, "big"))


def rst_stream(stream, code=Code.CANCEL):
    return frame(RST_STREAM, stream, int(code).to_bytes(4, "big"))


class Frames:
    """One connection, frame by frame. It acknowledges nothing and knows no windows."""

    def __init__(self, client, begin=PREFACE + settings()):
        self.client = client
        self.reader = client.reader
        self._encoder = hpack.Encoder()
        self._decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self._outcomes = {}
        if begin:
            self.send(begin)

    def send(self, *frames):
        """Sends what the gateway still takes."""
        self.client.sock.settimeout(TIMEOUT)
        return self.client.try_send(b"".join(frames))

    def block(self, fields):
        """A header block. Names and values are bytes or text, and go out as they are."""
        text = [tuple(p if isinstance(p, bytes) else str(p).encode("latin-1") for p in field) for field in fields]
        return self._encoder.encode(text)

    def headers(self, stream, fields, flags=END_HEADERS | END_STREAM):
        return frame(HEADERS, stream, self.block(fields), flags)

    def get(self, stream, path="/"):
        return self.headers(stream, pseudo(path=path))

    def post(self, stream, path="/", more=()):
        """The head of a request whose content comes behind it."""
        return self.headers(stream, [*pseudo("POST", path), *more], END_HEADERS)

    def next(self, timeout=TIMEOUT):
        """The next frame; None at the end of the connection."""
        found = _read_frame(self.reader, time.monotonic() + timeout)
        return found and found[0]

    def outcome(self, stream, timeout=TIMEOUT):
        """What the gateway has to say of a stream: ("status", 400), ("reset", code), ("goaway", code) or ("closed", 0).
        A GOAWAY without error is none of these: it only gives notice."""
        deadline = time.monotonic() + timeout
        while stream not in self._outcomes:
            found = _read_frame(self.reader, deadline)
            if found is None:
                return "closed", 0
            if isinstance(found[0], GoAwayFrame) and found[0].error_code:
                return "goaway", found[0].error_code
            self._note(found[0])
        return self._outcomes[stream]

    def _note(self, got):
        """Keeps what is said first of each stream; answers come in any order."""
        if isinstance(got, HeadersFrame):
            status = int(dict(self._decoder.decode(got.data)).get(":status", 0))  # none in trailers
            if status >= 200:
                self._outcomes.setdefault(got.stream_id, ("status", status))
        elif isinstance(got, RstStreamFrame):
            self._outcomes.setdefault(got.stream_id, ("reset", got.error_code))

    def data(self, stream, timeout=TIMEOUT):
        """The content of the next DATA frame of a stream."""
        deadline = time.monotonic() + timeout
        while found := _read_frame(self.reader, deadline):
            if isinstance(found[0], DataFrame) and found[0].stream_id == stream:
                return found[0].data
        raise AssertionError("the connection ended before DATA came")

    def ending(self, timeout=TIMEOUT):
        """The code of the GOAWAY behind which the gateway ended the connection; None without one."""
        code, deadline = None, time.monotonic() + timeout
        while found := _read_frame(self.reader, deadline):
            if isinstance(found[0], GoAwayFrame):
                code = found[0].error_code
        return None if code is None else Code(code)

    def flood(self, pieces, read=True, patience=5):
        """Sends piece after piece until there are none or the gateway ends the connection; takes what it says meanwhile,
        or with read=False only in the end. The code of its GOAWAY: None if it bears all of it."""
        sock = self.client.sock
        sock.setblocking(False)
        data = b""
        while (data or (data := next(pieces, b""))) and not self.reader.eof:
            readable, writable, _ = select.select([sock] if read else [], [sock], [], patience)
            if readable:
                self.reader.fill()
            if not readable and not writable:
                break  # it takes nothing more
            try:
                data = data[sock.send(data) :] if writable else data
            except BlockingIOError:
                continue
            except ConnectionError:
                break
        try:
            return self.ending(patience)
        except TimeoutError:
            return None
