#include "net/connect.h"
#include "net/tls_session.h"

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

Error connect_error(const std::string& where, int status) {
  Error e(ErrorKind::kConnect, "no connection", true);
  e.internal = "connect to " + where + ": " + uv_strerror(status);
  return e;
}

std::unique_ptr<Attempt> new_attempt(EventLoop* loop) {
  auto attempt = std::make_unique<Attempt>();
  attempt->req.data = attempt.get();
  attempt->loop = loop;
  return attempt;
}

Error unfinished(const coro::CancelSource* cancel) {
  const ErrorKind why = cancel->reason();
  const bool late = why == ErrorKind::kTimeout;
  return Error(why, late ? "no connection in time" : "cancelled", late);
}

// Waits for an attempt that was begun on `stream`.
coro::Task<Result<StreamPtr>> finish(std::unique_ptr<Attempt> attempt, StreamPtr stream, std::string where,
                                     coro::CancelSource* cancel) {
  const bool finished = co_await attempt->done.wait(cancel);
  if (!finished) {
    attempt.release()->abandoned = true;  // closing the stream ends it; on_connected deletes it
    co_return unfinished(cancel);
  }
  if (attempt->status != 0) co_return connect_error(where, attempt->status);
  if (stream->kind() == Stream::Kind::kTcp) uv_tcp_nodelay(stream->uv_tcp(), 1);
  stream->start();
  co_return std::move(stream);
}

}  // namespace

coro::Task<Result<StreamPtr>> connect(EventLoop* loop, Address address, coro::CancelSource* cancel) {
  StreamPtr stream = Stream::create(loop, Stream::Kind::kTcp);
  if (!stream) co_return connect_error(address.text(), UV_ENOMEM);
  std::unique_ptr<Attempt> attempt = new_attempt(loop);
  const int rc = uv_tcp_connect(&attempt->req, stream->uv_tcp(), address.data(), on_connected);
  if (rc != 0) co_return connect_error(address.text(), rc);
  co_return co_await finish(std::move(attempt), std::move(stream), address.text(), cancel);
}

coro::Task<Result<StreamPtr>> connect_unix(EventLoop* loop, std::string path, coro::CancelSource* cancel) {
  StreamPtr stream = Stream::create(loop, Stream::Kind::kPipe);
  if (!stream) co_return connect_error(path, UV_ENOMEM);
  std::unique_ptr<Attempt> attempt = new_attempt(loop);
  uv_pipe_connect(&attempt->req, stream->uv_pipe(), path.c_str(), on_connected);  // on_connected tells of any failure
  co_return co_await finish(std::move(attempt), std::move(stream), path, cancel);
}

coro::Task<Result<StreamPtr>> secure(StreamPtr stream, std::unique_ptr<TlsSession> tls, std::string where,
                                     coro::CancelSource* cancel) {
  if (!tls) co_return connect_error(where, UV_ENOMEM);
  stream->begin_tls(std::move(tls));
  const bool ended = co_await stream->handshake(cancel);
  if (!ended) co_return unfinished(cancel);
  if (stream->tls()->failed()) {
    Error e(ErrorKind::kConnect, "no connection", true);
    e.internal = "TLS with " + where + ": " + stream->tls()->reason();
    co_return std::move(e);
  }
  co_return std::move(stream);
}

}  // namespace vg::net
