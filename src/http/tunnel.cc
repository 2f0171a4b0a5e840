#include "http/tunnel.h"

#include "coro/scope.h"

namespace vg::http {

namespace {

// One timer for both ways; each byte that passes moves it.
struct IdleWatch {
  net::EventLoop* loop;
  Duration idle;
  net::DeadlineSource source;
  void touch() {
    if (idle.count() > 0) source.arm(loop, loop->now() + idle);
  }
};

coro::Task<void> pump(net::Stream* from, net::Stream* to, IdleWatch* watch, uint64_t* count) {
  for (;;) {
    const net::ReadEvent event = co_await from->readable(&watch->source);
    if (event == net::ReadEvent::kEof) {
      to->shutdown_write();
      co_return;
    }
    if (event != net::ReadEvent::kData) break;
    watch->touch();
    *count += from->data().size();
    net::WriteEvent written = to->write_now({from->data()});
    from->consume(from->data().size());
    if (written == net::WriteEvent::kPending) {
      from->pause_reading();
      written = co_await to->flushed(&watch->source);
      watch->touch();
    }
    if (written != net::WriteEvent::kDone) break;
  }
  // Broken or idle: the other way has nothing left to do either.
  watch->source.cancel(ErrorKind::kCancelled);
}

}  // namespace

coro::Task<TunnelBytes> run_tunnel(net::EventLoop* loop, net::Stream* client, net::Stream* upstream, Duration idle) {
  TunnelBytes bytes;
  IdleWatch watch{loop, idle, {}};
  watch.touch();
  if (client->write_pending()) co_await client->flushed(&watch.source);
  coro::Scope scope;
  scope.spawn(pump(client, upstream, &watch, &bytes.to_upstream));
  scope.spawn(pump(upstream, client, &watch, &bytes.to_client));
  co_await scope.join();
  co_return bytes;
}

}  // namespace vg::http
