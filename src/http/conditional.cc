#include "http/conditional.h"

#include <algorithm>

#include "base/strings.h"

namespace vg::http {
namespace {

// The end of a list's first element: a validator may have commas between its quotes.
size_t end_of_element(std::string_view list) {
  bool quoted = false;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (list[i] == ',' && !quoted) return i;
  }
  return list.size();
}

// True if a list of validators has one for which `same` holds, or is `*`.
template <typename Same>
bool any_validator(const Head& request, FieldId field, Same same) {
  for (const Field& f : request.fields()) {
    if (f.id != field) continue;
    std::string_view rest = request.value(f);
    while (!rest.empty()) {
      const size_t end = end_of_element(rest);
      const std::string_view tag = trim(rest.substr(0, end));
      if (tag == "*" || same(tag)) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

std::string_view opaque(std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; }

}  // namespace

bool strongly_equal(std::string_view a, std::string_view b) { return a == b && !a.empty() && !a.starts_with("W/"); }

bool weakly_equal(std::string_view a, std::string_view b) { return opaque(a) == opaque(b) && !opaque(a).empty(); }

bool is_not_modified(const Head& request, std::string_view etag) {
  return any_validator(request, FieldId::kIfNoneMatch, [&](std::string_view tag) { return weakly_equal(tag, etag); });
}

bool is_match(const Head& request, std::string_view etag) {
  return any_validator(request, FieldId::kIfMatch, [&](std::string_view tag) { return strongly_equal(tag, etag); });
}

}  // namespace vg::http
