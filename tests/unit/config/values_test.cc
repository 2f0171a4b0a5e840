#include "config/values.h"

#include <gtest/gtest.h>

namespace vg::config {
namespace {
using namespace std::chrono_literals;

TEST(Durations, AreNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("2d"), 48h);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("0.25ms"), 250us);
}

TEST(Durations, TakeNothingElse) {
  for (const char* text :
       {"", "s", "10", "10 s", "-1s", "+1s", "1.s", ".5s", "1..5s", "1e3s", "10S", "10sec", "1m30s", "1.2.3s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Durations, DoNotOverflow) {
  EXPECT_EQ(parse_duration("9223372036s"), 9223372036s);
  EXPECT_FALSE(parse_duration("9223372037s"));
  EXPECT_FALSE(parse_duration("18446744073709551615ms"));
  EXPECT_FALSE(parse_duration("99999999999999999999h"));
  EXPECT_FALSE(parse_duration("9223372036.9s"));
}

TEST(Sizes, ArePowersOf1024) {
  EXPECT_EQ(parse_size("0B"), 0U);
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("16KiB"), 16384U);
  EXPECT_EQ(parse_size("1MiB"), 1048576U);
  EXPECT_EQ(parse_size("2GiB"), 2147483648U);
}

TEST(Sizes, TakeNothingElse) {
  for (const char* text : {"", "B", "16", "16K", "16KB", "16kib", "-1B", "16 KiB", "0.3B", "9223372036854775807KiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Rates, AreACountAndAWindow) {
  const auto rate = parse_rate("60/m");
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->count, 60U);
  EXPECT_EQ(rate->window, 1min);
  EXPECT_EQ(parse_rate("10/s")->window, 1s);
  EXPECT_EQ(parse_rate("1000/h")->window, 1h);
  for (const char* text : {"", "60", "60/", "/m", "60/ms", "60 / m", "-1/s", "60/x", "99999999999999999999/s"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

TEST(Percentages, HaveTheirSign) {
  EXPECT_EQ(parse_percent("20%"), 20.0);
  EXPECT_EQ(parse_percent("0.5%"), 0.5);
  for (const char* text : {"20", "%", "-1%", "20 %", "nan%", "1e%"}) EXPECT_FALSE(parse_percent(text)) << text;
}

TEST(Integers, AreDecimalAndWhole) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-7"), -7);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  for (const char* text : {"", "-", "+1", "1.0", "010", "-01", "0x10", "1_000", " 1", "9223372036854775808"}) {
    EXPECT_FALSE(parse_integer(text)) << text;
  }
}

TEST(Numbers, AreThoseOfJson) {
  EXPECT_EQ(parse_number("1.5"), 1.5);
  EXPECT_EQ(parse_number("-2e3"), -2000.0);
  for (const char* text : {"", "nan", "inf", "1.", ".5", "+1", "1e999", "0x1"})
    EXPECT_FALSE(parse_number(text)) << text;
}

TEST(Booleans, AreTrueAndFalseAlone) {
  EXPECT_EQ(parse_bool("true"), true);
  EXPECT_EQ(parse_bool("false"), false);
  for (const char* text : {"yes", "on", "True", "TRUE", "1", ""}) EXPECT_FALSE(parse_bool(text)) << text;
}

TEST(Formats, UseTheLargestUnitThatDivides) {
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(300s), "5m");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_size(16384), "16KiB");
  EXPECT_EQ(format_size(1000), "1000B");
}

TEST(Names, BeginWithALowerCaseLetter) {
  EXPECT_TRUE(is_name("a"));
  EXPECT_TRUE(is_name("article-detail_2"));
  for (const char* text : {"", "A", "2a", "-a", "_a", "a.b", "a b", "\xc3\xa4"}) EXPECT_FALSE(is_name(text)) << text;
}

TEST(Utf8, IsCheckedByItsDefinition) {
  const auto all = std::string_view::npos;
  EXPECT_EQ(invalid_utf8_at("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), all);
  EXPECT_EQ(invalid_utf8_at("a\xc3"), 1U);
  EXPECT_EQ(invalid_utf8_at("\xc0\x80"), 0U) << "overlong";
  EXPECT_EQ(invalid_utf8_at("\xe0\x9f\xbf"), 0U) << "overlong";
  EXPECT_EQ(invalid_utf8_at("ab\xed\xa0\x80"), 2U) << "surrogate";
  EXPECT_EQ(invalid_utf8_at("\xf4\x90\x80\x80"), 0U) << "beyond U+10FFFF";
  EXPECT_EQ(invalid_utf8_at("\x80"), 0U);
}

}  // namespace
}  // namespace vg::config
