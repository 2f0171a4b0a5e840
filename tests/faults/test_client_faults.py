"""Clients that leave at every byte of their request, or do not read: nobody else notices, nothing is left behind."""
import random
import threading

import pytest

from support import wire
from support.gateway import wait_until

REQUESTS = {
    "GET": wire.request("GET", "/cut?x=1", [("Accept", "*/*")]),
    "POST sized": wire.request("POST", "/cut", body=b"0123456789"),
    "POST chunked": wire.request(
        "POST", "/cut", [("Transfer-Encoding", "chunked")], wire.chunked(b"0123", b"456789", trailers=[("X-T", "1")])
    ),
}


@pytest.mark.parametrize("end", ["close", "reset", "half_close"])
@pytest.mark.parametrize("kind", REQUESTS)
def test_a_client_that_ends_at_any_byte_never_makes_a_whole_request(world, kind, end):
    whole = REQUESTS[kind]
    gw, up = world.proxy(lambda r, c: wire.response(body=b"ok"))
    assert gw.get("/fine").status == 200
    files = gw.open_files()
    for at in range(len(whole)):
        client = gw.connect().send(whole[:at])
        getattr(client, end)()
        if end == "half_close":
            rest = client.reader.to_end()
            assert rest == b"" or rest.startswith(b"HTTP/1.1 4")
            client.close()
    assert gw.get("/fine").body == b"ok"
    assert {r.target for r in up.completed} == {"/fine"}
    up.wait_for(lambda u: u.open <= 1)
    gw.wait_files(files)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_client_that_leaves_while_its_answer_streams_frees_everything(world, end):
    def stream(request, connection):
        connection.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        for _ in range(2000):
            connection.send(wire.chunk(b"x" * 20000))
        connection.send(b"0\r\n\r\n")

    gw, up = world.proxy(stream)
    files = gw.open_files()
    for size in (0, 1, 100, 10_000, 100_000, 1_000_000):
        client = gw.connect().send(wire.request("GET", "/"))
        client.reader.exactly(size, "answer")
        getattr(client, end)()
    up.wait_for(lambda u: len(u.connections) == 6 and u.open == 0)
    gw.wait_files(files)


def test_clients_that_come_and_go_cost_no_memory(world):
    gw, up = world.proxy(lambda r, c: wire.response(body=b"ok"))
    files = gw.open_files()
    whole = REQUESTS["POST chunked"]

    def storm(count):
        for i in range(count):
            gw.connect().send(whole[: i % len(whole)]).reset()
            gw.clients.clear()
            if i % 50 == 0:  # what is open at once costs memory, and stays within bounds here
                wait_until(lambda: gw.open_files() < files + 20)

    storm(500)
    before = gw.resident_bytes()
    storm(3000)
    assert gw.growth(before) < 3 << 20


def test_answers_never_get_mixed_up_when_everything_fails_around_them(world):
    """Each answer carries its own request's id, while clients leave and the upstream dies at random places."""
    chance = random.Random(7)

    def moody(request, connection):
        body = request.headers.one("x-token").encode()
        mood = chance.random()
        if mood < 0.1:
            connection.reset()
        elif mood < 0.2:
            connection.send(wire.response(body=body)[:-3])
            connection.close()
        elif mood < 0.3:
            connection.send(wire.response(body=body))
            connection.close()
        elif mood < 0.4:
            connection.send(b"HTTP/1.1 200 OK\r\nBroken : x\r\n\r\n" + body)
        elif mood < 0.6:
            return wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunked(
                *[bytes([b]) for b in body]
            )
        else:
            return wire.response(body=body)
        return None

    gw, up = world.proxy(moody, server={"workers": 2}, upstream={"pool": {"connections": 8, "per_endpoint": 8}})
    wrong, answered = [], []

    def client(number):
        mine = random.Random(number)
        connection = gw.connect()
        for i in range(150):
            token = f"{number}-{i}-{'t' * mine.randrange(200)}"
            try:
                connection.send(wire.request("GET", "/", [("X-Token", token)]))
                if mine.random() < 0.1:
                    connection.reset()
                    connection = gw.connect()
                    continue
                answer = connection.read_response()
            except (wire.Truncated, ConnectionError):
                connection.close()
                connection = gw.connect()
                continue
            if answer.status == 200:
                answered.append(token)
                if answer.text != token:
                    wrong.append((token, answer))
            elif answer.status not in (502, 503):
                wrong.append((token, answer))

    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert wrong == [] and len(answered) > 300


def test_each_answer_carries_its_own_requests_id_under_concurrency(world):
    gw, up = world.proxy(
        lambda r, c: wire.response(200, [("X-Seen-Id", r.headers.one("x-request-id"))], r.target.encode()),
        server={"workers": 2, "trusted_proxies": ["127.0.0.1"]},
    )
    wrong = []

    def client(number):
        connection = gw.connect()
        for i in range(100):
            answer = connection.get(f"/{number}/{i}", [("X-Request-Id", f"id-{number}-{i}-0123456789")])
            if (answer.headers.get("x-seen-id"), answer.text) != (f"id-{number}-{i}-0123456789", f"/{number}/{i}"):
                wrong.append(answer)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(10)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert wrong == []
