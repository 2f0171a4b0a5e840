#include "policy/idempotency_claim.h"

#include "base/random_hex.h"
#include "observe/log.h"

namespace vg::policy {

namespace {

using store::Blob;

// No store is waited for longer than that, whatever its own timeout.
constexpr Duration kPatience = std::chrono::seconds(5);
// How often, and how long, a store that failed is asked again to keep what was done.
constexpr Duration kAgainAfter = std::chrono::seconds(1);
constexpr int kAgain = 30;

coro::Task<void> renew(net::EventLoop* loop, std::shared_ptr<store::ClaimStore> store, std::string key, Blob mine,
                       Duration after, coro::CancelSource* stop) {
  for (;;) {
    net::Sleep pause(loop, after, stop);
    const bool slept = co_await pause;
    if (!slept) co_return;
    const Result<bool> renewed = co_await store->settle(key, mine, mine, IdempotencyClaim::kLease, stop);
    static_cast<void>(renewed);  // there will be another try before the lease is over
  }
}

coro::Task<void> release_aside(std::shared_ptr<store::ClaimStore> store, std::string key, Blob mine,
                               coro::CancelSource* cancel) {
  const Result<bool> released = co_await store->release(std::move(key), std::move(mine), cancel);
  static_cast<void>(released);  // it goes by itself, later
}

coro::Task<void> settle_aside(net::EventLoop* loop, std::shared_ptr<store::ClaimStore> store, std::string key,
                              Blob mine, Blob record, Duration ttl, std::string request_id,
                              coro::CancelSource* cancel) {
  for (int i = 0; i < kAgain && !cancel->cancelled(); ++i) {
    net::Sleep pause(loop, kAgainAfter, cancel);
    const bool slept = co_await pause;
    if (!slept) break;
    const Result<bool> settled = co_await store->settle(key, mine, record, ttl, cancel);
    if (settled) co_return;
  }
  log::error("request ", request_id, ": what became of it could not be kept under its Idempotency-Key: if it is sent ",
             "again, it is carried out again");
}

std::string why(const Error& error) { return error.internal.empty() ? error.detail : error.internal; }

}  // namespace

IdempotencyClaim::IdempotencyClaim(pipeline::Context& ctx, std::shared_ptr<store::ClaimStore> store, std::string key,
                                   std::string fingerprint)
    : ctx_(ctx), store_(std::move(store)), key_(std::move(key)), fingerprint_(std::move(fingerprint)) {
  write_random_hex(owner_.data(), owner_.size());
  mine_ = record(IdempotencyRecord::Kind::kUnderWay).pack();
}

IdempotencyRecord IdempotencyClaim::record(IdempotencyRecord::Kind kind) const {
  IdempotencyRecord out;
  out.kind = kind;
  out.fingerprint = fingerprint_;
  out.owner = {owner_.data(), owner_.size()};
  return out;
}

coro::Task<Result<Blob>> IdempotencyClaim::take() {
  net::DeadlineSource patience(ctx_.loop, ctx_.loop->now() + kPatience, &ctx_.cancel);
  Result<Blob> stands = co_await store_->claim(key_, mine_, kLease, &patience);
  if (stands) co_return std::move(stands);
  const ErrorKind kind = stands.error().kind;
  if (kind != ErrorKind::kConnect && kind != ErrorKind::kOverload) {
    pipeline::Background& background = ctx_.services->background;
    static_cast<void>(background.spawn(release_aside(store_, key_, mine_, background.cancel()), mine_->size()));
  }
  co_return std::move(stands);
}

void IdempotencyClaim::keep_renewed(Duration after) {
  renewing_.spawn(renew(ctx_.loop, store_, key_, mine_, after, &stop_));
}

// A renewal that came behind a release would bring the claim back.
coro::Task<void> IdempotencyClaim::join() {
  stop_.cancel(ErrorKind::kCancelled);
  co_await renewing_.join();
}

coro::Task<void> IdempotencyClaim::settle(Blob record_of_it, Duration ttl) {
  Result<bool> settled = false;
  Blob value = std::move(record_of_it);
  for (int tries = 0; tries < 2; ++tries) {
    net::DeadlineSource patience(ctx_.loop, ctx_.loop->now() + kPatience, nullptr);
    settled = co_await store_->settle(key_, mine_, value, ttl, &patience);
    // Too much for it, maybe; then at least that it was done.
    const bool refused =
        !settled && (settled.error().kind == ErrorKind::kOverload || settled.error().kind == ErrorKind::kStatus);
    if (!refused) break;
    value = record(IdempotencyRecord::Kind::kNoAnswer).pack();
  }
  if (settled) {
    if (!*settled)
      log::warn("request ", ctx_.request_id(), ": its Idempotency-Key was claimed by another request in the meantime");
    co_return;
  }
  log::warn("request ", ctx_.request_id(),
            ": its answer is not kept under its Idempotency-Key yet: ", why(settled.error()));
  pipeline::Background& background = ctx_.services->background;
  const std::string id(ctx_.request_id());
  const size_t bytes = value->size();
  if (!background.spawn(settle_aside(ctx_.loop, store_, key_, mine_, std::move(value), ttl, id, background.cancel()),
                        bytes))
    log::error("request ", id, ": its answer is not kept under its Idempotency-Key: too much is under way");
}

coro::Task<void> IdempotencyClaim::release() {
  net::DeadlineSource patience(ctx_.loop, ctx_.loop->now() + kPatience, nullptr);
  const Result<bool> released = co_await store_->release(key_, mine_, &patience);
  if (!released)
    log::warn("request ", ctx_.request_id(),
              ": its Idempotency-Key stays claimed for up to 30 s: ", why(released.error()));
}

}  // namespace vg::policy
