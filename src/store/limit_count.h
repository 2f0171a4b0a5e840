// The three algorithms of limit_store.h, on what is kept of one key. redis_limit_store.cc says the same in Lua. Times
// are microseconds since 1970. A caller whose clock is behind counts as of the latest time that was seen.
// Thread: one at a time.
#pragma once
#include <array>
#include <cstdint>

#include "store/limit_store.h"

namespace vg::store {

/// All zero: nothing was counted.
class LimitCount {
 public:
  /// Whether one more would be admitted at `now_us`.
  bool admits(const LimitCounter& counter, int64_t now_us);
  /// Counts one. Precondition: admits() was called for this time.
  void add(const LimitCounter& counter);
  /// Where it stands. Precondition: as for add().
  void tell(const LimitCounter& counter, int64_t now_us, LimitState& state) const;
  /// From then on it is as if nothing had been counted.
  int64_t empty_at_us(const LimitCounter& counter, int64_t now_us) const;

 private:
  static constexpr int64_t kParts = 16;         // of a window
  static constexpr int64_t kKept = kParts + 1;  // with the one that is under way

  void move_to(int64_t part);
  int64_t part_us(const LimitCounter& counter) const { return counter.window_us() / kParts; }
  void tell_sliding(const LimitCounter& counter, int64_t now_us, LimitState& state) const;

  struct Window {
    int64_t part;  // the number of the latest sixteenth, or of the whole window
    uint32_t total;
    std::array<uint32_t, kKept> counts;  // of sixteenths, by their number modulo kKept
  };
  struct Bucket {
    int64_t at_us;
    double taken;  // tokens that are not back yet
  };
  union {
    Window window_{};
    Bucket bucket_;
  };
};

}  // namespace vg::store
