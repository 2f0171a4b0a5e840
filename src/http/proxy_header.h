// The PROXY protocol (haproxy.org, proxy-protocol.txt, versions 1 and 2): what a load balancer says of a connection, in
// front of all else that comes on it.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace vg::http {

struct ProxyHeader {
  std::string source_ip;  ///< who connected to the balancer; empty: it speaks for itself, or says nothing of it
  size_t size = 0;        ///< bytes that belong to the header
};

enum class ProxyHeaderStatus { kNeedMore, kDone, kInvalid };

/// Reads the header that `data` begins with. kInvalid as soon as no more bytes could make it one: a connection without
/// a header is not to be guessed at (section 2). At most 2 KiB are taken for one.
ProxyHeaderStatus parse_proxy_header(std::string_view data, ProxyHeader& out);

}  // namespace vg::http
