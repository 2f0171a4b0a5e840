#include "json/schema_format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/strings.h"

namespace vg::json {
namespace {

constexpr Format kFormats[] = {
    {"email", "must be an email address", is_email},
    {"uri", "must be an absolute URL, as in https://example.com/page", is_uri},
    {"date", "must be a date, as in 2024-12-31", is_date},
    {"time", "must be a time with its zone, as in 12:30:00Z", is_time},
    {"date-time", "must be a date and time with its zone, as in 2024-12-31T12:30:00Z", is_date_time},
    {"uuid", "must be a UUID", is_uuid},
    {"ipv4", "must be an IPv4 address", is_ipv4},
    {"ipv6", "must be an IPv6 address", is_ipv6},
    {"hostname", "must be a host name", is_hostname},
};

/// The number that the two digits at `at` are; -1 if they are none.
int two_digits(std::string_view text, size_t at) {
  if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

bool is_between(int value, int low, int high) { return low <= value && value <= high; }

int days_of(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

/// The minutes by which "+02:00" is ahead of UTC; false if it is no offset.
bool read_zone(std::string_view zone, int& minutes) {
  minutes = 0;
  if (zone == "Z" || zone == "z") return true;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return false;
  const int hour = two_digits(zone, 1), minute = two_digits(zone, 4);
  if (!is_between(hour, 0, 23) || !is_between(minute, 0, 59)) return false;
  minutes = (hour * 60 + minute) * (zone[0] == '-' ? -1 : 1);
  return true;
}

bool is_local_char(char c) {
  return is_alpha(c) || is_digit(c) || (c != '\0' && std::strchr("!#$%&'*+-/=?^_`{|}~", c) != nullptr);
}

/// dot-atom of RFC 5322 section 3.2.3.
bool is_dot_atom(std::string_view text) {
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_local_char(c)) return false;
    before = c;
  }
  return before != '.';
}

bool is_address(int family, std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), copy.begin());
  return inet_pton(family, copy.data(), address.data()) == 1;
}

bool is_scheme(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

/// Unreserved, sub-delims, those in `more`, and valid escapes.
bool has_only_uri_chars(std::string_view text, std::string_view more) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return false;
      i += 2;
    } else if (!is_alpha(c) && !is_digit(c) && std::string_view("-._~!$&'()*+,;=").find(c) == std::string_view::npos &&
               more.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool is_uri_host(std::string_view host, bool may_be_empty) {
  if (host.empty()) return may_be_empty;
  if (!host.starts_with('[')) return has_only_uri_chars(host, "");
  return host.ends_with(']') && is_ipv6(host.substr(1, host.size() - 2));
}

/// [ userinfo "@" ] host [ ":" port ]
bool is_uri_authority(std::string_view text, bool may_be_empty) {
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    if (!has_only_uri_chars(text.substr(0, at), ":")) return false;
    text.remove_prefix(at + 1);
  }
  const size_t bracket = text.rfind(']'), from = bracket == std::string_view::npos ? 0 : bracket;
  const size_t colon = text.find(':', from);
  if (colon == std::string_view::npos) return is_uri_host(text, may_be_empty);
  const std::string_view port = text.substr(colon + 1);
  return is_uri_host(text.substr(0, colon), may_be_empty) && std::all_of(port.begin(), port.end(), is_digit);
}

}  // namespace

const Format* find_format(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& f) { return f.name == name; });
  return found == std::end(kFormats) ? nullptr : found;
}

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const Format& f : kFormats) names.push_back(f.name);
  return names;
}

bool is_email(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at > 64 || text.size() > 254) return false;
  return is_dot_atom(text.substr(0, at)) && is_hostname(text.substr(at + 1));
}

bool is_uri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return false;
  const std::string_view scheme = text.substr(0, colon);
  // RFC 9110 section 4.2.1: these two have a host.
  const bool web = iequals(scheme, "http") || iequals(scheme, "https");
  text.remove_prefix(colon + 1);
  const size_t hash = std::min(text.find('#'), text.size());
  if (hash < text.size() && !has_only_uri_chars(text.substr(hash + 1), ":@/?")) return false;
  text = text.substr(0, hash);
  const size_t mark = std::min(text.find('?'), text.size());
  if (mark < text.size() && !has_only_uri_chars(text.substr(mark + 1), ":@/?")) return false;
  text = text.substr(0, mark);
  if (text.starts_with("//")) {
    const size_t slash = std::min(text.find('/', 2), text.size());
    if (!is_uri_authority(text.substr(2, slash - 2), !web)) return false;
    text.remove_prefix(slash);
  } else if (web) {
    return false;
  }
  return has_only_uri_chars(text, ":@/");
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int century = two_digits(text, 0), years = two_digits(text, 2), month = two_digits(text, 5),
            day = two_digits(text, 8);
  if (century < 0 || years < 0 || !is_between(month, 1, 12)) return false;
  return is_between(day, 1, days_of(century * 100 + years, month));
}

bool is_time(std::string_view text) {
  if (text.size() < 9 || text[2] != ':' || text[5] != ':') return false;
  const int hour = two_digits(text, 0), minute = two_digits(text, 3), second = two_digits(text, 6);
  if (!is_between(hour, 0, 23) || !is_between(minute, 0, 59) || !is_between(second, 0, 60)) return false;
  text.remove_prefix(8);
  if (text[0] == '.') {
    size_t digits = 1;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 1) return false;
    text.remove_prefix(digits);
  }
  int ahead = 0;
  if (!read_zone(text, ahead)) return false;
  // Leap seconds are put in at the end of a day of UTC.
  constexpr int kDay = 24 * 60;
  return second < 60 || (hour * 60 + minute - ahead + 2 * kDay) % kDay == kDay - 1;
}

bool is_date_time(std::string_view text) {
  return text.size() > 11 && (text[10] == 'T' || text[10] == 't') && is_date(text.substr(0, 10)) &&
         is_time(text.substr(11));
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : hex_value(text[i]) < 0) return false;
  }
  return true;
}

bool is_ipv4(std::string_view text) { return is_address(AF_INET, text); }
bool is_ipv6(std::string_view text) { return is_address(AF_INET6, text); }

bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (const std::string_view label : split(text, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; }))
      return false;
  }
  return true;
}

}  // namespace vg::json
