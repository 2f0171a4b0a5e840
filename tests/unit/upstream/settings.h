// Settings of an upstream as a configuration would give them, but quick.
#pragma once
#include <string>
#include <vector>

#include "config/settings.h"

namespace vg::upstream::test {

inline config::UpstreamSettings settings(const std::vector<uint16_t>& ports) {
  config::UpstreamSettings out;
  out.name = "shop";
  for (const uint16_t port : ports) {
    config::EndpointSettings e;
    e.host = "127.0.0.1";
    e.port = port;
    e.authority = "127.0.0.1:" + std::to_string(port);
    e.is_ip = true;
    out.endpoints.push_back(e);
  }
  out.retry.backoff = std::chrono::nanoseconds(0);
  out.breaker.reset();  // tests fail their upstreams often
  return out;
}

}  // namespace vg::upstream::test
