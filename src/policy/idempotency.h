// idempotency: a write that carries an Idempotency-Key is carried out once; who sends it again gets the answer of the
// first. SPEC sections 5 and 6; draft-ietf-httpapi-idempotency-key-header-07.
#pragma once
#include "pipeline/view.h"

namespace vg::policy {

/// What KeptState calls the store::MemoryClaimStore of all routes.
inline constexpr const char* kClaims = "idempotency";

config::PolicyType describe_idempotency();
std::unique_ptr<pipeline::Policy> create_idempotency(const config::Node& settings, pipeline::Build& build);

}  // namespace vg::policy
