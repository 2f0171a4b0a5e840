#include "net/connect.h"

namespace vg::net {

namespace {

// The request's state is the heap's: libuv points at it until its callback, also when nobody waits any more.
struct Attempt {
  uv_connect_t req;
  coro::Event done;
  int status = UV_ECANCELED;
  bool abandoned = false;
  EventLoop* loop = nullptr;
};

void on_connected(uv_connect_t* req, int status) {
  auto* attempt = static_cast<Attempt*>(req->data);
  const EventLoop::CallbackScope scope(attempt->loop);
  attempt->status = status;
  if (attempt->abandoned) {
    delete attempt;
  } else {
    attempt->done.set();
  }
}

Error connect_error(const Address& address, int status) {
  Error e(ErrorKind::kConnect, "no connection", true);
  e.internal = "connect to " + address.text() + ": " + uv_strerror(status);
  return e;
}

}  // namespace

coro::Task<Result<StreamPtr>> connect(EventLoop* loop, Address address, coro::CancelSource* cancel) {
  StreamPtr stream = Stream::create(loop, Stream::Kind::kTcp);
  if (!stream) co_return connect_error(address, UV_ENOMEM);
  auto attempt = std::make_unique<Attempt>();
  attempt->req.data = attempt.get();
  attempt->loop = loop;
  const int rc = uv_tcp_connect(&attempt->req, stream->uv_tcp(), address.data(), on_connected);
  if (rc != 0) co_return connect_error(address, rc);
  const bool finished = co_await attempt->done.wait(cancel);
  if (!finished) {
    attempt.release()->abandoned = true;  // closing the stream ends it; on_connected deletes it
    const ErrorKind why = cancel->reason();
    co_return Error(why, why == ErrorKind::kTimeout ? "no connection in time" : "cancelled",
                    why == ErrorKind::kTimeout);
  }
  if (attempt->status != 0) co_return connect_error(address, attempt->status);
  uv_tcp_nodelay(stream->uv_tcp(), 1);
  stream->start();
  co_return std::move(stream);
}

}  // namespace vg::net
