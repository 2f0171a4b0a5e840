// Values compared by what they mean, and members that stand twice: both by sorting names, so that no input makes them
// quadratic.
#include <algorithm>
#include <vector>

#include "json/escape.h"
#include "json/number.h"
#include "json/value.h"
#include "json/walk.h"

namespace vg::json {
namespace {

/// The members by name, of those of one name only the last.
std::vector<Member> sorted_members(Value object) {
  std::vector<Member> members;
  for (const Member& m : object.members()) members.push_back(m);
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return compare_unescaped(a.raw_name, b.raw_name) < 0; });
  size_t kept = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    const bool again = kept > 0 && compare_unescaped(members[kept - 1].raw_name, members[i].raw_name) == 0;
    if (!again) ++kept;
    members[kept - 1] = members[i];
  }
  members.resize(kept);
  return members;
}

bool equal_objects(Value a, Value b) {
  const std::vector<Member> x = sorted_members(a), y = sorted_members(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const Member& m, const Member& n) {
    return compare_unescaped(m.raw_name, n.raw_name) == 0 && equal(m.value, n.value);
  });
}

bool equal_arrays(Value a, Value b) {
  const ElementRange x = a.elements(), y = b.elements();
  auto i = x.begin();
  auto j = y.begin();
  for (; i != x.end() && j != y.end(); ++i, ++j) {
    if (!equal(*i, *j)) return false;
  }
  return i == x.end() && j == y.end();
}

bool has_duplicates(std::vector<std::string_view>::iterator begin, std::vector<std::string_view>::iterator end) {
  std::sort(begin, end, [](std::string_view a, std::string_view b) { return compare_unescaped(a, b) < 0; });
  return std::adjacent_find(begin, end,
                            [](std::string_view a, std::string_view b) { return compare_unescaped(a, b) == 0; }) != end;
}

}  // namespace

bool equal(Value a, Value b) {
  if (a.text() == b.text()) return true;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNumber:
      return equal_numbers(a.text(), b.text());
    case Kind::kString:
      return compare_unescaped(a.text(), b.text()) == 0;
    case Kind::kArray:
      return equal_arrays(a, b);
    case Kind::kObject:
      return equal_objects(a, b);
    default:
      return false;
  }
}

bool has_duplicate_members(std::string_view valid_json) {
  const char* const end = valid_json.data() + valid_json.size();
  std::vector<std::string_view> names;  // of every object that is open, the outermost first
  std::vector<size_t> objects;          // where the names of each begin
  for (const char* p = valid_json.data(); (p = find_marked<structure_bytes>(p, end)) < end;) {
    const char c = *p++;
    if (c == '"') {
      bool escaped = false;
      const char* const begin = p;
      const char* const close = closing_quote(p, end, escaped);
      p = skip_blanks(step(close, end), end);
      if (p < end && *p == ':') names.emplace_back(begin, static_cast<size_t>(close - begin));
    } else if (c == '{') {
      objects.push_back(names.size());
    } else if (c == '}' && !objects.empty()) {
      const auto first = names.begin() + static_cast<std::ptrdiff_t>(objects.back());
      if (has_duplicates(first, names.end())) return true;
      names.erase(first, names.end());
      objects.pop_back();
    }
  }
  return false;
}

}  // namespace vg::json
