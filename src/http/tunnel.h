// A tunnel: after an upgrade, bytes pass both ways as they come, until both sides have ended, one broke, or nothing
// passed for too long. RFC 9110 section 7.8.
#pragma once
#include "coro/task.h"
#include "http/http2_stream.h"
#include "net/stream.h"

namespace vg::http {

struct TunnelBytes {
  uint64_t to_client = 0;
  uint64_t to_upstream = 0;
};

/// Runs until the tunnel ends; an end of one side is passed on to the other (half-close).
/// `idle`: without a byte either way for so long it ends; 0: never. Cancel: close one of the streams.
/// Lifetime: both streams outlive it.
coro::Task<TunnelBytes> run_tunnel(net::EventLoop* loop, net::Stream* client, net::Stream* upstream, Duration idle);
/// The same for a client's stream of HTTP/2 (RFC 8441), which has answered already. False: it broke, was idle for too
/// long, or `cancel` was cancelled, which the stream's end must do.
coro::Task<bool> run_tunnel(net::EventLoop* loop, Http2Stream* client, net::Stream* upstream, Duration idle,
                            coro::CancelSource* cancel);

}  // namespace vg::http
