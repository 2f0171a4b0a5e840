// One worker: a thread with its loop, listeners, connections, upstream pools and resolver. It serves requests by the
// table that is published, which it looks for at each request: a reload is seen by all workers at one instant. Thread:
// post() from any; all else runs on the worker's own.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "net/dns_host.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "observe/access_log.h"
#include "pipeline/context.h"
#include "server/breaker_news.h"
#include "server/shared.h"
#include "store/redis_cache_store.h"
#include "store/redis_client.h"
#include "store/redis_subscriber.h"
#include "upstream/health_monitor.h"

namespace vg::server {

class Worker final : public http::Handler {
 public:
  /// `on_drained`: is called on the worker's thread when it drains and the last connection has gone.
  Worker(unsigned index, Shared* shared, std::function<void()> on_drained);
  ~Worker();
  Worker(const Worker&) = delete;

  void start();
  void join();
  bool post(std::function<void()> work) { return loop_.post_remote(std::move(work)); }

  // On the worker's thread, by post():
  Result<void> add_listener(uint32_t id, int fd, bool is_unix, int backlog);
  void remove_listener(uint32_t id);
  void adopt();  ///< takes over the published table now, also without a request
  /// Drops in the Redis of the published table; `done` is called on the worker's thread.
  void purge(std::vector<store::Drop> drops, std::function<void(Result<void>)> done);
  void drain();   ///< stops accepting; idle connections end
  void finish();  ///< cuts what is left and ends the thread

  /// Answered pings, for the watchdog. Thread: any.
  std::atomic<uint64_t> heartbeat{0};

 private:
  // http::Handler
  http::Exchange* acquire(http::ServerConnection& connection) override;
  void release(http::Exchange* exchange) override;
  const http::ConnectionLimits& limits(const http::Exchange& exchange) override;
  coro::Task<void> handle(http::Exchange& exchange) override;
  void reject(http::Exchange& exchange, uint16_t status, std::string_view reason) override;
  void finished(http::Exchange& exchange) override;
  bool draining() const override { return draining_; }
  const http::ConnectionLimits& current_limits() const override { return table_->limits; }
  const http::Opening& opening(uint32_t listener) override;
  void refused(http::ServerConnection& connection, std::string_view reason) override;
  void closed(http::ServerConnection& connection) override;

  void accepted(net::StreamPtr stream, uint32_t listener);
  void open_access_log();
  void use_caches(const gateway::RouteTable& table, pipeline::LoopTable& into);
  void use_redis(const std::shared_ptr<store::RedisHub>& hub);
  void log_access(pipeline::Context& ctx, Duration took);
  void count(pipeline::Context& ctx, Duration took);
  void served_one();
  /// Nobody is served, and nothing is left to do for those who were.
  bool is_idle() const {
    return connections_ == nullptr && services_.background.running() == 0 && (!health_ || health_->running() == 0);
  }
  void tell_drained();
  void finish_if_empty();

  const unsigned index_;
  Shared* shared_;
  std::function<void()> on_drained_;
  net::EventLoop loop_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<net::DnsCache> dns_;
  std::unique_ptr<upstream::HealthMonitor> health_;  // of the whole process: the first worker's
  pipeline::LoopServices services_;
  std::shared_ptr<store::RedisClient> redis_;            // of the published table
  std::shared_ptr<store::RedisSubscriber> subscriber_;   // of the first worker alone
  std::shared_ptr<store::RedisCacheStore> redis_cache_;  // over redis_
  std::unique_ptr<BreakerNews> breaker_news_;            // of the first worker alone
  uint64_t version_ = 0;
  const gateway::RouteTable* table_ = nullptr;  // of pinned_
  pipeline::LoopTablePtr pinned_;
  std::vector<pipeline::Context*> contexts_;
  std::map<uint32_t, std::shared_ptr<net::Listener>> listeners_;
  http::ServerConnection* connections_ = nullptr;
  std::shared_ptr<observe::AccessRing> ring_;
  std::unique_ptr<observe::AccessLog> access_log_;
  bool draining_ = false, finishing_ = false, drained_told_ = false;
  std::thread thread_;
};

}  // namespace vg::server
