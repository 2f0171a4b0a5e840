// What a cached answer depends on, by name: UPSTREAM/PATH of every GET call it used, concrete, without query and
// without a slash at the end, and the path that it was asked at. A write drops by the same names. SPEC section 6,
// "Writes invalidate".
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace vg::cache {

/// The tag of a call: `target` is path and query below the upstream's url, with its leading slash.
std::string tag_of(std::string_view upstream, std::string_view target);

/// The tag of what was answered at this path of the gateway's, whatever its query: "path:/articles/7". `path` is as in
/// the request line, still percent-encoded.
std::string path_tag(std::string_view path);

/// The path that a Location or Content-Location refers to (RFC 9111 section 4.4), if it is of the same origin:
/// `authority` and `path` are the request's. Relative references are resolved (RFC 3986 section 5.2); without query.
std::optional<std::string> local_path(std::string_view reference, std::string_view authority, std::string_view path);

}  // namespace vg::cache
