// Address ranges: `10.0.0.0/8`, `fd00::/8`, or one address alone. Addresses are 16 bytes in network order, IPv4 mapped
// into IPv6 (::ffff:a.b.c.d), so that a peer of a dual-stack socket and one of a v4 socket compare alike.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vg::config {

using IpBytes = std::array<uint8_t, 16>;

/// The numeric address, without brackets, port or zone; nullopt for anything else.
std::optional<IpBytes> parse_ip(std::string_view text);
bool is_ipv4(const IpBytes& ip);
bool is_loopback(const IpBytes& ip);

struct Cidr {
  IpBytes network{};
  uint8_t bits = 128;  ///< of the mapped form: an IPv4 /8 is 104
  bool contains(const IpBytes& ip) const;
};
/// nullopt on a bad address, a prefix too long, or bits set behind the prefix (10.0.0.1/8).
std::optional<Cidr> parse_cidr(std::string_view text);

}  // namespace vg::config
