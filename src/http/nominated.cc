#include "http/nominated.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/strings.h"

namespace vg::http {

namespace {

bool is_usual(std::string_view token) {
  return iequals(token, "keep-alive") || iequals(token, "close") || iequals(token, "upgrade") || iequals(token, "te");
}

template <typename Visit>
void for_each_connection_token(const Head& head, Visit visit) {
  if (!head.has(FieldId::kConnection)) return;
  for (const Field& f : head.fields()) {
    if (f.id != FieldId::kConnection) continue;
    std::string_view rest = head.value(f);
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (const std::string_view token = trim(rest.substr(0, comma)); !token.empty()) visit(token);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
}

}  // namespace

bool has_nominated_fields(const Head& head) {
  bool found = false;
  const std::string_view first = head.get(FieldId::kConnection);
  if (first.empty()) return false;
  for_each_connection_token(head, [&](std::string_view t) { found = found || !is_usual(t); });
  return found;
}

bool is_nominated(const Head& head, std::string_view name) {
  bool found = false;
  for_each_connection_token(head, [&](std::string_view t) { found = found || iequals(t, name); });
  return found;
}

void remove_nominated_fields(Head& head) {
  if (!has_nominated_fields(head)) return;
  std::vector<std::string> names;
  for (const Field& f : head.fields()) {
    if (is_nominated(head, head.name(f))) names.emplace_back(head.name(f));
  }
  for (const std::string& n : names) head.remove(n);
}

}  // namespace vg::http
