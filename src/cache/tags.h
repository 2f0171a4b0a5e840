// What a cached answer depends on, by name: UPSTREAM/PATH of every GET call it used, concrete, without query and
// without a slash at the end. A write drops by the same names. SPEC section 6, "Writes invalidate".
#pragma once
#include <string>
#include <string_view>

namespace vg::cache {

/// The tag of a call: `target` is path and query below the upstream's url, with its leading slash.
std::string tag_of(std::string_view upstream, std::string_view target);

}  // namespace vg::cache
