// retry, circuit_breaker and hedge: settings of calls, which routes, mixins and `defaults` may say for all of theirs.
// Weakest first: built-in, defaults, the upstream, the route, the call; key by key. SPEC section 6.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "pipeline/view.h"
#include "upstream/call_policy.h"

namespace vg::source {

/// The policies of a route that are settings of its calls: no links of its chain.
std::vector<config::PolicyType> describe_call_policies();
/// The same as keys of a call.
std::vector<config::Key> call_policy_keys();

/// What route and call say of a call to `upstream`; nullptr where both say nothing. `call`: the call's map, or nullptr.
/// `place`: the call's within its route, for the names of its breakers. `method`: the one that it is made with, empty
/// where the client decides. Mistakes are reported to `build`.
std::shared_ptr<const upstream::CallPolicy> compile_call_policy(pipeline::Build& build, uint32_t upstream,
                                                                const config::Node* call, const std::string& place,
                                                                std::string_view method);

}  // namespace vg::source
