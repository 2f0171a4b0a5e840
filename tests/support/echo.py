"""A WebSocket server that sends back what it gets."""
import asyncio
import contextlib
import threading

import websockets


class EchoServer:
    """A websockets server on a thread of its own that sends back every message."""

    def __init__(self, tls=None):
        self._tls = tls  # an SSLContext: it speaks wss
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self.headers = []
        self.closes = []
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    async def _run(self):
        self._stop = asyncio.Event()
        async with websockets.serve(self._echo, "127.0.0.1", 0, max_size=None, subprotocols=["chat.v2"], ssl=self._tls) as server:
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            await self._stop.wait()

    async def _echo(self, socket_):
        self.headers.append(socket_.request_headers)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in socket_:
                await socket_.send(message)
        self.closes.append((socket_.close_code, socket_.close_reason))

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
