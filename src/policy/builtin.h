// The policies that exist, as a table: the index that a reader needs. The order in which they run is
// gateway/policy_order.cc.
#pragma once
#include <span>

#include "pipeline/view.h"

namespace vg::policy {

std::span<const pipeline::PolicyEntry> builtin();

}  // namespace vg::policy
