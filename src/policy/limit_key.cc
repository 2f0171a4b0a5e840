#include "policy/limit_key.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/strings.h"
#include "config/cidr.h"
#include "config/values.h"

namespace vg::policy {

namespace {

constexpr std::string_view kHeader = "header:", kClaims = "claims.";

/// The value of a header that comes once; nothing where it is missing, empty, or comes again: of several lines nobody
/// knows which one an upstream goes by.
std::string_view single_value(const http::Head& request, http::FieldId id, std::string_view name) {
  std::string_view value;
  if (id != http::FieldId::kOther && !request.has(id)) return value;
  for (const http::Field& f : request.fields()) {
    if (f.id != id || (id == http::FieldId::kOther && !iequals(request.name(f), name))) continue;
    if (!value.empty()) return {};
    value = request.value(f);
  }
  return value;
}

}  // namespace

void append_limited_address(std::string_view client_ip, std::string& out) {
  // Without a colon it is an IPv4 address, or a unix socket's peer.
  if (client_ip.find(':') == std::string_view::npos) {
    out.append(client_ip);
    return;
  }
  const auto ip = config::parse_ip(client_ip);
  if (!ip) {
    out.append(client_ip);
    return;
  }
  char text[INET6_ADDRSTRLEN];
  if (config::is_ipv4(*ip)) {
    out.append(inet_ntop(AF_INET, ip->data() + 12, text, sizeof text));
    return;
  }
  config::IpBytes network = *ip;
  std::fill(network.begin() + 8, network.end(), uint8_t{0});
  out.append(inet_ntop(AF_INET6, network.data(), text, sizeof text)).append("/64");
}

std::string LimitKey::check(std::string_view text) {
  if (text == "client_ip" || text == "route") return {};
  if (text.starts_with(kClaims)) return "a key of claims needs auth, which is not supported by this version";
  if (!text.starts_with(kHeader))
    return "\"" + std::string(text) + "\" is not a key; there are client_ip, header:NAME and route";
  if (!config::is_token(text.substr(kHeader.size())))
    return "\"" + std::string(text.substr(kHeader.size())) + "\" is not a header's name";
  return {};
}

LimitKey::LimitKey(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    Part part;
    if (entry == "route") part.kind = Part::Kind::kRoute;
    if (entry.starts_with(kHeader)) {
      part.kind = Part::Kind::kHeader;
      part.name = lower(std::string_view(entry).substr(kHeader.size()));
      part.id = http::field_id(part.name);
      secret_ = true;
    }
    text_.append(text_.empty() ? "" : " + ").append(part.kind == Part::Kind::kHeader ? "header:" + part.name : entry);
    parts_.push_back(std::move(part));
  }
}

// A header's value is marked as one: no value is an address.
void LimitKey::append_part(const Part& part, const pipeline::Context& ctx, std::string& out) {
  if (part.kind == Part::Kind::kRoute) return;
  if (part.kind == Part::Kind::kHeader) {
    const std::string_view value = single_value(ctx.request, part.id, part.name);
    if (!value.empty()) {
      out.append("=").append(value);
      return;
    }
  }
  append_limited_address(ctx.client_address(), out);
}

void LimitKey::append(const pipeline::Context& ctx, std::string& out) const {
  if (parts_.size() == 1) return append_part(parts_.front(), ctx, out);
  // Each with its length before it: no value ends another.
  for (const Part& part : parts_) {
    const size_t begin = out.size();
    append_part(part, ctx, out);
    const std::string length = std::to_string(out.size() - begin) + ":";
    out.insert(begin, length);
  }
}

}  // namespace vg::policy
