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
/// `{attempts, attempt_timeout, on, budget, backoff}`: read with read_retry().
Spec retry_spec();
std::vector<Key> route_keys();

}  // namespace vg::config
