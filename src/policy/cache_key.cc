#include "policy/cache_key.h"

#include <xxhash.h>

#include <algorithm>

#include "base/strings.h"
#include "cache/query.h"
#include "config/read.h"
#include "config/settings_spec.h"
#include "pipeline/upstream_request.h"
#include "template/plain_json.h"

namespace vg::policy {

namespace {

constexpr std::string_view kHeader = "header:", kCookie = "cookie:", kQuery = "query:", kClaims = "claims.";

void add_new(std::vector<std::string>& list, std::string item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

// Of any length and bytes, and of no value: none is taken for another.
void append_value(std::string& out, std::optional<std::string_view> value) {
  if (!value) return out.append("-\n"), void();
  append_u64(out, value->size());
  out.append(":").append(*value).push_back('\n');
}

// All lines of a field count: a proxy passes all of them on.
void append_field_values(std::string& out, const http::RequestHead& request, std::string_view name) {
  for (const http::Field& f : request.fields()) {
    if (iequals(request.name(f), name)) append_value(out, request.value(f));
  }
  out.append(".\n");
}

// The settings that say how an answer is made. What guards it may change, and what is kept stays.
bool makes_answers(std::string_view key) {
  for (const std::string_view guard :
       {"timeout", "rate_limit", "idempotency", "cache", "retry", "hedge", "circuit_breaker", "mixins", "extends"}) {
    if (key == guard) return false;
  }
  return true;
}

void append_upstream(const config::UpstreamSettings& u, std::string& out) {
  out.append(u.name);
  for (const config::EndpointSettings& e : u.endpoints) out.append("\n").append(e.authority).append(e.base_path);
  for (const std::string& h : u.forward_headers) out.append("\n>").append(h);
  for (const std::string& c : u.forward_cookies) out.append("\n&").append(c);
  for (const config::HeaderSetting& h : u.headers) out.append("\n=").append(h.name).append(":").append(h.value);
}

// "GET catalog/products/{id}" goes to catalog.
std::string_view upstream_of(std::string_view call) {
  const std::string_view head = call.substr(0, call.find_first_of("/?"));
  const size_t space = head.rfind(' ');
  return space == std::string_view::npos ? head : head.substr(space + 1);
}

// Another configuration, even of another process that shares the store, is another answer.
std::string route_hash(const pipeline::Build& build) {
  std::string text = build.route().name;
  for (const config::Member& m : build.settings()->members()) {
    if (!makes_answers(m.key)) continue;
    text.append("\n").append(m.key).append(" ");
    tmpl::append_plain_json(*m.value, text);
  }
  if (build.view() != nullptr) {
    for (const pipeline::PlannedCall& call : build.view()->plan()) {
      const auto upstream = build.find_upstream(upstream_of(call.call));
      if (upstream) append_upstream(build.upstream_settings(*upstream), text.append("\n"));
    }
  }
  std::string out;
  const uint64_t hash = XXH3_64bits(text.data(), text.size());
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(hash >> shift) & 15]);
  return out;
}

}  // namespace

std::string CacheKey::check_item(std::string_view item) {
  if (item == "path" || item == "query" || item == "client_ip") return {};
  if (item.starts_with(kClaims)) return "claims need auth, which is not supported by this version";
  for (const std::string_view kind : {kHeader, kCookie, kQuery}) {
    if (!item.starts_with(kind) || item.size() == kind.size()) continue;
    const std::string_view name = item.substr(kind.size());
    if (kind == kQuery) return {};
    return kind == kHeader ? config::check_header_name(name) : config::check_cookie_name(name);
  }
  return "\"" + std::string(item) +
         "\" can't be part of a key; write path, query, query:NAME, header:NAME, cookie:NAME or client_ip";
}

CacheKey CacheKey::create(const config::Node& settings, pipeline::Build& build) {
  CacheKey out;
  const pipeline::Carried carried = build.view() != nullptr ? build.view()->carried() : pipeline::Carried();
  out.route_ = route_hash(build);
  out.headers_ = carried.headers;
  out.cookies_ = carried.cookies;
  out.client_ip_ = carried.client_ip;
  out.subject_ = carried.tls_subject;
  out.all_fields_ = carried.all_fields;
  if (config::child(&settings, "key") != nullptr) {
    out.path_ = out.query_ = false;
    for (const std::string& item : config::texts(&settings, "key")) {
      if (item == "path") out.path_ = true;
      if (item == "query") out.query_ = true;
      if (item == "client_ip") out.client_ip_ = true;
      if (item.starts_with(kHeader)) add_new(out.headers_, lower(item.substr(kHeader.size())));
      if (item.starts_with(kCookie)) add_new(out.cookies_, item.substr(kCookie.size()));
      if (item.starts_with(kQuery)) add_new(out.query_names_, item.substr(kQuery.size()));
    }
  }
  // A parameter of the path that a call carries makes another answer, whatever the key leaves out.
  if (!out.path_) {
    for (const uint32_t p : carried.params) {
      out.params_.push_back(p);
      out.param_names_.push_back(build.scope().params[p].name);
    }
  }
  const auto has = [&](std::string_view name) {
    return std::find(out.headers_.begin(), out.headers_.end(), name) != out.headers_.end();
  };
  out.has_authorization_ = has("authorization");
  out.has_cookie_ = has("cookie") || !out.cookies_.empty();
  return out;
}

void CacheKey::append(const pipeline::Context& ctx, std::string& out) const {
  const http::RequestHead& request = ctx.request;
  out.append(route_).push_back('\n');
  for (const char c : request.authority()) out.push_back(ascii_lower(c));
  out.append(ctx.secure ? "\nhttps\n" : "\nhttp\n");
  // What a trusted peer says of the client's own request goes to the upstream, which may answer by it.
  if (ctx.trusted_peer) {
    const pipeline::ForwardedFor forwarded(ctx);
    append_value(out, forwarded.proto);
    append_value(out, forwarded.host);
  }
  if (path_) out.append(request.path());
  for (const uint32_t p : params_) append_value(out, ctx.param(p).raw);
  out.push_back('\n');
  if (query_) {
    cache::append_canonical_query(out, request.query());
  } else {
    for (const std::string& name : query_names_) append_query_values(request.query(), name, out);
  }
  out.push_back('\n');
  for (const std::string& name : headers_) append_field_values(out, request, name);
  for (const std::string& name : cookies_) append_value(out, ctx.cookie(name));
  if (client_ip_) append_value(out, ctx.client_ip());
  if (subject_) append_value(out, ctx.client_subject);
}

void CacheKey::append_query_values(std::string_view query, std::string_view name, std::string& out) const {
  cache::for_each_parameter(query, [&](std::string_view parameter, std::string_view its_name) {
    if (its_name == name) append_value(out, parameter.substr(std::min(its_name.size(), parameter.size())));
  });
  out.append(".\n");
}

bool CacheKey::lacks_credential(const http::RequestHead& request) const {
  if (request.has(http::FieldId::kAuthorization) && !has_authorization_) return true;
  return all_fields_ && request.has(http::FieldId::kCookie) && !has_cookie_;
}

std::vector<std::string> CacheKey::describe() const {
  std::vector<std::string> out = {"route", "host"};
  if (path_) out.emplace_back("path");
  for (const std::string& name : param_names_) out.push_back("{" + name + "}");
  if (query_) out.emplace_back("query");
  for (const std::string& name : query_names_) out.push_back(std::string(kQuery) + name);
  for (const std::string& name : headers_) out.push_back(std::string(kHeader) + name);
  for (const std::string& name : cookies_) out.push_back(std::string(kCookie) + name);
  if (client_ip_) out.emplace_back("client_ip");
  if (subject_) out.emplace_back("tls.client.subject");
  return out;
}

}  // namespace vg::policy
