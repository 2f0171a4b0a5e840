// What active checks have found out about one endpoint. Pure logic. Thread: any; one checks.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "config/settings.h"

namespace vg::upstream {

class HealthState {
 public:
  /// Endpoints are healthy until checks say otherwise.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  /// One check has ended. True: the state has changed.
  bool on_check(bool passed, const config::HealthSettings& settings, TimePoint now) {
    checks_.fetch_add(1, std::memory_order_relaxed);
    if (!passed) failed_.fetch_add(1, std::memory_order_relaxed);
    against_ = passed == healthy() ? 0 : against_ + 1;
    if (against_ < (passed ? settings.healthy_after : settings.unhealthy_after) || passed == healthy()) return false;
    against_ = 0;
    healthy_.store(passed, std::memory_order_relaxed);
    since_.store(Duration(now.time_since_epoch()).count(), std::memory_order_relaxed);
    return true;
  }
  TimePoint since() const {
    return TimePoint(Duration(since_.load(std::memory_order_relaxed)));
  }  ///< 0: from the start
  uint64_t checks() const { return checks_.load(std::memory_order_relaxed); }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> healthy_{true};
  uint32_t against_ = 0;  // checks in a row that say otherwise; of who checks
  std::atomic<int64_t> since_{0};
  std::atomic<uint64_t> checks_{0}, failed_{0};
};

}  // namespace vg::upstream
