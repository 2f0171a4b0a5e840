#include "view/forwarded_request.h"

#include "base/strings.h"
#include "http/server_connection.h"
#include "http/response_writer.h"

namespace vg::view {

namespace {

using http::FieldId;

constexpr uint64_t bit(FieldId id) { return uint64_t{1} << static_cast<unsigned>(id); }

// Of one hop (RFC 9110 section 7.6.1), of the framing, or written anew below.
constexpr uint64_t kNotPassedOn = bit(FieldId::kHost) | bit(FieldId::kConnection) | bit(FieldId::kKeepAlive) |
                                  bit(FieldId::kProxyConnection) | bit(FieldId::kProxyAuthorization) |
                                  bit(FieldId::kProxyAuthenticate) | bit(FieldId::kTransferEncoding) |
                                  bit(FieldId::kContentLength) | bit(FieldId::kTe) | bit(FieldId::kUpgrade) |
                                  bit(FieldId::kExpect) | bit(FieldId::kXForwardedFor) | bit(FieldId::kXForwardedProto) |
                                  bit(FieldId::kXForwardedHost) | bit(FieldId::kXRequestId);

bool is_usual(std::string_view token) {
  return iequals(token, "keep-alive") || iequals(token, "close") || iequals(token, "upgrade") || iequals(token, "te");
}

template <typename Visit>
void for_each_connection_token(const http::Head& head, Visit visit) {
  if (!head.has(FieldId::kConnection)) return;
  for (const http::Field& f : head.fields()) {
    if (f.id != FieldId::kConnection) continue;
    std::string_view rest = head.value(f);
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (const std::string_view token = trim(rest.substr(0, comma)); !token.empty()) visit(token);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
}

}  // namespace

bool has_nominated_fields(const http::Head& head) {
  bool found = false;
  const std::string_view first = head.get(FieldId::kConnection);
  if (first.empty()) return false;
  for_each_connection_token(head, [&](std::string_view t) { found = found || !is_usual(t); });
  return found;
}

bool is_nominated(const http::Head& head, std::string_view name) {
  bool found = false;
  for_each_connection_token(head, [&](std::string_view t) { found = found || iequals(t, name); });
  return found;
}

Result<void> ForwardedRequest::append_head(const upstream::Endpoint& endpoint, std::string& out) {
  if (Result<void> r = append_target(endpoint, out); !r) return r;
  const bool keep_host = settings_.preserve_host && !ctx_.request.authority().empty();
  http::append_field(out, "Host", keep_host ? ctx_.request.authority() : std::string_view(endpoint.settings.authority));
  append_client_fields(out);
  append_forwarding_fields(out);
  if (Result<void> r = append_extra(settings_.upstream_headers, out); !r) return r;
  if (Result<void> r = append_extra(settings_.call_headers, out); !r) return r;
  return settings_.edit.append(ctx_, out);
}

Result<void> ForwardedRequest::append_target(const upstream::Endpoint& endpoint, std::string& out) const {
  out.append(settings_.target.method ? std::string_view(*settings_.target.method) : ctx_.request.method_text()).push_back(' ');
  const tmpl::Rendered rendered = settings_.target.render(ctx_, endpoint.settings.base_path, out);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) return bad_value(rendered);
  if (!rendered.ok()) return Error(ErrorKind::kMissingValue, "a value that the upstream's path needs is missing");
  // The client's query goes along as it came, unless the source has one of its own.
  if (!settings_.target.has_query && ctx_.request.has_query) out.append("?").append(ctx_.request.query());
  out.append(" HTTP/1.1\r\n");
  return {};
}

void ForwardedRequest::append_client_fields(std::string& out) const {
  const http::RequestHead& request = ctx_.request;
  const bool nominated = has_nominated_fields(request);
  const bool edited = !settings_.edit.empty() || !settings_.upstream_headers.empty() || !settings_.call_headers.empty();
  const auto is_set = [](const std::vector<std::pair<std::string, tmpl::Template>>& headers, std::string_view name) {
    for (const auto& h : headers) {
      if (iequals(h.first, name)) return true;
    }
    return false;
  };
  for (const http::Field& f : request.fields()) {
    if ((kNotPassedOn & bit(f.id)) != 0) continue;
    if (f.id == FieldId::kForwarded && !ctx_.trusted_peer) continue;
    const std::string_view name = request.name(f);
    if (nominated && is_nominated(request, name)) continue;
    if (edited && (settings_.edit.drops(name) || is_set(settings_.upstream_headers, name) || is_set(settings_.call_headers, name))) {
      continue;
    }
    http::append_field(out, request, f);
  }
}

// What a peer that is not trusted says about whom it forwards for is dropped, not passed on.
void ForwardedRequest::append_forwarding_fields(std::string& out) const {
  const http::RequestHead& request = ctx_.request;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && (settings_.edit.empty() || !settings_.edit.drops(name))) http::append_field(out, name, value);
  };
  if (ctx_.trusted_peer) {
    std::string chain;
    for (const http::Field& f : request.fields()) {
      if (f.id == FieldId::kXForwardedFor) chain.append(request.value(f)).append(", ");
    }
    add("X-Forwarded-For", chain.append(ctx_.connection->peer_ip()));
  } else {
    add("X-Forwarded-For", ctx_.client_ip());
  }
  const bool proto_known = ctx_.trusted_peer && request.has(FieldId::kXForwardedProto);
  add("X-Forwarded-Proto", proto_known ? request.get(FieldId::kXForwardedProto) : std::string_view(ctx_.secure ? "https" : "http"));
  const bool host_known = ctx_.trusted_peer && request.has(FieldId::kXForwardedHost);
  add("X-Forwarded-Host", host_known ? request.get(FieldId::kXForwardedHost) : request.authority());
  add("X-Request-Id", ctx_.request_id());
  add("Via", request.minor == 0 ? "1.0 viewgate" : "1.1 viewgate");
}

Result<void> ForwardedRequest::append_extra(const std::vector<std::pair<std::string, tmpl::Template>>& headers, std::string& out) const {
  for (const auto& [name, value] : headers) {
    if (settings_.edit.drops(name)) continue;
    const size_t before = out.size();
    out.append(name).append(": ");
    const tmpl::Rendered rendered = value.render(ctx_, out);
    if (rendered.ok()) {
      out.append("\r\n");
      continue;
    }
    out.resize(before);
    if (rendered.status == tmpl::Rendered::Status::kBadValue) return bad_value(rendered);
  }
  return {};
}

}  // namespace vg::view
