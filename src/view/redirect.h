// redirect: answers with a Location, a template. SPEC section 5; RFC 9110 section 15.4.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_redirect();
std::unique_ptr<pipeline::View> create_redirect(pipeline::Build& build);

}  // namespace vg::view
