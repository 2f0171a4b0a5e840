// Where it is kept who does a thing first: a value that is put only if nothing is there, and then replaced by its
// owner. What Idempotency-Key stands on. Two stores are of this kind (memory_claim_store.h, redis_claim_store.h);
// tests/contract/ holds both to what stands here.
#pragma once
#include <string>

#include "store/cache_store.h"

namespace vg::store {

class ClaimStore {
 public:
  virtual ~ClaimStore() = default;
  /// Puts `value` for `ttl` if nothing stands at `key`: then nullptr; else what stands there. Errors: the store can't
  /// be asked, or is full.
  virtual coro::Task<Result<Blob>> claim(std::string key, Blob value, Duration ttl, coro::CancelSource* cancel) = 0;
  /// Puts `value` in the place of `mine`, for `ttl`. False: something else stands there, or nothing; it stays so.
  virtual coro::Task<Result<bool>> settle(std::string key, Blob mine, Blob value, Duration ttl,
                                          coro::CancelSource* cancel) = 0;
  /// Removes `mine`. False: something else stands there, or nothing; it stays so.
  virtual coro::Task<Result<bool>> release(std::string key, Blob mine, coro::CancelSource* cancel) = 0;
};

}  // namespace vg::store
