// Age and lifetime: RFC 9111 section 4.2.
#include "cache/freshness.h"

#include <gtest/gtest.h>

#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

using test::kThen;
using test::received;
using test::response;
using test::seconds;

// Seconds; -1: nothing is said.
int64_t lifetime(std::string_view lines, const Received& when = received()) {
  const auto head = response(lines);
  const auto found = freshness_lifetime(head, response_directives(head), when);
  return found ? std::chrono::duration_cast<std::chrono::seconds>(*found).count() : -1;
}

int64_t age(std::string_view lines, const Received& when = received()) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(initial_age(response(lines), when)).count();
}

constexpr const char* kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT\n";

TEST(FreshnessLifetime, TheFirstOfThreeThatIsThere_9111_4_2_1) {
  const std::string expires = std::string(kDate) + "Expires: Sun, 06 Nov 1994 08:50:07 GMT\n";
  EXPECT_EQ(lifetime(expires), 30);
  EXPECT_EQ(lifetime(expires + "Cache-Control: max-age=20\n"), 20);
  EXPECT_EQ(lifetime(expires + "Cache-Control: max-age=20, s-maxage=10\n"), 10);
  EXPECT_EQ(lifetime(kDate), -1);
  EXPECT_EQ(lifetime("Cache-Control: public\n"), -1);
}

TEST(FreshnessLifetime, AnInvalidOneIsStaleAndHidesTheNext_9111_4_2_1) {
  EXPECT_EQ(lifetime("Cache-Control: s-maxage=x, max-age=20\n"), 0);
  EXPECT_EQ(lifetime("Cache-Control: max-age=x\nExpires: Sun, 06 Nov 2094 08:50:07 GMT\n"), 0);
}

TEST(FreshnessLifetime, ExpiresCountsFromDate_9111_4_2_1) {
  EXPECT_EQ(lifetime("Date: Sun, 06 Nov 1994 09:49:37 GMT\nExpires: Sun, 06 Nov 1994 09:49:47 GMT\n"), 10);
  // Without a Date, from when it came.
  EXPECT_EQ(lifetime("Expires: Sun, 06 Nov 1994 08:49:47 GMT\n"), 10);
  EXPECT_EQ(lifetime("Date: nonsense\nExpires: Sun, 06 Nov 1994 08:49:47 GMT\n"), 10);
  EXPECT_EQ(lifetime("Expires: Sun, 06 Nov 1994 08:49:47 GMT\n", received(4)), 6);
  EXPECT_EQ(lifetime("Expires: Sunday, 06-Nov-94 08:49:47 GMT\n"), 10);
}

class StaleExpires : public testing::TestWithParam<const char*> {};
TEST_P(StaleExpires, AnInvalidOrPastDateIsStale_9111_5_3) {
  EXPECT_EQ(lifetime(kDate + ("Expires: " + std::string(GetParam()))), 0) << GetParam();
}
INSTANTIATE_TEST_SUITE_P(All, StaleExpires,
                         testing::Values("0", "-1", "", "never", "Sun, 06 Nov 1994 08:49:37 GMT",
                                         "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 2094 08:49:37 UTC",
                                         "Sat, 31 Feb 2094 08:49:37 GMT",
                                         "Sun, 06 Nov 2094 08:49:37 GMT\nExpires: Sun, 06 Nov 2095 08:49:37 GMT"));

TEST(FreshnessLifetime, TheSameExpiresTwiceIsOne_9111_4_2_1) {
  EXPECT_EQ(lifetime("Expires: Sun, 06 Nov 1994 08:49:47 GMT\nExpires: Sun, 06 Nov 1994 08:49:47 GMT\n"), 10);
}

TEST(FreshnessLifetime, FarExpiresIsBounded) {
  EXPECT_EQ(lifetime(std::string(kDate) + "Expires: Fri, 31 Dec 9999 23:59:59 GMT\n"), int64_t{1} << 31);
}

TEST(FreshnessLifetime, TargetedDirectivesHideExpires_9213_2_2) {
  EXPECT_EQ(lifetime(std::string(kDate) + "Expires: Sun, 06 Nov 1994 08:50:07 GMT\nCDN-Cache-Control: foo\n"), -1);
}

TEST(Age, IsTheAgeFieldPlusTheDelay_9111_4_2_3) {
  Received r = received();
  r.response_at = r.request_at + std::chrono::milliseconds(1500);
  EXPECT_EQ(age("Age: 10\n", r), 11'500);
  EXPECT_EQ(age("", r), 1500);
}

TEST(Age, IsApparentFromDateIfThatIsMore_9111_4_2_3) {
  EXPECT_EQ(age(std::string(kDate) + "Age: 10\n", received(60)), 60'000);
  EXPECT_EQ(age(std::string(kDate) + "Age: 90\n", received(60)), 90'000);
}

TEST(Age, ADateAheadOfOurClockIsNotNegative_9111_4_2_3) {
  EXPECT_EQ(age(std::string(kDate), received(-3600)), 0);
  EXPECT_EQ(age(std::string(kDate) + "Age: 5\n", received(-3600)), 5000);
}

TEST(Age, AClockThatWasSetBackMakesNoNegativeDelay_9111_4_2_3) {
  Received r = received();
  r.response_at = r.request_at - std::chrono::seconds(100);
  EXPECT_EQ(age("Age: 7\n", r), 7000);
}

struct AgeField {
  const char* lines;
  uint32_t seconds;
};
class AgeOf : public testing::TestWithParam<AgeField> {};
TEST_P(AgeOf, IsTheFirstNumberOrNothing_9111_5_1) {
  EXPECT_EQ(age_value(response(GetParam().lines)), GetParam().seconds) << GetParam().lines;
}
INSTANTIATE_TEST_SUITE_P(All, AgeOf,
                         testing::Values(AgeField{"Age: 7200\n", 7200}, AgeField{"Age: 0\n", 0},
                                         AgeField{"Age: 7200, 0\n", 7200}, AgeField{"Age: 0\nAge: 7200\n", 0},
                                         AgeField{"Age: 7200\nAge: 0\n", 7200}, AgeField{"Age: -7200\n", 0},
                                         AgeField{"Age: 7200.5\n", 0}, AgeField{"Age: abc7200\n", 0},
                                         AgeField{"Age: 7200;foo=bar\n", 0}, AgeField{"Age: \"7200\"\n", 0},
                                         AgeField{"Age:\n", 0}, AgeField{"", 0},
                                         AgeField{"Age: 99999999999999999999\n", 2147483648}));

}  // namespace
}  // namespace vg::cache
