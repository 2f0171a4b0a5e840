#include "http/target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/strings.h"
#include "http/chars.h"

namespace vg::http {
namespace {

// The value of the escape at p ("%XX"), -1 if it is none.
int escape_value(const char* p, const char* end) {
  if (end - p < 3) return -1;
  const int high = hex_value(p[1]), low = hex_value(p[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// True if the segment that begins at p is "." or "..", its dots raw or escaped.
bool is_dot_segment(const char* p, const char* end) {
  int dots = 0;
  while (p < end && dots < 3) {
    if (*p == '.') {
      ++p;
    } else if (*p == '%' && escape_value(p, end) == '.') {
      p += 3;
    } else {
      break;
    }
    ++dots;
  }
  return (dots == 1 || dots == 2) && (p == end || *p == '/' || *p == ';');
}

void append_escape(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto u = static_cast<unsigned char>(c);
  const std::array<char, 3> text = {'%', kDigits[u >> 4], kDigits[u & 15]};
  out.append(text.data(), text.size());
}

void append_encoded(std::string& out, std::string_view decoded, CharClass stays) {
  size_t from = 0;
  for (size_t i = 0; i < decoded.size(); ++i) {
    if (is_class(decoded[i], stays)) continue;
    out.append(decoded, from, i - from);
    append_escape(out, decoded[i]);
    from = i + 1;
  }
  out.append(decoded, from);
}

bool valid_port(std::string_view port) {
  if (port.size() > 5) return false;
  unsigned value = 0;
  for (const char c : port) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535;
}

bool valid_ipv6(std::string_view address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size() >= text.size()) return false;
  std::copy(address.begin(), address.end(), text.begin());
  in6_addr parsed{};
  return std::memchr(text.data(), '\0', address.size()) == nullptr && inet_pton(AF_INET6, text.data(), &parsed) == 1;
}

// Without branches in the loop: names are short, and a mispredicted one costs more than all of them.
bool valid_name(std::string_view host) {
  uint8_t common = kHostChar;
  bool empty_label = false, after_dot = true;
  for (const char c : host) {
    common &= kCharClasses[static_cast<unsigned char>(c)];
    empty_label |= after_dot & (c == '.');
    after_dot = c == '.';
  }
  return common != 0 && !empty_label && !after_dot;
}

}  // namespace

PathCheck check_path(std::string_view raw_path) {
  PathCheck check;
  if (raw_path.empty() || raw_path.front() != '/') {
    check.reason = "the path does not begin with a slash";
    return check;
  }
  const char* end = raw_path.data() + raw_path.size();
  for (const char* p = raw_path.data(); p < end; ++p) {
    if (is_class(*p, kPlainPathChar)) continue;
    if (*p == '/') {
      const bool may_be_dots = p + 1 < end && (p[1] == '.' || p[1] == '%');
      if (may_be_dots && is_dot_segment(p + 1, end)) check.reason = "dot segment in the path";
    } else if (*p == '%') {
      check.has_escapes = true;
      const int value = escape_value(p, end);
      if (value < 0) check.reason = "invalid percent escape in the path";
      if (value == 0) check.reason = "NUL in the path";
    } else {
      check.reason = "invalid character in the path";
    }
    if (check.reason != nullptr) return check;
  }
  return check;
}

bool decode_segment(std::string_view raw, std::string& out) {
  out.clear();
  const char* end = raw.data() + raw.size();
  size_t from = 0;
  for (size_t at = raw.find('%'); at != std::string_view::npos; at = raw.find('%', from)) {
    const int value = escape_value(raw.data() + at, end);
    if (value < 0) return false;
    out.append(raw, from, at - from);
    out.push_back(static_cast<char>(value));
    from = at + 3;
  }
  out.append(raw, from);
  return true;
}

void append_encoded_segment(std::string& out, std::string_view decoded) { append_encoded(out, decoded, kSegmentChar); }

void append_encoded_query_value(std::string& out, std::string_view decoded) {
  append_encoded(out, decoded, kUnreservedChar);
}

bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port) {
  const bool literal = !authority.empty() && authority.front() == '[';
  const size_t host_end = literal ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
  if (literal && host_end == 0) return false;
  host = authority.substr(0, host_end);
  port = authority.substr(host_end);
  if (!port.empty()) {
    if (port.front() != ':') return false;
    port.remove_prefix(1);
  }
  if (!valid_port(port)) return false;
  if (literal) return valid_ipv6(host.substr(1, host.size() - 2));
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return valid_name(host);
}

std::string_view lower_host(std::string_view host, std::string& scratch) {
  if (std::none_of(host.begin(), host.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return host;
  scratch.assign(host);
  for (char& c : scratch) c = ascii_lower(c);
  return scratch;
}

bool same_authority(std::string_view a, std::string_view b, std::string_view default_port) {
  std::string_view host_a, host_b, port_a, port_b;
  if (!split_authority(a, host_a, port_a) || !split_authority(b, host_b, port_b)) return false;
  if (port_a.empty()) port_a = default_port;
  if (port_b.empty()) port_b = default_port;
  return iequals(host_a, host_b) && parse_u64(port_a) == parse_u64(port_b);
}

}  // namespace vg::http
