// Keeps retries from multiplying an outage: of an upstream's requests in the last 10 s, only a share may be retried,
// but at least 3 a second. One for an upstream in the whole process; lock-free, and the time is the caller's.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace vg::upstream {

/// Thread: any.
class RetryBudget {
 public:
  static constexpr Duration kWindow = std::chrono::seconds(10);
  static constexpr size_t kMinimumPerSecond = 3;

  RetryBudget();

  /// Counts a request (not a retry).
  void on_request(TimePoint now);
  /// True: the retry is admitted and counted. While retries of the last 10 s (this one included) exceed `share` (0.2 is
  /// 20 %) of the requests of the last 10 s, at most 3 in any second are admitted; 3 in any second always are. Calls
  /// may come with shares of their own: what they count is one.
  bool try_retry(TimePoint now, double share);

 private:
  static constexpr Duration kSlice = std::chrono::milliseconds(500);
  static constexpr size_t kSlices = 32;           // a power of two, more than a window has
  static constexpr uint32_t kRequestSlices = 20;  // covers at most the window: requests are never overcounted
  static constexpr uint32_t kRetrySlices = 21;    // covers at least the window: retries are never undercounted

  // A slice packs its number (high half) with its count, so that a stale one is known and replaced in one exchange.
  using Slices = std::array<std::atomic<uint64_t>, kSlices>;
  static uint32_t number(TimePoint now);
  bool take_minimum(TimePoint now);
  static void add(Slices& slices, uint32_t slice);
  static void undo(Slices& slices, uint32_t slice);
  static uint64_t sum(const Slices& slices, uint32_t newest, uint32_t count);

  alignas(64) Slices requests_{};
  alignas(64) Slices retries_{};
  std::array<std::atomic<int64_t>, kMinimumPerSecond> minimum_;  ///< when each of the three a second was last used
};

}  // namespace vg::upstream
