#include "store/missed_drops.h"

#include <gtest/gtest.h>

namespace vg::store {
namespace {

void add(MissedDrops& missed, std::vector<TagField> fields) { missed.add(fields); }

TEST(MissedDrops, AreTakenByOneAtATimeUntilTheyAreDone) {
  MissedDrops missed;
  EXPECT_FALSE(missed.any());
  EXPECT_FALSE(missed.take().has_value());
  add(missed, {2, 1, 2});
  {
    auto first = missed.take();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->batch.fields, (std::vector<TagField>{1, 2}));
    EXPECT_FALSE(missed.take().has_value());
    EXPECT_TRUE(missed.any()) << "until it is done";
    first->done();
  }
  EXPECT_FALSE(missed.any());
}

TEST(MissedDrops, WhatWasNotDoneIsMissedAgain) {
  MissedDrops missed;
  add(missed, {1});
  {
    auto first = missed.take();
    add(missed, {2});
  }
  auto second = missed.take();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->batch.fields, (std::vector<TagField>{1, 2}));
}

TEST(MissedDrops, WhatIsMissedMeanwhileIsStillMissed) {
  MissedDrops missed;
  add(missed, {1});
  auto first = missed.take();
  add(missed, {2});
  first->done();
  EXPECT_TRUE(missed.any());
}

TEST(MissedDrops, TooManyAreEverything) {
  MissedDrops missed;
  for (TagField i = 0; i <= MissedDrops::kMost; ++i) add(missed, {i});
  {
    auto first = missed.take();
    EXPECT_TRUE(first->batch.everything);
    EXPECT_TRUE(first->batch.fields.empty());
  }
  EXPECT_TRUE(missed.take()->batch.everything) << "also after a failure";
}

}  // namespace
}  // namespace vg::store
