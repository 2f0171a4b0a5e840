// How old an answer is, and how long it may be used. RFC 9111 section 4.2, for a shared cache, without heuristics.
#pragma once
#include <optional>

#include "base/clock.h"
#include "cache/directives.h"
#include "http/head.h"

namespace vg::cache {

/// When a call's request left and when the head of its answer came.
struct Received {
  WallTime request_at{};
  WallTime response_at{};
};

/// What the upstream says (section 4.2.1): s-maxage, else max-age, else Expires less Date. nullopt: nothing. What is
/// invalid is 0: stale.
std::optional<Duration> freshness_lifetime(const http::Head& response, const ResponseDirectives& said,
                                           const Received& received);

/// How old the answer was when it came: corrected_initial_age of section 4.2.3, in whole seconds where Date says it.
Duration initial_age(const http::Head& response, const Received& received);

/// The value of Age in seconds, of the first member of its first line (section 5.1); 0 where there is none that is
/// valid.
uint32_t age_value(const http::Head& response);

/// A Date, Expires or Last-Modified in seconds since 1970; nullopt: it is not there, is invalid, or stands there twice
/// with two values. `at`: of about when it was written.
std::optional<int64_t> date_value(const http::Head& head, http::FieldId id, WallTime at);

}  // namespace vg::cache
