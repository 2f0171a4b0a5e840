#include "cache/directives.h"

#include <algorithm>

#include "base/strings.h"
#include "cache/structured_field.h"
#include "http/chars.h"

namespace vg::cache {
namespace {

using http::FieldId;

// One element of the list. `argument` is without quotes and escapes.
struct Directive {
  std::string_view name;
  std::string argument;
  bool has_argument = false;
  bool well_formed = true;
};

// Takes one element after another from a line of Cache-Control. A quote that is not closed quotes nothing: what stands
// behind it is then read as directives, since a no-store may be among them.
class Elements {
 public:
  explicit Elements(std::string_view line) : rest_(line) {}

  bool next(Directive& out) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t,"), rest_.size()));
    if (rest_.empty()) return false;
    out = Directive();
    const size_t name_end = end_of_token();
    out.name = rest_.substr(0, name_end);
    out.well_formed = !broken_;
    rest_.remove_prefix(name_end);
    if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      out.has_argument = true;
      const bool taken = rest_.starts_with('"') ? quoted(out.argument) : token(out.argument);
      out.well_formed = out.well_formed && taken;
    }
    const size_t end = std::min(rest_.find(','), rest_.size());
    if (!trim(rest_.substr(0, end)).empty()) out.well_formed = false;
    rest_.remove_prefix(end);
    return true;
  }

 private:
  size_t end_of_token() const {
    const auto end =
        std::find_if_not(rest_.begin(), rest_.end(), [](char c) { return http::is_class(c, http::kTokenChar); });
    return static_cast<size_t>(end - rest_.begin());
  }
  bool token(std::string& out) {
    const size_t end = end_of_token();
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return end > 0;
  }
  bool quoted(std::string& out) {
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out.push_back(rest_[i]);
    }
    out.clear();
    broken_ = true;
    return false;
  }

  std::string_view rest_;
  bool broken_ = false;
};

void merge(Seconds& into, const Seconds& other) {
  if (into.present && (!into.valid || !other.valid || into.count != other.count)) {
    into.valid = false;
    into.count = 0;
    return;
  }
  into = other;
}

void read_seconds(Seconds& into, const Directive& d) {
  Seconds one = d.well_formed && d.has_argument ? parse_seconds(d.argument) : Seconds();
  one.present = true;
  merge(into, one);
}

// no-cache and private: as a whole, or for the fields that they name.
void read_restriction(const Directive& d, bool& whole, std::vector<std::string>& fields) {
  bool any = false;
  bool all_names = d.well_formed;
  for (const std::string_view part : split(d.argument, ',')) {
    const std::string_view name = trim(part);
    if (name.empty()) continue;
    any = true;
    all_names =
        all_names && std::all_of(name.begin(), name.end(), [](char c) { return http::is_class(c, http::kTokenChar); });
    fields.push_back(lower(name));
  }
  if (!any || !all_names) whole = true;
}

void read_response(const Directive& d, ResponseDirectives& out) {
  const std::string_view n = d.name;
  if (iequals(n, "no-store")) out.no_store = true;
  if (iequals(n, "no-cache")) read_restriction(d, out.no_cache, out.unkept_fields);
  if (iequals(n, "private")) read_restriction(d, out.is_private, out.unkept_fields);
  if (iequals(n, "must-revalidate")) out.must_revalidate = true;
  if (iequals(n, "proxy-revalidate")) out.proxy_revalidate = true;
  if (iequals(n, "public")) out.is_public = out.is_public || d.well_formed;
  if (iequals(n, "must-understand")) out.must_understand = out.must_understand || d.well_formed;
  if (iequals(n, "max-age")) read_seconds(out.max_age, d);
  if (iequals(n, "s-maxage")) read_seconds(out.s_maxage, d);
  if (iequals(n, "stale-while-revalidate")) read_seconds(out.stale_while_revalidate, d);
  if (iequals(n, "stale-if-error")) read_seconds(out.stale_if_error, d);
}

void read_request(const Directive& d, RequestDirectives& out) {
  const std::string_view n = d.name;
  if (iequals(n, "no-store")) out.no_store = true;
  if (iequals(n, "no-cache")) out.no_cache = true;
  if (iequals(n, "no-transform")) out.no_transform = true;
  if (iequals(n, "only-if-cached")) out.only_if_cached = out.only_if_cached || d.well_formed;
  if (iequals(n, "max-age")) read_seconds(out.max_age, d);
  if (iequals(n, "min-fresh")) read_seconds(out.min_fresh, d);
  if (iequals(n, "stale-if-error")) read_seconds(out.stale_if_error, d);
  if (iequals(n, "max-stale")) {
    out.max_stale = out.max_stale || d.well_formed;
    if (d.has_argument) read_seconds(out.max_stale_for, d);
  }
}

// RFC 9213 section 2.1: what a member of the dictionary is as a directive. False: its value is none that a directive
// has.
bool as_directive(const StructuredMember& member, Directive& out) {
  using Kind = StructuredItem::Kind;
  out.name = member.key;
  switch (member.value.kind) {
    case Kind::kBoolean:
      return member.value.integer == 1;
    case Kind::kInteger:
      out.argument = std::to_string(member.value.integer);
      break;
    case Kind::kString:
    case Kind::kToken:
      out.argument = member.value.text;
      break;
    default:
      out.well_formed = false;
      break;
  }
  out.has_argument = true;
  return true;
}

// Seconds are integers there, and nothing else (section 2.1): max-age="60" is invalid.
bool counts_seconds(std::string_view name) {
  return name == "max-age" || name == "s-maxage" || name == "stale-while-revalidate" || name == "stale-if-error";
}

// False: there is no such field, it is empty, or it is no dictionary (section 2.2).
bool read_targeted(const http::Head& response, ResponseDirectives& out) {
  if (!response.has(FieldId::kCdnCacheControl)) return false;
  const auto members = parse_dictionary(joined_lines(response, FieldId::kCdnCacheControl));
  if (!members || members->empty()) return false;
  out.targeted = true;
  for (const StructuredMember& member : *members) {
    Directive d;
    if (!as_directive(member, d)) continue;
    if (counts_seconds(member.key) && member.value.kind != StructuredItem::Kind::kInteger) d.well_formed = false;
    read_response(d, out);
  }
  return true;
}

}  // namespace

Seconds parse_seconds(std::string_view argument) {
  constexpr uint64_t kMost = uint64_t{1} << 31;
  Seconds out;
  out.present = true;
  if (argument.empty() || !std::all_of(argument.begin(), argument.end(), is_digit)) return out;
  out.valid = true;
  out.count = static_cast<uint32_t>(std::min(parse_u64(argument).value_or(kMost), kMost));
  return out;
}

RequestDirectives request_directives(const http::Head& request) {
  RequestDirectives out;
  if (!request.has(FieldId::kCacheControl)) {
    out.no_cache = request.list_has(FieldId::kPragma, "no-cache");
    return out;
  }
  for (const http::Field& f : request.fields()) {
    if (f.id != FieldId::kCacheControl) continue;
    Elements elements(request.value(f));
    for (Directive d; elements.next(d);) read_request(d, out);
  }
  return out;
}

ResponseDirectives response_directives(const http::Head& response) {
  ResponseDirectives out;
  if (read_targeted(response, out)) return out;
  for (const http::Field& f : response.fields()) {
    if (f.id != FieldId::kCacheControl) continue;
    Elements elements(response.value(f));
    for (Directive d; elements.next(d);) read_response(d, out);
  }
  return out;
}

}  // namespace vg::cache
