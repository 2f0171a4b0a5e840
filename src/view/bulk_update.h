// bulk-update: a call for each item of the client's content, or for each batch of them, and what came of every item.
// SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_bulk_update();
std::unique_ptr<pipeline::View> create_bulk_update(pipeline::Build& build);

}  // namespace vg::view
