// Reading of dates as HTTP writes them: IMF-fixdate, and the two obsolete forms. RFC 9110 section 5.6.7.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace vg::http {

/// Seconds since 1970 of an HTTP-date in any of its three forms; nullopt for everything else: another zone than GMT,
/// another case, a day that its month does not have. The name of the day is not compared with the date. `now`: in
/// seconds; a year of two digits (RFC 850) that would lie more than 50 years ahead of it is of the century before.
std::optional<int64_t> parse_date(std::string_view text, int64_t now);

}  // namespace vg::http
