// cache: a shared cache by RFC 9111 around a view. What is fresh is answered from the store; of several that miss at
// once one asks; what is stale is validated, served while it is renewed, or stands in where the upstream fails. SPEC
// section 6.
#pragma once
#include "pipeline/view.h"
#include "policy/cache_settings.h"

namespace vg::policy {

std::unique_ptr<pipeline::Policy> create_cache(const config::Node& settings, pipeline::Build& build);

}  // namespace vg::policy
