// Paths and hosts of request targets: checks, decoding, encoding. Together they hold one promise: what the router
// matched is what the upstream sees, and a value put into a URL can't become structure. RFC 3986, RFC 9110 section 4.2.
#pragma once
#include <string>
#include <string_view>

namespace vg::http {

/// What check_path() found. `reason` is constant text for people, nullptr if the path is good.
struct PathCheck {
  const char* reason = nullptr;
  bool has_escapes = false;  ///< some segment needs decode_segment()
  bool ok() const { return reason == nullptr; }
};

/// Checks a raw path: begins with '/', no byte that may not stand in a path, valid percent escapes, no NUL (%00), no
/// dot segment, be it written with dots or %2e, alone or before a ';' (some servers drop what follows it). An encoded
/// slash is part of its segment. All failures answer 400.
PathCheck check_path(std::string_view raw_path);

/// Percent-decodes one segment (or query value) once; replaces `out`. '+' stays '+'. False on an invalid escape.
bool decode_segment(std::string_view raw, std::string& out);

/// Appends `decoded` as (part of) one path segment: unreserved, sub-delims, ':' and '@' stay, all else becomes %XX.
/// A value that is "." or ".." stays a dot segment: the caller must refuse it.
void append_encoded_segment(std::string& out, std::string_view decoded);

/// Appends `decoded` as a query parameter's name or value: unreserved stay, all else becomes %XX (space is %20).
void append_encoded_query_value(std::string& out, std::string_view decoded);

/// Checks and splits `uri-host [":" port]`. `host` keeps the brackets of an IPv6 address and loses one trailing dot
/// ("example.com." is "example.com"); `port` is empty if there is none. False: no host, user information, a port above
/// 65535, a byte that no host name has (sub-delims and escapes too: no name in use has them), empty labels, a bad
/// address.
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port);

/// `host` in lower case: itself if it has no capital, else a copy in `scratch`. Lifetime: that of `host` and `scratch`.
std::string_view lower_host(std::string_view host, std::string& scratch);

/// True if both name the same host and port, where `default_port` stands for none. Both must be valid.
bool same_authority(std::string_view a, std::string_view b, std::string_view default_port);

}  // namespace vg::http
