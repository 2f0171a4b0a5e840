// Breakers of one declaration and the guard that passes several. The time is the caller's: it is moved by hand.
// Breakers stand on the heap: g++ 12's AddressSanitizer does not align a stack by 64.
#include "upstream/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;
using Outcome = Breaker::Outcome;
using State = Breaker::State;

config::BreakerSettings settings(uint32_t failures, Duration open_for) {
  config::BreakerSettings out;
  out.failures = failures;
  out.open_for = open_for;
  return out;
}

class Heard final : public Openings {
 public:
  void opened(const Breakers& breakers, size_t endpoint, Duration left) override {
    openings.emplace_back(breakers.endpoint(endpoint), left);
  }
  std::vector<std::pair<std::string, Duration>> openings;
};

class GuardTest : public testing::Test {
 protected:
  GuardTest() { guard_.use({of_upstream_.get(), of_route_.get(), nullptr}); }
  bool attempt(Outcome outcome, size_t endpoint = 0) {
    if (!guard_.enter(endpoint, now_)) return false;
    guard_.leave(outcome, "status 503", now_);
    return true;
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(attempt(Outcome::kFailure));
  }
  State upstream_state() const { return of_upstream_->at(0).status().state; }
  State route_state() const { return of_route_->at(0).status().state; }

  TimePoint now_{1000s};
  std::unique_ptr<Breakers> of_upstream_ =
      std::make_unique<Breakers>("shop", "upstream", settings(5, 60s), std::vector<std::string>{"a:1", "b:2"});
  std::unique_ptr<Breakers> of_route_ =
      std::make_unique<Breakers>("shop", "route:r", settings(2, 10s), std::vector<std::string>{"a:1", "b:2"});
  Guard guard_;
};

TEST_F(GuardTest, WithoutBreakersEveryAttemptPasses) {
  guard_.use({});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(attempt(Outcome::kFailure));
  EXPECT_EQ(guard_.left(0, now_), 0s);
}

TEST_F(GuardTest, AnAttemptCountsInEachOfThem) {
  fail(1);
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  fail(2);
  EXPECT_EQ(route_state(), State::kOpen);
  EXPECT_EQ(upstream_state(), State::kClosed);
  EXPECT_EQ(of_upstream_->at(0).status().failures, 2u);
}

TEST_F(GuardTest, OneThatIsOpenRefusesForAllAndTheOthersCountNothing) {
  fail(2);
  EXPECT_FALSE(guard_.admits(0, now_));
  EXPECT_FALSE(attempt(Outcome::kFailure));
  EXPECT_FALSE(guard_.inside());
  EXPECT_EQ(of_upstream_->at(0).status().failures, 2u);
}

TEST_F(GuardTest, EndpointsAreCountedApart) {
  fail(2);
  EXPECT_TRUE(guard_.admits(1, now_));
  EXPECT_TRUE(attempt(Outcome::kSuccess, 1));
}

TEST_F(GuardTest, HowLongIsLeftIsSaidByTheLongestOfThoseThatRefuse) {
  fail(2);
  now_ += 4s;
  EXPECT_EQ(guard_.left(0, now_), 6s);
  Guard of_others;
  of_others.use({of_upstream_.get(), nullptr, nullptr});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(of_others.enter(0, now_));
    of_others.leave(Outcome::kFailure, "reset", now_);
  }
  EXPECT_EQ(guard_.left(0, now_), 60s);
  now_ += 7s;
  EXPECT_EQ(guard_.left(0, now_), 53s) << "the route's lets a trial through, the upstream's does not";
}

TEST_F(GuardTest, ATrialThatAnotherBreakerForbidsIsNotUsedUp) {
  const auto quick = std::make_unique<Breakers>("shop", "upstream", settings(1, 10s), std::vector<std::string>{"a:1"});
  const auto slow = std::make_unique<Breakers>("shop", "route:r", settings(1, 60s), std::vector<std::string>{"a:1"});
  guard_.use({quick.get(), slow.get(), nullptr});
  fail(1);
  now_ += 10s;
  EXPECT_TRUE(quick->at(0).admits(now_));
  EXPECT_FALSE(guard_.enter(0, now_)) << "one lets its only trial through, the other refuses";
  EXPECT_EQ(quick->at(0).status().state, State::kHalfOpen);
  now_ += 50s;
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  EXPECT_EQ(quick->at(0).status().state, State::kClosed);
  EXPECT_EQ(slow->at(0).status().state, State::kClosed);
}

TEST_F(GuardTest, ATrialOfBothClosesBoth) {
  fail(2);
  of_upstream_->open_as_told("a:1", 10s, now_);
  ASSERT_EQ(upstream_state(), State::kOpen);
  now_ += 10s;
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  EXPECT_EQ(route_state(), State::kClosed);
  EXPECT_EQ(upstream_state(), State::kClosed);
}

TEST_F(GuardTest, WhatIsRefusedIsCountedByThoseThatRefuse) {
  fail(2);
  guard_.count_refused(0, now_);
  guard_.count_refused(0, now_);
  EXPECT_EQ(of_route_->at(0).status().refused, 2u);
  EXPECT_EQ(of_upstream_->at(0).status().refused, 0u);
}

TEST_F(GuardTest, LeavingTwiceCountsOnce) {
  ASSERT_TRUE(guard_.enter(0, now_));
  guard_.leave(Outcome::kFailure, "reset", now_);
  guard_.leave(Outcome::kFailure, "reset", now_);
  EXPECT_EQ(of_route_->at(0).status().failures, 1u);
}

TEST_F(GuardTest, AnOpeningIsToldOnceWithWhatIsLeft) {
  Heard heard;
  of_route_->tell(&heard);
  fail(2);
  EXPECT_FALSE(attempt(Outcome::kFailure));
  EXPECT_THAT(heard.openings, ElementsAre(Pair("a:1", 10s)));
  now_ += 10s;
  EXPECT_TRUE(attempt(Outcome::kFailure)) << "the trial";
  EXPECT_THAT(heard.openings, ElementsAre(Pair("a:1", 10s), Pair("a:1", 10s)));
}

TEST_F(GuardTest, WhatAnotherProcessSaysOpensForNoLongerThanItsOwnTimeAndIsNotToldOn) {
  Heard heard;
  of_route_->tell(&heard);
  of_route_->open_as_told("a:1", 1h, now_);
  of_route_->open_as_told("nobody:3", 1h, now_);
  EXPECT_EQ(guard_.left(0, now_), 10s);
  EXPECT_TRUE(guard_.admits(1, now_));
  EXPECT_THAT(heard.openings, ElementsAre());
}

}  // namespace
}  // namespace vg::upstream
