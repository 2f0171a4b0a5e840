#include "template/json_text.h"

#include "json/flatten.h"

namespace vg::tmpl {

std::optional<std::string_view> text_of(json::Value value, std::string& scratch) {
  const std::string_view raw = value.text();
  if (value.is_number() || value.is_bool()) return raw;
  if (value.is_string() && raw.find('\\') == std::string_view::npos) return raw.substr(1, raw.size() - 2);
  scratch.clear();
  if (json::flatten(value, scratch) != json::Flat::kText) return std::nullopt;
  return scratch;
}

}  // namespace vg::tmpl
