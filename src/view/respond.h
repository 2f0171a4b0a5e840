// respond: a fixed response, made at load: status, JSON, text or a file, headers, and a delay. SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_respond();
std::unique_ptr<pipeline::View> create_respond(pipeline::Build& build);

}  // namespace vg::view
