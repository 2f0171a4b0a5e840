#include "source/declared_request.h"

#include <algorithm>

#include "base/strings.h"
#include "http/nominated.h"
#include "http/response_writer.h"
#include "http/writer.h"
#include "pipeline/upstream_request.h"
#include "version_generated.h"

namespace vg::source {

namespace {

using http::FieldId;
using pipeline::Context;

constexpr std::string_view kFixedFields =
    "Accept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: viewgate/" VIEWGATE_VERSION "\r\n";

}  // namespace

bool is_of_an_answer(tmpl::Root root) {
  return root == tmpl::Root::kObject || root == tmpl::Root::kItem || root == tmpl::Root::kItems ||
         root == tmpl::Root::kCalls;
}

Error template_error(const tmpl::Rendered& rendered) {
  const std::string name = rendered.reference != nullptr ? rendered.reference->text : std::string("a parameter");
  // An upstream's value that is not what a conversion asks for is as good as none; the client is not to blame.
  const bool theirs = rendered.reference != nullptr && is_of_an_answer(rendered.reference->root);
  if (rendered.status == tmpl::Rendered::Status::kMissing || theirs) {
    Error e(ErrorKind::kMissingValue, "the value of " + name + " is missing");
    e.status = theirs ? 502 : 400;
    return e;
  }
  Error e(ErrorKind::kBadRequest, "the value of " + name + " is not of the kind that is asked for");
  e.status = 400;
  return e;
}

Result<void> DeclaredRequest::prepare(std::optional<std::string_view> given) {
  method = def_.method;
  if (!caller_.method_instead.empty() && !def_.target.method) method = http::method_of(caller_.method_instead);
  content = given;
  if (Result<void> target = render_target(); !target) return target;
  target_size_ = buffer_.size();
  if (Result<void> fields = render_set_fields(); !fields) return fields;
  if (content || !def_.body) return {};
  const tmpl::Rendered rendered = def_.body->render(*caller_.values, rendered_);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) return template_error(rendered);
  if (!rendered.ok()) rendered_.assign("null");  // nothing but one reference, and that has no value
  content = rendered_;
  return {};
}

Result<void> DeclaredRequest::render_target() {
  if (!caller_.target_instead.empty()) {
    buffer_.append(caller_.target_instead);
    return {};
  }
  const tmpl::Rendered rendered = def_.target.render(*caller_.values, {}, buffer_);
  if (!rendered.ok()) return template_error(rendered);
  if (caller_.more_query.empty()) return {};
  buffer_.push_back(buffer_.find('?') == std::string::npos ? '?' : '&');
  buffer_.append(caller_.more_query);
  return {};
}

Result<void> DeclaredRequest::append_head(const upstream::Endpoint& endpoint, std::string& out) {
  const bool own = caller_.method_instead.empty() || def_.target.method;
  out.append(own ? std::string_view(def_.method_text) : caller_.method_instead).push_back(' ');
  // Without a path the call is to the upstream's url itself.
  const std::string& base = endpoint.settings.base_path;
  std::string_view target = std::string_view(buffer_).substr(0, target_size_);
  if (!base.empty() && !def_.target.has_path && caller_.target_instead.empty()) target.remove_prefix(1);
  out.append(base).append(target).append(" HTTP/1.1\r\n");
  http::append_field(out, "Host", endpoint.settings.authority);
  append_own_fields(out);
  append_forwarded_fields(out);
  out.append(buffer_, target_size_, std::string::npos);
  return {};
}

void DeclaredRequest::append_identity(std::string& out) const {
  out.append(def_.method_text).push_back(' ');
  out.append(buffer_, 0, target_size_).push_back('\n');
  out.append(buffer_, target_size_, std::string::npos);
  append_forwarded_fields(out);
}

void DeclaredRequest::append_own_fields(std::string& out) const {
  Context& ctx = *caller_.ctx;
  const TimePoint until = std::min(deadline, caller_.until);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - ctx.loop->now()).count();
  const auto left_ms = static_cast<uint64_t>(std::max<int64_t>(left, 0));
  if (def_.sets_own_fields) return append_unreplaced_fields(left_ms, out);
  out.append(kFixedFields);
  if (content) out.append("Content-Type: application/json\r\n");
  out.append(ctx.call_fields());
  out.append("traceparent: ");
  ctx.append_traceparent(out);
  out.append("\r\n");
  http::append_field(out, "X-Request-Deadline-Ms", left_ms);
}

// The same, but for what the configuration replaces.
void DeclaredRequest::append_unreplaced_fields(uint64_t left_ms, std::string& out) const {
  Context& ctx = *caller_.ctx;
  const pipeline::ForwardedFor forwarded(ctx);
  std::string trace, left;
  ctx.append_traceparent(trace);
  append_u64(left, left_ms);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !is_replaced(name)) http::append_field(out, name, value);
  };
  add("Accept", "application/json");
  add("Accept-Encoding", "identity");
  add("User-Agent", "viewgate/" VIEWGATE_VERSION);
  if (content) add("Content-Type", "application/json");
  add("X-Request-Id", ctx.request_id());
  add("X-Forwarded-For", forwarded.client);
  add("X-Forwarded-Proto", forwarded.proto);
  add("X-Forwarded-Host", forwarded.host);
  add("traceparent", trace);
  add("X-Request-Deadline-Ms", left);
}

// Headers and cookies of the client's that the upstream or the call asks for.
void DeclaredRequest::append_forwarded_fields(std::string& out) const {
  const http::RequestHead& request = caller_.ctx->request;
  if (!def_.forward_headers.empty()) {
    const bool nominated = http::has_nominated_fields(request);
    http::FieldCopier copier(&request, &out);
    for (const http::Field& f : request.fields()) {
      const std::string_view name = request.name(f);
      if (nominated && http::is_nominated(request, name)) continue;  // of the client's hop alone
      const bool wanted = std::any_of(def_.forward_headers.begin(), def_.forward_headers.end(),
                                      [&](const std::string& h) { return iequals(h, name); });
      if (wanted) copier.add(f);
    }
  }
  if (!def_.forward_cookies.empty()) append_cookies(out);
}

void DeclaredRequest::append_cookies(std::string& out) const {
  const size_t begun = out.size();
  for (const std::string& name : def_.forward_cookies) {
    const std::optional<std::string_view> value = caller_.ctx->cookie(name);
    if (!value) continue;
    out.append(out.size() == begun ? "Cookie: " : "; ").append(name).append("=").append(*value);
  }
  if (out.size() != begun) out.append("\r\n");
}

Result<void> DeclaredRequest::render_set_fields() {
  for (const auto& [name, value] : def_.headers) {
    const size_t before = buffer_.size();
    buffer_.append(name).append(": ");
    const tmpl::Rendered rendered = value.render(*caller_.values, buffer_);
    if (rendered.status == tmpl::Rendered::Status::kBadValue) return template_error(rendered);
    if (rendered.ok()) {
      buffer_.append("\r\n");
    } else {
      buffer_.resize(before);
    }
  }
  return {};
}

// Field by field: a header that `headers` sets replaces ours; so does a forwarded one that the client did send.
bool DeclaredRequest::is_replaced(std::string_view name) const {
  const bool set =
      std::any_of(def_.headers.begin(), def_.headers.end(), [&](const auto& h) { return iequals(h.first, name); });
  if (set) return true;
  const bool forwarded = std::any_of(def_.forward_headers.begin(), def_.forward_headers.end(),
                                     [&](const std::string& h) { return iequals(h, name); });
  return forwarded && !caller_.ctx->request.get(name).empty();
}

}  // namespace vg::source
