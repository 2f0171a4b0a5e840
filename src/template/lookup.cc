// Finding query parameters and cookies by name, in the text they came in.
#include "base/strings.h"
#include "template/encode.h"
#include "template/values.h"

namespace vg::tmpl {
namespace {

bool names_match(std::string_view encoded, std::string_view name) {
  if (encoded.find_first_of("%+") == std::string_view::npos) return encoded == name;
  size_t i = 0;
  for (size_t at = 0; at < encoded.size(); ++i) {
    if (i == name.size() || next_byte(encoded, Coding::kForm, at) != name[i]) return false;
  }
  return i == name.size();
}

}  // namespace

std::optional<std::string_view> find_query(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (!pair.empty() && names_match(pair.substr(0, equals), name)) {
      return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<std::string_view> find_cookie(std::string_view field_value, std::string_view name) {
  while (!field_value.empty()) {
    const size_t end = field_value.find(';');
    const std::string_view pair = trim(field_value.substr(0, end));
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name) {
      std::string_view value = trim(pair.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      return value;
    }
    if (end == std::string_view::npos) break;
    field_value.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace vg::tmpl
