// One loop's connections to one upstream: idle ones to take, and places of the process-wide limits for new ones. A call
// beyond the limits waits its turn, in the order of all loops.
// Thread: its loop. Lifetime: shared by the tables of a loop that use it.
#pragma once
#include <memory>
#include <vector>

#include "coro/task.h"
#include "net/dns_host.h"
#include "net/stream.h"
#include "observe/metrics.h"
#include "upstream/upstream.h"

namespace vg::upstream {

/// One connection, idle in its pool or lent to a call.
class Connection final : public net::StreamObserver {
 public:
  Connection(std::shared_ptr<Pool> pool, size_t endpoint, net::StreamPtr stream);
  Connection(const Connection&) = delete;
  ~Connection();  ///< closes; its place in the limits is given back
  net::Stream& stream() { return *stream_; }
  size_t endpoint() const { return endpoint_; }
  bool reused = false;  ///< has carried a request before

 private:
  friend class Pool;
  void on_unsolicited(net::Stream& stream, net::ReadEvent event) override;
  std::weak_ptr<Pool> pool_;
  std::shared_ptr<Upstream> upstream_;
  observe::UpstreamMetrics* metrics_;
  size_t endpoint_;
  net::StreamPtr stream_;
  TimePoint idle_since_{};
};

/// One who waits for a connection. Shared between its loop and whoever frees a place; all but `loop` and `endpoint` is
/// its loop's.
struct Waiter {
  net::EventLoop* loop = nullptr;
  size_t endpoint = 0;
  coro::Event granted;
  std::unique_ptr<Connection> given;  ///< a connection of this loop that became free; without: a place for a new one
  bool abandoned = false;             ///< a place that arrives now is given back
};

class Http2Sessions;

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  /// `metrics`: what this loop counts of the upstream (outlives the pool); nullptr: it is not counted.
  static std::shared_ptr<Pool> create(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<Upstream> upstream,
                                      uint64_t seed, observe::UpstreamMetrics* metrics = nullptr);
  Pool(const Pool&) = delete;
  ~Pool();

  Upstream& upstream() { return *upstream_; }
  Balancer& balancer() { return *balancer_; }
  observe::UpstreamMetrics& metrics() { return *metrics_; }
  net::EventLoop* loop() { return loop_; }
  /// False only while its name is known not to resolve.
  bool reachable(size_t endpoint) const;
  /// An endpoint that may be tried: reachable, and healthy as far as is known.
  bool usable(size_t endpoint) const { return upstream_->endpoint(endpoint).health.healthy() && reachable(endpoint); }

  /// An idle connection if there is one: the way of nearly every request, without suspending.
  std::unique_ptr<Connection> take_idle(size_t endpoint);
  /// A connection, new or freed by another call.
  /// Errors: kConnect, kTimeout (connect_timeout or `cancel`), kOverload (max_pending), kCancelled.
  /// `begun`: set to when its turn came, if it had to wait; max() while it waits.
  coro::Task<Result<std::unique_ptr<Connection>>> acquire(size_t endpoint, bool fresh, coro::CancelSource* cancel,
                                                          TimePoint* begun = nullptr);
  /// Takes back a connection whose last answer is complete.
  void give_back(std::unique_ptr<Connection> connection);
  /// Closes the connection that has been idle for longest, so that there is a place for one to `endpoint`.
  void shed_one(size_t endpoint);
  size_t idle_count() const;
  /// Where connections to the endpoint carry many calls at once; nullptr: they carry one after the other, by HTTP/1.1.
  Http2Sessions* http2(size_t endpoint) const { return slots_[endpoint].http2.get(); }
  /// Something is idle: it is closed once it has been so for pool.idle.
  void watch_idle() {
    if (!sweep_.running()) loop_->start_timer(sweep_, upstream_->settings().pool.idle);
  }

 private:
  friend class Connection;
  Pool(net::EventLoop* loop, std::shared_ptr<Upstream> upstream);
  coro::Task<Result<std::unique_ptr<Connection>>> open(size_t endpoint, coro::CancelSource* cancel);
  coro::Task<Result<std::vector<net::Address>>> addresses(size_t endpoint, coro::CancelSource* cancel);
  coro::Task<Result<std::unique_ptr<Connection>>> wait_turn(size_t endpoint, coro::CancelSource* cancel);
  Error unreachable(Error cause, coro::CancelSource* cancel) const;
  void forget(Connection* connection);
  void close_expired();

  struct Slot {
    Slot();
    Slot(Slot&&) noexcept;
    ~Slot();
    std::vector<std::unique_ptr<Connection>> idle;  // oldest first; taken from the end
    std::shared_ptr<net::HostTracker> host;
    std::optional<net::Address> literal;
    size_t next_address = 0;
    std::shared_ptr<net::TlsResumption> resumption;  // https alone
    std::unique_ptr<Http2Sessions> http2;            // instead of `idle`
    TimePoint oldest_idle() const;
    void close_oldest();
  };
  struct Sweep : net::Timer {
    explicit Sweep(Pool* owner) : Timer(&on_fire), self(owner) {}
    static void on_fire(net::Timer* t) { static_cast<Sweep*>(t)->self->close_expired(); }
    Pool* self;
  };
  net::EventLoop* loop_;
  std::shared_ptr<Upstream> upstream_;
  std::unique_ptr<Balancer> balancer_;
  observe::UpstreamMetrics* metrics_ = nullptr;
  std::vector<Slot> slots_;
  Sweep sweep_;
};

}  // namespace vg::upstream
