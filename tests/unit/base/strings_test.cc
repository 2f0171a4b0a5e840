#include "base/strings.h"

#include <gtest/gtest.h>

namespace vg {
namespace {

TEST(IEquals, TellsLettersFromAllElseAtEveryPlace) {
  for (size_t size = 1; size < 20; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string a(size, 'x'), b = a;
        a[at] = static_cast<char>(byte);
        b[at] = static_cast<char>(byte ^ 0x20);
        ASSERT_EQ(iequals(a, b), is_alpha(a[at])) << size << " " << at << " " << byte;
        b[at] = static_cast<char>(byte ^ 0x01);
        ASSERT_FALSE(iequals(a, b)) << size << " " << at << " " << byte;
        ASSERT_TRUE(iequals(a, a));
      }
    }
  }
  EXPECT_FALSE(iequals("keep-alive", "keep-aliv"));
  EXPECT_TRUE(iequals("", ""));
}

TEST(AppendAll, AppendsEachPartWhole) {
  std::string out = "a";
  append_all(out, {"b", "", std::string_view("c\0d", 3), std::string(300, 'x')});
  EXPECT_EQ(out, std::string("abc\0d", 5) + std::string(300, 'x'));
  append_all(out, {});
  EXPECT_EQ(out.size(), 305u);
}

}  // namespace
}  // namespace vg
