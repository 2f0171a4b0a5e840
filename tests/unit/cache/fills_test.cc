#include "cache/fills.h"

#include <gtest/gtest.h>

#include <string>

#include "support/loop.h"

namespace vg::cache {
namespace {

using Kind = FillOutcome::Kind;

FillOutcome value(const char* text) {
  FillOutcome out;
  out.kind = Kind::kValue;
  out.value = std::make_shared<const std::string>(text);
  out.key = "k";
  return out;
}

class FillsTest : public testing::Test {
 protected:
  /// One who has looked at this moment and found nothing.
  Turn miss(uint64_t since, std::shared_ptr<FillWaiter>* waiter = nullptr) {
    auto w = std::make_shared<FillWaiter>(loop_.get());
    if (waiter != nullptr) *waiter = w;
    return fills_->lead("k", since, w);
  }
  Turn miss(std::shared_ptr<FillWaiter>* waiter = nullptr) { return miss(fills_->moment("k"), waiter); }
  Lead lead() {
    EXPECT_EQ(miss(), Turn::kLeads);
    return Lead(fills_, "k");
  }
  bool told(const FillWaiter& waiter) {
    return loop_.run_until([&] { return waiter.done.is_set(); });
  }

  test::Loop loop_;
  std::shared_ptr<Fills> fills_ = std::make_shared<Fills>();
};

TEST_F(FillsTest, OneLeadsAndTheOthersAreTold) {
  Lead leads = lead();
  std::shared_ptr<FillWaiter> waiters[3];
  for (auto& w : waiters) EXPECT_EQ(miss(&w), Turn::kWaits);
  leads.share(value("v"));
  for (const auto& w : waiters) {
    ASSERT_TRUE(told(*w));
    EXPECT_EQ(w->outcome.kind, Kind::kValue);
    EXPECT_EQ(*w->outcome.value, "v");
  }
}

TEST_F(FillsTest, WhoComesWhileItIsPutIntoTheStoreWaitsForThatAndLooksAgain) {
  std::shared_ptr<FillWaiter> late;
  {
    Lead leads = lead();
    leads.share(value("v"));
    EXPECT_EQ(miss(&late), Turn::kWaits);
    EXPECT_FALSE(late->done.is_set());
  }
  ASSERT_TRUE(told(*late));
  EXPECT_EQ(late->outcome.kind, Kind::kAgain);
}

TEST_F(FillsTest, WhoLookedBeforeItWasInTheStoreLooksAgain) {
  const uint64_t before = fills_->moment("k");
  {
    Lead leads = lead();
    leads.share(value("v"));
  }
  EXPECT_EQ(miss(before), Turn::kLookAgain);
  EXPECT_EQ(miss(), Turn::kLeads) << "it is gone from the store again";
}

TEST_F(FillsTest, WhereNothingWasStoredNobodyLooksAgain) {
  const uint64_t before = fills_->moment("k");
  lead().finish(FillOutcome());
  EXPECT_EQ(miss(before), Turn::kLeads);
}

TEST_F(FillsTest, ALeaderThatLeavesHandsOn) {
  std::shared_ptr<FillWaiter> waiter;
  {
    const Lead leads = lead();
    EXPECT_EQ(miss(&waiter), Turn::kWaits);
  }
  ASSERT_TRUE(told(*waiter));
  EXPECT_EQ(waiter->outcome.kind, Kind::kAgain);
  EXPECT_EQ(miss(), Turn::kLeads);
}

TEST_F(FillsTest, WhoHasLeftIsNotTold) {
  Lead leads = lead();
  std::shared_ptr<FillWaiter> left, stays;
  miss(&left), miss(&stays);
  fills_->leave("k", left);
  leads.share(value("v"));
  ASSERT_TRUE(told(*stays));
  EXPECT_FALSE(left->done.is_set());
}

TEST_F(FillsTest, WhereMoreWasStoredThanIsRememberedOneLooksAgain) {
  const uint64_t before = fills_->moment("k");
  for (int i = 0; i < 64 * 64; ++i) {
    const std::string other = "other" + std::to_string(i);
    ASSERT_EQ(fills_->lead(other, fills_->moment(other), nullptr), Turn::kLeads);
    Lead leads(fills_, other);
    leads.share(value("v"));
  }
  EXPECT_EQ(miss(before), Turn::kLookAgain);
  EXPECT_EQ(miss(), Turn::kLeads);
}

}  // namespace
}  // namespace vg::cache
