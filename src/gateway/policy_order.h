// The order in which policies run around a view.
#pragma once
#include <span>
#include <string_view>

namespace vg::gateway {

/// Names of policies, outermost first. SPEC section 6.
std::span<const std::string_view> policy_order();

}  // namespace vg::gateway
