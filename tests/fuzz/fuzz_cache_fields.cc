// Any fields in an answer and a request: what the cache's rules make of them holds together.
#include "cache/cache_status.h"
#include "cache/storing.h"
#include "cache/structured_field.h"
#include "cache/tags.h"
#include "cache/validators.h"
#include "cache/vary.h"
#include "fuzz/fuzz_support.h"
#include "http/date.h"
#include "http/parser.h"
#include "http/writer.h"

namespace vg::fuzz {
namespace {

using http::FieldId;

const WallTime kNow(std::chrono::seconds(1'700'000'000));

template <typename Parser, typename Head, typename... More>
bool parse(Head& head, const std::string& text, More... more) {
  Parser parser;
  parser.reset(&head, http::HeadLimits(), more...);
  size_t consumed = 0;
  return parser.feed(text, &consumed) == http::ParseStatus::kDone;
}

void check_verdict(const http::ResponseHead& head, const std::optional<Duration>& ttl) {
  cache::Received received;
  received.request_at = received.response_at = kNow;
  cache::StoreSettings settings;
  settings.ttl = ttl;
  const cache::ResponseDirectives said = cache::response_directives(head);
  const cache::Verdict v = cache::judge({}, 200, head, said, received, settings);
  FUZZ_CHECK(v.age >= Duration(0));
  FUZZ_CHECK(v.keep_for(Duration(0)) >= Duration(0));
  FUZZ_CHECK(v.fresh_for <= std::chrono::seconds(int64_t{1} << 31));
  FUZZ_CHECK(v.stale_if_error >= Duration(0) && v.stale_while_revalidate >= Duration(0));
  FUZZ_CHECK(!v.stored() || !said.no_store || said.must_understand);
  FUZZ_CHECK(!v.stored() || !said.is_private);
  cache::Verdict both = v;
  cache::join(both, v);
  FUZZ_CHECK(both.stored() == v.stored() && both.fresh_for == v.fresh_for && both.stale_if_error == v.stale_if_error);
}

void check_dates(const http::Head& head) {
  for (const http::Field& f : head.fields()) {
    const auto date = http::parse_date(head.value(f), 1'700'000'000);
    if (!date) continue;
    std::string again;
    http::append_imf_date(again, *date);
    // A leap second is the first of the next minute; the year 10000 has no text.
    FUZZ_CHECK(http::parse_date(again, 1'700'000'000) == date || head.value(f).find(":60") != std::string_view::npos);
  }
}

void check_selection(const http::RequestHead& request, const http::ResponseHead& head) {
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{1000}}) {
    cache::StoredAnswer stored;
    stored.head = &head;
    stored.length = length;
    stored.received_at = kNow;
    const cache::Selection s = cache::select(request, stored);
    if (s.as == cache::Selection::As::kPart) FUZZ_CHECK(s.first <= s.last && s.last < length);
  }
}

void check_update(const http::ResponseHead& head) {
  http::ResponseHead stored = head;
  cache::update(stored, head);
  FUZZ_CHECK(stored.get(FieldId::kContentLength) == head.get(FieldId::kContentLength));
  FUZZ_CHECK(stored.get(FieldId::kEtag) == head.get(FieldId::kEtag) || head.has(FieldId::kConnection));
  FUZZ_CHECK(cache::is_about(head, head) || head.get(FieldId::kEtag) == "W/");
}

void check_status(const http::ResponseHead& head) {
  http::ResponseHead told = head;
  cache::CacheStatus status;
  status.forward = cache::Forward::kMiss;
  status.detail = head.get("x-detail");
  cache::add_cache_status(told, status);
  FUZZ_CHECK(cache::is_list(cache::joined_lines(told, FieldId::kCacheStatus)));
}

void check_paths(const http::ResponseHead& head) {
  const auto path = cache::local_path(head.get(FieldId::kLocation), "a.test", "/x/y");
  FUZZ_CHECK(!path || path->starts_with('/'));
}

}  // namespace
}  // namespace vg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vg;
  const std::string fields(reinterpret_cast<const char*>(data), size);
  http::ResponseHead head;
  if (!fuzz::parse<http::ResponseParser>(head, "HTTP/1.1 200 x\r\n" + fields + "\r\n", http::Method::kGet)) return 0;
  fuzz::check_verdict(head, std::nullopt);
  fuzz::check_verdict(head, std::chrono::seconds(5));
  fuzz::check_dates(head);
  fuzz::check_update(head);
  fuzz::check_status(head);
  fuzz::check_paths(head);
  http::RequestHead request;
  if (!fuzz::parse<http::RequestParser>(request, "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n")) return 0;
  (void)cache::request_directives(request);
  fuzz::check_selection(request, head);
  std::string variant;
  cache::append_variant(variant, cache::vary_of(head).names, request);
  return 0;
}
