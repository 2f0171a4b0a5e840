#include "upstream/balance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace vg::upstream {
namespace {

using testing::ElementsAre;

constexpr BalanceKind kAllKinds[] = {BalanceKind::kRoundRobin, BalanceKind::kLeastRequests, BalanceKind::kHash};

const auto kAny = [](size_t) { return true; };
const auto kNone = [](size_t) { return false; };

std::vector<BalanceEndpoint> equal(size_t n) {
  std::vector<BalanceEndpoint> out;
  for (size_t i = 0; i < n; ++i) out.emplace_back("10.0.0." + std::to_string(i) + ":80");
  return out;
}

std::vector<BalanceEndpoint> weighted(const std::vector<uint32_t>& weights) {
  std::vector<BalanceEndpoint> out;
  for (const uint32_t w : weights) out.emplace_back("10.0.0." + std::to_string(out.size()) + ":80", w);
  return out;
}

uint64_t key(int i) { return hash_of("key " + std::to_string(i)); }

template <typename F>
std::vector<int> counts(Balancer& b, size_t n, int picks, const F& usable) {
  std::vector<int> out(n, 0);
  for (int i = 0; i < picks; ++i) ++out.at(b.pick(key(i), Tried(), usable).value());
  return out;
}

void expect_share(int count, int of, double share) {
  const double sigma = std::sqrt(of * share * (1 - share));
  EXPECT_NEAR(count, of * share, 5 * sigma + 1);
}

TEST(Tried, RemembersTheLastEight) {
  Tried tried;
  EXPECT_TRUE(tried.empty());
  for (size_t i = 0; i < 9; ++i) tried.add(i);
  EXPECT_FALSE(tried.contains(0));
  for (size_t i = 1; i < 9; ++i) EXPECT_TRUE(tried.contains(i));
  EXPECT_FALSE(tried.contains(9));
}

TEST(Balance, NamesAreThoseOfTheConfiguration) {
  EXPECT_EQ(parse_balance("round_robin"), BalanceKind::kRoundRobin);
  EXPECT_EQ(parse_balance("least_requests"), BalanceKind::kLeastRequests);
  EXPECT_EQ(parse_balance("hash"), BalanceKind::kHash);
  EXPECT_EQ(parse_balance("random"), std::nullopt);
}

TEST(Balance, WithoutAUsableEndpointThereIsNone) {
  for (const BalanceKind kind : kAllKinds) {
    EXPECT_EQ(Balancer::create(kind, {}, 1)->pick(1, Tried(), kAny), std::nullopt);
    Tried tried;
    tried.add(0);
    EXPECT_EQ(Balancer::create(kind, equal(3), 1)->pick(1, tried, kNone), std::nullopt);
  }
}

TEST(Balance, NeverPicksWhatIsNotUsable) {
  const auto usable = [](size_t i) { return i == 1 || i == 4; };
  for (const BalanceKind kind : kAllKinds) {
    const auto b = Balancer::create(kind, weighted({5, 1, 9, 1, 1}), 7);
    const auto got = counts(*b, 5, 2000, usable);
    EXPECT_EQ(got[0] + got[2] + got[3], 0);
    expect_share(got[1], 2000, 0.5);
  }
}

TEST(Balance, BackupsServeOnlyWhenNoPrimaryIsUsable) {
  for (const BalanceKind kind : kAllKinds) {
    std::vector<BalanceEndpoint> endpoints = equal(2);
    endpoints.emplace_back("backup:80", 1, true);
    const auto b = Balancer::create(kind, endpoints, 3);
    EXPECT_EQ(counts(*b, 3, 1000, kAny)[2], 0);
    EXPECT_EQ(counts(*b, 3, 1000, [](size_t i) { return i != 0; })[1], 1000);
    EXPECT_EQ(counts(*b, 3, 1000, [](size_t i) { return i == 2; })[2], 1000);
  }
}

TEST(Balance, ARetryGoesToAnotherEndpointIfThereIsOne) {
  for (const BalanceKind kind : kAllKinds) {
    std::vector<BalanceEndpoint> endpoints = equal(2);
    endpoints.emplace_back("backup:80", 1, true);
    const auto b = Balancer::create(kind, endpoints, 3);
    for (int i = 0; i < 100; ++i) {
      Tried tried;
      const size_t first = b->pick(key(i), tried, kAny).value();
      tried.add(first);
      const size_t second = b->pick(key(i), tried, kAny).value();
      EXPECT_EQ(second, 1 - first);
      tried.add(second);
      EXPECT_EQ(b->pick(key(i), tried, kAny), 2u) << "a backup before the same one again";
      tried.add(2);
      EXPECT_LT(b->pick(key(i), tried, kAny).value(), 2u) << "all were tried: a primary again";
      EXPECT_EQ(b->pick(key(i), tried, [](size_t e) { return e == 2; }), 2u);
    }
  }
}

TEST(Balance, AWeightOfZeroCountsAsOne) {
  for (const BalanceKind kind : kAllKinds) {
    const auto b = Balancer::create(kind, weighted({0, 0}), 1);
    EXPECT_GT(counts(*b, 2, 1000, kAny)[0], 300);
    EXPECT_GT(counts(*b, 2, 1000, kAny)[1], 300);
  }
}

TEST(RoundRobin, ServesExactlyByWeightInEveryTurn) {
  const auto b = Balancer::create(BalanceKind::kRoundRobin, weighted({5, 1, 1}), 99);
  for (int turn = 0; turn < 20; ++turn) EXPECT_THAT(counts(*b, 3, 7, kAny), ElementsAre(5, 1, 1));
}

TEST(RoundRobin, SpreadsTheHeavyOneOverTheTurn) {
  const auto b = Balancer::create(BalanceKind::kRoundRobin, weighted({5, 1, 1}), 0);
  int run = 0;
  int longest = 0;
  for (int i = 0; i < 70; ++i) {
    run = b->pick(0, Tried(), kAny) == 0u ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_LE(longest, 4) << "a a b a c a a, never five in a row within a turn";
}

TEST(RoundRobin, LoopsBeginAtDifferentEndpoints) {
  std::set<size_t> first;
  for (uint64_t loop = 0; loop < 32; ++loop) {
    first.insert(Balancer::create(BalanceKind::kRoundRobin, equal(4), loop)->pick(0, Tried(), kAny).value());
  }
  EXPECT_EQ(first.size(), 4u);
}

TEST(LeastRequests, PrefersTheLessLoaded) {
  std::atomic<uint32_t> busy{10};
  std::atomic<uint32_t> idle{0};
  std::vector<BalanceEndpoint> endpoints;
  endpoints.emplace_back("a", 1, false, &busy);
  endpoints.emplace_back("b", 1, false, &idle);
  const auto b = Balancer::create(BalanceKind::kLeastRequests, endpoints, 5);
  EXPECT_EQ(counts(*b, 2, 100, kAny)[1], 100);
  idle = 11;
  EXPECT_EQ(counts(*b, 2, 100, kAny)[0], 100);
}

TEST(LeastRequests, CountsOutstandingForEachUnitOfWeight) {
  std::atomic<uint32_t> heavy{5};
  std::atomic<uint32_t> light{2};
  std::vector<BalanceEndpoint> endpoints;
  endpoints.emplace_back("heavy", 3, false, &heavy);
  endpoints.emplace_back("light", 1, false, &light);
  const auto b = Balancer::create(BalanceKind::kLeastRequests, endpoints, 5);
  EXPECT_EQ(counts(*b, 2, 100, kAny)[0], 100) << "5/3 is less than 2/1";
  light = 1;
  EXPECT_EQ(counts(*b, 2, 100, kAny)[1], 100) << "1/1 is less than 5/3";
}

TEST(LeastRequests, IdleEndpointsShareByWeight) {
  const auto b = Balancer::create(BalanceKind::kLeastRequests, weighted({3, 1}), 5);
  expect_share(counts(*b, 2, 10'000, kAny)[0], 10'000, 0.75);
}

TEST(LeastRequests, KeepsManyEndpointsEven) {
  std::vector<std::atomic<uint32_t>> load(10);
  std::vector<BalanceEndpoint> endpoints;
  for (size_t i = 0; i < load.size(); ++i) endpoints.emplace_back(std::to_string(i), 1, false, &load[i]);
  const auto b = Balancer::create(BalanceKind::kLeastRequests, endpoints, 5);
  for (int i = 0; i < 10'000; ++i) ++load.at(b->pick(0, Tried(), kAny).value());
  for (const auto& l : load) EXPECT_NEAR(l.load(), 1000, 10);
}

TEST(Hash, TheSameKeyGoesToTheSameEndpointOnEveryLoop) {
  const auto a = Balancer::create(BalanceKind::kHash, equal(7), 1);
  const auto b = Balancer::create(BalanceKind::kHash, equal(7), 2);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(a->pick(key(i), Tried(), kAny), b->pick(key(i), Tried(), kAny));
}

TEST(Hash, SpreadsKeysByWeight) {
  const auto even = Balancer::create(BalanceKind::kHash, equal(5), 1);
  for (const int c : counts(*even, 5, 20'000, kAny)) expect_share(c, 20'000, 0.2);
  const auto uneven = Balancer::create(BalanceKind::kHash, weighted({1, 2, 5}), 1);
  const auto got = counts(*uneven, 3, 20'000, kAny);
  expect_share(got[0], 20'000, 1 / 8.0);
  expect_share(got[1], 20'000, 2 / 8.0);
  expect_share(got[2], 20'000, 5 / 8.0);
}

TEST(Hash, AnAddedEndpointTakesOnlyItsShare) {
  for (const bool uneven : {false, true}) {
    const std::vector<uint32_t> weights = uneven ? std::vector<uint32_t>{2, 1, 3, 2, 2} : std::vector<uint32_t>(5, 1);
    const auto all = weighted(weights);
    const auto before = Balancer::create(BalanceKind::kHash, {all.begin(), all.end() - 1}, 1);
    const auto after = Balancer::create(BalanceKind::kHash, all, 1);
    int moved = 0;
    for (int i = 0; i < 20'000; ++i) {
      const size_t from = before->pick(key(i), Tried(), kAny).value();
      const size_t to = after->pick(key(i), Tried(), kAny).value();
      if (from == to) continue;
      EXPECT_EQ(to, 4u) << "nothing moves between the old ones";
      ++moved;
    }
    expect_share(moved, 20'000, 0.2);
  }
}

TEST(Hash, AnEndpointThatFailsMovesItsOwnKeysAlone) {
  const auto b = Balancer::create(BalanceKind::kHash, equal(5), 1);
  const auto without_two = [](size_t i) { return i != 2; };
  std::vector<int> heirs(5, 0);
  for (int i = 0; i < 5000; ++i) {
    const size_t before = b->pick(key(i), Tried(), kAny).value();
    const size_t after = b->pick(key(i), Tried(), without_two).value();
    if (before == 2) {
      ++heirs[after];
    } else {
      EXPECT_EQ(after, before);
    }
  }
  for (const size_t heir : {0u, 1u, 3u, 4u}) EXPECT_GT(heirs[heir], 150) << "its keys spread over all others";
}

TEST(Hash, GoesByIdNotByPosition) {
  std::vector<BalanceEndpoint> reversed = equal(4);
  std::reverse(reversed.begin(), reversed.end());
  const auto a = Balancer::create(BalanceKind::kHash, equal(4), 1);
  const auto b = Balancer::create(BalanceKind::kHash, reversed, 1);
  for (int i = 0; i < 500; ++i)
    EXPECT_EQ(a->pick(key(i), Tried(), kAny).value(), 3 - b->pick(key(i), Tried(), kAny).value());
}

}  // namespace
}  // namespace vg::upstream
