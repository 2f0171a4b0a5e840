// JSON where plain text must stand, as in a path, a query or a header: scalars are their text, an array of scalars is
// joined by commas, and anything else has none.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "json/value.h"

namespace vg::json {

enum class Flat : uint8_t {
  kInvalid,  ///< not JSON
  kNull,
  kStructure,  ///< an object, or an array of anything but strings, numbers and booleans
  kText,       ///< appended
};

/// Appends the text of one value: strings decoded, numbers as written. What is absent is like null. On anything but
/// kText what was appended is unspecified.
Flat flatten(Value value, std::string& out);
/// The same for text that may not be JSON.
Flat flatten(std::string_view json, std::string& out);

}  // namespace vg::json
