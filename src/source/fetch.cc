#include "source/fetch.h"

#include "base/strings.h"
#include "json/scan.h"
#include "pipeline/invalidate.h"
#include "pipeline/learned.h"
#include "pipeline/upstream_request.h"
#include "source/declared_request.h"
#include "source/kept_call.h"
#include "source/make_call.h"
#include "upstream/hedge.h"

namespace vg::source {

namespace {

using State = Answer::State;

// False: `when` says no, and the answer is skipped; or its value is of the wrong kind, and the answer failed.
bool is_wanted(const CallDef& def, const Caller& caller, Answer& answer) {
  if (!def.when) return true;
  std::string text;
  const tmpl::Rendered rendered = def.when->render(*caller.values, text);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) {
    fail(def, answer, template_error(rendered));
    return false;
  }
  // A query, a header and a cookie have no booleans: there the word false is one.
  if (rendered.ok() && text != "\"false\"" && json::Value::of(text).truthy()) return true;
  answer.state = State::kSkipped;
  return false;
}

Error status_error(const CallDef& def, uint16_t status) {
  Error e(ErrorKind::kStatus, def.upstream_name + " answered with ");
  append_u64(e.detail, status);
  e.status = 502;
  return e;
}

// For the cache around the view: what the answer depends on, and what it says of being kept.
void learn(const CallDef& def, const Answer& answer, std::string_view target, WallTime requested,
           pipeline::Context& ctx) {
  // What failed is left out, or is a default: what it says of itself does not count for the rest.
  const uint16_t status = answer.call->head().status;
  if (status < 200 || status > 299) return ctx.learned->add_failed(def.upstream_name, target);
  ctx.learned->add_answer(def.upstream_name, target, answer.call->head(), {requested, Clock::wall()});
}

coro::Task<void> tell_written(const CallDef& def, const Answer& answer, std::string target, pipeline::Context& ctx) {
  pipeline::Write write;
  write.upstream = &ctx.pinned->pools[def.upstream]->upstream();
  write.endpoint = answer.stats.endpoint;
  write.target = std::move(target);
  write.ends_in_value = def.target.ends_in_value();
  write.answer = &answer.call->head();
  co_await pipeline::invalidate(ctx, write);
}

}  // namespace

void fail(const CallDef& def, Answer& answer, Error error) {
  answer.error = std::move(error);
  answer.state = State::kFailed;
  answer.value = json::Value();
  // What the client sent wrong, or no longer waits for, no default makes good.
  const ErrorKind kind = answer.error.kind;
  if (!def.fallback || kind == ErrorKind::kCancelled || kind == ErrorKind::kBadRequest) return;
  answer.state = State::kDefault;
  answer.value = json::Value::of(*def.fallback);
}

void accept(const CallDef& def, Answer& answer) {
  const std::string& text = answer.call->text();
  answer.state = State::kOk;
  if (text.empty()) {
    answer.value = json::Value::of("null");
  } else if (json::is_json(text)) {
    answer.value = json::Value::of(text);
  } else {
    return fail(def, answer, Error(ErrorKind::kInvalidJson, def.upstream_name + " did not answer with JSON"));
  }
  if (!def.select) return;
  answer.value = def.select->find(answer.value);
  if (answer.value.absent())
    fail(def, answer, Error(ErrorKind::kSelect, def.upstream_name + " did not answer with what was expected"));
}

coro::Task<void> fetch(const CallDef& def, Caller caller, Answer* answer, std::optional<std::string_view> content) {
  if (!is_wanted(def, caller, *answer)) co_return;
  answer->call = caller.ctx->services->calls.take();
  DeclaredRequest request(def, caller, answer->call->request_text());
  if (Result<void> prepared = request.prepare(content); !prepared) {
    fail(def, *answer, std::move(prepared.error()));
    co_return;
  }
  const bool kept = def.cache && request.method == http::Method::kGet && !request.content;
  if (kept) {
    co_await fetch_kept(def, caller, request, answer);
  } else {
    co_await make_call(def, caller, request, answer, true);
  }
}

coro::Task<void> make_call(const CallDef& def, Caller caller, DeclaredRequest& request, Answer* answer, bool tells) {
  pipeline::Context& ctx = *caller.ctx;
  upstream::Pool* pool = ctx.pinned->pools[def.upstream].get();
  request.hash = pipeline::balance_hash(ctx, pool->upstream().settings());
  request.pass_interim = false;
  request.collect_bytes = def.max_bytes;
  request.timeout = def.timeout;
  if (def.policy) def.policy->apply(request);
  request.cancel = caller.cancel;
  const bool teaches = tells && ctx.learned != nullptr && http::is_safe(request.method);
  const bool writes = !http::is_safe(request.method) && ctx.pinned->keeps_answers();
  // The request lies in its first call, and that may go: a hedge's may be the one that counts.
  const std::string target(teaches || writes ? request.target() : std::string_view());
  const WallTime requested = teaches ? Clock::wall() : WallTime();
  upstream::CallStats stats;
  Result<void> fetched = co_await upstream::fetch(answer->call, pool, request, ctx, stats, ctx.body_timeout);
  answer->stats = stats;
  if (teaches) learn(def, *answer, target, requested, ctx);
  if (!fetched) {
    fail(def, *answer, std::move(fetched.error()));
    co_return;
  }
  answer->status = answer->call->head().status;
  const bool wrote = writes && pipeline::is_write(request.method, answer->status);
  if (wrote) co_await tell_written(def, *answer, target, ctx);
  if (answer->status >= 200 && answer->status < 300) {
    accept(def, *answer);
  } else {
    fail(def, *answer, status_error(def, answer->status));
  }
}

std::string fingerprint(const CallDef& def, const tmpl::Values& values) {
  std::string out;
  const auto part = [&out](const tmpl::Rendered& rendered) {
    out.push_back('\n');
    out.push_back(static_cast<char>('0' + static_cast<int>(rendered.status)));
  };
  part(def.target.render(values, {}, out));
  for (const auto& [name, value] : def.headers) part(value.render(values, out));
  if (def.body) part(def.body->render(values, out));
  if (def.when) part(def.when->render(values, out));
  return out;
}

void append_reason(const Answer& answer, std::string& out) {
  switch (answer.error.kind) {
    case ErrorKind::kStatus:
      out.append("status_");
      append_u64(out, answer.status);
      break;
    case ErrorKind::kUpstreamProtocol:
      out.append("reset");
      break;
    default:
      out.append(to_string(answer.error.kind));
  }
  if (answer.stale) out.append(";stale");
}

}  // namespace vg::source
