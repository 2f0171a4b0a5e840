#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace vg {
namespace {

TEST(IsUtf8, TakesEverySequenceOfTheStandardAtEveryPosition) {
  for (const std::string s : {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                              "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    for (size_t before = 0; before < 17; ++before) {
      EXPECT_TRUE(is_utf8(std::string(before, 'x') + s + "tail of more than eight")) << before;
      EXPECT_TRUE(is_utf8(std::string(before, 'x') + s)) << before;
    }
  }
  EXPECT_TRUE(is_utf8(std::string(3, '\0')));
}

TEST(IsUtf8, RefusesOverlongFormsSurrogatesAndWhatIsCutOffAtEveryPosition) {
  for (const std::string s :
       {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xC2", "\xC2z", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xE2\x82",
        "\xE2z\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF8", "\xFF"}) {
    for (size_t before = 0; before < 17; ++before) {
      EXPECT_FALSE(is_utf8(std::string(before, 'x') + s)) << before;
      EXPECT_FALSE(is_utf8(std::string(before, 'x') + s + "tail of more than eight")) << before;
    }
  }
}

}  // namespace
}  // namespace vg
