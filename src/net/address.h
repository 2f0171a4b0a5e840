// An IPv4 or IPv6 address with its port, as the socket calls want it: a value of 28 bytes, without allocation.
// Names are the Resolver's work; unix sockets have no Address.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vg::net {

class Address {
 public:
  /// The unspecified IPv4 address, port 0.
  Address();

  /// Reads a literal: `192.0.2.1` (four decimal parts, no leading zeros), `2001:db8::1` or `[2001:db8::1]`.
  /// Errors: nullopt for anything else, zone identifiers too (RFC 4007), since the meaning of `%eth0` is the machine's.
  static std::optional<Address> parse(std::string_view literal, uint16_t port);
  /// Reads `192.0.2.1:80` or `[2001:db8::1]:80`. Errors: nullopt; a port from 0 to 65535 is required.
  static std::optional<Address> parse_with_port(std::string_view text);
  /// Errors: nullopt for another family or too short a structure.
  static std::optional<Address> from_sockaddr(const sockaddr* address, socklen_t length);

  int family() const { return storage_.any.sa_family; }  ///< AF_INET or AF_INET6
  uint16_t port() const;
  Address with_port(uint16_t port) const;
  /// The 4 or 16 bytes of the address, in network order. Lifetime: this.
  std::span<const uint8_t> bytes() const;
  bool is_loopback() const;  ///< 127.0.0.0/8, ::1, and 127.0.0.0/8 mapped into IPv6

  const sockaddr* data() const { return &storage_.any; }
  socklen_t size() const { return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

  std::string ip() const;    ///< `192.0.2.1`, `2001:db8::1` (RFC 5952)
  std::string text() const;  ///< `192.0.2.1:80`, `[2001:db8::1]:80`

  bool operator==(const Address& other) const;
  bool operator<(const Address& other) const;

 private:
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

struct AddressHash {
  size_t operator()(const Address& address) const noexcept;
};

}  // namespace vg::net
