// Where it is kept who does a thing first: a value that is put only if nothing is there, and then replaced by its
// owner. What Idempotency-Key stands on. A claim that is not settled goes when its time is over, so that its owner may
// crash; an owner who comes back too late finds what another one put, and changes nothing. Two stores are of this kind
// (memory_claim_store.h, redis_claim_store.h); tests/contract/ holds both to what stands here.
#pragma once
#include <string>

#include "store/cache_store.h"

namespace vg::store {

class ClaimStore {
 public:
  virtual ~ClaimStore() = default;
  /// Puts `value` for `ttl`, at least 1 ms, if nothing stands at `key`: then nullptr; else what stands there. No two
  /// claims of one key may have the same value: their owners are told apart by it. Errors: kOverload: the store is
  /// full; others: it can't be asked, and may have put it all the same.
  virtual coro::Task<Result<Blob>> claim(std::string key, Blob value, Duration ttl, coro::CancelSource* cancel) = 0;
  /// Puts `value`, for `ttl`, where `mine` stands, or nothing does any more: what was claimed may have been lost.
  /// False: something else stands there; it stays so. Errors: as claim(); a value that is no longer than `mine` always
  /// has room in memory.
  virtual coro::Task<Result<bool>> settle(std::string key, Blob mine, Blob value, Duration ttl,
                                          coro::CancelSource* cancel) = 0;
  /// Removes `mine`. False: something else stands there, or nothing; it stays so. Errors: it can't be asked.
  virtual coro::Task<Result<bool>> release(std::string key, Blob mine, coro::CancelSource* cancel) = 0;
};

}  // namespace vg::store
