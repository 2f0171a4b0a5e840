"""Many requests at once: so many that they are counted, not looked at."""
import collections
import re
import socket
import threading

from support import wire

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def burst(gateways, requests, connections, target="/r"):
    """`requests` to each gateway, pipelined over so many connections to each, all sent before the first answer is
    read. Counts the answers by status, as their status lines say; each connection must end as it was asked to."""
    assert requests % connections == 0
    each = requests // connections
    text = wire.request("GET", target) * (each - 1) + wire.request("GET", target, [("Connection", "close")])
    socks = [[socket.create_connection(("127.0.0.1", gw.port), timeout=60) for _ in range(connections)] for gw in gateways]
    counts, lock = collections.Counter(), threading.Lock()
    ready = threading.Barrier(len(gateways))

    def work(mine):
        ready.wait(60)
        for sock in mine:
            sock.sendall(text)
        found = collections.Counter()
        for sock in mine:
            found.update(int(s) for s in STATUS.findall(read_to_end(sock)))
        with lock:
            counts.update(found)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in socks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def read_to_end(sock):
    with sock:
        parts = []
        while part := sock.recv(1 << 18):
            parts.append(part)
        return b"".join(parts)
