#include "pipeline/context.h"

#include "base/random_hex.h"
#include "base/strings.h"
#include "http/server_connection.h"
#include "pipeline/upstream_request.h"

namespace vg::pipeline {

namespace {

constexpr size_t kTraceparentSize = 55;  // "00-" 32 "-" 16 "-" 2
constexpr size_t kTraceIdAt = 3, kTraceIdSize = 32, kParentAt = 36, kParentSize = 16, kFlagsAt = 53;

void append_random_hex(std::string& out, size_t digits) {
  out.resize(out.size() + digits);
  write_random_hex(out.data() + out.size() - digits, digits);
}

bool is_lower_hex(std::string_view s) { return s.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// Later versions may be longer, and mean the same by what this one knows of.
bool is_traceparent(std::string_view s) {
  if (s.size() < kTraceparentSize || s[2] != '-' || s[kParentAt - 1] != '-' || s[kFlagsAt - 1] != '-') return false;
  if (s.starts_with("00") ? s.size() != kTraceparentSize : s.size() > kTraceparentSize && s[kTraceparentSize] != '-')
    return false;
  const std::string_view trace = s.substr(kTraceIdAt, kTraceIdSize), parent = s.substr(kParentAt, kParentSize);
  const auto is_zero = [](std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; };
  return is_lower_hex(s.substr(0, 2)) && !s.starts_with("ff") && is_lower_hex(trace) && !is_zero(trace) &&
         is_lower_hex(parent) && !is_zero(parent) && is_lower_hex(s.substr(kFlagsAt, 2));
}

}  // namespace

void Context::append_traceparent(std::string& out) {
  if (trace_.empty()) {
    const std::string_view theirs = request.get(http::FieldId::kTraceparent);
    trace_.assign("00-");
    if (is_traceparent(theirs)) {
      trace_.append(theirs.substr(kTraceIdAt, kTraceIdSize)).append(theirs.substr(kFlagsAt, 2));
    } else {
      append_random_hex(trace_, kTraceIdSize);
      trace_.append("00");
    }
  }
  out.append(trace_, 0, kTraceIdAt + kTraceIdSize).push_back('-');
  append_random_hex(out, kParentSize);
  out.append("-").append(trace_, kTraceIdAt + kTraceIdSize, 2);
}

std::optional<std::string_view> Context::header(std::string_view lower_name) const {
  for (const http::Field& f : request.fields()) {
    if (iequals(request.name(f), lower_name)) return request.value(f);
  }
  return std::nullopt;
}

std::optional<std::string_view> Context::cookie(std::string_view name) const {
  for (const http::Field& f : request.fields()) {
    if (f.id != http::FieldId::kCookie) continue;
    if (const auto found = tmpl::find_cookie(request.value(f), name)) return found;
  }
  return std::nullopt;
}

const std::string& Context::call_fields() {
  if (!call_fields_.empty()) return call_fields_;
  const ForwardedFor forwarded(*this);
  call_fields_.append("X-Request-Id: ").append(request_id_);
  call_fields_.append("\r\nX-Forwarded-For: ").append(forwarded.client);
  call_fields_.append("\r\nX-Forwarded-Proto: ").append(forwarded.proto);
  if (!forwarded.host.empty()) call_fields_.append("\r\nX-Forwarded-Host: ").append(forwarded.host);
  call_fields_.append("\r\n");
  return call_fields_;
}

void Context::copy_request(const Context& other) {
  loop = other.loop;
  pinned = other.pinned;
  services = other.services;
  route = other.route;
  request = other.request;
  trusted_peer = other.trusted_peer;
  secure = other.secure;
  client_subject = other.client_subject;
  body_timeout = other.body_timeout;
  client_ip_ = other.client_ip_;
  request_id_ = other.request_id_;
  trace_ = other.trace_;
  peer_ip_ = other.peer_ip();
  // Parameters view the head's bytes: the copy's now.
  params.resize(0);
  for (size_t i = 0; i < other.params.size(); ++i) {
    const tmpl::PathParam p = other.params[i];
    const auto at = static_cast<size_t>(p.raw.data() - other.request.bytes().data());
    params.add(request.bytes().substr(at, p.raw.size()), p.encoded);
  }
}

std::string_view Context::peer_ip() const { return connection != nullptr ? connection->peer_ip() : peer_ip_; }

void Context::clear() {
  Exchange::clear();
  route = nullptr;
  pinned.reset();
  params.resize(0);
  timeout_status = 504;
  trusted_peer = secure = false;
  client_subject.clear();
  call = upstream::CallStats();
  upstream = nullptr;
  learned = nullptr;
  cache_result = observe::CacheResult::kNone;
  failure = ErrorKind::kNone;
  failure_internal.clear();
  problem_errors.clear();
  client_ip_.clear();
  peer_ip_.clear();
  request_id_.clear();
  trace_.clear();
  call_fields_.clear();
  degraded.clear();
}

}  // namespace vg::pipeline
