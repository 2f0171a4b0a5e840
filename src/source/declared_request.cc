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

// What the upstreams did not send, as opposed to what the client did not.
bool of_an_answer(tmpl::Root root) {
  return root == tmpl::Root::kObject || root == tmpl::Root::kItem || root == tmpl::Root::kItems ||
         root == tmpl::Root::kCalls;
}

}  // namespace

Error template_error(const tmpl::Rendered& rendered) {
  const std::string name = rendered.reference != nullptr ? rendered.reference->text : std::string("a parameter");
  // An upstream's value that is not what a conversion asks for is as good as none; the client is not to blame.
  const bool theirs = rendered.reference != nullptr && of_an_answer(rendered.reference->root);
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
  if (content || !def_.body) return {};
  const tmpl::Rendered rendered = def_.body->render(*caller_.values, rendered_);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) return template_error(rendered);
  if (!rendered.ok()) rendered_.assign("null");  // nothing but one reference, and that has no value
  content = rendered_;
  return {};
}

Result<void> DeclaredRequest::append_head(const upstream::Endpoint& endpoint, std::string& out) {
  const bool own = caller_.method_instead.empty() || def_.target.method;
  out.append(own ? std::string_view(def_.method_text) : caller_.method_instead).push_back(' ');
  if (Result<void> target = append_target(endpoint.settings.base_path, out); !target) return target;
  out.append(" HTTP/1.1\r\n");
  http::append_field(out, "Host", endpoint.settings.authority);
  append_own_fields(out);
  append_forwarded_fields(out);
  return append_set_fields(out);
}

Result<void> DeclaredRequest::append_target(const std::string& base, std::string& out) const {
  if (!caller_.target_instead.empty()) {
    out.append(base).append(caller_.target_instead);
    return {};
  }
  const size_t begin = out.size();
  const tmpl::Rendered rendered = def_.target.render(*caller_.values, base, out);
  if (!rendered.ok()) return template_error(rendered);
  if (caller_.more_query.empty()) return {};
  out.push_back(out.find('?', begin) == std::string::npos ? '?' : '&');
  out.append(caller_.more_query);
  return {};
}

void DeclaredRequest::append_own_fields(std::string& out) const {
  Context& ctx = *caller_.ctx;
  const pipeline::ForwardedFor forwarded(ctx);
  const TimePoint until = std::min(deadline, ctx.cancel.when());
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - ctx.loop->now()).count();
  const bool replaces = def_.sets_own_fields;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !(replaces && is_replaced(name))) http::append_field(out, name, value);
  };
  if (replaces) {
    add("Accept", "application/json");
    add("Accept-Encoding", "identity");
    add("User-Agent", "viewgate/" VIEWGATE_VERSION);
  } else {
    out.append(kFixedFields);
  }
  if (content) add("Content-Type", "application/json");
  if (!(replaces && is_replaced("traceparent"))) {
    out.append("traceparent: ");
    ctx.append_traceparent(out);
    out.append("\r\n");
  }
  add("X-Request-Id", ctx.request_id());
  add("X-Forwarded-For", forwarded.client);
  add("X-Forwarded-Proto", forwarded.proto);
  add("X-Forwarded-Host", forwarded.host);
  if (!(replaces && is_replaced("x-request-deadline-ms")))
    http::append_field(out, "X-Request-Deadline-Ms", static_cast<uint64_t>(std::max<int64_t>(left, 0)));
}

// Headers and cookies of the client's that the upstream or the call asks for.
void DeclaredRequest::append_forwarded_fields(std::string& out) const {
  const http::RequestHead& request = caller_.ctx->request;
  if (!def_.forward_headers.empty()) {
    const bool nominated = http::has_nominated_fields(request);
    for (const http::Field& f : request.fields()) {
      const std::string_view name = request.name(f);
      if (nominated && http::is_nominated(request, name)) continue;  // of the client's hop alone
      const bool wanted = std::any_of(def_.forward_headers.begin(), def_.forward_headers.end(),
                                      [&](const std::string& h) { return iequals(h, name); });
      if (wanted) http::append_field(out, request, f);
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

Result<void> DeclaredRequest::append_set_fields(std::string& out) const {
  for (const auto& [name, value] : def_.headers) {
    const size_t before = out.size();
    out.append(name).append(": ");
    const tmpl::Rendered rendered = value.render(*caller_.values, out);
    if (rendered.status == tmpl::Rendered::Status::kBadValue) return template_error(rendered);
    if (rendered.ok()) {
      out.append("\r\n");
    } else {
      out.resize(before);
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
