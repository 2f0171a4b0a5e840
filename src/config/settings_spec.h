// The tables of the settings that are not routes': what `check` accepts under server, admin, log and upstreams, and the
// keys that every route has.
#pragma once
#include <vector>

#include "config/spec.h"

namespace vg::config {

Spec server_spec();
Spec admin_spec();
Spec log_spec();
Spec upstream_spec();
Spec listener_spec();
Spec client_tls_spec();
/// What stands on upstreams, routes and calls: read with read_retry(), read_breaker(), read_hedge().
Spec retry_spec();
Spec breaker_spec();
Spec hedge_spec();
Spec health_spec();  ///< of upstreams alone
Spec call_cache_spec();
std::string check_header_name(std::string_view text);  ///< why it is no header's name; empty if it is
/// Why a header of this name may not be set on a call, or a cookie have it; empty if it may.
std::string check_set_header(std::string_view text);
std::string check_cookie_name(std::string_view text);
std::vector<Key> route_keys();

}  // namespace vg::config
