// list: a page of objects of a source, with the answers of other calls joined to each. SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_list();
std::unique_ptr<pipeline::View> create_list(pipeline::Build& build);

}  // namespace vg::view
