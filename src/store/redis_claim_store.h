// Claims in Redis: one owner over all processes that share it. An operation is one script, which is atomic, and one
// round trip; a value is one string, at {prefix}KEY, that expires by itself.
// Thread: that of `redis`.
#pragma once
#include <memory>

#include "store/claim_store.h"
#include "store/redis.h"

namespace vg::store {

class RedisClaimStore final : public ClaimStore {
 public:
  explicit RedisClaimStore(std::shared_ptr<Redis> redis) : redis_(std::move(redis)) {}
  // Errors: those of Redis::eval(); kStatus where it is full or takes no writes.
  coro::Task<Result<Blob>> claim(std::string key, Blob value, Duration ttl, coro::CancelSource* cancel) override;
  coro::Task<Result<bool>> settle(std::string key, Blob mine, Blob value, Duration ttl,
                                  coro::CancelSource* cancel) override;
  coro::Task<Result<bool>> release(std::string key, Blob mine, coro::CancelSource* cancel) override;

 private:
  std::shared_ptr<Redis> redis_;
};

}  // namespace vg::store
