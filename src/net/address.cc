#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace vg::net {

Address::Address() {
  std::memset(&storage_, 0, sizeof storage_);
  storage_.v4.sin_family = AF_INET;
}

std::optional<Address> Address::parse(std::string_view literal, uint16_t port) {
  const bool bracketed = literal.size() > 2 && literal.front() == '[' && literal.back() == ']';
  if (bracketed) literal = literal.substr(1, literal.size() - 2);
  char text[INET6_ADDRSTRLEN];
  if (literal.empty() || literal.size() >= sizeof text || literal.find('\0') != std::string_view::npos) return {};
  *std::copy(literal.begin(), literal.end(), text) = '\0';

  Address out;
  if (!bracketed && inet_pton(AF_INET, text, &out.storage_.v4.sin_addr) == 1) {
    out.storage_.v4.sin_port = htons(port);
    return out;
  }
  if (inet_pton(AF_INET6, text, &out.storage_.v6.sin6_addr) != 1) return {};
  out.storage_.v6.sin6_family = AF_INET6;
  out.storage_.v6.sin6_port = htons(port);
  return out;
}

std::optional<Address> Address::parse_with_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() - colon > 6) return {};
  const std::optional<uint64_t> port = parse_u64(text.substr(colon + 1));
  if (!port || *port > 65535) return {};
  const std::string_view literal = text.substr(0, colon);
  // Without brackets the last group of an IPv6 address would be taken for a port.
  if (literal.find(':') != std::string_view::npos && literal.front() != '[') return {};
  return parse(literal, static_cast<uint16_t>(*port));
}

std::optional<Address> Address::from_sockaddr(const sockaddr* address, socklen_t length) {
  Address out;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    out.storage_.v4.sin_port = in.sin_port;
    out.storage_.v4.sin_addr = in.sin_addr;
    return out;
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    std::memcpy(&out.storage_.v6, address, sizeof(sockaddr_in6));
    out.storage_.v6.sin6_flowinfo = 0;
    return out;
  }
  return {};
}

uint16_t Address::port() const { return ntohs(family() == AF_INET6 ? storage_.v6.sin6_port : storage_.v4.sin_port); }

Address Address::with_port(uint16_t port) const {
  Address out = *this;
  (family() == AF_INET6 ? out.storage_.v6.sin6_port : out.storage_.v4.sin_port) = htons(port);
  return out;
}

std::span<const uint8_t> Address::bytes() const {
  if (family() == AF_INET6) return {storage_.v6.sin6_addr.s6_addr, 16};
  return {reinterpret_cast<const uint8_t*>(&storage_.v4.sin_addr), 4};
}

bool Address::is_loopback() const {
  if (family() == AF_INET) return bytes()[0] == 127;
  const in6_addr& address = storage_.v6.sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&address) || (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family(), bytes().data(), text, sizeof text);
  return text;
}

std::string Address::text() const {
  std::string out = family() == AF_INET6 ? "[" + ip() + "]:" : ip() + ":";
  append_u64(out, port());
  return out;
}

bool Address::operator==(const Address& other) const {
  return family() == other.family() && port() == other.port() && std::ranges::equal(bytes(), other.bytes()) &&
         (family() != AF_INET6 || storage_.v6.sin6_scope_id == other.storage_.v6.sin6_scope_id);
}

bool Address::operator<(const Address& other) const {
  if (family() != other.family()) return family() < other.family();
  const auto a = bytes();
  const auto b = other.bytes();
  const int order = std::memcmp(a.data(), b.data(), a.size());
  if (order != 0) return order < 0;
  if (port() != other.port()) return port() < other.port();
  return family() == AF_INET6 && storage_.v6.sin6_scope_id < other.storage_.v6.sin6_scope_id;
}

size_t AddressHash::operator()(const Address& address) const noexcept {
  const auto bytes = address.bytes();
  const size_t h = std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return h ^ (static_cast<size_t>(address.port()) * 0x9E3779B97F4A7C15ull);
}

}  // namespace vg::net
