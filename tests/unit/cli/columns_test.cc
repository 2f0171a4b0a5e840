// How tables are set.
#include "cli/columns.h"

#include <gtest/gtest.h>

namespace vg::cli {
namespace {

TEST(Columns, AreAsWideAsTheirWidestCell) {
  EXPECT_EQ(columns({{"a", "bbb", "c"}, {"aaa", "b", "c"}}), "a    bbb  c\naaa  b    c\n");
}

TEST(Columns, CountCharactersNotBytes) { EXPECT_EQ(columns({{"é", "x"}, {"ab", "y"}}), "é   x\nab  y\n"); }

TEST(Columns, LinesEndWithoutBlanks) { EXPECT_EQ(columns({{"a", "b"}, {"c", ""}, {"d"}}, 2), "  a  b\n  c\n  d\n"); }

TEST(Columns, ACellThatIsTooLongPushesItsOwnLineAlone) {
  EXPECT_EQ(columns({{"a", "x"}, {"long text", "y"}, {"bb", "z"}}, 0, 4), "a   x\nlong text  y\nbb  z\n");
}

TEST(Columns, NoRowsAreNoText) { EXPECT_EQ(columns({}), ""); }

}  // namespace
}  // namespace vg::cli
