// The units of the configuration: durations `250ms 10s 5m 1h`, sizes `64B 16KiB 1MiB 2GiB`, rates `60/m`, percents
// `20%`. Each parser takes the whole text or nothing, knows no blanks and no signs, and never overflows silently.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vg::config {

using Nanoseconds = std::chrono::nanoseconds;

/// `count` requests in each `window`.
struct Rate {
  uint64_t count = 0;
  Nanoseconds window{};
};

std::optional<Nanoseconds> parse_duration(std::string_view text);  ///< also fractions: 1.5s
std::optional<uint64_t> parse_size(std::string_view text);         ///< bytes
std::optional<Rate> parse_rate(std::string_view text);             ///< /s, /m, /h, /d
std::optional<double> parse_percent(std::string_view text);        ///< 20% is 20.0
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);  ///< as JSON writes numbers
std::optional<bool> parse_bool(std::string_view text);

std::string format_duration(Nanoseconds value);  ///< the largest unit that divides it: 1500ms, 5m
std::string format_size(uint64_t bytes);

/// What names of upstreams, routes, mixins, views and listeners look like: [a-z][a-z0-9_-]*.
bool is_name(std::string_view text);
/// A token of RFC 9110, section 5.6.2: names of headers, cookies and methods.
bool is_token(std::string_view text);
/// Where the first byte stands that is not UTF-8; npos: it all is.
size_t invalid_utf8_at(std::string_view text);

}  // namespace vg::config
