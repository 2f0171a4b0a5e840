#include "policy/rate_limit.h"

#include "base/seldom.h"
#include "base/strings.h"
#include "observe/log.h"
#include "policy/limit_set.h"
#include "store/redis_limit_store.h"

namespace vg::policy {

namespace {

using observe::LimitMetrics;
using store::LimitAsk;
using store::LimitState;

constexpr size_t kMost = store::LimitStore::kMostAsks;

int64_t seconds_up(Duration d) { return (d.count() + 999'999'999) / 1'000'000'000; }

coro::Task<Result<void>> fail(Error error) { co_return std::move(error); }

/// What a request asks of the limits, and what they answered. Which of them it asks depends on the store.
struct Decision {
  std::array<std::string, kMost> keys;  // keep their memory where the decision is reused
  std::array<LimitAsk, kMost> asks;
  std::array<LimitState, kMost> states;
  std::array<const Limit*, kMost> limits;
  size_t size = 0;

  void add(const Limit& limit, const pipeline::Context& ctx) {
    keys[size].clear();
    limit.key.append(ctx, keys[size]);
    asks[size] = {limit.counter.get(), keys[size], limit.key.secret(), limit.dry_run};
    limits[size++] = &limit;
  }
  std::span<const LimitAsk> asked() const { return {asks.data(), size}; }
  std::span<LimitState> answers() { return {states.data(), size}; }
};

class RateLimit final : public pipeline::Policy {
 public:
  RateLimit(LimitSet set, pipeline::Build& build)
      : set_(std::move(set)), memory_(build.kept().get<store::MemoryLimitStore>("rate_limit", [] {
          return std::make_shared<store::MemoryLimitStore>();
        })) {}

  coro::Task<Result<void>> run(pipeline::Context& ctx, pipeline::Next next) const override {
    if (!set_.in_redis) return decide_here(ctx, next, false);
    // One that is known to be down is not worth a frame.
    if (ctx.redis() == nullptr || !ctx.redis()->up()) return without_redis(ctx, next, "it is down");
    return ask_redis(ctx, next);
  }
  std::vector<pipeline::ShownLimit*> limits() override {
    std::vector<pipeline::ShownLimit*> out;
    for (Limit& limit : set_.limits) out.push_back(&limit.shown);
    return out;
  }

 private:
  coro::Task<Result<void>> decide_here(pipeline::Context& ctx, pipeline::Next next, bool instead) const;
  coro::Task<Result<void>> ask_redis(pipeline::Context& ctx, pipeline::Next next) const;
  coro::Task<Result<void>> without_redis(pipeline::Context& ctx, pipeline::Next next, std::string_view why) const;
  coro::Task<Result<void>> go_on(pipeline::Context& ctx, pipeline::Next next, Decision& d, bool admitted,
                                 bool instead) const;
  void tell_client(pipeline::Context& ctx, const Decision& d) const;
  void count(pipeline::Context& ctx, const Decision& d, bool admitted, bool instead) const;

  LimitSet set_;
  std::shared_ptr<store::MemoryLimitStore> memory_;
  mutable Seldom dry_runs_logged_;
};

// In this process. `instead`: of Redis, by the limits that are to be kept then.
coro::Task<Result<void>> RateLimit::decide_here(pipeline::Context& ctx, pipeline::Next next, bool instead) const {
  // Of the thread: nothing waits as long as it is used.
  thread_local Decision d;
  d.size = 0;
  for (const Limit& limit : set_.limits) {
    if (!instead || limit.on_store_failure == OnStoreFailure::kLocal) d.add(limit, ctx);
  }
  const bool admitted = memory_->decide(d.asked(), d.answers(), ctx.loop->now());
  return go_on(ctx, next, d, admitted, instead);
}

coro::Task<Result<void>> RateLimit::ask_redis(pipeline::Context& ctx, pipeline::Next next) const {
  auto d = std::make_unique<Decision>();
  for (const Limit& limit : set_.limits) d->add(limit, ctx);
  store::RedisLimitStore redis(ctx.redis());
  const Result<bool> admitted = co_await redis.admit(d->asked(), d->answers(), ctx.loop->now(), &ctx.cancel);
  if (!admitted && ctx.cancel.cancelled()) co_return Error(ctx.cancel.reason(), "the answer was not ready in time");
  coro::Task<Result<void>> rest;
  if (admitted) {
    rest = go_on(ctx, next, *d, *admitted, false);
  } else {
    rest = without_redis(ctx, next,
                         admitted.error().internal.empty() ? admitted.error().detail : admitted.error().internal);
  }
  d.reset();
  Result<void> out = co_await rest;
  co_return std::move(out);
}

coro::Task<Result<void>> RateLimit::without_redis(pipeline::Context& ctx, pipeline::Next next,
                                                  std::string_view why) const {
  static Seldom logged;
  if (logged.now(ctx.loop->now())) log::warn("rate limits are counted by each process for itself: Redis: ", why);
  bool denied = false;
  for (const Limit& limit : set_.limits) {
    if (limit.on_store_failure == OnStoreFailure::kLocal) continue;
    ctx.services->metrics->limits.at(limit.shown.metrics_id).decisions[LimitMetrics::kStoreError].add();
    denied = denied || (limit.on_store_failure == OnStoreFailure::kDeny && !limit.dry_run);
  }
  if (denied) return fail(Error(ErrorKind::kOverload, "the request can't be counted for the moment"));
  return decide_here(ctx, next, true);
}

coro::Task<Result<void>> RateLimit::go_on(pipeline::Context& ctx, pipeline::Next next, Decision& d, bool admitted,
                                          bool instead) const {
  count(ctx, d, admitted, instead);
  tell_client(ctx, d);
  if (admitted) return next.run(ctx);
  Duration wait{};
  for (size_t i = 0; i < d.size; ++i) {
    if (!d.limits[i]->dry_run && !d.states[i].admits) wait = std::max(wait, d.states[i].retry_after);
  }
  ctx.added_fields.append(std::string_view("Retry-After: "));
  append_u64(ctx.added_fields, static_cast<uint64_t>(std::max<int64_t>(1, seconds_up(wait))));
  ctx.added_fields.append(std::string_view("\r\n"));
  return fail(Error(ErrorKind::kRateLimited, "too many requests"));
}

// RateLimit-Policy and RateLimit. What admits has as much left as it says; what refuses says when to come again.
void RateLimit::tell_client(pipeline::Context& ctx, const Decision& d) const {
  std::string& out = ctx.added_fields;
  size_t announced = 0;
  for (size_t i = 0; i < d.size; ++i) {
    const Limit& limit = *d.limits[i];
    if (limit.dry_run) continue;
    out.append(announced++ == 0 ? std::string_view(set_.policy_field) : std::string_view(", "));
    out.append(limit.announced);
    append_u64(out, d.states[i].remaining);
    out.append(std::string_view(";t="));
    append_u64(out, static_cast<uint64_t>(std::max<int64_t>(0, seconds_up(d.states[i].reset))));
  }
  if (announced > 0) out.append(std::string_view("\r\n"));
}

void RateLimit::count(pipeline::Context& ctx, const Decision& d, bool admitted, bool instead) const {
  for (size_t i = 0; i < d.size; ++i) {
    const Limit& limit = *d.limits[i];
    LimitMetrics::Result result = instead ? LimitMetrics::kLocal : LimitMetrics::kAdmitted;
    if (!d.states[i].admits) {
      result = limit.dry_run ? LimitMetrics::kDryRun : LimitMetrics::kRefused;
    } else if (!admitted) {
      continue;  // another one refused, this one counted nothing
    }
    ctx.services->metrics->limits.at(limit.shown.metrics_id).decisions[result].add();
    if (result == LimitMetrics::kDryRun && dry_runs_logged_.now(ctx.loop->now()))
      log::info("request ", ctx.request_id(), " route=", ctx.route->name, ": rate limit ", limit.shown.name,
                " would have refused it; it is a dry run");
  }
}

}  // namespace

config::PolicyType describe_rate_limit() {
  config::PolicyType type;
  type.name = "rate_limit";
  type.spec = limit_set_spec();
  type.about = "how many requests may be made: one limit, or a list of them, decided at once";
  return type;
}

std::unique_ptr<pipeline::Policy> create_rate_limit(const config::Node& settings, pipeline::Build& build) {
  return std::make_unique<RateLimit>(create_limit_set(settings, build), build);
}

}  // namespace vg::policy
