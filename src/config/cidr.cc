#include "config/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace vg::config {
namespace {
constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}  // namespace

bool is_ipv4(const IpBytes& ip) { return std::equal(kMapped.begin(), kMapped.end(), ip.begin()); }

bool is_loopback(const IpBytes& ip) {
  if (is_ipv4(ip)) return ip[12] == 127;
  return std::all_of(ip.begin(), ip.end() - 1, [](uint8_t b) { return b == 0; }) && ip[15] == 1;
}

std::optional<IpBytes> parse_ip(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  IpBytes out{};
  if (inet_pton(AF_INET6, terminated.c_str(), out.data()) == 1) return out;
  std::copy(kMapped.begin(), kMapped.end(), out.begin());
  if (inet_pton(AF_INET, terminated.c_str(), out.data() + kMapped.size()) == 1) return out;
  return std::nullopt;
}

bool Cidr::contains(const IpBytes& ip) const {
  const size_t whole = bits / 8;
  if (!std::equal(network.begin(), network.begin() + whole, ip.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (network[whole] >> (8 - rest)) == (ip[whole] >> (8 - rest));
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const size_t slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return std::nullopt;
  Cidr out{*ip, 128};
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  const auto bits = parse_u64(digits);
  const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  if (!bits || digits.size() > 3 || *bits > (v4 ? 32U : 128U)) return std::nullopt;
  out.bits = static_cast<uint8_t>(*bits + (v4 ? 96 : 0));
  for (size_t bit = out.bits; bit < 128; ++bit) {
    if ((out.network[bit / 8] >> (7 - bit % 8)) & 1) return std::nullopt;
  }
  return out;
}

}  // namespace vg::config
