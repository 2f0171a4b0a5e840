#include "http/date.h"

#include <array>
#include <chrono>

#include "base/strings.h"

namespace vg::http {
namespace {

// Takes a text from its beginning, piece by piece; once something was not there, nothing is any more.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void word(std::string_view expected) {
    if (rest_.starts_with(expected)) return rest_.remove_prefix(expected.size());
    good_ = false;
  }
  int digits(size_t count) {
    int value = 0;
    if (rest_.size() < count) return fail();
    for (size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  // The place of a word in a list.
  template <size_t N>
  int one_of(const std::array<std::string_view, N>& words) {
    for (size_t i = 0; i < N; ++i) {
      if (!rest_.starts_with(words[i])) continue;
      rest_.remove_prefix(words[i].size());
      return static_cast<int>(i);
    }
    return fail();
  }
  // Two digits, or a space and one: asctime's day.
  int padded_day() {
    if (!rest_.starts_with(' ')) return digits(2);
    rest_.remove_prefix(1);
    return digits(1);
  }
  bool complete() const { return good_ && rest_.empty(); }

 private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

  void time(Reader& r) {
    hour = r.digits(2);
    r.word(":");
    minute = r.digits(2);
    r.word(":");
    second = r.digits(2);
  }
};

std::optional<int64_t> seconds_of(const Parts& p) {
  const std::chrono::year_month_day date{std::chrono::year(p.year), std::chrono::month(static_cast<unsigned>(p.month)),
                                         std::chrono::day(static_cast<unsigned>(p.day))};
  if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;  // 60: a leap second
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86400 + p.hour * 3600 + p.minute * 60 + p.second;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<int64_t> imf_fixdate(std::string_view text) {
  Reader r(text);
  Parts p;
  r.one_of(kDays);
  r.word(", ");
  p.day = r.digits(2);
  r.word(" ");
  p.month = r.one_of(kMonths) + 1;
  r.word(" ");
  p.year = r.digits(4);
  r.word(" ");
  p.time(r);
  r.word(" GMT");
  return r.complete() ? seconds_of(p) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<int64_t> rfc850_date(std::string_view text, int64_t now) {
  Reader r(text);
  Parts p;
  r.one_of(kLongDays);
  r.word(", ");
  p.day = r.digits(2);
  r.word("-");
  p.month = r.one_of(kMonths) + 1;
  r.word("-");
  const int two_digits = r.digits(2);
  r.word(" ");
  p.time(r);
  r.word(" GMT");
  if (!r.complete()) return std::nullopt;
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(now)));
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  p.year = this_year - this_year % 100 + two_digits;
  if (p.year > this_year + 50) p.year -= 100;
  return seconds_of(p);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<int64_t> asctime_date(std::string_view text) {
  Reader r(text);
  Parts p;
  r.one_of(kDays);
  r.word(" ");
  p.month = r.one_of(kMonths) + 1;
  r.word(" ");
  p.day = r.padded_day();
  r.word(" ");
  p.time(r);
  r.word(" ");
  p.year = r.digits(4);
  return r.complete() ? seconds_of(p) : std::nullopt;
}

}  // namespace

std::optional<int64_t> parse_date(std::string_view text, int64_t now) {
  if (const auto date = imf_fixdate(text)) return date;
  if (const auto date = rfc850_date(text, now)) return date;
  return asctime_date(text);
}

}  // namespace vg::http
