// The view types that exist, as a table: the index that a reader needs.
#pragma once
#include <span>

#include "pipeline/view.h"

namespace vg::view {

std::span<const pipeline::ViewEntry> builtin();

}  // namespace vg::view
