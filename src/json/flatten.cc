#include "json/flatten.h"

namespace vg::json {

Flat flatten(Value value, std::string& out) {
  if (value.absent() || value.is_null()) return Flat::kNull;
  if (value.append_text(out)) return Flat::kText;
  if (!value.is_array()) return Flat::kStructure;
  bool first = true;
  for (const Value element : value.elements()) {
    if (!first) out += ',';
    first = false;
    if (!element.append_text(out)) return Flat::kStructure;
  }
  return Flat::kText;
}

Flat flatten(std::string_view json, std::string& out) {
  return is_json(json) ? flatten(Value::of(json), out) : Flat::kInvalid;
}

}  // namespace vg::json
