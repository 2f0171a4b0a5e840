#include "cache/validators.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "cache/freshness.h"
#include "http/conditional.h"
#include "http/nominated.h"
#include "http/writer.h"

namespace vg::cache {
namespace {

using http::FieldId;
using http::Head;

int64_t unix_seconds(WallTime t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

// RFC 9111 section 4.3.2: against Last-Modified, else Date, else the moment when it came.
bool is_unmodified_since(const http::RequestHead& request, const StoredAnswer& stored) {
  const auto since = date_value(request, FieldId::kIfModifiedSince, stored.received_at);
  if (!since) return false;
  auto modified = date_value(*stored.head, FieldId::kLastModified, stored.received_at);
  if (!modified) modified = date_value(*stored.head, FieldId::kDate, stored.received_at);
  return modified.value_or(unix_seconds(stored.received_at)) <= *since;
}

bool is_not_modified(const http::RequestHead& request, const StoredAnswer& stored) {
  if (stored.status < 200 || stored.status > 299) return false;
  const bool reads = request.method == http::Method::kGet || request.method == http::Method::kHead;
  if (!reads) return false;
  if (request.has(FieldId::kIfNoneMatch)) return http::is_not_modified(request, stored.head->get(FieldId::kEtag));
  return request.has(FieldId::kIfModifiedSince) && is_unmodified_since(request, stored);
}

// RFC 9110 section 13.1.5. A date is a strong validator if the answer was made at least a second later (section
// 8.8.2.2).
bool passes_if_range(const http::RequestHead& request, const StoredAnswer& stored) {
  if (!request.has(FieldId::kIfRange)) return true;
  const std::string_view validator = request.get(FieldId::kIfRange);
  if (validator.ends_with('"')) return http::strongly_equal(validator, stored.head->get(FieldId::kEtag));
  const auto asked = date_value(request, FieldId::kIfRange, stored.received_at);
  const auto modified = date_value(*stored.head, FieldId::kLastModified, stored.received_at);
  const auto date = date_value(*stored.head, FieldId::kDate, stored.received_at);
  return asked && modified && date && *asked == *modified && *modified < *date;
}

Selection suffix(std::string_view digits, uint64_t length) {
  const auto count = parse_u64(digits);
  if (!count) return {};
  if (*count == 0) return {Selection::As::kNotSatisfiable, 0, 0};
  if (length == 0) return {};
  return {Selection::As::kPart, length - std::min(*count, length), length - 1};
}

// RFC 9110 section 14.1.2: one range.
Selection one_range(std::string_view range, uint64_t length) {
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view from = range.substr(0, dash);
  const std::string_view to = range.substr(dash + 1);
  if (from.empty()) return suffix(to, length);
  const auto first = parse_u64(from);
  const auto last = parse_u64(to);
  if (!first || (!to.empty() && !last) || (last && *last < *first)) return {};
  if (*first >= length) return {Selection::As::kNotSatisfiable, 0, 0};
  return {Selection::As::kPart, *first, last ? std::min(*last, length - 1) : length - 1};
}

Selection range_of(const http::RequestHead& request, uint64_t length) {
  constexpr std::string_view kUnit = "bytes=";
  const std::string_view text = request.get(FieldId::kRange);
  if (text.size() < kUnit.size() || !iequals(text.substr(0, kUnit.size()), kUnit)) return {};
  std::optional<std::string_view> only;
  for (const std::string_view part : split(text.substr(kUnit.size()), ',')) {
    const std::string_view range = trim(part);
    if (range.empty()) continue;
    if (only) return {};
    only = range;
  }
  return only ? one_range(*only, length) : Selection();
}

size_t count_of(const Head& head, FieldId id) {
  return static_cast<size_t>(
      std::count_if(head.fields().begin(), head.fields().end(), [id](const http::Field& f) { return f.id == id; }));
}

bool describes_content(const Head& head, const http::Field& f) {
  switch (f.id) {
    case FieldId::kContentLength:
    case FieldId::kContentEncoding:
    case FieldId::kContentRange:
      return true;
    default:
      return iequals(head.name(f), "content-md5") || iequals(head.name(f), "content-digest");
  }
}

bool is_of_one_hop(const Head& head, const http::Field& f) {
  switch (f.id) {
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyAuthenticate:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTrailer:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    default:
      return iequals(head.name(f), "proxy-authentication-info") || http::is_nominated(head, head.name(f));
  }
}

}  // namespace

bool is_conditional(const http::RequestHead& request) {
  return request.has(FieldId::kIfNoneMatch) || request.has(FieldId::kIfModifiedSince) || request.has(FieldId::kRange) ||
         is_for_origin(request);
}

bool is_for_origin(const http::RequestHead& request) {
  return request.has(FieldId::kIfMatch) || request.has(FieldId::kIfUnmodifiedSince);
}

Selection select(const http::RequestHead& request, const StoredAnswer& stored) {
  if (is_not_modified(request, stored)) return {Selection::As::kNotModified, 0, 0};
  const bool may_be_part =
      request.method == http::Method::kGet && stored.status == 200 && count_of(request, FieldId::kRange) == 1;
  if (!may_be_part || !passes_if_range(request, stored)) return {};
  return range_of(request, stored.length);
}

std::string content_range(const Selection& selection, uint64_t length) {
  std::string out = "bytes ";
  if (selection.as == Selection::As::kPart) {
    append_u64(out, selection.first);
    out.push_back('-');
    append_u64(out, selection.last);
  } else {
    out.push_back('*');
  }
  out.push_back('/');
  append_u64(out, length);
  return out;
}

void remove_content_fields(Head& head) {
  for (const FieldId id :
       {FieldId::kContentType, FieldId::kContentLength, FieldId::kContentEncoding, FieldId::kContentRange}) {
    head.remove(id);
  }
  for (const std::string_view name : {"content-language", "content-digest", "content-md5"}) head.remove(name);
}

bool append_conditions(std::string& out, const Head& stored) {
  const std::string_view etag = stored.get(FieldId::kEtag);
  const std::string_view modified = stored.get(FieldId::kLastModified);
  if (!etag.empty()) http::append_field(out, "If-None-Match", etag);
  if (!modified.empty()) http::append_field(out, "If-Modified-Since", modified);
  return !etag.empty() || !modified.empty();
}

bool is_about(const Head& not_modified, const Head& stored) {
  const std::string_view etag = not_modified.get(FieldId::kEtag);
  if (!etag.empty()) return http::weakly_equal(etag, stored.get(FieldId::kEtag));
  const std::string_view modified = not_modified.get(FieldId::kLastModified);
  return modified.empty() || modified == stored.get(FieldId::kLastModified);
}

void update(Head& stored, const Head& not_modified) {
  stored.remove(FieldId::kAge);
  stored.remove(FieldId::kCacheStatus);
  const auto taken = [&](const http::Field& f) {
    return !describes_content(not_modified, f) && !is_of_one_hop(not_modified, f);
  };
  for (const http::Field& f : not_modified.fields()) {
    if (taken(f)) stored.remove(not_modified.name(f));
  }
  for (const http::Field& f : not_modified.fields()) {
    if (taken(f)) stored.add(not_modified.name(f), not_modified.value(f), f.id);
  }
}

bool agrees(const Head& head_answer, const Head& stored, uint64_t stored_length) {
  for (const FieldId id : {FieldId::kEtag, FieldId::kLastModified}) {
    if (head_answer.has(id) && head_answer.get(id) != stored.get(id)) return false;
  }
  return !head_answer.has(FieldId::kContentLength) || head_answer.content_length == stored_length;
}

}  // namespace vg::cache
