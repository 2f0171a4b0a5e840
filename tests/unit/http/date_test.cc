// Dates of HTTP: RFC 9110 section 5.6.7.
#include "http/date.h"

#include <gtest/gtest.h>

#include "http/writer.h"

namespace vg::http {
namespace {

constexpr int64_t kThen = 784111777;     // Sun, 06 Nov 1994 08:49:37 GMT
constexpr int64_t kNow = 1'700'000'000;  // November 2023

TEST(ParseDate, HasThreeFormsOfOneMoment) {
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994", kNow), kThen);
  EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994", kNow), kThen + 10 * 86400);
}

TEST(ParseDate, ReadsWhatIsWritten) {
  for (const int64_t t : {int64_t{0}, int64_t{951'782'400}, kThen, kNow, int64_t{4'102'444'800}}) {
    std::string text;
    append_imf_date(text, t);
    EXPECT_EQ(parse_date(text, kNow), t) << text;
  }
}

TEST(ParseDate, YearsOfTwoDigitsLieAtMostFiftyYearsAhead) {
  const auto year = [](const std::string& two) {
    const auto t = parse_date("Sunday, 01-Jul-" + two + " 00:00:00 GMT", kNow);
    return t ? 1970 + *t / 31'556'952 : 0;
  };
  EXPECT_EQ(year("23"), 2023);
  EXPECT_EQ(year("24"), 2024);
  EXPECT_EQ(year("73"), 2073);
  EXPECT_EQ(year("74"), 1974);
  EXPECT_EQ(year("99"), 1999);
}

TEST(ParseDate, LeapDaysAndLeapSeconds) {
  EXPECT_TRUE(parse_date("Tue, 29 Feb 2000 00:00:00 GMT", kNow));
  EXPECT_TRUE(parse_date("Sat, 31 Dec 2016 23:59:60 GMT", kNow));
  EXPECT_FALSE(parse_date("Thu, 29 Feb 1900 00:00:00 GMT", kNow));
  EXPECT_FALSE(parse_date("Sat, 31 Dec 2016 23:59:61 GMT", kNow));
}

class OddDate : public testing::TestWithParam<const char*> {};

TEST_P(OddDate, IsNone) { EXPECT_FALSE(parse_date(GetParam(), kNow)) << GetParam(); }

INSTANTIATE_TEST_SUITE_P(
    All, OddDate,
    testing::Values("", "0", "-1", "now", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                    "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37 gmt", "sun, 06 nov 1994 08:49:37 GMT",
                    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
                    "Sun, 06 Nov 1994  08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
                    "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
                    "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
                    "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37",
                    "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 94",
                    "Sun Nov  6 08:49:37 1994 GMT", "1994-11-06T08:49:37Z", "Sun, 06 Nov -994 08:49:37 GMT",
                    "Sun, 06 Nov 1994 08:49:3x GMT"));

}  // namespace
}  // namespace vg::http
