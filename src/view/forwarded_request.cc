#include "view/forwarded_request.h"

#include <algorithm>

#include "base/strings.h"
#include "http/nominated.h"
#include "http/response_writer.h"
#include "pipeline/learned.h"
#include "pipeline/upstream_request.h"

namespace vg::view {

namespace {

using http::FieldId;

constexpr uint64_t bit(FieldId id) { return uint64_t{1} << static_cast<unsigned>(id); }

// Of one hop (RFC 9110 section 7.6.1), of the framing, or written anew below.
constexpr uint64_t kNotPassedOn =
    bit(FieldId::kHost) | bit(FieldId::kConnection) | bit(FieldId::kKeepAlive) | bit(FieldId::kProxyConnection) |
    bit(FieldId::kProxyAuthorization) | bit(FieldId::kProxyAuthenticate) | bit(FieldId::kTransferEncoding) |
    bit(FieldId::kContentLength) | bit(FieldId::kTe) | bit(FieldId::kUpgrade) | bit(FieldId::kExpect) |
    bit(FieldId::kXForwardedFor) | bit(FieldId::kXForwardedProto) | bit(FieldId::kXForwardedHost) |
    bit(FieldId::kXRequestId);

// What a cache around the view asks for itself (RFC 9111 section 4.3.1).
constexpr uint64_t kConditions =
    bit(FieldId::kIfNoneMatch) | bit(FieldId::kIfModifiedSince) | bit(FieldId::kIfRange) | bit(FieldId::kRange);

// Names that differ from ours by an underscore alone: CGI and WSGI cannot tell them apart.
bool poses_as_forwarding(std::string_view name) {
  if (name.find('_') == std::string_view::npos) return false;
  std::string plain = lower(name);
  std::replace(plain.begin(), plain.end(), '_', '-');
  return plain == "x-forwarded-for" || plain == "x-forwarded-proto" || plain == "x-forwarded-host" ||
         plain == "x-request-id";
}

bool is_named(const std::vector<NamedTemplate>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const NamedTemplate& h) { return iequals(h.first, name); });
}

// RFC 9110 section 7.6.3.
std::string_view received_by(const http::RequestHead& request) {
  if (request.major == 2) return "2.0 viewgate";
  return request.minor == 0 ? "1.0 viewgate" : "1.1 viewgate";
}

}  // namespace

Result<void> ForwardedRequest::append_head(const upstream::Endpoint& endpoint, std::string& out) {
  if (Result<void> r = append_target(endpoint, out); !r) return r;
  const bool keep_host = settings_.preserve_host && !ctx_.request.authority().empty();
  if (!settings_.edits_fields() || !is_replaced("host")) {
    http::append_field(out, "Host",
                       keep_host ? ctx_.request.authority() : std::string_view(endpoint.settings.authority));
  }
  append_client_fields(out);
  append_forwarding_fields(out);
  if (ctx_.learned != nullptr) out.append(ctx_.learned->conditions);
  // The nearer to the call, the stronger: what the call or the route sets replaces what the upstream says.
  for (const auto& h : settings_.upstream_headers) {
    if (is_named(settings_.call_headers, h.first)) continue;
    if (Result<void> r = append_extra(h, out); !r) return r;
  }
  for (const auto& h : settings_.call_headers) {
    if (Result<void> r = append_extra(h, out); !r) return r;
  }
  return settings_.edit.append(ctx_, out);
}

Result<void> ForwardedRequest::append_target(const upstream::Endpoint& endpoint, std::string& out) const {
  out.append(settings_.method ? std::string_view(*settings_.method) : ctx_.request.method_text()).push_back(' ');
  const tmpl::Rendered rendered = target_.render(ctx_, endpoint.settings.base_path, out);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) return bad_value(rendered);
  if (!rendered.ok()) return Error(ErrorKind::kMissingValue, "a value that the upstream's path needs is missing");
  // The client's query goes along as it came, unless the source has one of its own.
  const bool add_query = !target_.has_query && ctx_.request.has_query;
  append_all(out, {add_query ? "?" : "", add_query ? ctx_.request.query() : "", " HTTP/1.1\r\n"});
  return {};
}

void ForwardedRequest::append_client_fields(std::string& out) const {
  const http::RequestHead& request = ctx_.request;
  const bool nominated = http::has_nominated_fields(request);
  const bool edited = settings_.edits_fields();
  const uint64_t left_out = ctx_.learned != nullptr ? kNotPassedOn | kConditions : kNotPassedOn;
  http::FieldCopier copier(&request, &out);
  for (const http::Field& f : request.fields()) {
    if ((left_out & bit(f.id)) != 0) continue;
    if ((f.id == FieldId::kForwarded || f.id == FieldId::kVia) && !ctx_.trusted_peer) continue;
    const std::string_view name = request.name(f);
    if (f.id == FieldId::kOther && poses_as_forwarding(name)) continue;
    if (nominated && http::is_nominated(request, name)) continue;
    if (edited && is_replaced(name)) continue;
    copier.add(f);
  }
}

// What a peer that is not trusted says about whom it forwards for is dropped, not passed on.
void ForwardedRequest::append_forwarding_fields(std::string& out) const {
  // Nearly every request: a stranger's, and a route that edits nothing.
  if (!ctx_.trusted_peer && !settings_.edits_fields()) {
    const std::string_view host = ctx_.request.authority();
    append_all(out, {"X-Forwarded-For: ", ctx_.client_ip(), "\r\nX-Forwarded-Proto: ", ctx_.secure ? "https" : "http",
                     host.empty() ? "" : "\r\nX-Forwarded-Host: ", host, "\r\nX-Request-Id: ", ctx_.request_id(),
                     "\r\nVia: ", received_by(ctx_.request), "\r\n"});
    return;
  }
  const http::RequestHead& request = ctx_.request;
  const bool edited = settings_.edits_fields();
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !(edited && is_replaced(name))) http::append_field(out, name, value);
  };
  const pipeline::ForwardedFor forwarded(ctx_);
  add("X-Forwarded-For", forwarded.client);
  add("X-Forwarded-Proto", forwarded.proto);
  add("X-Forwarded-Host", forwarded.host);
  add("X-Request-Id", ctx_.request_id());
  add("Via", received_by(request));
}

Result<void> ForwardedRequest::append_extra(const NamedTemplate& header, std::string& out) const {
  const auto& [name, value] = header;
  if (settings_.edit.drops(name)) return {};
  const size_t before = out.size();
  out.append(name).append(": ");
  const tmpl::Rendered rendered = value.render(ctx_, out);
  if (rendered.ok()) {
    out.append("\r\n");
    return {};
  }
  out.resize(before);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) return bad_value(rendered);
  return {};
}

bool ForwardedRequest::is_replaced(std::string_view name) const {
  return settings_.edit.drops(name) || is_named(settings_.upstream_headers, name) ||
         is_named(settings_.call_headers, name);
}

}  // namespace vg::view
