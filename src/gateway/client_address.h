// Who the client is: the peer, or, behind trusted proxies, what they say of it. SPEC section 6 (client_ip); RFC 7239.
#pragma once
#include <string>
#include <vector>

#include "config/cidr.h"
#include "http/head.h"

namespace vg::gateway {

bool is_trusted(const std::vector<config::Cidr>& trusted, std::string_view ip);
/// The rightmost untrusted address of X-Forwarded-For, else of Forwarded; the peer's where there is none, or where what
/// stands there is no address.
std::string client_address(const http::Head& request, const std::string& peer_ip,
                           const std::vector<config::Cidr>& trusted);

}  // namespace vg::gateway
