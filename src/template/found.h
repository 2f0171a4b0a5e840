// What a reference stands for in one request, before it is converted and encoded.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "template/encode.h"
#include "template/template.h"

namespace vg::tmpl {

/// Lifetime: views the request, or the `scratch` that it was found with.
struct Found {
  std::optional<std::string_view> text;  ///< nullopt: missing
  Coding coding = Coding::kPlain;
  bool structure = false;  ///< missing, but only because it is JSON that has no text: an object, say
};

/// The value's text; for the conversion "json" the JSON of what is no string. `scratch` is used for what does not stand
/// in the request as it is needed.
Found find(const Reference& ref, const Values& values, std::string& scratch);

/// The value of a JSON root but kItems.
inline json::Value find_json(const Reference& ref, const Values& values) {
  return values.json(ref.root, ref.call).at(ref.path);
}

}  // namespace vg::tmpl
