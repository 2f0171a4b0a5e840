// Time as the gateway sees it: a monotonic clock for deadlines and a wall clock for dates. All of src/ asks this one,
// so that tests move it. A loop keeps the monotonic time of its current turn (EventLoop::now()).
#pragma once
#include <atomic>
#include <chrono>
#include <ctime>

namespace vg {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// Thread: any.
class Clock {
 public:
  static TimePoint now() { return std::chrono::steady_clock::now() + moved(); }
  /// The monotonic clock of the system's last tick: some milliseconds behind, and cheap.
  static TimePoint coarse() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return TimePoint(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec)) + moved();
  }
  static WallTime wall() {
    return std::chrono::system_clock::now() + std::chrono::duration_cast<WallTime::duration>(moved());
  }
  /// All clocks of the whole process are later by `by` from now on. For tests. A loop sees it in its next turn, and
  /// its timers once EventLoop::clock_moved() has told it.
  static void advance(Duration by) { moved_.fetch_add(by.count(), std::memory_order_relaxed); }

 private:
  static Duration moved() { return Duration(moved_.load(std::memory_order_relaxed)); }
  static inline std::atomic<int64_t> moved_{0};  // nanoseconds
};

}  // namespace vg
