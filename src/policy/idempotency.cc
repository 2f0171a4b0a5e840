#include "policy/idempotency.h"

#include <exception>

#include "base/seldom.h"
#include "base/strings.h"
#include "config/read.h"
#include "http/response_writer.h"
#include "http/writer.h"
#include "observe/log.h"
#include "pipeline/read_content.h"
#include "policy/idempotency_claim.h"
#include "policy/idempotency_key.h"
#include "policy/resumed_body.h"
#include "store/memory_claim_store.h"
#include "store/redis_claim_store.h"

namespace vg::policy {

namespace {

using Kind = IdempotencyRecord::Kind;
using observe::IdempotencyMetrics;
using pipeline::Context;
using pipeline::Next;

coro::Task<Result<void>> fail(Error error) { co_return std::move(error); }

Error status_error(uint16_t status, std::string detail) {
  Error e(ErrorKind::kStatus, std::move(detail));
  e.status = status;
  return e;
}

bool is_write(http::Method method) {
  using http::Method;
  return method == Method::kPost || method == Method::kPut || method == Method::kPatch || method == Method::kDelete;
}

// What says that nothing was done, and to try again: a client that does must not get the same for a day.
bool is_final(uint16_t status) { return status < 500 && status != 408 && status != 425 && status != 429; }

class Idempotency final : public pipeline::Policy {
 public:
  Idempotency(const config::Node& settings, pipeline::Build& build);
  coro::Task<Result<void>> run(Context& ctx, Next next) const override;
  std::vector<std::pair<std::string, std::string>> explain() const override {
    return {{"store", in_redis_ ? "redis" : "memory"},
            {"one key for", "route, method, authorization or else client_ip"}};
  }

 private:
  coro::Task<Result<void>> serve(Context& ctx, Next next, std::string key) const;
  coro::Task<Result<void>> carry_out(Context& ctx, Next next, IdempotencyClaim& claim) const;
  coro::Task<void> keep_answer(Context& ctx, IdempotencyClaim& claim) const;
  coro::Task<bool> collect(Context& ctx, std::string* content) const;
  coro::Task<Result<void>> without_store(Context& ctx, Next next, std::string content, std::string_view why) const;
  static Result<void> answer_again(Context& ctx, const IdempotencyRecord& record, const store::Blob& block,
                                   std::string_view fingerprint);
  std::shared_ptr<store::ClaimStore> store_of(const Context& ctx) const;
  static void count(const Context& ctx, IdempotencyMetrics::Result result) {
    ctx.services->metrics->idempotency.at(ctx.route->metrics_id).results[result].add();
  }

  const Duration ttl_;
  const uint64_t max_bytes_;
  const bool required_, deny_;
  const bool in_redis_;
  const std::shared_ptr<store::MemoryClaimStore> memory_;  // nullptr: in Redis
};

Idempotency::Idempotency(const config::Node& settings, pipeline::Build& build)
    : ttl_(config::duration(&settings, "ttl", std::chrono::hours(24))),
      max_bytes_(config::size_bytes(&settings, "max_bytes", uint64_t{1} << 20)),
      required_(config::boolean(&settings, "required", false)),
      deny_(config::text(&settings, "on_store_failure", "deny") == "deny"),
      in_redis_(config::text(&settings, "store", build.has_redis() ? "redis" : "memory") == "redis"),
      memory_(in_redis_ ? nullptr : build.kept().get<store::MemoryClaimStore>(kClaims, [] {
        return std::make_shared<store::MemoryClaimStore>();
      })) {
  if (in_redis_ && !build.has_redis())
    build.error(*config::child(&settings, "store"), "idempotency.store",
                "store: redis needs a section redis: {url: …}");
}

// nullptr: it is known to be down.
std::shared_ptr<store::ClaimStore> Idempotency::store_of(const Context& ctx) const {
  if (!in_redis_) return memory_;
  const std::shared_ptr<store::Redis>& redis = ctx.pinned->redis;
  if (!redis || !redis->up()) return nullptr;
  return std::make_shared<store::RedisClaimStore>(redis);
}

coro::Task<Result<void>> Idempotency::run(Context& ctx, Next next) const {
  if (!is_write(ctx.request.method)) return next.run(ctx);
  Result<std::optional<std::string>> key = idempotency_key(ctx.request);
  if (key && *key) return serve(ctx, next, std::move(**key));
  if (key && !required_) return next.run(ctx);
  count(ctx, IdempotencyMetrics::kInvalid);
  if (!key) return fail(std::move(key.error()));
  return fail(status_error(400, "this resource takes no write without an Idempotency-Key"));
}

coro::Task<Result<void>> Idempotency::serve(Context& ctx, Next next, std::string key) const {
  std::string content;
  Result<void> read = co_await pipeline::read_content(ctx, &content);
  if (!read) co_return std::move(read);
  std::shared_ptr<store::ClaimStore> store = store_of(ctx);
  if (!store) co_return co_await without_store(ctx, next, std::move(content), "it is down");
  IdempotencyClaim claim(ctx, std::move(store), claim_key(ctx, key), fingerprint_of(ctx.request, content));
  const Result<store::Blob> stands = co_await claim.take();
  if (ctx.cancel.cancelled()) {
    const bool ours = stands && !*stands;
    if (ours) co_await claim.release();
    co_return Error(ctx.cancel.reason(), "the answer was not ready in time");
  }
  if (!stands) {
    const std::string why = stands.error().internal.empty() ? stands.error().detail : stands.error().internal;
    co_return co_await without_store(ctx, next, std::move(content), why);
  }
  if (*stands) {
    const std::optional<IdempotencyRecord> record = IdempotencyRecord::of(**stands);
    if (record) co_return answer_again(ctx, *record, *stands, claim.fingerprint());
    co_return co_await without_store(ctx, next, std::move(content), "what stands there is of another version");
  }
  count(ctx, IdempotencyMetrics::kFirst);
  ctx.body.rewind(std::move(content));
  co_return co_await carry_out(ctx, next, claim);
}

coro::Task<Result<void>> Idempotency::without_store(Context& ctx, Next next, std::string content,
                                                    std::string_view why) const {
  static Seldom logged;
  if (logged.now(ctx.loop->now()))
    log::warn("what becomes of an Idempotency-Key can't be looked up: ", in_redis_ ? "Redis: " : "", why,
              deny_ ? ": such requests get 503" : ": such requests are carried out all the same");
  count(ctx, IdempotencyMetrics::kStoreError);
  if (deny_) return fail(Error(ErrorKind::kOverload, "whether this was done before can't be looked up for the moment"));
  ctx.body.rewind(std::move(content));
  return next.run(ctx);
}

Result<void> Idempotency::answer_again(Context& ctx, const IdempotencyRecord& record, const store::Blob& block,
                                       std::string_view fingerprint) {
  if (record.fingerprint != fingerprint) {
    count(ctx, IdempotencyMetrics::kMismatch);
    return status_error(422, "this Idempotency-Key came with another request before");
  }
  if (record.kind == Kind::kUnderWay) {
    count(ctx, IdempotencyMetrics::kConflict);
    ctx.added_fields.append("Retry-After: 1\r\n");
    return status_error(409, "a request with this Idempotency-Key is under way");
  }
  if (record.kind == Kind::kNoAnswer) {
    count(ctx, IdempotencyMetrics::kNoAnswer);
    return status_error(409, "this request was carried out before; its answer was not kept");
  }
  count(ctx, IdempotencyMetrics::kReplayed);
  ctx.response.status = record.status;
  ctx.response.kept = {block, record.fields, record.content};
  ctx.response.own.add("Idempotency-Replayed", "true");
  return {};
}

// A client that leaves will come back and ask what became of it: so it is brought to its end.
coro::Task<Result<void>> Idempotency::carry_out(Context& ctx, Next next, IdempotencyClaim& claim) const {
  ctx.keep_on();
  claim.keep_renewed();
  Result<void> out;
  std::exception_ptr thrown;
  try {
    out = co_await next.run(ctx);
  } catch (...) {
    thrown = std::current_exception();
  }
  const bool answered = !thrown && out && ctx.response.status != 0 && is_final(ctx.response.status);
  if (answered) {
    co_await keep_answer(ctx, claim);
  } else {
    co_await claim.join();
    co_await claim.release();
  }
  ctx.leave_off();
  if (thrown) std::rethrow_exception(thrown);
  co_return std::move(out);
}

// The answer as it will be written, now and later.
store::Blob pack(const http::Response& r, IdempotencyRecord record, std::string_view content) {
  http::Head head = *r.head;
  head.remove(http::FieldId::kXRequestId);  // each request has its own
  head.remove(http::FieldId::kTrailer);     // they are not kept
  std::string fields(r.kept.fields);
  http::append_end_to_end_fields(head, fields);
  if (r.kept.fields.empty() && !head.has(http::FieldId::kDate)) {
    fields.append("Date: ");
    http::append_imf_date(fields, std::chrono::system_clock::to_time_t(Clock::wall()));
    fields.append("\r\n");
  }
  record.status = r.status;
  record.fields = fields;
  record.content = content;
  return record.pack();
}

bool is_stream(const http::Response& r, uint64_t max_bytes) {
  if (r.tunnel) return true;
  if (!r.body) return r.content().size() > max_bytes;
  if (r.body->length().value_or(0) > max_bytes) return true;
  const std::string_view type = r.head->get(http::FieldId::kContentType);
  return iequals(trim(type.substr(0, type.find(';'))), "text/event-stream");
}

coro::Task<void> Idempotency::keep_answer(Context& ctx, IdempotencyClaim& claim) const {
  http::Response& r = ctx.response;
  ctx.cancel.disarm();  // of a view that streams: the head is there
  std::string streamed;
  bool whole = !is_stream(r, max_bytes_);
  const bool to_collect = whole && r.body;
  if (to_collect) whole = co_await collect(ctx, &streamed);
  co_await claim.join();
  if (!whole) {
    co_await claim.settle(claim.record(Kind::kNoAnswer).pack(), ttl_);
    if (!streamed.empty()) r.body = http::BodyPtr(new ResumedBody(std::move(streamed), std::move(r.body)));
    co_return;
  }
  const store::Blob block = pack(r, claim.record(Kind::kAnswer), r.body ? std::string_view(streamed) : r.content());
  co_await claim.settle(block, ttl_);
  const bool uploads = r.body && ctx.scope.running() > 0;
  if (uploads) {
    // An upstream that answered before it had all: the upload uses the call, and ends first.
    ctx.side_cancel.cancel(ErrorKind::kCancelled);
    co_await ctx.scope.join();
    ctx.side_cancel.reset();
  }
  const IdempotencyRecord record = *IdempotencyRecord::of(*block);
  r.clear();
  r.status = record.status;
  r.kept = {block, record.fields, record.content};
}

// Reads the content that is streamed. False: it is too large, or was cut: what there is of it is in `content`.
coro::Task<bool> Idempotency::collect(Context& ctx, std::string* content) const {
  using State = http::BodySource::State;
  http::Response& r = ctx.response;
  for (;;) {
    std::string_view piece;
    const State state = r.body->peek(&piece);
    if (state == State::kEnd) co_return true;
    if (state == State::kError) co_return false;
    if (state == State::kWait) {
      const TimePoint until = r.stream_idle.count() > 0 ? ctx.loop->now() + r.stream_idle : TimePoint::max();
      net::DeadlineSource idle(ctx.loop, until, &ctx.cancel);
      co_await r.body->wait(&idle);
      continue;
    }
    if (piece.size() > max_bytes_ - content->size()) co_return false;
    content->append(piece);
    r.body->consume();
  }
}

}  // namespace

config::PolicyType describe_idempotency() {
  using config::key;
  constexpr int64_t kMillisecond = 1'000'000, kYear = 365LL * 86400 * 1000 * kMillisecond;
  config::PolicyType type;
  type.name = "idempotency";
  type.about = "a write with an Idempotency-Key is carried out once; sent again it gets the first answer";
  type.views = {"create", "update", "delete", "bulk-update", "proxy-fetch"};
  type.spec =
      config::map(
          {key("ttl", config::duration().between(kMillisecond, kYear))
               .required()
               .summary("how long an answer is kept, and given again"),
           key("store", config::one_of({"memory", "redis"})).summary("redis where it is configured, else memory"),
           key("required", config::boolean()).fallback("false").summary("a write without a key gets 400"),
           key("max_bytes", config::size().between(1, 1024LL * 1024 * 1024))
               .fallback("1MiB")
               .summary("larger content is passed on, and not kept: the write sent again gets 409"),
           key("on_store_failure", config::one_of({"deny", "allow"}))
               .fallback("deny")
               .summary("where the store can't be asked, or is full: answer 503, or carry it out all the same")})
          .short_form("ttl")
          .example("24h");
  return type;
}

std::unique_ptr<pipeline::Policy> create_idempotency(const config::Node& settings, pipeline::Build& build) {
  return std::make_unique<Idempotency>(settings, build);
}

}  // namespace vg::policy
