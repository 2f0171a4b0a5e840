#include "http/proxy_header.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "net/address.h"

namespace vg::http {

namespace {

constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kSignature1 = "PROXY ";
constexpr size_t kLongest1 = 107;   // section 2.1, with CRLF
constexpr size_t kLongest2 = 2048;  // 16 bytes, the addresses, and what balancers add behind them

uint8_t byte_at(std::string_view data, size_t i) { return static_cast<uint8_t>(data[i]); }

bool is_port(std::string_view text) {
  const auto number = parse_u64(text);
  return number && *number <= 65535 && (text.size() == 1 || text[0] != '0');
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
bool read_line(std::string_view line, ProxyHeader& out) {
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() >= 2 && words[1] == "UNKNOWN") return true;
  if (line.find('[') != std::string_view::npos) return false;  // an address in a URL's brackets is none here
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6")) return false;
  const auto source = net::Address::parse(std::string(words[2]), 0);
  const auto destination = net::Address::parse(std::string(words[3]), 0);
  if (!source || !destination || !is_port(words[4]) || !is_port(words[5])) return false;
  const int family = words[1] == "TCP4" ? AF_INET : AF_INET6;
  if (source->family() != family || destination->family() != family) return false;
  out.source_ip = source->ip();
  return true;
}

ProxyHeaderStatus parse_1(std::string_view data, ProxyHeader& out) {
  const size_t end = data.substr(0, kLongest1).find("\r\n");
  if (end == std::string_view::npos)
    return data.size() >= kLongest1 ? ProxyHeaderStatus::kInvalid : ProxyHeaderStatus::kNeedMore;
  out.size = end + 2;
  return read_line(data.substr(0, end), out) ? ProxyHeaderStatus::kDone : ProxyHeaderStatus::kInvalid;
}

template <typename Sockaddr, typename Ip>
std::string ip_of(std::string_view bytes, Ip Sockaddr::*member, sa_family_t family) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<Sockaddr*>(&storage);
  storage.ss_family = family;
  std::memcpy(&(address->*member), bytes.data(), sizeof(Ip));
  const auto known = net::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), sizeof(Sockaddr));
  return known ? known->ip() : std::string();
}

// Section 2.2: version and command, family and protocol, length; then source, destination, ports, and whatever else.
ProxyHeaderStatus parse_2(std::string_view data, ProxyHeader& out) {
  if (data.size() < 16) return ProxyHeaderStatus::kNeedMore;
  const uint8_t command = byte_at(data, 12) & 0x0f;
  const uint8_t family = byte_at(data, 13);
  const size_t length = static_cast<size_t>(byte_at(data, 14)) << 8 | byte_at(data, 15);
  if (byte_at(data, 12) >> 4 != 2 || command > 1 || length + 16 > kLongest2) return ProxyHeaderStatus::kInvalid;
  if (data.size() < length + 16) return ProxyHeaderStatus::kNeedMore;
  out.size = length + 16;
  const std::string_view content = data.substr(16, length);
  if (command == 0) return ProxyHeaderStatus::kDone;  // LOCAL: the balancer asks for itself
  constexpr uint8_t kTcp4 = 0x11, kTcp6 = 0x21;
  if (family == kTcp4) {
    if (length < 12) return ProxyHeaderStatus::kInvalid;
    out.source_ip = ip_of(content, &sockaddr_in::sin_addr, AF_INET);
  } else if (family == kTcp6) {
    if (length < 36) return ProxyHeaderStatus::kInvalid;
    out.source_ip = ip_of(content, &sockaddr_in6::sin6_addr, AF_INET6);
  }
  return ProxyHeaderStatus::kDone;
}

}  // namespace

ProxyHeaderStatus parse_proxy_header(std::string_view data, ProxyHeader& out) {
  const auto begins = [data](std::string_view signature) {
    const size_t n = std::min(data.size(), signature.size());
    return data.substr(0, n) == signature.substr(0, n);
  };
  if (begins(kSignature1)) return data.size() < kSignature1.size() ? ProxyHeaderStatus::kNeedMore : parse_1(data, out);
  if (begins(kSignature2)) return data.size() < kSignature2.size() ? ProxyHeaderStatus::kNeedMore : parse_2(data, out);
  return ProxyHeaderStatus::kInvalid;
}

}  // namespace vg::http
