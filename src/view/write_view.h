// create, update and delete: read the content, validate it, save it, do what follows, answer. SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

config::ViewType describe_create();
std::unique_ptr<pipeline::View> create_create(pipeline::Build& build);
config::ViewType describe_update();
std::unique_ptr<pipeline::View> create_update(pipeline::Build& build);
config::ViewType describe_delete();
std::unique_ptr<pipeline::View> create_delete(pipeline::Build& build);

}  // namespace vg::view
