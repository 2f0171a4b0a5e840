// An upstream as the whole process knows it: its settings, and what is counted over all loops (connections, outstanding
// requests, the retry budget, who waits for a connection). Survives a reload if its settings did not change.
// Thread: any, unless said otherwise.
#pragma once
#include <atomic>
#include <list>
#include <memory>
#include <mutex>

#include "config/settings.h"
#include "coro/scope.h"
#include "net/event_loop.h"
#include "net/tls_context.h"
#include "upstream/balance.h"
#include "upstream/guard.h"
#include "upstream/health_state.h"
#include "upstream/retry_budget.h"

namespace vg::upstream {

class Pool;

struct Endpoint {
  config::EndpointSettings settings;
  std::string label;                     ///< host:port, for logs and /status alone
  std::atomic<uint32_t> connections{0};  ///< open, idle ones too
  std::atomic<uint32_t> outstanding{0};  ///< attempts under way
  std::atomic<uint64_t> attempts{0};
  std::atomic<uint64_t> failures{0};  ///< connect, reset, timeout, broken messages
  HealthState health;
};

/// host:port.
std::string endpoint_label(const config::EndpointSettings& settings);

struct Waiter;

class Upstream : public std::enable_shared_from_this<Upstream> {
 public:
  explicit Upstream(config::UpstreamSettings settings);
  Upstream(const Upstream&) = delete;

  const config::UpstreamSettings& settings() const { return settings_; }
  const std::string& name() const { return settings_.name; }
  /// Its number in the metrics: the same over reloads. Set before it is served.
  uint32_t metrics_id() const { return metrics_id_.load(std::memory_order_relaxed); }
  void set_metrics_id(uint32_t id) { metrics_id_.store(id, std::memory_order_relaxed); }
  size_t size() const { return endpoints_.size(); }
  Endpoint& endpoint(size_t i) { return endpoints_[i]; }
  const Endpoint& endpoint(size_t i) const { return endpoints_[i]; }
  RetryBudget& budget() { return budget_; }
  /// What connections to its https endpoints begin with; nullptr: it has none. Read anew with each configuration.
  net::TlsClientSlot& tls() { return tls_; }
  Breakers* breakers() const { return breakers_.get(); }  ///< nullptr: it has none
  std::vector<std::string> labels() const;                ///< of the endpoints

  /// Takes a place for one connection, of the upstream and of the endpoint; false if there is none.
  bool try_permit(size_t endpoint);
  /// Gives it back, and on to the first that waits for one.
  void release_permit(size_t endpoint);
  bool anybody_waits() const { return waiting_.load(std::memory_order_seq_cst) > 0; }
  uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }

  /// Queues `waiter`; false if max_pending already wait. Then somebody's grant posts to its loop and sets `granted`.
  bool enqueue(const std::shared_ptr<Waiter>& waiter);
  /// On the waiter's loop: it gives up.
  void abandon(const std::shared_ptr<Waiter>& waiter);
  /// Whose turn it is when a connection to `endpoint` becomes free on `loop`: that waiter's, who leaves the queue and
  /// gets the connection; or, with `close`, somebody's who needs its place; or nobody's.
  struct Turn {
    std::shared_ptr<Waiter> waiter;
    bool close = false;
  };
  Turn next_turn(net::EventLoop* loop, size_t endpoint);
  /// The place of a connection to `endpoint`, of `loop`, is what somebody else waits for.
  bool wants_place(net::EventLoop* loop, size_t endpoint) const;
  /// One more that waits, though not in the queue; false if max_pending already do. end_waiting() follows.
  bool begin_waiting();
  void end_waiting() { waiting_.fetch_sub(1, std::memory_order_seq_cst); }
  bool endpoint_full(size_t endpoint) const;

  void register_pool(net::EventLoop* loop, std::weak_ptr<Pool> pool);
  /// Asks the other loops' pools to close an idle connection each: somebody needs a place for `endpoint`.
  void ask_to_shed(net::EventLoop* except, size_t endpoint);

 private:
  void grant();
  config::UpstreamSettings settings_;
  std::vector<Endpoint> endpoints_;  // as many as there will be
  RetryBudget budget_;
  net::TlsClientSlot tls_;
  std::unique_ptr<Breakers> breakers_;
  std::atomic<uint32_t> connections_{0};
  std::atomic<uint32_t> waiting_{0};
  std::atomic<uint32_t> metrics_id_{0};
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<Waiter>> waiters_;
  std::vector<std::pair<net::EventLoop*, std::weak_ptr<Pool>>> pools_;
};

/// True if a reload that goes from one to the other may keep connections and counters.
bool same_settings(const config::UpstreamSettings& a, const config::UpstreamSettings& b);

}  // namespace vg::upstream
