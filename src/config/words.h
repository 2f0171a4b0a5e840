// Comparing the names of settings: most differ in their first byte, which is cheaper to see than to call for.
#pragma once
#include <string_view>

namespace vg::config {

inline bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || (a.front() == b.front() && a == b));
}

}  // namespace vg::config
