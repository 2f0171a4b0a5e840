"""Half a minute and more of everything at once; run with -m slow."""
import asyncio
import threading
import time

import pytest
import websockets

from support import wire
from support.gateway import proxy_config, wait_until

pytestmark = pytest.mark.slow
SECONDS = 30


class Load:
    """Threads of keep-alive clients that count what they got; some come on new connections all the time."""

    def __init__(self, gw, threads=6):
        self.gw = gw
        self.stop_event = threading.Event()
        self.served = [0] * threads
        self.failures = []
        self.statuses = {}
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        client, i = self.gw.connect(), 0
        while not self.stop_event.is_set():
            i += 1
            target = f"/{number}/{i}"
            try:
                if number % 2 and i % 3 == 0:
                    client.close()
                    client = self.gw.connect()
                answer = client.get(target)
                self.served[number] += 1
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                if answer.status == 200 and answer.text != target:
                    self.failures.append(("mixed up", target, answer))
                if answer.status != 200:
                    self.not_ok(target, answer)
                if "close" in answer.headers.tokens("connection"):
                    client.close()
                    client = self.gw.connect()
            except Exception as error:  # noqa: BLE001
                self.broke(target, error)
                client.close()
                client = self.gw.connect()

    def not_ok(self, target, answer):
        self.failures.append((target, answer))

    def broke(self, target, error):
        self.failures.append((target, repr(error)))

    def stop(self):
        self.stop_event.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs"


def test_reloading_every_100_ms_under_load_fails_and_cuts_nothing(world):
    def answer(request, connection):
        if request.target == "/download":  # 10 s of it
            connection.send(wire.head("HTTP/1.1 200 OK", [("Content-Length", 100 * 65536)]))
            pace = threading.Event()
            for _ in range(100):
                connection.send(b"d" * 65536)
                pace.wait(0.1)
            return None
        return wire.response(body=request.target.encode())

    up = world.upstream(answer)

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    loop = asyncio.new_event_loop()

    async def serve():
        return await websockets.serve(echo, "127.0.0.1", 0)

    server = loop.run_until_complete(serve())
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def generation(i):
        config = proxy_config(
            up,
            server={"workers": 2},
            route={"response": {"set": {"X-G": str(i)}}},
            upstream={"pool": {"connections": 100, "per_endpoint": 100}},
        )
        config["upstreams"]["chat"] = {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}
        config["routes"].append({"name": "chat", "path": "/chat", "view": "proxy-fetch", "source": "chat/"})
        return config

    gw = world.gateway(generation(0))
    load = Load(gw)
    ended = threading.Event()
    downloads, said = [], []

    def download():
        while not ended.is_set():
            with gw.connect(timeout=30) as client:
                downloads.append(len(client.get("/download").body))

    async def chat():
        async with websockets.connect(f"ws://127.0.0.1:{gw.port}/chat") as ws:
            while not ended.is_set():
                await ws.send("hello")
                assert await asyncio.wait_for(ws.recv(), 10) == "hello"
                said.append(1)
                await asyncio.sleep(0.05)

    failures = []

    def guarded(call):
        try:
            call()
        except Exception as error:  # noqa: BLE001
            failures.append(repr(error))

    others = [threading.Thread(target=guarded, args=(f,)) for f in (download, download, lambda: asyncio.run(chat()))]
    [t.start() for t in others]
    begin, reloads = time.monotonic(), 0
    while time.monotonic() - begin < SECONDS:
        reloads += 1
        gw.reload(generation(reloads))
        ended.wait(0.1)
    ended.set()
    load.stop()
    [t.join(30) for t in others]
    loop.call_soon_threadsafe(loop.stop)
    assert load.failures == [] and failures == []
    assert downloads and set(downloads) == {100 * 65536} and len(said) > 100 and sum(load.served) > 1000
    wait_until(lambda: gw.get("/x").headers.one("x-g") == str(reloads))


def test_an_upstream_that_dies_every_second_hangs_leaks_and_mixes_up_nothing(world):
    up = world.upstream(lambda r, c: wire.response(body=r.target.encode()))
    gw = world.gateway(proxy_config(up, server={"workers": 2}, upstream={"timeout": "3s"}))

    class Tolerant(Load):
        def not_ok(self, target, answer):
            if answer.status not in (502, 503):
                self.failures.append((target, answer))

        def broke(self, target, error):
            if not isinstance(error, wire.Truncated):  # an answer may be cut, visibly
                self.failures.append((target, repr(error)))

    gw.get("/warm")
    files, memory = gw.open_files(), gw.resident_bytes()
    load = Tolerant(gw)
    begin, pause = time.monotonic(), threading.Event()
    while time.monotonic() - begin < SECONDS:
        pause.wait(0.5)
        up.stop(reset=True)
        pause.wait(0.5)
        up.start()
    load.stop()
    assert load.failures == []
    assert load.statuses.get(200, 0) > 1000 and set(load.statuses) <= {200, 502, 503}
    for client in gw.clients:
        client.close()
    assert gw.get("/again").status == 200
    gw.wait_files(files + 10)  # and the pool's idle connections
    assert gw.growth(memory) < 16 << 20
