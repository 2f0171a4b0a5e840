"""Open-loop load: requests begin when their time has come, whether or not those before them were answered, and are
timed from then on. So an answer that is slow does not hide those behind it."""
import asyncio
import collections
import math
import re
import threading
import time

from support import wire

HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n(?:[^\r\n]+\r\n)*?Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n", re.I)


class Sample(collections.namedtuple("Sample", "due took status")):
    """`due`: when it was to begin (time.monotonic()); `took`: seconds; `status`: 0 if the connection ended."""


class _Connection(asyncio.Protocol):
    def __init__(self, load):
        self.load = load
        self.due = None
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, due, text):
        self.due = due
        self.transport.write(text)

    def data_received(self, data):
        self.received += data
        head = HEAD.match(self.received)
        if not head or len(self.received) < head.end() + int(head[2]):
            return
        assert len(self.received) == head.end() + int(head[2]), self.received
        self.received = b""
        self.load.ended(self, int(head[1]))

    def connection_lost(self, error):
        if self.due is not None:
            self.load.ended(self, 0)
        elif self in self.load.idle:
            self.load.idle.remove(self)


class Paced:
    """`rate` requests a second to a gateway for `seconds` (or until stop()), each `target(number)`, on as many
    connections as it takes. It runs on a thread of its own; result() waits for it."""

    def __init__(self, gateway, rate, seconds, target=lambda number: "/r"):
        self.port = gateway.port
        self.rate, self.seconds, self.target = rate, seconds, target
        self.samples = []
        self.idle = []
        self.failure = None
        self._under_way = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001: result() raises it
            self.failure = error

    async def _main(self):
        self.loop = asyncio.get_running_loop()
        self.done = asyncio.Event()
        self.begin = time.monotonic()  # the loop's clock, too
        self.loop.call_soon(self._next, 0)
        await asyncio.wait_for(self.done.wait(), self.seconds + 60)
        for connection in self.idle[:]:
            connection.transport.abort()

    def _next(self, number):
        while True:
            due = self.begin + number / self.rate
            if due - self.begin >= self.seconds or self._stop.is_set():
                self.seconds = 0
                return self._look_for_end()
            if due > self.loop.time():
                self.loop.call_at(due, self._next, number)
                return None
            self._under_way += 1
            text = wire.request("GET", self.target(number))
            if self.idle:
                self.idle.pop().ask(due, text)
            else:
                self.loop.create_task(self._ask_on_new(due, text))
            number += 1

    async def _ask_on_new(self, due, text):
        _, connection = await self.loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
        connection.ask(due, text)

    def ended(self, connection, status):
        self.samples.append(Sample(connection.due, self.loop.time() - connection.due, status))
        connection.due = None
        if status:
            self.idle.append(connection)
        self._under_way -= 1
        self._look_for_end()

    def _look_for_end(self):
        if self.seconds == 0 and self._under_way == 0:
            self.done.set()

    def stop(self):
        self._stop.set()
        return self.result()

    def result(self):
        self._thread.join(self.seconds + 90)
        assert not self._thread.is_alive() and not self.failure, self.failure
        return self.samples


def percentile(samples, share):
    """Seconds within which that share of the requests was answered."""
    took = sorted(s.took for s in samples)
    return took[min(len(took) - 1, math.ceil(len(took) * share) - 1)]
