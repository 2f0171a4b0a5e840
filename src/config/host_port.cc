#include "config/host_port.h"

#include "base/strings.h"
#include "config/cidr.h"
#include "config/path.h"

namespace vg::config {
namespace {

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const std::string_view label : split(host.ends_with('.') ? host.substr(0, host.size() - 1) : host, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_') return false;
    }
  }
  return true;
}

std::string parse_port(std::string_view text, uint16_t& out) {
  const auto number = parse_u64(text);
  if (!number || *number == 0 || *number > 65535) return quote(text) + " is not a port; it may be from 1 to 65535";
  out = static_cast<uint16_t>(*number);
  return {};
}

}  // namespace

std::string parse_host_port(std::string_view authority, std::string_view example, std::string_view v6_example,
                            HostPort& out) {
  const std::string hint = "; write for example ";
  const bool brackets = authority.starts_with('[');
  const size_t close = brackets ? authority.find(']') : 0;
  if (close == std::string_view::npos) return "the [ of an IPv6 address is not closed";
  const size_t colon = authority.find(':', close);
  std::string_view host = authority.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    if (!brackets && port.find(':') != std::string_view::npos)
      return "an IPv6 address stands in brackets" + hint + std::string(v6_example);
    std::string wrong = parse_port(port, out.port);
    if (!wrong.empty()) return wrong;
  }
  if (brackets) {
    if (host.back() != ']') return quote(authority) + " is not a host" + hint + std::string(v6_example);
    host = host.substr(1, host.size() - 2);
  }
  const auto ip = parse_ip(host);
  const bool is_v6 = host.find(':') != std::string_view::npos;
  if (brackets != is_v6 || (is_v6 && !ip) || (!ip && !is_host_name(host))) {
    return host.empty() ? "the url names no host" + hint + std::string(example) : quote(host) + " is not a host";
  }
  const size_t last_dot = host.rfind('.');
  const std::string_view last = last_dot == std::string_view::npos ? host : host.substr(last_dot + 1);
  if (!ip && parse_u64(last)) return quote(host) + " is not an IPv4 address";  // 10.0.0.256, 127.1
  out.host = lower(host);
  out.is_ip = ip.has_value();
  return {};
}

}  // namespace vg::config
