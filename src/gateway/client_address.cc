#include "gateway/client_address.h"

#include <algorithm>

#include "base/strings.h"

namespace vg::gateway {

namespace {

bool contains(const std::vector<config::Cidr>& trusted, const config::IpBytes& ip) {
  return std::any_of(trusted.begin(), trusted.end(), [&](const config::Cidr& c) { return c.contains(ip); });
}

// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "\"[2001:db8::1]\"": the address alone.
std::string_view bare_address(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
  }
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos)
    text = text.substr(0, colon);
  return text;
}

// The for= of each element of a Forwarded field; an element without one stands as empty text.
std::string_view forwarded_for(std::string_view element) {
  for (std::string_view pair : split(element, ';')) {
    pair = trim(pair);
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && iequals(pair.substr(0, equals), "for")) return pair.substr(equals + 1);
  }
  return {};
}

// All elements of a list field, from the left.
std::vector<std::string_view> elements(const http::Head& request, http::FieldId id) {
  std::vector<std::string_view> out;
  for (const http::Field& f : request.fields()) {
    if (f.id != id) continue;
    // Empty elements say nothing (RFC 9110 section 5.6.1).
    for (const std::string_view e : split(request.value(f), ',')) {
      if (!trim(e).empty()) out.push_back(e);
    }
  }
  return out;
}

}  // namespace

bool is_trusted(const std::vector<config::Cidr>& trusted, std::string_view ip) {
  if (trusted.empty()) return false;
  const auto bytes = config::parse_ip(ip);
  return bytes && contains(trusted, *bytes);
}

std::string client_address(const http::Head& request, const std::string& peer_ip,
                           const std::vector<config::Cidr>& trusted) {
  const bool has_list = request.has(http::FieldId::kXForwardedFor);
  const std::vector<std::string_view> chain =
      elements(request, has_list ? http::FieldId::kXForwardedFor : http::FieldId::kForwarded);
  std::string_view client = peer_ip;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    const std::string_view text = bare_address(has_list ? *it : forwarded_for(*it));
    const auto ip = config::parse_ip(text);
    if (!ip) break;  // what a trusted proxy wrote there is no address: the last one that is known stands
    client = text;
    if (!contains(trusted, *ip)) break;
  }
  return std::string(client);
}

}  // namespace vg::gateway
