#include "cache/freshness.h"

#include <algorithm>

#include "base/strings.h"
#include "http/date.h"

namespace vg::cache {
namespace {

using http::FieldId;

int64_t unix_seconds(WallTime t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

Duration from_expires(const http::Head& response, const Received& received) {
  const auto expires = date_value(response, FieldId::kExpires, received.response_at);
  if (!expires) return Duration(0);
  const int64_t date =
      date_value(response, FieldId::kDate, received.response_at).value_or(unix_seconds(received.response_at));
  // As for delta-seconds, what lies 68 years ahead is far enough.
  return std::chrono::seconds(std::clamp<int64_t>(*expires - date, 0, int64_t{1} << 31));
}

}  // namespace

std::optional<int64_t> date_value(const http::Head& head, FieldId id, WallTime at) {
  if (!head.has(id)) return std::nullopt;
  const std::string_view first = head.get(id);
  for (const http::Field& f : head.fields()) {
    if (f.id == id && head.value(f) != first) return std::nullopt;
  }
  return http::parse_date(first, unix_seconds(at));
}

std::optional<Duration> freshness_lifetime(const http::Head& response, const ResponseDirectives& said,
                                           const Received& received) {
  if (said.s_maxage.present) return said.s_maxage.value();
  if (said.max_age.present) return said.max_age.value();
  if (said.targeted || !response.has(FieldId::kExpires)) return std::nullopt;
  return from_expires(response, received);
}

uint32_t age_value(const http::Head& response) {
  const std::string_view text = response.get(FieldId::kAge);
  return parse_seconds(trim(text.substr(0, text.find(',')))).count;
}

Duration initial_age(const http::Head& response, const Received& received) {
  const Duration delay = std::max<Duration>(received.response_at - received.request_at, Duration(0));
  const Duration corrected = std::chrono::seconds(age_value(response)) + delay;
  const auto date = date_value(response, FieldId::kDate, received.response_at);
  if (!date) return corrected;
  const int64_t apparent = std::max<int64_t>(unix_seconds(received.response_at) - *date, 0);
  return std::max<Duration>(std::chrono::seconds(std::min(apparent, int64_t{1} << 31)), corrected);
}

}  // namespace vg::cache
