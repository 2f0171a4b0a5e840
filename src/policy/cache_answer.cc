#include "policy/cache_answer.h"

#include <charconv>

#include "base/strings.h"
#include "cache/validators.h"

namespace vg::policy {

namespace {

using cache::Selection;

void add_age(http::ResponseHead& head, const cache::Entry& entry, WallTime now, bool hit) {
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(entry.age(now)).count();
  if (age <= 0 && !hit) return;  // as fresh as from the origin itself
  char text[24];
  char* const end = std::to_chars(text, text + sizeof text, age).ptr;
  head.add("Age", {text, static_cast<size_t>(end - text)}, http::FieldId::kAge);
}

void add_status(http::ResponseHead& head, const cache::CacheStatus& status) {
  std::string text;
  text.reserve(64);
  cache::append_cache_status(text, status);
  head.add("Cache-Status", text, http::FieldId::kCacheStatus);
}

// The parts of it that a condition or a Range asks for. False: all of it is asked for.
bool answer_part(pipeline::Context& ctx, const cache::Entry& entry) {
  http::Response& r = ctx.response;
  entry.parse_fields(r.own);
  cache::StoredAnswer stored;
  stored.status = entry.info().status;
  stored.head = &r.own;
  stored.length = entry.content().size();
  stored.received_at = entry.info().received;
  const Selection selection = cache::select(ctx.request, stored);
  switch (selection.as) {
    case Selection::As::kWhole:
      r.own.clear();
      return false;
    case Selection::As::kNotModified:
      r.status = 304;
      cache::remove_content_fields(r.own);
      return true;
    case Selection::As::kPart:
      r.status = 206;
      r.kept.owner = entry.blob();
      r.kept.content = entry.content().substr(selection.first, selection.last - selection.first + 1);
      break;
    case Selection::As::kNotSatisfiable:
      r.status = 416;
      cache::remove_content_fields(r.own);
      break;
  }
  r.own.add("Content-Range", cache::content_range(selection, entry.content().size()));
  return true;
}

}  // namespace

void answer_with(pipeline::Context& ctx, const cache::Entry& entry, WallTime now, const cache::CacheStatus& status) {
  http::Response& r = ctx.response;
  r.clear();
  if (!cache::is_conditional(ctx.request) || !answer_part(ctx, entry)) {
    r.status = entry.info().status;
    r.kept = {entry.blob(), entry.fields(), entry.content()};
  }
  add_age(r.own, entry, now, status.hit);
  add_status(r.own, status);
}

}  // namespace vg::policy
