// A form as the JSON object that an upstream is sent: what view types do with the fields of a form.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace vg::json {

using FormPair = std::pair<std::string_view, std::string_view>;

/// Appends an object of strings: members in the order in which their names first come, a name that comes more than once
/// with an array of its values in their order. Precondition: valid UTF-8.
void append_form(std::string& out, std::span<const FormPair> fields);

}  // namespace vg::json
