// Where rate limits are counted. One decision takes all limits of a request at once: it is admitted by all and counted
// in all, or refused and counted in none. Two stores are of this kind (memory_limit_store.h, redis_limit_store.h);
// tests/contract/ holds both to what stands here:
//   sliding_window  counts by sixteenths of the window. A request counts for the window and up to a sixteenth more, so
//                   that no window of this length, wherever it begins, sees more than `limit`.
//   token_bucket    holds `burst` tokens, and gets `limit` of them each window, evenly; a request takes one.
//   fixed_window    counts from one multiple of the window, by the wall clock, to the next.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "coro/cancel.h"
#include "coro/task.h"
#include "store/keyed_hash.h"

namespace vg::store {

enum class LimitAlgorithm : uint8_t { kSlidingWindow, kTokenBucket, kFixedWindow };
std::string_view to_string(LimitAlgorithm algorithm);  ///< as the configuration writes it

struct LimitRule {
  static constexpr uint32_t kMost = 1'000'000'000;  ///< for `limit` and `burst`
  LimitAlgorithm algorithm = LimitAlgorithm::kSlidingWindow;
  uint32_t limit = 0;  ///< requests
  Duration window{};   ///< at least 1 s, whole seconds
  uint32_t burst = 0;  ///< kTokenBucket: the most that may be saved up; 0: `limit`
  bool operator==(const LimitRule&) const = default;
};

/// A counter as the configuration declares it; each key has a count of its own in it. Immutable.
class LimitCounter {
 public:
  /// `name`: of a route and the place in its list, or the name that routes share.
  LimitCounter(std::string name, const LimitRule& rule);
  const LimitRule& rule() const { return rule_; }
  /// What its counts are kept under: a counter of another algorithm or window begins anew, one of another limit goes
  /// on.
  const std::string& id() const { return id_; }
  Hash128 hash() const { return hash_; }
  double burst() const { return burst_; }
  int64_t window_us() const { return window_us_; }
  double per_us() const { return per_us_; }  ///< tokens
  /// Limit, window in microseconds and burst, each a double of 8 bytes, lowest first; then a byte of the algorithm and
  /// one that is 1 for an advisory ask: a word of a command.
  const std::string& packed(bool advisory) const { return packed_[advisory ? 1 : 0]; }

 private:
  std::string id_;
  LimitRule rule_;
  Hash128 hash_;
  int64_t window_us_;
  double burst_, per_us_;
  std::array<std::string, 2> packed_;
};

/// One limit that a request asks to pass. Lifetime: the caller's, until the task ends.
struct LimitAsk {
  const LimitCounter* counter = nullptr;
  std::string_view key;   ///< whom it counts; any bytes
  bool secret = false;    ///< `key` is not to be read by others
  bool advisory = false;  ///< says whether it admits, but does not refuse the request
};

/// Where it stands after the decision.
struct LimitState {
  bool admits = true;
  uint32_t remaining = 0;
  Duration reset{};        ///< token_bucket: until all of it is free again; else: until some more of it is
  Duration retry_after{};  ///< where it does not admit: until it would
};

class LimitStore {
 public:
  static constexpr size_t kMostAsks = 8;  ///< in one decision
  virtual ~LimitStore() = default;
  /// Decides for all of `asks`, which are of different counters; states[i] is of asks[i]. True: admitted. `now` is the
  /// loop's time; a store that others share has its own. Errors: the store can't be asked.
  virtual coro::Task<Result<bool>> admit(std::span<const LimitAsk> asks, std::span<LimitState> states, TimePoint now,
                                         coro::CancelSource* cancel) = 0;
};

}  // namespace vg::store
