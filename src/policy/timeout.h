// timeout: how long a request may take, from the end of its head until its response is ready (proxy-fetch: until its
// head). SPEC section 6.
#pragma once
#include "pipeline/view.h"

namespace vg::policy {

config::PolicyType describe_timeout();
std::unique_ptr<pipeline::Policy> create_timeout(const config::Node& settings, pipeline::Build& build);

}  // namespace vg::policy
