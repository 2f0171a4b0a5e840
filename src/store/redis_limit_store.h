// Rate limits in Redis: one limit over all processes that share it. A decision is one script, which is atomic, and one
// round trip; the time is Redis's own, so that the processes' clocks need not agree. What is kept of a key is one
// string, under {prefix}limit:COUNTER:ALGORITHM:SECONDS:KEY, that expires by itself.
// Thread: that of `redis`.
#pragma once
#include "store/limit_store.h"
#include "store/redis.h"

namespace vg::store {

class RedisLimitStore final : public LimitStore {
 public:
  enum class Time : uint8_t { kOfRedis, kOfCaller };  ///< kOfCaller: `now` counts from 1970; for tests
  /// Lifetime: `redis` outlives it. Costs nothing to make.
  explicit RedisLimitStore(Redis* redis, Time time = Time::kOfRedis) : redis_(redis), time_(time) {}
  coro::Task<Result<bool>> admit(std::span<const LimitAsk> asks, std::span<LimitState> states, TimePoint now,
                                 coro::CancelSource* cancel) override;

 private:
  Redis* redis_;
  Time time_;
};

}  // namespace vg::store
