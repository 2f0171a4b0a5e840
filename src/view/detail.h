// detail: one object of a source, with the answers of other calls as its members. SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_detail();
std::unique_ptr<pipeline::View> create_detail(pipeline::Build& build);

}  // namespace vg::view
