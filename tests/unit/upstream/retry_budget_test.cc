// The budgets stand on the heap, as those of upstreams do: g++ 12's AddressSanitizer does not align a stack by 64.
#include "upstream/retry_budget.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1000s};

int admitted(RetryBudget& budget, double share, TimePoint now, int asked) {
  int n = 0;
  for (int i = 0; i < asked; ++i) n += budget.try_retry(now, share) ? 1 : 0;
  return n;
}

TEST(RetryBudget, WithoutTrafficThreeASecondAreAdmitted) {
  const auto budget = std::make_unique<RetryBudget>();
  for (auto t = kStart; t < kStart + 30s; t += 1s) EXPECT_EQ(admitted(*budget, 0.2, t, 10), 3);
}

TEST(RetryBudget, ThreeASecondAreAdmittedHoweverTheyAreSpaced) {
  const auto budget = std::make_unique<RetryBudget>();
  for (auto t = kStart; t < kStart + 30s; t += 334ms) EXPECT_TRUE(budget->try_retry(t, 0));
  for (auto t = kStart + 40s; t < kStart + 50s; t += 100ms) budget->try_retry(t, 0);
  EXPECT_FALSE(budget->try_retry(kStart + 50s - 1ms, 0));
}

TEST(RetryBudget, AShareOfTheRequestsIsAdmittedAtOnce) {
  const auto budget = std::make_unique<RetryBudget>();
  for (int i = 0; i < 1000; ++i) budget->on_request(kStart);
  EXPECT_EQ(admitted(*budget, 0.2, kStart, 1000), 203);  // the share, and the minimum of this second
  EXPECT_EQ(admitted(*budget, 0.2, kStart + 999ms, 1000), 0);
  EXPECT_EQ(admitted(*budget, 0.2, kStart + 1s, 1000), 3);
}

TEST(RetryBudget, ARefusedRetryCostsNothing) {
  const auto budget = std::make_unique<RetryBudget>();
  EXPECT_EQ(admitted(*budget, 0.5, kStart, 100), 3);
  for (int i = 0; i < 20; ++i) budget->on_request(kStart);
  EXPECT_EQ(admitted(*budget, 0.5, kStart, 100), 7) << "10 of 20, 3 of them were used";
}

TEST(RetryBudget, RequestsCountForTenSeconds) {
  const auto budget = std::make_unique<RetryBudget>();
  for (int i = 0; i < 50; ++i) budget->on_request(kStart);
  EXPECT_EQ(admitted(*budget, 1.0, kStart + 9400ms, 20), 20);
  EXPECT_EQ(admitted(*budget, 1.0, kStart + 10s, 20), 3) << "the requests are forgotten";
}

TEST(RetryBudget, RetriesCountForTenSecondsAtLeast) {
  const auto budget = std::make_unique<RetryBudget>();
  const auto request_100 = [&](TimePoint t) {
    for (int i = 0; i < 100; ++i) budget->on_request(t);
  };
  request_100(kStart);
  EXPECT_EQ(admitted(*budget, 0.1, kStart + 499ms, 50), 13);
  request_100(kStart + 10s);
  EXPECT_EQ(admitted(*budget, 0.1, kStart + 10s, 50), 3) << "13 retries stand against a share of 10";
  request_100(kStart + 25s);
  EXPECT_EQ(admitted(*budget, 0.1, kStart + 25s, 50), 13);
}

TEST(RetryBudget, AMillionRequestsLaterTheSlicesAreReused) {
  const auto budget = std::make_unique<RetryBudget>();
  TimePoint t = kStart;
  int64_t requests = 0;
  int64_t retries = 0;
  for (; t < kStart + 600s; t += 10ms) {
    for (int i = 0; i < 10; ++i) budget->on_request(t);
    requests += 10;
    retries += admitted(*budget, 0.2, t, 10);
  }
  EXPECT_GT(static_cast<double>(retries), 0.18 * static_cast<double>(requests));
  EXPECT_LE(static_cast<double>(retries), 0.2 * static_cast<double>(requests) + 3 * 601);
}

void forget(std::deque<TimePoint>& times, TimePoint until) {
  while (!times.empty() && times.front() <= until) times.pop_front();
}

TEST(RetryBudget, BeyondTheShareOfTheLastTenSecondsOnlyThreeASecondAreAdmitted) {
  constexpr double kShare = 0.2;
  const auto budget = std::make_unique<RetryBudget>();
  std::deque<TimePoint> requests, retries, beyond;
  uint64_t random = 42;
  const auto next = [&](uint64_t below) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % below;
  };
  TimePoint t = kStart;
  for (uint64_t step = 0; step < 20'000; ++step) {
    t += std::chrono::milliseconds(next(step % 3000 < 100 ? 400 : 20));
    for (uint64_t i = step % 700 < 300 ? next(20) : 0; i > 0; --i) {
      budget->on_request(t);
      requests.push_back(t);
    }
    forget(requests, t - 10s);
    forget(retries, t - 10s);
    forget(beyond, t - 1s);
    for (uint64_t i = next(10); i > 0; --i) {
      if (!budget->try_retry(t, kShare)) continue;
      retries.push_back(t);
      if (static_cast<double>(retries.size()) > kShare * static_cast<double>(requests.size())) beyond.push_back(t);
      EXPECT_LE(beyond.size(), 3u);
    }
  }
}

TEST(RetryBudget, CallsWithOtherSharesCountTogether) {
  const auto budget = std::make_unique<RetryBudget>();
  for (int i = 0; i < 100; ++i) budget->on_request(kStart);
  EXPECT_EQ(admitted(*budget, 0, kStart, 50), 3);
  EXPECT_EQ(admitted(*budget, 0.5, kStart, 50), 47);
  EXPECT_EQ(admitted(*budget, 0.4, kStart, 50), 0);
}

TEST(RetryBudget, ALoopWithAnOlderClockHarmsNothing) {
  const auto budget = std::make_unique<RetryBudget>();
  for (int i = 0; i < 100; ++i) budget->on_request(kStart + 60s);
  for (int i = 0; i < 100; ++i) budget->on_request(kStart);
  EXPECT_EQ(admitted(*budget, 0.5, kStart + 60s, 1000), 53);
  EXPECT_LE(admitted(*budget, 0.5, kStart, 1000), 50);
}

TEST(RetryBudget, SeveralLoopsTogetherStayWithinTheBudget) {
  const auto budget = std::make_unique<RetryBudget>();
  for (int i = 0; i < 10'000; ++i) budget->on_request(kStart);
  std::atomic<int> total{0};
  std::vector<std::thread> loops;
  for (int l = 0; l < 4; ++l) loops.emplace_back([&] { total += admitted(*budget, 0.2, kStart, 5000); });
  for (auto& l : loops) l.join();
  EXPECT_LE(total.load(), 2003);
  EXPECT_GE(total.load(), 3);
}

}  // namespace
}  // namespace vg::upstream
