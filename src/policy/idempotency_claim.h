// One claim of a key: taken before the view runs, renewed as long as it does, and then settled with what it came to, or
// released. A process that crashes leaves a claim that goes by itself after kLease. Thread: the request's loop.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "coro/scope.h"
#include "pipeline/context.h"
#include "policy/idempotency_record.h"
#include "store/claim_store.h"

namespace vg::policy {

class IdempotencyClaim {
 public:
  static constexpr Duration kLease = std::chrono::seconds(30);
  static constexpr Duration kRenewAfter = std::chrono::seconds(10);

  /// Lifetime: ctx outlives it; it stays where it is made.
  IdempotencyClaim(pipeline::Context& ctx, std::shared_ptr<store::ClaimStore> store, std::string key,
                   std::string fingerprint);
  IdempotencyClaim(const IdempotencyClaim&) = delete;

  const std::string& fingerprint() const { return fingerprint_; }
  /// A record of this claim.
  IdempotencyRecord record(IdempotencyRecord::Kind kind) const;

  /// nullptr: it is ours; else what stands there. Errors: the store's; then it is released beside, where it may be ours
  /// all the same. Cancel: ctx.cancel.
  coro::Task<Result<store::Blob>> take();
  /// From now on it is renewed; join() must follow.
  void keep_renewed(Duration after = kRenewAfter);
  coro::Task<void> join();
  /// Keeps `record`, or where the store does not take that, that there is no answer. Where it can't be asked it is
  /// tried again beside, for a while. Not cancelled: what was done is done.
  coro::Task<void> settle(store::Blob record, Duration ttl);
  /// Others may try.
  coro::Task<void> release();

 private:
  pipeline::Context& ctx_;
  std::shared_ptr<store::ClaimStore> store_;
  std::string key_, fingerprint_;
  std::array<char, 16> owner_;
  store::Blob mine_;
  coro::Scope renewing_;
  coro::CancelSource stop_;
};

}  // namespace vg::policy
