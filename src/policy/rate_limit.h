// rate_limit: how many requests a client may make. SPEC section 6. Limits are counted in memory, shared by all workers,
// or in Redis, shared by all processes; the answer says where it stands by draft-ietf-httpapi-ratelimit-headers-10.
#pragma once
#include "pipeline/view.h"

namespace vg::policy {

/// What KeptState calls the store::MemoryLimitStore of all routes.
inline constexpr const char* kLimitCounts = "rate_limit";

config::PolicyType describe_rate_limit();
std::unique_ptr<pipeline::Policy> create_rate_limit(const config::Node& settings, pipeline::Build& build);

}  // namespace vg::policy
