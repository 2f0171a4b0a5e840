// Validators and what requests ask of them: If-Match, If-None-Match. RFC 9110 sections 8.8 and 13.1.
#pragma once
#include <string_view>

#include "http/head.h"

namespace vg::http {

/// Strong comparison (RFC 9110 section 8.8.3.2): equal, and neither is weak.
bool strongly_equal(std::string_view a, std::string_view b);
/// Weak comparison: equal but for W/.
bool weakly_equal(std::string_view a, std::string_view b);
/// RFC 9110 section 13.1.2: true if If-None-Match names this validator, by weak comparison, or is `*`: then the answer
/// to a GET is a 304. An empty `etag` is matched by `*` alone.
bool is_not_modified(const Head& request, std::string_view etag);
/// RFC 9110 section 13.1.1: true if If-Match names this validator, by strong comparison, or is `*`.
bool is_match(const Head& request, std::string_view etag);

}  // namespace vg::http
