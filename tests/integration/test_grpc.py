"""gRPC through proxy-fetch, between a client and a server of its own library: all four kinds of calls, their metadata,
deadlines and errors, and what the gateway says where it answers itself."""
import queue
import threading
from concurrent import futures

import pytest

from support import http2
from support.gateway import proxy_config, wait_until
from support.http2_upstream import Http2Upstream

grpc = pytest.importorskip("grpc")

TIMEOUT = 10
SERVING = b"\x08\x01"


class Service(grpc.GenericRpcHandler):
    """Messages are bytes, as they are."""

    def __init__(self):
        self.metadata = {}
        self.cancelled = threading.Event()
        self.healthy = True

    def service(self, details):
        kind = details.method.rpartition("/")[2]
        made = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Check": grpc.unary_unary_rpc_method_handler(lambda request, context: SERVING if self.healthy else b"\x08\x02"),
            "Many": grpc.unary_stream_rpc_method_handler(self.many),
            "Join": grpc.stream_unary_rpc_method_handler(lambda requests, context: b",".join(requests)),
            "Echo": grpc.stream_stream_rpc_method_handler(self.echo),
        }
        return made.get(kind)

    def unary(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        if request == b"fail":
            context.set_trailing_metadata((("x-why", "because"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not like this: 100 %")
        if request == b"wait":
            context.add_callback(self.cancelled.set)
            self.cancelled.wait(TIMEOUT)
        context.send_initial_metadata((("x-first", "1"), ("x-data-bin", b"\0\xff")))
        context.set_trailing_metadata((("x-last", "2"),))
        return b"<" + request + b">"

    def many(self, request, context):
        for i in range(int(request)):
            yield b"%d" % i

    def echo(self, requests, context):
        for request in requests:
            yield b"<" + request + b">"


@pytest.fixture
def service(world):
    made = Service()
    server = grpc.server(futures.ThreadPoolExecutor(32))
    server.add_generic_rpc_handlers((made,))
    made.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made
    server.stop(None)


@pytest.fixture
def through(world, service):
    """A gateway before the service, with further settings of upstream and route, and a channel to it."""
    channels = []

    def make(route=None, server=None, **upstream):
        config = proxy_config(
            f"http://127.0.0.1:{service.port}",
            route={"path": "/{service}/{method}", "source": "up/{service}/{method}", **(route or {})},
            server=http2.serving(server),
            upstream={"http2": True, **upstream},
        )
        gateway = world.gateway(config)
        channels.append(grpc.insecure_channel(f"127.0.0.1:{gateway.port}"))
        return gateway, channels[-1]

    yield make
    for channel in channels:
        channel.close()


def failure(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_unary_calls_with_metadata(through, service):
    _, channel = through()
    call = channel.unary_unary("/test.Test/Unary")
    answer, done = call.with_call(b"hi", timeout=TIMEOUT, metadata=(("x-mine", "a"), ("x-mine-bin", b"\1\xfe")))
    assert answer == b"<hi>"
    first, last = dict(done.initial_metadata()), dict(done.trailing_metadata())
    assert (first["x-first"], first["x-data-bin"], last["x-last"]) == ("1", b"\0\xff", "2")
    assert (service.metadata["x-mine"], service.metadata["x-mine-bin"]) == ("a", b"\1\xfe")
    assert "x-forwarded-for" in service.metadata


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_messages_of_all_sizes(through, size):
    _, channel = through(route={"limits": {"body_bytes": "16MiB"}})
    assert channel.unary_unary("/test.Test/Unary")(b"x" * size, timeout=TIMEOUT) == b"<" + b"x" * size + b">"


def test_streams_from_the_server(through):
    _, channel = through()
    assert list(channel.unary_stream("/test.Test/Many")(b"1000", timeout=TIMEOUT)) == [b"%d" % i for i in range(1000)]
    assert list(channel.unary_stream("/test.Test/Many")(b"0", timeout=TIMEOUT)) == []


def test_streams_from_the_client(through):
    _, channel = through()
    pieces = [b"%d" % i for i in range(1000)]
    assert channel.stream_unary("/test.Test/Join")(iter(pieces), timeout=TIMEOUT) == b",".join(pieces)
    assert channel.stream_unary("/test.Test/Join")(iter(()), timeout=TIMEOUT) == b""


def test_streams_both_ways_pass_each_message_as_it_comes(through):
    _, channel = through()
    sent = queue.Queue()
    answers = channel.stream_stream("/test.Test/Echo")(iter(sent.get, None), timeout=TIMEOUT)
    for i in range(50):
        sent.put(b"%d" % i)
        assert next(answers) == b"<%d>" % i
    sent.put(None)
    assert list(answers) == []
    assert answers.code() is grpc.StatusCode.OK


def test_many_calls_at_once(through):
    gateway, channel = through(server={"workers": 2})
    calls = [channel.unary_unary("/test.Test/Unary").future(b"%d" % i, timeout=TIMEOUT) for i in range(300)]
    assert [c.result() for c in calls] == [b"<%d>" % i for i in range(300)]


def test_errors_of_the_server_come_as_they_are(through):
    _, channel = through()
    error = failure(lambda: channel.unary_unary("/test.Test/Unary")(b"fail", timeout=TIMEOUT))
    assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not like this: 100 %")
    assert dict(error.trailing_metadata())["x-why"] == "because"
    error = failure(lambda: channel.unary_unary("/test.Test/Nothing")(b"", timeout=TIMEOUT))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_deadline_of_the_client_ends_the_call_at_the_server(through, service):
    _, channel = through()
    error = failure(lambda: channel.unary_unary("/test.Test/Unary")(b"wait", timeout=0.3))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.cancelled.wait(TIMEOUT)
    assert channel.unary_unary("/test.Test/Unary")(b"after", timeout=TIMEOUT) == b"<after>"


def test_a_call_that_is_cancelled_is_cancelled_at_the_server(through, service):
    _, channel = through()
    call = channel.unary_unary("/test.Test/Unary").future(b"wait", timeout=TIMEOUT)
    wait_until(lambda: service.metadata, what="the call")
    call.cancel()
    assert service.cancelled.wait(TIMEOUT)


def test_a_stream_that_goes_on_is_not_cut_by_what_limits_heads(through):
    _, channel = through(route={"timeout": "300ms"}, server={"timeouts": {"body": "250ms"}}, timeout="200ms")
    sent = queue.Queue()
    answers = channel.stream_stream("/test.Test/Echo")(iter(sent.get, None), timeout=TIMEOUT)
    sent.put(b"first")
    assert next(answers) == b"<first>"
    with pytest.raises(queue.Empty):
        queue.Queue().get(timeout=0.6)  # longer than both
    sent.put(b"second")
    assert next(answers) == b"<second>"
    sent.put(None)
    assert list(answers) == []


# What the gateway says itself


@pytest.mark.parametrize(
    "route,upstream,code,words",
    [
        ({"path": "/other/{method}", "source": "up/other/{method}"}, {}, "UNIMPLEMENTED", "no route"),
        ({"limits": {"body_bytes": "3B"}}, {}, "RESOURCE_EXHAUSTED", "too large"),
        ({}, {"url": "http://127.0.0.1:1", "retry": 0}, "UNAVAILABLE", "cannot be reached"),
        ({"timeout": "100ms"}, {}, "UNAVAILABLE", "in time"),
        ({"rate_limit": "1/h"}, {}, "UNAVAILABLE", ""),
    ],
)
def test_errors_of_the_gateway_are_a_status_of_grpc(through, route, upstream, code, words):
    gateway, channel = through(route=route, **upstream)
    call = channel.unary_unary("/test.Test/Unary")
    if "rate_limit" in route:
        call(b"first", timeout=TIMEOUT)
    error = failure(lambda: call(b"wait", timeout=TIMEOUT))
    assert error.code() is grpc.StatusCode[code]
    assert words in error.details()


def test_an_answer_that_is_cut_is_no_success(world):
    def handler(request, stream):
        stream.head(200, [("content-type", "application/grpc")])
        stream.send(b"\0\0\0\0\1x")
        stream.reset()

    upstream = world.own(Http2Upstream(handler))
    gateway = world.gateway(proxy_config(upstream.url, server=http2.serving(), upstream={"http2": True}))
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        assert failure(lambda: channel.unary_unary("/a/b")(b"", timeout=TIMEOUT)).code() is not grpc.StatusCode.OK


def test_trailers_and_te_reach_the_upstream(world):
    upstream = world.own(
        Http2Upstream(
            lambda request, stream: stream.answer(
                b"\0\0\0\0\1x", headers=[("content-type", "application/grpc")], trailers=[("grpc-status", "0")]
            )
        )
    )
    gateway = world.gateway(proxy_config(upstream.url, server=http2.serving(), upstream={"http2": True}))
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        assert channel.unary_unary("/a/b")(b"", timeout=TIMEOUT) == b"x"
    request = upstream.requests[0]
    assert request.headers.one("te") == "trailers"
    assert request.headers.one("content-type") == "application/grpc"


def test_health_checks_call_the_health_service(through, service):
    health = {"path": "/grpc.health.v1.Health/Check", "interval": "50ms", "unhealthy_after": 1, "healthy_after": 1}
    gateway, channel = through(health=health)
    call = channel.unary_unary("/test.Test/Unary")
    assert call(b"a", timeout=TIMEOUT) == b"<a>"
    service.healthy = False
    gateway.wait_log("unhealthy, not serving")
    assert failure(lambda: call(b"a", timeout=TIMEOUT)).code() is grpc.StatusCode.UNAVAILABLE
    service.healthy = True
    gateway.wait_log("healthy again")
    assert call(b"b", timeout=TIMEOUT) == b"<b>"
