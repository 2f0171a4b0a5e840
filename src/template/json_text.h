// The text of a JSON value where plain text must stand: in a path, a query or a header, and where keys are compared.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"

namespace vg::tmpl {

/// The text of a JSON value where plain text must stand: a string decoded, a number or boolean as written, an array of
/// them joined by commas. nullopt for all else. Lifetime: the result views the value, or `scratch`.
std::optional<std::string_view> text_of(json::Value value, std::string& scratch);

}  // namespace vg::tmpl
