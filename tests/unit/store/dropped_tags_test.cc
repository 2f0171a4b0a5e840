#include "store/dropped_tags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vg::store {
namespace {

class DroppedTagsTest : public testing::Test {
 protected:
  void drop(const std::string& text, bool below = false) { tags_.drop(std::vector<Drop>{Drop(text, below)}); }
  DroppedTags tags_{42, 1024};
};

TEST_F(DroppedTagsTest, NothingIsDroppedAtFirst) {
  EXPECT_EQ(tags_.now(), 0u);
  EXPECT_FALSE(tags_.is_dropped("a/b", 0));
  EXPECT_FALSE(tags_.is_dropped("", 0));
}

TEST_F(DroppedTagsTest, ExactIsThatTagAlone) {
  drop("a/b");
  EXPECT_TRUE(tags_.is_dropped("a/b", 0));
  for (const char* other : {"a", "a/b/c", "a/bc", "a/", "a/b/", "A/b", ""}) EXPECT_FALSE(tags_.is_dropped(other, 0));
}

TEST_F(DroppedTagsTest, BelowTakesAlongWhatIsUnderIt) {
  drop("a/b", true);
  for (const char* hit : {"a/b", "a/b/c", "a/b/c/d", "a/b/"}) EXPECT_TRUE(tags_.is_dropped(hit, 0)) << hit;
  for (const char* other : {"a", "a/bc", "a/c", "b", "x/a/b"}) EXPECT_FALSE(tags_.is_dropped(other, 0)) << other;
}

TEST_F(DroppedTagsTest, WhatBeganLaterIsFine) {
  drop("a");
  const Mark after = tags_.now();
  EXPECT_TRUE(tags_.is_dropped("a", after - 1));
  EXPECT_FALSE(tags_.is_dropped("a", after));
  drop("b");
  EXPECT_FALSE(tags_.is_dropped("a", after));
  drop("a");
  EXPECT_TRUE(tags_.is_dropped("a", after));
}

TEST_F(DroppedTagsTest, SeveralAtOnceAreOneMoment) {
  tags_.drop(std::vector<Drop>{Drop("a", false), Drop("b", true)});
  EXPECT_EQ(tags_.now(), 1u);
  EXPECT_TRUE(tags_.is_dropped("a", 0));
  EXPECT_TRUE(tags_.is_dropped("b/c", 0));
  tags_.drop({});
  EXPECT_EQ(tags_.now(), 1u);
}

TEST_F(DroppedTagsTest, OldDropsAreFoldedNotForgotten) {
  drop("first");
  const Mark after_first = tags_.now();
  for (int i = 0; i < 5000; ++i) drop("t" + std::to_string(i));
  EXPECT_TRUE(tags_.is_dropped("first", 0));
  EXPECT_TRUE(tags_.is_dropped("t0", after_first));
  // What is older than the floor counts as dropped, though no tag of its was.
  EXPECT_TRUE(tags_.is_dropped("never", 0));
  EXPECT_FALSE(tags_.is_dropped("never", tags_.now() - 500));
  EXPECT_TRUE(tags_.is_dropped("t4999", tags_.now() - 1));
  EXPECT_FALSE(tags_.is_dropped("t4999", tags_.now()));
}

TEST_F(DroppedTagsTest, TheSameTagAgainTakesNoRoom) {
  drop("other");
  for (int i = 0; i < 5000; ++i) drop("same");
  EXPECT_FALSE(tags_.is_dropped("never", 0));
  EXPECT_FALSE(tags_.is_dropped("other", 1));
  EXPECT_TRUE(tags_.is_dropped("other", 0));
}

TEST_F(DroppedTagsTest, AHalfFullTableForgetsNothing) {
  for (int i = 0; i < 500; ++i) drop("t" + std::to_string(i));
  for (int i = 0; i < 500; ++i) {
    EXPECT_TRUE(tags_.is_dropped("t" + std::to_string(i), static_cast<Mark>(i)));
    EXPECT_FALSE(tags_.is_dropped("t" + std::to_string(i), static_cast<Mark>(i + 1)));
  }
}

}  // namespace
}  // namespace vg::store
