// Active health checks: a GET on each endpoint of the upstreams that ask for it, by HTTP/1.1 or HTTP/2 as its calls, on
// a connection of its own, closed after the head of the answer. One monitor in the process does them all, on one loop;
// what it finds out is the endpoints'. Nothing of it counts as a request: no metrics of attempts, no breaker, no access
// log. SPEC section 2, health. Thread: its loop.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "net/dns_host.h"
#include "upstream/upstream.h"

namespace vg::upstream {

class HealthMonitor {
 public:
  /// `on_ended`: called when the last check has ended, after stop(). Lifetime: loop and dns outlive it.
  HealthMonitor(net::EventLoop* loop, net::DnsCache* dns, std::function<void()> on_ended);
  HealthMonitor(const HealthMonitor&) = delete;

  /// Checks these upstreams from now on, and no others; those that it checks already go on as they are.
  void watch(const std::vector<std::shared_ptr<Upstream>>& upstreams);
  /// Ends all checks, soon.
  void stop();
  /// Checks that have not ended. It must be 0 before the monitor goes.
  size_t running() const { return running_; }

 private:
  struct Watch {
    std::shared_ptr<Upstream> upstream;
    coro::CancelSource cancel;
  };
  coro::Task<void> check_again_and_again(std::shared_ptr<Watch> watch, size_t endpoint);
  coro::Task<bool> passes(std::shared_ptr<Watch> watch, size_t endpoint, std::string* why);
  coro::Task<Result<net::Address>> address(const Endpoint& endpoint, Duration dns_ttl, coro::CancelSource* cancel);

  net::EventLoop* loop_;
  net::DnsCache* dns_;
  std::function<void()> on_ended_;
  std::vector<std::shared_ptr<Watch>> watches_;
  coro::Scope scope_;
  size_t running_ = 0;
  bool stopped_ = false;
  uint64_t turn_ = 0;  // a name's addresses take turns
};

}  // namespace vg::upstream
