// The breakers stand on the heap, as those of upstreams do: g++ 12's AddressSanitizer does not align a stack by 64.
#include "upstream/breaker.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;
using Outcome = Breaker::Outcome;
using Change = Breaker::Change;
using State = Breaker::State;

constexpr TimePoint kStart{1000s};

config::BreakerSettings settings(uint32_t failures = 5, Duration open_for = 60s, uint32_t half_open = 1) {
  config::BreakerSettings out;
  out.failures = failures;
  out.open_for = open_for;
  out.half_open = half_open;
  return out;
}

class BreakerTest : public testing::Test {
 protected:
  void make(config::BreakerSettings s) {
    settings_ = s;
    breaker_ = std::make_unique<Breaker>(settings_);
  }
  /// A pass, if the breaker gives one.
  std::optional<Breaker::Pass> enter() {
    Breaker::Pass pass = 0;
    const bool admits = breaker_->admits(now_);
    const bool entered = breaker_->enter(now_, &pass, &last_);
    EXPECT_EQ(admits, entered);
    return entered ? std::optional(pass) : std::nullopt;
  }
  Change leave(Breaker::Pass pass, Outcome outcome) { return breaker_->leave(pass, outcome, now_); }
  /// One whole attempt; false: refused.
  bool attempt(Outcome outcome) {
    const auto pass = enter();
    if (!pass) return false;
    last_ = leave(*pass, outcome);
    return true;
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) EXPECT_TRUE(attempt(Outcome::kFailure));
  }
  State state() const { return breaker_->status().state; }

  TimePoint now_ = kStart;
  config::BreakerSettings settings_ = settings();
  std::unique_ptr<Breaker> breaker_ = std::make_unique<Breaker>(settings_);
  Change last_ = Change::kNone;
};

TEST_F(BreakerTest, ConsecutiveFailuresOpenIt) {
  fail(4);
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_EQ(breaker_->status().failures, 4u);
  fail(1);
  EXPECT_EQ(last_, Change::kOpened);
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(breaker_->status().opens, 1u);
  EXPECT_EQ(breaker_->status().since, now_);
  EXPECT_FALSE(enter());
}

TEST_F(BreakerTest, ASuccessBetweenStartsTheCountAgain) {
  for (int i = 0; i < 10; ++i) {
    fail(4);
    EXPECT_TRUE(attempt(Outcome::kSuccess));
    EXPECT_EQ(breaker_->status().failures, 0u);
  }
  EXPECT_EQ(state(), State::kClosed);
}

TEST_F(BreakerTest, WhatSaysNothingOfTheEndpointChangesNothing) {
  fail(4);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(attempt(Outcome::kNothing));
  EXPECT_EQ(breaker_->status().failures, 4u);
  fail(1);
  EXPECT_EQ(state(), State::kOpen);
}

TEST_F(BreakerTest, ItIsOpenForItsTimeAndSaysWhatIsLeft) {
  fail(5);
  EXPECT_EQ(breaker_->left(now_), 60s);
  now_ += 59'999ms;
  EXPECT_FALSE(enter());
  EXPECT_EQ(breaker_->left(now_), 1ms);
  now_ += 1ms;
  EXPECT_EQ(breaker_->left(now_), 0s);
  EXPECT_TRUE(enter());
  EXPECT_EQ(last_, Change::kHalfOpened);
  EXPECT_EQ(state(), State::kHalfOpen);
}

TEST_F(BreakerTest, ASuccessfulTrialClosesIt) {
  fail(5);
  now_ += 60s;
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  EXPECT_EQ(last_, Change::kClosed);
  EXPECT_EQ(state(), State::kClosed);
  fail(4);
  EXPECT_EQ(state(), State::kClosed) << "it begins anew";
}

TEST_F(BreakerTest, AFailedTrialOpensItAgainForItsWholeTime) {
  fail(5);
  now_ += 90s;
  EXPECT_TRUE(attempt(Outcome::kFailure));
  EXPECT_EQ(last_, Change::kOpened);
  EXPECT_EQ(breaker_->left(now_), 60s);
  EXPECT_EQ(breaker_->status().opens, 2u);
}

TEST_F(BreakerTest, OnlySoManyTrialsAtATime) {
  make(settings(5, 60s, 2));
  fail(5);
  now_ += 60s;
  const auto a = enter(), b = enter();
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(enter());
  EXPECT_EQ(leave(*a, Outcome::kSuccess), Change::kClosed);
  EXPECT_EQ(leave(*b, Outcome::kFailure), Change::kNone) << "it was of the time before";
  EXPECT_EQ(breaker_->status().failures, 0u);
}

TEST_F(BreakerTest, ATrialWithoutAResultFreesItsPlace) {
  fail(5);
  now_ += 60s;
  const auto trial = enter();
  EXPECT_FALSE(enter());
  EXPECT_EQ(leave(*trial, Outcome::kNothing), Change::kNone);
  EXPECT_EQ(state(), State::kHalfOpen);
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  EXPECT_EQ(state(), State::kClosed);
}

TEST_F(BreakerTest, ResultsOfRequestsBegunBeforeTheOpeningChangeNothing) {
  std::vector<Breaker::Pass> late;
  for (int i = 0; i < 20; ++i) late.push_back(*enter());
  fail(5);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(leave(late[i], i % 2 ? Outcome::kSuccess : Outcome::kFailure), Change::kNone);
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(breaker_->left(now_), 60s);
  now_ += 60s;
  const auto trial = enter();
  for (int i = 10; i < 15; ++i) EXPECT_EQ(leave(late[i], i % 2 ? Outcome::kSuccess : Outcome::kFailure), Change::kNone);
  EXPECT_EQ(state(), State::kHalfOpen);
  EXPECT_EQ(leave(*trial, Outcome::kSuccess), Change::kClosed);
  for (int i = 15; i < 20; ++i) EXPECT_EQ(leave(late[i], Outcome::kFailure), Change::kNone);
  EXPECT_EQ(breaker_->status().failures, 0u);
}

TEST_F(BreakerTest, ARatioNeedsEnoughRequests) {
  config::BreakerSettings s = settings(1'000'000);
  s.ratio_percent = 50;
  s.min_requests = 20;
  make(s);
  for (int i = 0; i < 19; ++i) EXPECT_TRUE(attempt(i % 2 ? Outcome::kSuccess : Outcome::kFailure));
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_TRUE(attempt(Outcome::kSuccess));  // 10 of 20
  EXPECT_EQ(state(), State::kOpen);
}

TEST_F(BreakerTest, TheWindowOfTheRatioForgets) {
  config::BreakerSettings s = settings(1'000'000);
  s.ratio_percent = 60;
  s.min_requests = 10;
  make(s);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(attempt(Outcome::kFailure));
  now_ += 10s;
  EXPECT_TRUE(attempt(Outcome::kFailure));
  EXPECT_EQ(state(), State::kClosed);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(attempt(Outcome::kFailure));
  EXPECT_EQ(state(), State::kOpen);
}

TEST_F(BreakerTest, AClosedBreakerForgetsTheWindowOfBefore) {
  config::BreakerSettings s = settings(1'000'000, 100ms);
  s.ratio_percent = 50;
  s.min_requests = 10;
  make(s);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(attempt(Outcome::kFailure));
  now_ += 100ms;
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(attempt(i < 4 ? Outcome::kFailure : Outcome::kSuccess));
  EXPECT_EQ(state(), State::kClosed);
}

TEST_F(BreakerTest, AnotherProcessOpensItForTheRest) {
  EXPECT_EQ(breaker_->open_until(now_ + 20s, now_), Change::kOpened);
  EXPECT_EQ(breaker_->left(now_), 20s);
  EXPECT_EQ(breaker_->open_until(now_ + 50s, now_), Change::kNone) << "its own time stands";
  EXPECT_EQ(breaker_->left(now_), 20s);
  now_ += 20s;
  EXPECT_TRUE(attempt(Outcome::kSuccess));
  EXPECT_EQ(breaker_->open_until(now_, now_), Change::kNone) << "that is over";
  EXPECT_EQ(state(), State::kClosed);
}

// What section 6 says, without atomics, generations and packed words.
class Oracle {
 public:
  explicit Oracle(const config::BreakerSettings& s) : s_(s) {}
  std::optional<uint64_t> enter(TimePoint now) {
    if (state_ == State::kOpen && now < until_) return std::nullopt;
    if (state_ == State::kHalfOpen && trials_ == s_.half_open) return std::nullopt;
    if (state_ == State::kOpen) become(State::kHalfOpen);
    if (state_ == State::kHalfOpen) ++trials_;
    return period_;
  }
  void leave(uint64_t period, Outcome outcome, TimePoint now) {
    if (period != period_) return;
    if (state_ == State::kHalfOpen) {
      if (outcome == Outcome::kSuccess) return become(State::kClosed);
      if (outcome == Outcome::kFailure) return open(now);
      --trials_;
      return;
    }
    if (outcome == Outcome::kNothing) return;
    consecutive_ = outcome == Outcome::kFailure ? consecutive_ + 1 : 0;
    const int64_t slice = now.time_since_epoch() / (s_.window / 10);
    window_.emplace_back(slice, outcome == Outcome::kFailure);
    while (window_.front().first <= slice - 10) window_.pop_front();
    uint64_t failed = 0;
    for (const auto& w : window_) failed += w.second ? 1 : 0;
    const bool by_ratio = s_.ratio_percent && window_.size() >= s_.min_requests &&
                          static_cast<double>(failed) * 100 >= *s_.ratio_percent * static_cast<double>(window_.size());
    if (consecutive_ >= s_.failures || by_ratio) open(now);
  }
  State state() const { return state_; }
  uint32_t consecutive() const { return state_ == State::kClosed ? consecutive_ : 0; }
  uint64_t opens = 0;

 private:
  void become(State to) {
    state_ = to;
    ++period_;
    consecutive_ = trials_ = 0;
    window_.clear();
  }
  void open(TimePoint now) {
    become(State::kOpen);
    until_ = now + s_.open_for;
    ++opens;
  }
  config::BreakerSettings s_;
  State state_ = State::kClosed;
  uint64_t period_ = 0;
  uint32_t consecutive_ = 0, trials_ = 0;
  TimePoint until_{};
  std::deque<std::pair<int64_t, bool>> window_;
};

class BreakerOracle : public testing::TestWithParam<uint32_t> {};

TEST_P(BreakerOracle, AgreesWithThePlainRules) {
  std::mt19937 random(GetParam());
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  config::BreakerSettings s = settings(1 + below(6), std::chrono::milliseconds(1 + below(500)), 1 + below(3));
  s.window = std::chrono::milliseconds(100 + below(2000));
  s.min_requests = 1 + below(30);
  if (below(2) == 1) s.ratio_percent = 1 + below(100);
  const auto breaker = std::make_unique<Breaker>(s);
  Oracle oracle(s);
  std::vector<std::pair<Breaker::Pass, uint64_t>> out;
  TimePoint now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::milliseconds(below(10) == 0 ? below(300) : below(3));
    if (below(2) == 0) {
      Breaker::Pass pass = 0;
      Change change = Change::kNone;
      const bool entered = breaker->enter(now, &pass, &change);
      const auto expected = oracle.enter(now);
      ASSERT_EQ(entered, expected.has_value()) << step;
      if (entered) out.emplace_back(pass, *expected);
    } else if (!out.empty()) {
      const size_t i = below(static_cast<uint32_t>(out.size()));
      const Outcome outcome = below(10) == 0  ? Outcome::kNothing
                              : below(3) == 0 ? Outcome::kSuccess
                                              : Outcome::kFailure;
      breaker->leave(out[i].first, outcome, now);
      oracle.leave(out[i].second, outcome, now);
      out[i] = out.back();
      out.pop_back();
    }
    const Breaker::Status status = breaker->status();
    ASSERT_EQ(status.state, oracle.state()) << step;
    ASSERT_EQ(status.failures, oracle.consecutive()) << step;
    ASSERT_EQ(status.opens, oracle.opens) << step;
  }
  EXPECT_GT(oracle.opens, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BreakerOracle, testing::Range(0u, 40u));

// Each opening, half-opening and closing is told to exactly one of those who ask at once, and never more trials run
// than may.
TEST(BreakerThreads, EachChangeIsToldOnceAndTrialsStayWithinTheirNumber) {
  const config::BreakerSettings s = settings(3, 1ms, 2);
  const auto breaker = std::make_unique<Breaker>(s);
  std::atomic<int64_t> clock{Duration(kStart.time_since_epoch()).count()};
  std::atomic<uint64_t> opened{0}, halved{0}, closed{0};
  const auto count = [&](Change c) {
    if (c == Change::kOpened) ++opened;
    if (c == Change::kHalfOpened) ++halved;
    if (c == Change::kClosed) ++closed;
  };
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 20'000; ++i) {
        const TimePoint now{Duration(clock.fetch_add(10'000))};
        Breaker::Pass pass = 0;
        Change change = Change::kNone;
        if (!breaker->enter(now, &pass, &change)) continue;
        count(change);
        const uint32_t dice = static_cast<uint32_t>(random() % 10);
        count(breaker->leave(pass,
                             dice == 0  ? Outcome::kNothing
                             : dice < 3 ? Outcome::kSuccess
                                        : Outcome::kFailure,
                             now));
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(opened, breaker->status().opens);
  EXPECT_GT(opened, 100u);
  // Every opening but one that still lasts was followed by one half-opening; some of these ended in a closing.
  EXPECT_EQ(halved, opened - (breaker->status().state == State::kOpen ? 1 : 0));
  EXPECT_GT(closed, 0u);
  EXPECT_LT(closed, halved);
}

TEST(BreakerThreads, OnlyOneTrialOfManyThatAskAtOnce) {
  const config::BreakerSettings s = settings(1, 1ms, 1);
  for (int round = 0; round < 200; ++round) {
    const auto breaker = std::make_unique<Breaker>(s);
    Breaker::Pass pass = 0;
    Change change = Change::kNone;
    EXPECT_TRUE(breaker->enter(kStart, &pass, &change));
    breaker->leave(pass, Outcome::kFailure, kStart);
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        Breaker::Pass p = 0;
        Change c = Change::kNone;
        admitted += breaker->enter(kStart + 1s, &p, &c) ? 1 : 0;
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(admitted, 1);
  }
}

}  // namespace
}  // namespace vg::upstream
