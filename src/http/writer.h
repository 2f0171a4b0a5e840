// Helpers for composing heads: reason phrases, field lines, the Date. They append to a string that the caller reuses,
// so a warm one never allocates. Names and values must be valid already: parsed, or checked when the configuration was
// loaded.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vg::http {

/// The phrase of RFC 9110 section 15 (and the registry's other codes); "Unknown" for a status that has none.
std::string_view reason_phrase(int status);

/// Appends "HTTP/1.1 STATUS PHRASE\r\n" (RFC 9112 section 4). `status` has three digits.
void append_status_line(std::string& out, int status);
/// The same with a phrase of the caller's, e.g. the upstream's own.
void append_status_line(std::string& out, int status, std::string_view reason);

/// Appends "NAME: VALUE\r\n".
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_field(std::string& out, std::string_view name, uint64_t value);

/// Appends a time as IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
void append_imf_date(std::string& out, int64_t unix_seconds);

/// The Date of now, formatted once a second. Thread: any; each has its own.
class DateCache {
 public:
  /// The text of that second. Lifetime: until the thread's next call.
  static std::string_view get(int64_t unix_seconds);
};

}  // namespace vg::http
