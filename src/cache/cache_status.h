// Cache-Status: what a cache did with a request (RFC 9211). Ours is the member `viewgate`, behind what caches nearer to
// the origin said.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/head.h"

namespace vg::cache {

/// Why the request went on to the origin (RFC 9211 section 2.2). kNone: it did not.
enum class Forward : uint8_t { kNone, kBypass, kMethod, kUriMiss, kVaryMiss, kMiss, kRequest, kStale, kPartial };
std::string_view to_string(Forward why);  ///< "uri-miss"; kNone: ""

struct CacheStatus {
  bool hit = false;  ///< section 2.1: answered without asking anybody
  Forward forward = Forward::kNone;
  uint16_t forward_status = 0;  ///< section 2.3, where it differs from the answer's own: 304 of a validation; 0: none
  std::optional<Duration> ttl;  ///< section 2.4: what is left; negative once it is stale
  bool stored = false;          ///< section 2.5
  bool collapsed = false;       ///< section 2.6: it shared somebody else's request
  std::string_view detail;      ///< section 2.8: why it was not stored, …
};

/// Appends "viewgate; hit; ttl=280", "viewgate; fwd=uri-miss; stored".
void append_cache_status(std::string& out, const CacheStatus& status);
/// Makes it the last member of the head's Cache-Status. What stands there and is no list goes (RFC 9651 section 4.2).
void add_cache_status(http::Head& response, const CacheStatus& status);

}  // namespace vg::cache
