"""Random sequences of valid requests, the same ones each time, cut into random packets both ways: every answer belongs
to its request, bodies and trailers arrive whole, in order, whatever the framing."""
import hashlib
import random
import threading

import pytest

from support import wire

SEED = 20261122
CONVERSATIONS = 40
REQUESTS = 12


def random_body(chance):
    return chance.randbytes(chance.choice((0, 1, 10, 100, 5000, 70_000)))


def cut(chance, data, most=6):
    """`data` in pieces, cut anywhere."""
    places = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(most)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)]) if a != b]


def random_chunks(chance, body):
    return wire.chunked(*cut(chance, body, 8), trailers=[("X-Sum", "1")] if chance.random() < 0.3 else [])


def random_request(chance, target):
    method = chance.choice(("GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"))
    if method in ("GET", "HEAD", "OPTIONS") and chance.random() < 0.8:
        return method, b"", wire.request(method, target)
    body = random_body(chance)
    if chance.random() < 0.5:
        return method, body, wire.request(method, target, body=body)
    return method, body, wire.request(method, target, [("Transfer-Encoding", "chunked")], random_chunks(chance, body))


def describe(method, target, body):
    return f"{method} {target} {len(body)} {hashlib.sha1(body).hexdigest()}".encode()


def answering(seed):
    """A handler that describes the request in an answer of random framing, sent in random pieces."""
    lock = threading.Lock()
    shared = random.Random(seed)

    def handler(request, connection):
        with lock:
            chance = random.Random(shared.random())
        told = [("X-Told", describe(request.method, request.target, request.body).decode())]
        body = b"" if request.method == "HEAD" else random_body(chance)
        told.append(("X-Body", hashlib.sha1(body).hexdigest()))
        kind = chance.choice(("sized", "sized", "chunked", "chunked", "close", "204"))
        if request.method == "HEAD" or kind == "sized":
            data = wire.head("HTTP/1.1 200 OK", [*told, ("Content-Length", len(body))]) + body
        elif kind == "chunked":
            data = wire.head("HTTP/1.1 200 OK", [*told, ("Transfer-Encoding", "chunked")]) + random_chunks(chance, body)
        elif kind == "204":
            told[1] = ("X-Body", hashlib.sha1(b"").hexdigest())
            data = wire.head("HTTP/1.1 204 No Content", told)
        else:
            data = wire.head("HTTP/1.1 200 OK", told) + body
        if chance.random() < 0.1:
            data = wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a>")]) + data
        for piece in cut(chance, data):
            connection.send(piece)
        if kind == "close" and request.method != "HEAD":
            connection.close()

    return handler


@pytest.mark.parametrize("workers", [1, 2])
def test_every_answer_belongs_to_its_request(world, workers):
    gw, up = world.proxy(answering(SEED), server={"workers": workers}, upstream={"retry": {"attempts": 0}})
    wrong = []

    def converse(number):
        chance = random.Random(SEED + number)
        client = gw.connect()
        script = [random_request(chance, f"/{number}/{i}?q={i}") for i in range(REQUESTS)]
        data = b"".join(request for _, _, request in script)
        sender = threading.Thread(target=lambda: [client.send(piece) for piece in cut(chance, data, 40)])
        sender.start()
        for i, (method, body, _) in enumerate(script):
            answer = client.read_response(method)
            told = describe(method, f"/{number}/{i}?q={i}", body).decode()
            if (
                answer.headers.get("x-told") != told
                or answer.headers.get("x-body") != hashlib.sha1(answer.body).hexdigest()
            ):
                wrong.append((told, answer.headers))
        sender.join()

    def several(first):
        for number in range(first, CONVERSATIONS, 4):
            try:
                converse(number)
            except Exception as error:  # noqa: BLE001: told with its conversation
                wrong.append((number, repr(error)))

    threads = [threading.Thread(target=several, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
