// Where rate limits are counted. One decision takes all limits of a request at once: it is admitted by all and counted
// in all, or refused and counted in none. Two stores are of this kind (memory_limit_store.h, redis_limit_store.h);
// tests/contract/ holds both to what stands here.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "coro/cancel.h"
#include "coro/task.h"

namespace vg::store {

enum class LimitAlgorithm : uint8_t { kSlidingWindow, kTokenBucket, kFixedWindow };

struct LimitRule {
  LimitAlgorithm algorithm = LimitAlgorithm::kSlidingWindow;
  uint32_t limit = 0;  ///< requests
  Duration window{};
  uint32_t burst = 0;  ///< kTokenBucket: the most that may be saved up; 0: `limit`
};

/// One limit that a request asks to pass. Lifetime: the caller's, until the task ends.
struct LimitAsk {
  const LimitRule* rule = nullptr;
  std::string_view counter;  ///< whose: of a route, or the name that routes share
  std::string_view key;      ///< whom it counts
};

/// Where it stands after the decision.
struct LimitState {
  bool admits = true;
  uint32_t remaining = 0;
  Duration reset{};        ///< until all of it is free again, or for a window the next moment at which some of it is
  Duration retry_after{};  ///< refused: until one more would be admitted
};

class LimitStore {
 public:
  virtual ~LimitStore() = default;
  /// Decides for all of `asks`; states[i] is of asks[i]. True: admitted. Errors: the store can't be asked.
  virtual coro::Task<Result<bool>> admit(std::span<const LimitAsk> asks, std::span<LimitState> states,
                                         coro::CancelSource* cancel) = 0;
};

}  // namespace vg::store
