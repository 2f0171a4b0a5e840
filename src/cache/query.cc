#include "cache/query.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vg::cache {

void append_canonical_query(std::string& out, std::string_view query) {
  if (query.find('&') == std::string_view::npos) {
    out.append(query);
    return;
  }
  std::vector<std::pair<std::string_view, std::string_view>> parameters;  // name, all of it
  for_each_parameter(query, [&](std::string_view parameter, std::string_view name) {
    if (!parameter.empty()) parameters.emplace_back(name, parameter);
  });
  std::stable_sort(parameters.begin(), parameters.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  bool first = true;
  for (const auto& [name, parameter] : parameters) {
    if (!std::exchange(first, false)) out.push_back('&');
    out.append(parameter);
  }
}

}  // namespace vg::cache
