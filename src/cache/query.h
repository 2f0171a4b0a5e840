// Query strings in keys: the order of parameters does not matter, but for those of one name. SPEC section 6, "cache".
#pragma once
#include <string>
#include <string_view>

namespace vg::cache {

/// Calls `visit(parameter, name)` for each "name=value" of a query, as they came, still encoded.
template <typename Visit>
void for_each_parameter(std::string_view query, const Visit& visit) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    visit(parameter, parameter.substr(0, parameter.find('=')));
    if (end == std::string_view::npos) return;
    query.remove_prefix(end + 1);
  }
}

/// Appends the parameters in the order of their names; those of one name stay in theirs. Encodings are not touched:
/// what differs in them is another key, which costs a miss and never mixes two answers.
void append_canonical_query(std::string& out, std::string_view query);

}  // namespace vg::cache
