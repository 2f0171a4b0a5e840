// aggregate: one object made of the answers of calls that run side by side. SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_aggregate();
std::unique_ptr<pipeline::View> create_aggregate(pipeline::Build& build);

}  // namespace vg::view
