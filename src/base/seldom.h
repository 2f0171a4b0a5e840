// What is said once in a while, however often it happens. Thread: any.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace vg {

class Seldom {
 public:
  /// True at most once a minute, whoever asks.
  bool now(TimePoint at) {
    int64_t last = last_.load(std::memory_order_relaxed);
    const int64_t ns = at.time_since_epoch().count();
    if (last != 0 && ns - last < kPause.count()) return false;
    return last_.compare_exchange_strong(last, ns, std::memory_order_relaxed);
  }

 private:
  static constexpr Duration kPause = std::chrono::seconds(60);
  std::atomic<int64_t> last_{0};
};

}  // namespace vg
