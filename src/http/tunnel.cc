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

coro::Task<void> pump_up(Http2Stream* from, net::Stream* to, IdleWatch* watch) {
  for (;;) {
    const bool came = co_await from->arrival(&watch->source);
    const std::string_view data = from->data();
    if (!came || (data.empty() && !from->ended())) break;
    if (data.empty()) {
      to->shutdown_write();
      co_return;
    }
    watch->touch();
    net::WriteEvent written = to->write_now({data});
    from->consume(data.size());
    if (written == net::WriteEvent::kPending) {
      written = co_await to->flushed(&watch->source);
      watch->touch();
    }
    if (written != net::WriteEvent::kDone) break;
  }
  watch->source.cancel(ErrorKind::kCancelled);
}

coro::Task<void> pump_down(net::Stream* from, Http2Stream* to, IdleWatch* watch) {
  for (;;) {
    const net::ReadEvent event = co_await from->readable(&watch->source);
    if (event == net::ReadEvent::kEof) co_return to->send_end(nullptr);
    if (event != net::ReadEvent::kData || to->closed()) break;
    watch->touch();
    to->send_piece(from->data());
    from->consume(from->data().size());
    if (to->has_room()) continue;
    from->pause_reading();
    const bool room = co_await to->room(&watch->source);
    watch->touch();
    if (!room) break;
  }
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

coro::Task<bool> run_tunnel(net::EventLoop* loop, Http2Stream* client, net::Stream* upstream, Duration idle,
                            coro::CancelSource* cancel) {
  IdleWatch watch{loop, idle, {}};
  watch.source.attach(cancel);
  watch.touch();
  coro::Scope scope;
  scope.spawn(pump_up(client, upstream, &watch));
  scope.spawn(pump_down(upstream, client, &watch));
  co_await scope.join();
  co_return !watch.source.cancelled();
}

}  // namespace vg::http
