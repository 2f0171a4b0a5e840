#include "source/later_call.h"

#include "http/writer.h"
#include "observe/log.h"
#include "pipeline/upstream_request.h"
#include "source/declared_request.h"

namespace vg::source {

std::unique_ptr<LaterCall> LaterCall::make(const CallDef& def, const Caller& caller, Answer* answer) {
  if (!is_wanted(def, caller, *answer)) return nullptr;
  pipeline::Context& ctx = *caller.ctx;
  std::unique_ptr<LaterCall> out(new LaterCall);
  DeclaredRequest request(def, caller);
  Result<void> rendered = request.prepare(std::nullopt);
  if (rendered) rendered = request.render_parts(out->target_, out->fields_);
  if (!rendered) {
    fail(def, *answer, std::move(rendered.error()));
    return nullptr;
  }
  if (request.content) {
    out->text_ = *request.content;
    out->content = out->text_;
  }
  out->pinned_ = ctx.pinned;
  out->calls_ = &ctx.services->calls;
  out->pool_ = ctx.pinned->pools[def.upstream].get();
  out->ex_.loop = ctx.loop;
  out->name_ = def.name;
  out->request_id_ = ctx.request_id();
  out->method_text_ = def.method_text;
  out->method = def.method;
  out->hash = pipeline::balance_hash(ctx, out->pool_->upstream().settings());
  out->pass_interim = false;
  out->collect_bytes = def.max_bytes;
  out->timeout = def.timeout;
  out->own_retry_ = def.retry;
  if (out->own_retry_) out->retry = &*out->own_retry_;
  return out;
}

coro::Task<void> LaterCall::run(std::unique_ptr<LaterCall> call, coro::CancelSource* cancel) {
  call->cancel = cancel;
  // The answer goes out first.
  net::Sleep pause(call->ex_.loop, std::chrono::milliseconds(1), nullptr);
  co_await pause;
  upstream::CallPtr made = call->calls_->take();
  upstream::CallStats stats;
  const Duration no_body_follows(0);
  Result<void> result = co_await made->fetch(call->pool_, *call, call->ex_, stats, no_body_follows);
  const std::string& upstream = call->pool_->upstream().name();
  if (!result) {
    log::warn("request ", call->request_id_, ": the call ", call->name_, " to ", upstream,
              ", made after the answer, failed: ", result.error().detail);
  } else if (made->head().status >= 300) {
    log::warn("request ", call->request_id_, ": the call ", call->name_, " to ", upstream,
              ", made after the answer, was answered with ", made->head().status);
  }
}

Result<void> LaterCall::append_head(const upstream::Endpoint& endpoint, std::string& out) {
  out.append(method_text_).append(" ").append(endpoint.settings.base_path).append(target_).append(" HTTP/1.1\r\n");
  http::append_field(out, "Host", endpoint.settings.authority);
  out.append(fields_);
  return {};
}

}  // namespace vg::source
