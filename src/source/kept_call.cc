#include "source/kept_call.h"

#include "base/strings.h"
#include "cache/entry.h"
#include "cache/tags.h"
#include "config/read.h"
#include "http/response_writer.h"
#include "pipeline/learned.h"
#include "source/declared_request.h"
#include "source/make_call.h"

namespace vg::source {

namespace {

using cache::Entry;
using cache::FillOutcome;
using pipeline::Context;

cache::StoreSettings times_of(const CallCache& cache) {
  cache::StoreSettings times;
  times.ttl = cache.settings.ttl;
  times.stale_if_error = cache.settings.stale_if_error;
  times.stale_while_revalidate = Duration();
  return times;
}

// One request's way through the store.
class KeptCall {
 public:
  KeptCall(const CallDef& def, Context& ctx, const DeclaredRequest& request)
      : cache_(*def.cache), ctx_(ctx), tag_(cache::tag_of(def.upstream_name, request.target())) {
    key_.append("call\n").append(cache_.upstream).push_back('\n');
    request.append_identity(key_);
  }

  const std::string& key() const { return key_; }
  const std::string& tag() const { return tag_; }
  const std::optional<Entry>& entry() const { return entry_; }
  coro::Task<void> look(coro::CancelSource* cancel);
  bool is_fresh() const { return entry_ && !entry_->info().always_revalidate && left().count() > 0; }
  bool may_stand_in() const { return entry_ && left() + entry_->info().if_error > cache::Milliseconds(0); }
  void use(const Entry& entry, Answer* answer) const;
  /// The same, without telling of it.
  static void show(const Entry& entry, Answer* answer);
  /// A fetched answer as it is kept, and for how long; nullptr: it may not be.
  store::Blob make(const Answer& answer, WallTime requested, Duration* ttl) const;
  void put(store::Blob value, Duration ttl, cache::Lead lead);
  store::Mark mark() const { return mark_; }
  uint64_t since() const { return since_; }

 private:
  cache::Milliseconds left() const { return entry_->left(Clock::wall()); }

  const CallCache& cache_;
  Context& ctx_;
  std::string tag_, key_;
  std::optional<Entry> entry_;
  store::Mark mark_ = 0;
  uint64_t since_ = 0;
  bool asked_ = false;
};

coro::Task<void> KeptCall::look(coro::CancelSource* cancel) {
  const auto& store = ctx_.pinned->caches[static_cast<size_t>(cache_.store)];
  since_ = cache_.fills->moment(key_);
  Result<store::CacheLookup> got = co_await store->get(key_, cancel);
  asked_ = got.ok();
  if (!got) co_return;
  mark_ = got->mark;
  entry_ = Entry::of(std::move(got->value));
}

void KeptCall::show(const Entry& entry, Answer* answer) {
  answer->call->assume(entry.info().status, entry.content());
  entry.parse_fields(answer->call->head());
  answer->status = entry.info().status;
}

void KeptCall::use(const Entry& entry, Answer* answer) const {
  show(entry, answer);
  if (ctx_.learned == nullptr) return;
  cache::Verdict verdict;
  verdict.fresh_for = std::max<Duration>(entry.left(Clock::wall()), Duration());
  ctx_.learned->add_kept(verdict, entry.info().for_credentials, {tag_});
}

store::Blob KeptCall::make(const Answer& answer, WallTime requested, Duration* ttl) const {
  const http::ResponseHead& head = answer.call->head();
  const WallTime now = Clock::wall();
  const cache::ResponseDirectives said = cache::response_directives(head);
  const cache::Verdict verdict =
      cache::judge(cache::StoreRequest(), head.status, head, said, {requested, now}, times_of(cache_));
  const bool shares = said.is_public || said.must_revalidate || said.s_maxage.good();
  if (ctx_.learned != nullptr) ctx_.learned->add_kept(verdict, shares, {tag_});
  *ttl = verdict.fresh_for + verdict.stale_if_error;
  const bool fits = answer.call->text().size() <= cache_.settings.max_bytes;
  if (!verdict.stored() || *ttl == Duration() || !fits) return nullptr;
  cache::EntryInfo info;
  info.status = head.status;
  info.always_revalidate = verdict.always_revalidate;
  info.for_credentials = shares;
  info.received = now;
  info.lifetime = std::chrono::duration_cast<cache::Milliseconds>(verdict.fresh_for);
  info.if_error = std::chrono::duration_cast<cache::Milliseconds>(verdict.stale_if_error);
  std::string fields;
  http::append_end_to_end_fields(head, fields);
  return cache::make_entry(info, {&tag_, 1}, fields, answer.call->text());
}

void KeptCall::put(store::Blob value, Duration ttl, cache::Lead lead) {
  if (!asked_) return;
  store::CacheItem item;
  item.value = std::move(value);
  item.tags = {tag_};
  item.since = mark_;
  item.ttl = ttl;
  pipeline::put_aside(ctx_, cache_.store, key_, std::move(item), std::move(lead));
}

// What the upstream did not do, not what we or the client did not want.
bool is_upstreams_failure(const Answer& answer) {
  switch (answer.error.kind) {
    case ErrorKind::kCancelled:
    case ErrorKind::kBadRequest:
    case ErrorKind::kMissingValue:
      return false;
    case ErrorKind::kStatus:
      return answer.status >= 500;
    default:
      return true;
  }
}

coro::Task<void> lead(const CallDef& def, Caller caller, DeclaredRequest& request, Answer* answer, KeptCall& kept,
                      cache::Lead leads) {
  const WallTime requested = Clock::wall();
  co_await make_call(def, caller, request, answer, false);
  FillOutcome outcome;
  outcome.kind = FillOutcome::Kind::kAlone;
  outcome.key = kept.key();
  outcome.mark = kept.mark();
  if (!answer->failed()) {
    Duration ttl{};
    outcome.value = kept.make(*answer, requested, &ttl);
    if (outcome.value) {
      outcome.kind = FillOutcome::Kind::kValue;
      leads.share(outcome);
      kept.put(std::move(outcome.value), ttl, std::move(leads));
      co_return;
    }
  } else if (answer->error.kind == ErrorKind::kCancelled) {
    co_return;  // one of those who wait leads now
  } else if (is_upstreams_failure(*answer) && kept.may_stand_in()) {
    answer->stale = true;
    const uint16_t failed_with = answer->status;
    KeptCall::show(*kept.entry(), answer);
    accept(def, *answer);
    answer->status = failed_with;
  }
  const bool failed = answer->failed() || answer->stale;
  if (failed && caller.ctx->learned != nullptr) caller.ctx->learned->add_tag(kept.tag());
  leads.finish(outcome);
}

}  // namespace

std::shared_ptr<const CallCache> CallCache::create(pipeline::Build& build, const CallDef& def) {
  const config::Node* own = config::child(def.node, "cache");
  if (def.upstream_name.empty()) return nullptr;
  const config::UpstreamSettings& upstream = build.upstream_settings(def.upstream);
  if (own == nullptr && !upstream.cache) return nullptr;
  if (def.method != http::Method::kGet) {
    if (own != nullptr) build.error(*own, def.place + ".cache", "only the answer to a GET can be kept");
    return nullptr;
  }
  auto out = std::make_shared<CallCache>();
  out->settings = own != nullptr ? config::read_call_cache(own) : *upstream.cache;
  out->store = pipeline::store_kind_of(out->settings.store);
  out->upstream = upstream.name;
  for (const config::EndpointSettings& e : upstream.endpoints)
    out->upstream.append(" ").append(e.authority).append(e.base_path);
  out->fills = build.kept().get<cache::Fills>("fills", [] { return std::make_shared<cache::Fills>(); });
  build.keep_answers_in(out->store, own != nullptr ? own : def.node, def.place + ".cache.store");
  return out;
}

coro::Task<void> fetch_kept(const CallDef& def, Caller caller, DeclaredRequest& request, Answer* answer) {
  Context& ctx = *caller.ctx;
  for (;;) {
    KeptCall kept(def, ctx, request);
    co_await kept.look(caller.cancel);
    if (kept.is_fresh()) {
      kept.use(*kept.entry(), answer);
      accept(def, *answer);
      co_return;
    }
    cache::Lead leads;
    const auto waiter = std::make_shared<cache::FillWaiter>(ctx.loop);
    const cache::Turn turn = def.cache->fills->lead(kept.key(), kept.since(), waiter);
    if (turn == cache::Turn::kLookAgain) continue;
    if (turn == cache::Turn::kLeads) {
      leads = cache::Lead(def.cache->fills, kept.key());
    } else {
      const bool told = co_await waiter->done.wait(caller.cancel);
      if (!told) {
        def.cache->fills->leave(kept.key(), waiter);
        fail(def, *answer, Error(caller.cancel->reason(), def.upstream_name + " did not answer in time"));
        co_return;
      }
      if (waiter->outcome.kind == FillOutcome::Kind::kAgain) continue;
      const std::optional<Entry> shared = Entry::of(waiter->outcome.value);
      if (shared && kept.mark() > waiter->outcome.mark) continue;  // it may be from before a write that came since
      if (shared) {
        kept.use(*shared, answer);
        accept(def, *answer);
        co_return;
      }
    }
    co_await lead(def, caller, request, answer, kept, std::move(leads));
    co_return;
  }
}

}  // namespace vg::source
