#include "view/steps/reply.h"

#include <xxhash.h>

#include <algorithm>

#include "base/strings.h"
#include "config/read.h"
#include "http/conditional.h"
#include "pipeline/learned.h"

namespace vg::view {

namespace {

using http::FieldId;

std::string check_pass_header(std::string_view name) { return check_header_name(name); }

}  // namespace

std::vector<config::Key> Reply::keys() {
  return {config::key("headers", config::named(config::template_text()))
              .summary("header fields of the answer: name -> value (a template)"),
          config::key("pass_headers",
                      config::one_or_list(config::text().check(check_pass_header).called("a header's name")))
              .summary("header fields of the main call's answer that are passed on; no others are")};
}

Reply Reply::create(pipeline::Build& build) {
  Reply out;
  if (const config::Node* set = config::child(build.settings(), "headers"))
    out.set_ = HeaderEdit::create_set(*set, "headers", build);
  for (const std::string& name : config::texts(build.settings(), "pass_headers")) out.pass_.push_back(lower(name));
  return out;
}

bool Reply::passes(std::string_view name) const { return std::find(pass_.begin(), pass_.end(), name) != pass_.end(); }

pipeline::Carried Reply::carried(const CallGraph& graph) const {
  pipeline::Carried out;
  const auto add = [&out](const tmpl::Reference& r) { out.add(r); };
  set_.for_each_reference(add);
  for (size_t i = 0; i < graph.size(); ++i) {
    const source::CallDef& def = graph.node(i).def;
    def.for_each_reference(add);
    for (const std::string& name : def.forward_headers) out.add_header(name);
    for (const std::string& name : def.forward_cookies) out.add_cookie(name);
  }
  return out;
}

Result<void> Reply::check(const CallRun& run) const {
  std::string unused;
  return set_.append(run, unused);
}

Result<void> Reply::add_fields(CallRun& run) const {
  pipeline::Context& ctx = run.ctx();
  http::ResponseHead& head = ctx.response.own;
  if (!ctx.degraded.empty()) head.add("Viewgate-Degraded", ctx.degraded);
  if (!pass_.empty() && run.graph().main() != CallGraph::kNone && run.main().state == source::Answer::State::kOk) {
    const http::ResponseHead& theirs = run.main().call->head();
    for (const http::Field& f : theirs.fields()) {
      if (!passes(lower(theirs.name(f)))) continue;
      if (f.id == FieldId::kContentType) head.remove(FieldId::kContentType);
      head.add(theirs.name(f), theirs.value(f), f.id);
    }
  }
  return set_.apply(run, head);
}

Result<void> Reply::json(CallRun& run, uint16_t status, std::string content) const {
  http::Response& r = run.ctx().response;
  r.status = status;
  r.text = std::move(content);
  r.own.add("Content-Type", "application/json", FieldId::kContentType);
  return add_fields(run);
}

Result<void> Reply::empty(CallRun& run, uint16_t status) const {
  run.ctx().response.status = status;
  return add_fields(run);
}

void Reply::refuse(pipeline::Context& ctx, const source::Answer& answer) {
  http::Response& r = ctx.response;
  const http::ResponseHead& theirs = answer.call->head();
  if (ctx.learned != nullptr) {
    const WallTime now = Clock::wall();
    ctx.learned->add_verdict(theirs, {now, now});
  }
  r.status = answer.status;
  r.text = answer.content();
  for (const http::Field& f : theirs.fields()) {
    const bool passes = f.id == FieldId::kContentType || f.id == FieldId::kContentEncoding ||
                        f.id == FieldId::kWwwAuthenticate || f.id == FieldId::kRetryAfter;
    if (passes) r.own.add(theirs.name(f), theirs.value(f), f.id);
  }
}

Result<void> Reply::fail(CallRun& run, Error error) {
  const bool of_main = run.failed() != CallGraph::kNone && run.failed() == run.graph().main();
  if (!of_main || !run.main().refused() || run.ctx().cancel.cancelled()) return error;
  refuse(run.ctx(), run.main());
  return {};
}

std::string etag_of(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  std::string out = "\"";
  for (const uint64_t half : {hash.high64, hash.low64}) {
    for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(half >> shift) & 15]);
  }
  out.push_back('"');
  return out;
}

void apply_etag(pipeline::Context& ctx, std::string_view etag) {
  http::Response& r = ctx.response;
  if (!r.own.has(FieldId::kEtag)) r.own.add("ETag", etag, FieldId::kEtag);
  if (ctx.learned != nullptr) return;  // the cache around it wants the whole, and answers the condition itself
  const std::string_view current = r.own.get(FieldId::kEtag);
  if (!http::is_not_modified(ctx.request, current)) return;
  // RFC 9110 section 15.4.5: the fields that a 200 would have had, without content.
  r.status = 304;
  r.told_length = r.text.size();
  r.text.clear();
  r.own.remove(FieldId::kContentType);
}

}  // namespace vg::view
