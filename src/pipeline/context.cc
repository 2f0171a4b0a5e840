#include "pipeline/context.h"

#include "base/strings.h"

namespace vg::pipeline {

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

void Context::clear() {
  Exchange::clear();
  route = nullptr;
  pinned.reset();
  params.resize(0);
  timeout_status = 504;
  trusted_peer = secure = false;
  call = upstream::CallStats();
  upstream = nullptr;
  failure = ErrorKind::kNone;
  failure_internal.clear();
  client_ip_.clear();
  request_id_.clear();
}

}  // namespace vg::pipeline
