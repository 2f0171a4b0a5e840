// HOST[:PORT] as it stands in URLs, of upstreams and of Redis.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vg::config {

struct HostPort {
  std::string host;    ///< lower case; a name, an IPv4 address, or an IPv6 address without brackets
  uint16_t port = 0;   ///< 0: none is written
  bool is_ip = false;  ///< `host` needs no resolver
};

/// Returns what is wrong, empty if nothing is. `example` and `v6_example`: what to write, for the messages.
std::string parse_host_port(std::string_view authority, std::string_view example, std::string_view v6_example,
                            HostPort& out);

}  // namespace vg::config
