// The values of `format:` in a schema: what each takes, and what a form says of a text that it does not take.
#pragma once
#include <string_view>
#include <vector>

namespace vg::json {

struct Format {
  std::string_view name;
  std::string_view message;  ///< "must be …"
  bool (*accepts)(std::string_view text);
};

/// nullptr if there is none of this name.
const Format* find_format(std::string_view name);
std::vector<std::string_view> format_names();

bool is_email(std::string_view text);      ///< the mailbox of RFC 5321, without quotes and address literals, in ASCII
bool is_uri(std::string_view text);        ///< RFC 3986, with a scheme
bool is_date(std::string_view text);       ///< full-date of RFC 3339: a day that exists
bool is_time(std::string_view text);       ///< full-time of RFC 3339: with a zone; second 60 only where one can be
bool is_date_time(std::string_view text);  ///< date-time of RFC 3339
bool is_uuid(std::string_view text);       ///< RFC 4122, in either case
bool is_ipv4(std::string_view text);       ///< four decimals without leading zeros
bool is_ipv6(std::string_view text);       ///< RFC 4291 section 2.2, no zone
bool is_hostname(std::string_view text);   ///< RFC 1123 section 2.1, in ASCII

}  // namespace vg::json
