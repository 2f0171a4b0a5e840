// The opening handshake of the WebSocket protocol, where it is the gateway's own.
#pragma once
#include <string>
#include <string_view>

namespace vg::http {

/// What Sec-WebSocket-Accept must say to this Sec-WebSocket-Key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace vg::http
