#include "cache/vary.h"

#include <algorithm>

#include "base/strings.h"
#include "http/chars.h"

namespace vg::cache {
namespace {

using http::FieldId;

void tidy(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

bool is_named(const http::Head& head, const http::Field& f, FieldId id, std::string_view name) {
  return id != FieldId::kOther ? f.id == id : f.id == FieldId::kOther && iequals(head.name(f), name);
}

// The elements of lists whose syntax allows it: without blanks, in lower case.
void add_elements(std::vector<std::string>& out, std::string_view value) {
  for (const std::string_view part : split(value, ',')) {
    std::string element = lower(part);
    std::erase_if(element, [](char c) { return c == ' ' || c == '\t'; });
    if (!element.empty()) out.push_back(std::move(element));
  }
}

bool is_list(std::string_view name, std::string_view value) {
  // Between quotes, which Accept may have, blanks and case mean something.
  if (value.find('"') != std::string_view::npos) return false;
  return name == "accept" || name == "accept-encoding" || name == "accept-language";
}

std::string canonical(std::string_view name, std::string joined) {
  if (!is_list(name, joined)) return joined;
  std::vector<std::string> elements;
  add_elements(elements, joined);
  if (name == "accept-encoding") std::sort(elements.begin(), elements.end());
  std::string out;
  for (const std::string& e : elements) out.append(out.empty() ? "" : ",").append(e);
  return out;
}

}  // namespace

Vary vary_of(const http::Head& response) {
  Vary out;
  if (!response.has(FieldId::kVary)) return out;
  for (const http::Field& f : response.fields()) {
    if (f.id != FieldId::kVary) continue;
    for (const std::string_view part : split(response.value(f), ',')) {
      const std::string_view name = trim(part);
      if (name.empty()) continue;
      const bool token =
          std::all_of(name.begin(), name.end(), [](char c) { return http::is_class(c, http::kTokenChar); });
      if (name == "*" || !token) out.star = true;
      out.names.push_back(lower(name));
    }
  }
  tidy(out.names);
  if (out.star) out.names.clear();
  return out;
}

void join(Vary& into, const Vary& other) {
  into.star = into.star || other.star;
  into.names.insert(into.names.end(), other.names.begin(), other.names.end());
  tidy(into.names);
  if (into.star) into.names.clear();
}

std::string to_string(const Vary& vary) {
  if (vary.star) return "*";
  std::string out;
  for (const std::string& name : vary.names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

void append_variant(std::string& out, const std::vector<std::string>& names, const http::Head& request) {
  for (const std::string& name : names) {
    const FieldId id = http::field_id(name);
    std::string joined;
    bool there = false;
    for (const http::Field& f : request.fields()) {
      if (!is_named(request, f, id, name)) continue;
      if (std::exchange(there, true)) joined.append(", ");
      joined.append(request.value(f));
    }
    out.append(name);
    if (there) {
      // The length keeps a value from posing as the next field.
      const std::string value = canonical(name, std::move(joined));
      out.push_back('=');
      append_u64(out, value.size());
      out.push_back(':');
      out.append(value);
    }
    out.push_back('\n');
  }
}

}  // namespace vg::cache
