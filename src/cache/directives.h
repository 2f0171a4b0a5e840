// What Cache-Control says, in requests and responses; in responses also CDN-Cache-Control, which then stands alone for
// Cache-Control and Expires. RFC 9111 section 5.2, RFC 9213, RFC 5861. Read as RFC 9111 asks recipients to: names in
// any case, arguments as tokens or quoted, what is not known is passed over. What is malformed counts where it
// restricts (no-store) and not where it allows (public).
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"

namespace vg::cache {

/// The argument of a directive that counts seconds (RFC 9111 section 1.2.2).
struct Seconds {
  bool present = false;
  bool valid = false;  ///< false: no number, or several that differ (section 4.2.1)
  uint32_t count = 0;  ///< at most 2^31, which stands for all that is more; 0 where it is not valid
  bool good() const { return present && valid; }
  std::chrono::seconds value() const { return std::chrono::seconds(count); }
};

/// RFC 9111 section 5.2.1, and Pragma: no-cache where there is no Cache-Control (section 5.4).
struct RequestDirectives {
  bool no_store = false;
  bool no_cache = false;
  bool no_transform = false;
  bool only_if_cached = false;
  bool max_stale = false;  ///< however stale, where max_stale_for is not present
  Seconds max_age, min_fresh, max_stale_for, stale_if_error;
};

/// RFC 9111 section 5.2.2.
struct ResponseDirectives {
  bool no_store = false;
  bool no_cache = false;    ///< without field names
  bool is_private = false;  ///< without field names
  bool is_public = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool targeted = false;  ///< from CDN-Cache-Control: Expires says nothing then
  Seconds max_age, s_maxage, stale_while_revalidate, stale_if_error;
  /// Fields that may not be kept with the answer: what private="…" and no-cache="…" name. Lower case.
  std::vector<std::string> unkept_fields;
};

RequestDirectives request_directives(const http::Head& request);
ResponseDirectives response_directives(const http::Head& response);

/// Digits alone; more than 2^31 is 2^31 (RFC 9111 section 1.2.2).
Seconds parse_seconds(std::string_view argument);

}  // namespace vg::cache
