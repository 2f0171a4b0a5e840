// One connection to Redis: made, let in (password, database, name) and tried, and then read reply by reply. What is
// sent and who gets which reply is its user's: RedisClient, RedisSubscriber.
// Thread: its loop.
#pragma once
#include <memory>
#include <string>

#include "config/settings.h"
#include "coro/task.h"
#include "net/dns_host.h"
#include "net/stream.h"
#include "store/redis_hub.h"
#include "store/resp.h"

namespace vg::store {

class RedisConnection {
 public:
  explicit RedisConnection(net::StreamPtr stream) : stream_(std::move(stream)) {}
  RedisConnection(const RedisConnection&) = delete;
  net::Stream& stream() { return *stream_; }
  RespReader& reader() { return reader_; }

  /// Waits until there are bytes, and gives them to the reader.
  /// Errors: kReset (the other side ended it), or as `cancel` says.
  coro::Task<Result<void>> read_some(coro::CancelSource* cancel);
  /// The next reply, error replies too. Errors: as read_some(), and kUpstreamProtocol.
  coro::Task<Result<Reply>> read_reply(coro::CancelSource* cancel);

 private:
  net::StreamPtr stream_;
  RespReader reader_;
};

/// Makes connections to one Redis. Lifetime: `dns` until close().
class RedisDialer {
 public:
  /// `dns` may be nullptr where the host is an address, or a socket.
  RedisDialer(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub);

  enum class Try : uint8_t { kWrite, kNothing };
  /// Connects, signs in and, with kWrite, has it run a script that writes: what is then said to be up can be used. One
  /// round trip, which redis.timeout bounds; connecting may take a second.
  /// Errors: kConnect, `internal` says in words for people why; or as `cancel` says.
  coro::Task<Result<std::unique_ptr<RedisConnection>>> open(Try what, coro::CancelSource* cancel);
  /// Forgets its name.
  void close() { host_.reset(); }

 private:
  coro::Task<Result<net::StreamPtr>> connect(coro::CancelSource* cancel);
  coro::Task<Result<net::StreamPtr>> connect_to(net::Address address, coro::CancelSource* cancel);
  coro::Task<Result<void>> sign_in(RedisConnection& connection, Try what, coro::CancelSource* cancel);

  net::EventLoop* loop_;
  const std::shared_ptr<RedisHub> hub_;
  const config::RedisSettings& settings_;
  const std::shared_ptr<net::TlsResumption> resumption_ = std::make_shared<net::TlsResumption>();
  std::shared_ptr<net::HostTracker> host_;
  size_t next_address_ = 0;
};

}  // namespace vg::store
