#include <gtest/gtest.h>

#include "template/convert.h"
#include "template/values.h"

namespace vg::tmpl {
namespace {

TEST(FindQuery, TakesTheFirstOfAName) {
  EXPECT_EQ(find_query("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(find_query("a=1&b=2&a=3", "b"), "2");
  EXPECT_EQ(find_query("aa=1&a=2", "a"), "2");
  EXPECT_EQ(find_query("b=a=1", "a"), std::nullopt);
  EXPECT_EQ(find_query("", "a"), std::nullopt);
}
TEST(FindQuery, TellsAnEmptyValueFromNone) {
  EXPECT_EQ(find_query("a=&b", "a"), "");
  EXPECT_EQ(find_query("a=&b", "b"), "");
  EXPECT_EQ(find_query("a=&b", "c"), std::nullopt);
  EXPECT_EQ(find_query("&&", ""), std::nullopt);
}
TEST(FindQuery, NamesAreComparedDecodedAndValuesLeftAsTheyAre) {
  EXPECT_EQ(find_query("%61%5B%5d=x%20+", "a[]"), "x%20+");
  EXPECT_EQ(find_query("a+b=1", "a b"), "1");
  EXPECT_EQ(find_query("a%=1&%zz=2", "a%"), "1");
  EXPECT_EQ(find_query("a%=1&%zz=2", "%zz"), "2");
  EXPECT_EQ(find_query("%61", "ab"), std::nullopt);
}
TEST(FindQuery, SplitsAtAmpersandsAlone) { EXPECT_EQ(find_query("a=1;b=2", "a"), "1;b=2"); }

TEST(FindCookie, FindsByExactName) {
  EXPECT_EQ(find_cookie("sid=1; Sid=2; x=\"q v\"", "Sid"), "2");
  EXPECT_EQ(find_cookie("sid=1; Sid=2; x=\"q v\"", "x"), "q v");
  EXPECT_EQ(find_cookie("a=b=c;d=", "a"), "b=c");
  EXPECT_EQ(find_cookie("a=b=c;d=", "d"), "");
  EXPECT_EQ(find_cookie("a", "a"), std::nullopt);
  EXPECT_EQ(find_cookie("", "a"), std::nullopt);
}

std::string converted(Conversion c, std::string_view text) {
  std::string out;
  switch (convert(c, text, out)) {
    case Converted::kOk:
      return out;
    case Converted::kMissing:
      return "<missing>";
    default:
      return "<bad>";
  }
}

TEST(Convert, Ints) {
  for (const auto& [in, out] :
       std::vector<std::pair<const char*, const char*>>{{"0", "0"},
                                                        {"-0", "0"},
                                                        {"+5", "5"},
                                                        {"-12", "-12"},
                                                        {"007", "7"},
                                                        {"000", "0"},
                                                        {"999999999999999999", "999999999999999999"}}) {
    EXPECT_EQ(converted(Conversion::kInt, in), out);
  }
  for (const char* bad : {"", "-", "+", "1.0", "1e3", " 1", "1 ", "0x1", "1234567890123456789", "--1", "1_0"})
    EXPECT_EQ(converted(Conversion::kInt, bad), "<bad>") << bad;
}
TEST(Convert, NumbersKeepTheirText) {
  for (const char* same : {"1.10", "-0.0", "1e+9", "12345678901234567890123"})
    EXPECT_EQ(converted(Conversion::kNumber, same), same);
  for (const char* bad : {"", ".5", "5.", "+1", "01", "NaN", "1,5"})
    EXPECT_EQ(converted(Conversion::kNumber, bad), "<bad>") << bad;
}
TEST(Convert, Bools) {
  EXPECT_EQ(converted(Conversion::kBool, "true"), "true");
  EXPECT_EQ(converted(Conversion::kBool, "1"), "true");
  EXPECT_EQ(converted(Conversion::kBool, "false"), "false");
  EXPECT_EQ(converted(Conversion::kBool, "0"), "false");
  for (const char* bad : {"", "True", "yes", "on", "2"}) EXPECT_EQ(converted(Conversion::kBool, bad), "<bad>") << bad;
}

}  // namespace
}  // namespace vg::tmpl
