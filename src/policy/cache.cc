#include "policy/cache.h"

#include "base/strings.h"
#include "cache/validators.h"
#include "cache/vary.h"
#include "policy/cache_answer.h"
#include "policy/cache_body.h"
#include "policy/cache_key.h"

namespace vg::policy {

namespace {

using cache::CacheStatus;
using cache::Entry;
using cache::FillOutcome;
using cache::Forward;
using observe::CacheResult;
using pipeline::Context;
using pipeline::Next;

// What a refresh beside its request has at least.
constexpr Duration kRefreshTime = std::chrono::seconds(30);

// One request's way through the cache.
struct Asked {
  cache::RequestDirectives directives;
  std::string key;
  bool credential = false;  // that is not in the key
  CacheStatus status;
};

class Cache final : public pipeline::Policy {
 public:
  Cache(const config::Node& settings, pipeline::Build& build)
      : settings_(read_cache_settings(settings, build)),
        key_(CacheKey::create(settings, build)),
        fills_(build.kept().get<cache::Fills>("fills", [] { return std::make_shared<cache::Fills>(); })),
        tag_names_(tag_names(settings, build)) {
    build.keep_answers_in(settings_.store, &settings, "cache.store");
  }

  coro::Task<Result<void>> run(Context& ctx, Next next) const override;
  std::vector<std::pair<std::string, std::string>> explain() const override;

 private:
  struct Refresh;
  coro::Task<Result<void>> serve(Context& ctx, Next next) const;
  coro::Task<void> look(Context& ctx, const std::string& key, Found* found) const;
  coro::Task<Result<void>> pass(Context& ctx, Next next, CacheStatus status) const;
  coro::Task<Result<void>> fill(Context& ctx, Next next, Asked asked, Found found, cache::Lead lead) const;
  coro::Task<Result<void>> keep_answer(Context& ctx, std::unique_ptr<Fill> fill, CacheStatus status) const;
  bool answer_stored(Context& ctx, Next next, const Asked& asked, const Found& found, WallTime now) const;
  bool answer_shared(Context& ctx, const Asked& asked, const Found& found, const FillOutcome& outcome) const;
  void let_go(Context& ctx, Fill& fill, const cache::Verdict& verdict, bool too_large, CacheStatus status) const;
  static bool contradicts(const Context& ctx, const Entry& entry);
  coro::Task<void> forget(Context& ctx, std::string key) const;
  bool may_give_stale(const Fill& fill) const;
  void give_stale(Context& ctx, Fill& fill, uint16_t failed_with, CacheStatus status) const;
  bool renew(Context& ctx, Fill& fill, CacheStatus status) const;
  void refresh(Context& ctx, Next next, const Asked& asked, const Found& found) const;

  bool wants_newer(const Asked& asked, const Entry& entry, WallTime now) const;
  Forward why_forwarded(const Asked& asked, const Found& found, WallTime now) const;

  const CacheSettings settings_;
  const CacheKey key_;
  const std::shared_ptr<cache::Fills> fills_;
  const std::vector<std::string> tag_names_;
};

CacheStatus forwarded(Forward why, std::string_view detail = {}) {
  CacheStatus status;
  status.forward = why;
  status.detail = detail;
  return status;
}

Error not_kept() {
  Error e(ErrorKind::kStatus, "nothing is kept for this request, which asks for that alone");
  e.status = 504;
  return e;
}

coro::Task<Result<void>> Cache::run(Context& ctx, Next next) const {
  const http::RequestHead& request = ctx.request;
  const bool reads = request.method == http::Method::kGet || request.method == http::Method::kHead;
  if (!reads) return pass(ctx, next, forwarded(Forward::kMethod));
  const bool plain = request.framing == http::Framing::kNone && !request.upgrade && !cache::is_for_origin(request);
  if (!plain) return pass(ctx, next, forwarded(Forward::kBypass));
  return serve(ctx, next);
}

coro::Task<Result<void>> Cache::pass(Context& ctx, Next next, CacheStatus status) const {
  const bool none = status.forward == Forward::kBypass || status.forward == Forward::kMethod;
  ctx.cache_result = none ? CacheResult::kBypass : CacheResult::kMiss;
  Result<void> out = co_await next.run(ctx);
  if (out && ctx.response.status != 0) cache::add_cache_status(*ctx.response.head, status);
  co_return std::move(out);
}

// What the store has for a request, in the variant that it selects.
coro::Task<void> Cache::look(Context& ctx, const std::string& key, Found* found) const {
  const std::shared_ptr<store::CacheStore>& store = ctx.pinned->caches[static_cast<size_t>(settings_.store)];
  found->key = key;
  found->since = fills_->moment(key);
  Result<store::CacheLookup> got = co_await store->get(key, &ctx.cancel);
  if (!got) co_return;
  found->asked = true;
  found->mark = got->mark;
  found->entry = Entry::of(std::move(got->value));
  if (!found->entry || !found->entry->info().is_variants) co_return;
  for (const std::string_view name : split(found->entry->content(), '\n')) {
    if (!name.empty()) found->varies.emplace_back(name);
  }
  found->key = variant_key(key, found->varies, ctx.request);
  found->entry.reset();
  found->since = fills_->moment(found->key);
  Result<store::CacheLookup> variant = co_await store->get(found->key, &ctx.cancel);
  found->asked = variant.ok();
  if (variant) found->entry = Entry::of(std::move(variant->value));
}

// The client's own wishes count under client_refresh alone: anybody could make the upstream work else.
bool Cache::wants_newer(const Asked& asked, const Entry& entry, WallTime now) const {
  if (!settings_.client_refresh) return false;
  const cache::RequestDirectives& d = asked.directives;
  return d.no_cache || (d.max_age.good() && entry.age(now) > d.max_age.value()) ||
         (d.min_fresh.good() && entry.left(now) < d.min_fresh.value());
}

Forward Cache::why_forwarded(const Asked& asked, const Found& found, WallTime now) const {
  if (!found.entry) return found.varies.empty() ? Forward::kUriMiss : Forward::kVaryMiss;
  const bool stale = found.entry->info().always_revalidate || found.entry->left(now) <= cache::Milliseconds(0);
  return !stale && wants_newer(asked, *found.entry, now) ? Forward::kRequest : Forward::kStale;
}

// True: it was answered with what is stored.
bool Cache::answer_stored(Context& ctx, Next next, const Asked& asked, const Found& found, WallTime now) const {
  const Entry& entry = *found.entry;
  if (entry.info().always_revalidate || wants_newer(asked, entry, now)) return false;
  CacheStatus status;
  status.hit = true;
  status.ttl = entry.left(now);
  if (entry.left(now) > cache::Milliseconds(0)) {
    ctx.cache_result = CacheResult::kHit;
    answer_with(ctx, entry, now, status);
    return true;
  }
  if (entry.left(now) + entry.info().while_revalidate <= cache::Milliseconds(0)) return false;
  ctx.cache_result = CacheResult::kStale;
  refresh(ctx, next, asked, found);
  answer_with(ctx, entry, now, status);
  return true;
}

coro::Task<Result<void>> Cache::serve(Context& ctx, Next next) const {
  Asked asked;
  asked.directives = cache::request_directives(ctx.request);
  key_.append(ctx, asked.key);
  asked.credential = key_.lacks_credential(ctx.request);
  for (;;) {
    Found found;
    co_await look(ctx, asked.key, &found);
    const WallTime now = Clock::wall();
    // What could not be kept is not waited for; a client's conditions are then the upstream's to answer.
    const bool passes = found.entry && found.entry->info().is_pass;
    if (passes) found.entry.reset();
    const bool strange =
        found.entry && asked.credential && key_.passes_credentials() && !found.entry->info().for_credentials;
    if (strange) co_return co_await pass(ctx, next, forwarded(Forward::kBypass, "credential"));
    if (found.entry && answer_stored(ctx, next, asked, found, now)) co_return Result<void>();
    if (asked.directives.only_if_cached) co_return not_kept();
    const Forward why = why_forwarded(asked, found, now);
    const bool may_fill = ctx.request.method == http::Method::kGet && !ctx.request.has(http::FieldId::kRange) &&
                          !(passes && cache::is_conditional(ctx.request));
    if (!may_fill) {
      Result<void> out = co_await pass(ctx, next, forwarded(why));
      const bool outdated = out && found.entry && contradicts(ctx, *found.entry);
      if (outdated) co_await forget(ctx, found.key);
      co_return std::move(out);
    }
    asked.status = forwarded(why);
    cache::Lead lead;
    if (!passes && !asked.credential && !asked.directives.no_store) {
      const auto waiter = std::make_shared<cache::FillWaiter>(ctx.loop);
      const cache::Turn turn = fills_->lead(found.key, found.since, waiter);
      if (turn == cache::Turn::kLookAgain) continue;
      if (turn == cache::Turn::kLeads) {
        lead = cache::Lead(fills_, found.key);
      } else {
        const bool told = co_await waiter->done.wait(&ctx.cancel);
        if (!told) {
          fills_->leave(found.key, waiter);
          co_return Error(ctx.cancel.reason(), "the answer that others wait for too did not come in time");
        }
        if (waiter->outcome.kind == FillOutcome::Kind::kAgain) continue;
        if (waiter->outcome.kind == FillOutcome::Kind::kValue) {
          if (answer_shared(ctx, asked, found, waiter->outcome)) co_return Result<void>();
          continue;  // it is another variant, or something of it was dropped since
        }
      }
    }
    co_return co_await fill(ctx, next, std::move(asked), std::move(found), std::move(lead));
  }
}

// RFC 9111 section 4.3.5: the answer to a HEAD may tell that what is stored for GET is no more.
bool Cache::contradicts(const Context& ctx, const Entry& entry) {
  if (ctx.request.method != http::Method::kHead || ctx.response.status != 200) return false;
  http::Head stored;
  entry.parse_fields(stored);
  return !cache::agrees(*ctx.response.head, stored, entry.content().size());
}

coro::Task<void> Cache::forget(Context& ctx, std::string key) const {
  const std::shared_ptr<store::CacheStore>& store = ctx.pinned->caches[static_cast<size_t>(settings_.store)];
  const Result<void> removed = co_await store->remove(std::move(key), &ctx.cancel);
  static_cast<void>(removed);  // it is stale: it will be asked about anyway
}

bool Cache::answer_shared(Context& ctx, const Asked& asked, const Found& found, const FillOutcome& outcome) const {
  if (found.mark > outcome.mark) return false;  // it may be from before a write that this one comes after
  const bool same = outcome.key == found.key ||
                    (!outcome.varies.empty() && outcome.key == variant_key(asked.key, outcome.varies, ctx.request));
  std::optional<Entry> entry = same ? Entry::of(outcome.value) : std::nullopt;
  if (!entry) return false;
  CacheStatus status = asked.status;
  status.collapsed = true;
  ctx.cache_result = CacheResult::kCollapsed;
  answer_with(ctx, *entry, Clock::wall(), status);
  return true;
}

coro::Task<Result<void>> Cache::fill(Context& ctx, Next next, Asked asked, Found found, cache::Lead lead) const {
  auto fill = std::make_unique<Fill>(settings_, ctx, asked.key, std::move(found), std::move(lead),
                                     asked.directives.no_store, asked.credential);
  ctx.cache_result = CacheResult::kMiss;
  for (;;) {
    ctx.learned = &fill->learned();
    Result<void> out = co_await next.run(ctx);
    ctx.learned = nullptr;
    if (is_failure(out, ctx.response.status) && may_give_stale(*fill)) {
      give_stale(ctx, *fill, out ? ctx.response.status : uint16_t{0}, asked.status);
      co_return Result<void>();
    }
    if (!out) {
      if (out.error().kind != ErrorKind::kCancelled) fill->give_up();
      co_return std::move(out);
    }
    if (ctx.response.status != 304 || !fill->validates()) break;
    if (renew(ctx, *fill, asked.status)) co_return Result<void>();
    fill->ask_for_whole();
    ctx.response.clear();
  }
  co_return co_await keep_answer(ctx, std::move(fill), asked.status);
}

bool Cache::may_give_stale(const Fill& fill) const {
  const std::optional<Entry>& entry = fill.found().entry;
  if (!entry || entry->info().always_revalidate) return false;
  return entry->left(Clock::wall()) + entry->info().if_error > cache::Milliseconds(0);
}

void Cache::give_stale(Context& ctx, Fill& fill, uint16_t failed_with, CacheStatus status) const {
  fill.share_stored();
  status.forward_status = failed_with;
  status.detail = "stale-if-error";
  ctx.cache_result = CacheResult::kStale;
  const WallTime now = Clock::wall();
  status.ttl = fill.found().entry->left(now);
  answer_with(ctx, *fill.found().entry, now, status);
}

bool Cache::renew(Context& ctx, Fill& fill, CacheStatus status) const {
  const std::optional<Entry> renewed = fill.renew(ctx);
  if (!renewed) return false;
  status.forward_status = 304;
  status.stored = true;
  ctx.cache_result = CacheResult::kRevalidated;
  answer_with(ctx, *renewed, Clock::wall(), status);
  return true;
}

// Not kept: it goes on as it is, but a client's condition is answered here, since the view was not to.
void Cache::let_go(Context& ctx, Fill& fill, const cache::Verdict& verdict, bool too_large, CacheStatus status) const {
  http::Response& r = ctx.response;
  status.detail = too_large ? "too-large" : cache::to_string(verdict.storing);
  if (too_large || is_lasting(verdict.storing)) {
    fill.give_up_for_now(ctx);
  } else {
    fill.give_up();
  }
  if (!r.body && cache::is_conditional(ctx.request)) {
    fill.begin(ctx, verdict);
    const Entry whole = fill.show(r.content());
    return answer_with(ctx, whole, Clock::wall(), status);
  }
  cache::add_cache_status(*r.head, status);
}

coro::Task<Result<void>> Cache::keep_answer(Context& ctx, std::unique_ptr<Fill> fill, CacheStatus status) const {
  http::Response& r = ctx.response;
  const cache::Verdict verdict = fill->judge(ctx);
  const uint64_t told = r.body ? r.body->length().value_or(0) : r.content().size();
  const bool too_large = told > settings_.max_bytes;
  if (!verdict.stored() || too_large) {
    let_go(ctx, *fill, verdict, too_large, status);
    co_return Result<void>();
  }
  fill->begin(ctx, verdict);
  status.stored = true;
  // Who asked gets the answer itself: what is not kept of it (Set-Cookie, …) was meant for them.
  if (!r.body) {
    const Entry entry = fill->keep(ctx, r.content());
    if (cache::is_conditional(ctx.request)) {
      answer_with(ctx, entry, Clock::wall(), status);
    } else {
      cache::add_cache_status(*r.head, status);
    }
    co_return Result<void>();
  }
  auto* const body = new FillBody(ctx, std::move(r.body), settings_.max_bytes, std::move(fill));
  r.body = http::BodyPtr(body);
  const bool more = body->take_arrived();
  if (more) ctx.scope.spawn(body->pump());
  const bool conditional = cache::is_conditional(ctx.request);
  const bool to_finish = more && conditional;
  if (to_finish) co_await body->finish(&ctx.cancel);
  if (conditional && body->kept()) {
    const Entry entry = *body->kept();
    answer_with(ctx, entry, Clock::wall(), status);
  } else {
    cache::add_cache_status(*r.head, status);
  }
  co_return Result<void>();
}

// A request of nobody's, that fills what a stale answer was given for.
struct Cache::Refresh {
  Refresh(const Cache* policy, const Context& of, Next rest, Asked asked_, Found found_, cache::Lead lead_)
      : cache(policy), next(rest), asked(std::move(asked_)), found(std::move(found_)), lead(std::move(lead_)) {
    ctx.copy_request(of);
    ctx.trusted_peer = of.trusted_peer;
  }
  static coro::Task<void> make(std::unique_ptr<Refresh> self, Duration time);

  Context ctx;
  const Cache* cache;  // of the table that ctx pins
  Next next;
  Asked asked;
  Found found;
  cache::Lead lead;
};

coro::Task<void> Cache::Refresh::make(std::unique_ptr<Refresh> self, Duration time) {
  Context& ctx = self->ctx;
  ctx.cancel.attach(ctx.services->background.cancel());
  ctx.cancel.arm(ctx.loop, ctx.loop->now() + time);
  ctx.side_cancel.attach(&ctx.cancel);  // of the content that is read beside
  const Result<void> out = co_await self->cache->fill(ctx, self->next, std::move(self->asked), std::move(self->found),
                                                      std::move(self->lead));
  static_cast<void>(out);  // the next one who finds it stale tries again
  co_await ctx.scope.join();
  ctx.response.clear();
}

void Cache::refresh(Context& ctx, Next next, const Asked& asked, const Found& found) const {
  if (ctx.request.method != http::Method::kGet) return;
  if (fills_->lead(found.key, found.since, nullptr) != cache::Turn::kLeads) return;
  cache::Lead lead(fills_, found.key);
  Asked own = asked;
  own.status = forwarded(Forward::kStale);
  const bool bounded = ctx.cancel.when() != TimePoint::max();
  const Duration time = bounded ? std::max<Duration>(ctx.cancel.when() - ctx.head_done, Duration(1)) : kRefreshTime;
  auto job = std::make_unique<Refresh>(this, ctx, next, std::move(own), found, std::move(lead));
  const size_t bytes = found.entry->blob()->size();
  static_cast<void>(ctx.services->background.spawn(Refresh::make(std::move(job), time), bytes));
}

std::vector<std::pair<std::string, std::string>> Cache::explain() const {
  std::string key, tags = "path:PATH";
  for (const std::string& part : key_.describe()) key.append(key.empty() ? "" : ", ").append(part);
  for (const std::string& tag : tag_names_) tags.append(", ").append(tag);
  return {{"key", key}, {"tags", tags}};
}

}  // namespace

std::unique_ptr<pipeline::Policy> create_cache(const config::Node& settings, pipeline::Build& build) {
  return std::make_unique<Cache>(settings, build);
}

}  // namespace vg::policy
