// proxy-fetch: passes a request on and streams the response back, both in bounded memory. SPEC section 5; RFC 9110
// section 7 for what an intermediary adds, removes and leaves alone.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_proxy_fetch();
std::unique_ptr<pipeline::View> create_proxy_fetch(pipeline::Build& build);

}  // namespace vg::view
