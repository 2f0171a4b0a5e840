#include "store/memory_limit_store.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <thread>

namespace vg::store {
namespace {

using std::chrono::seconds;

LimitCounter counter(uint32_t limit, Duration window = seconds(60), const std::string& name = "c") {
  LimitRule rule;
  rule.limit = limit;
  rule.window = window;
  return LimitCounter(name, rule);
}

bool ask(MemoryLimitStore& store, const LimitCounter& c, std::string_view key, TimePoint now) {
  const LimitAsk one{&c, key, false, false};
  LimitState state;
  return store.decide({&one, 1}, {&state, 1}, now);
}

const TimePoint kNow{std::chrono::hours(24 * 20000)};

// As many as there are threads decide at once; the total is exact.
template <typename Decide>
int admitted_by(int threads, int each, const Decide& decide) {
  std::atomic<int> admitted{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) admitted += decide(t, i) ? 1 : 0;
    });
  }
  for (std::thread& t : all) t.join();
  return admitted;
}

TEST(MemoryLimitStore, admits_exactly_the_limit_to_many_threads) {
  MemoryLimitStore store(1 << 10, Duration::zero());
  const LimitCounter c = counter(10'000, std::chrono::hours(1));
  EXPECT_EQ(admitted_by(8, 6'250, [&](int, int) { return ask(store, c, "k", kNow); }), 10'000);
}

TEST(MemoryLimitStore, admits_exactly_the_limit_by_lists_in_any_order) {
  MemoryLimitStore store(1 << 10, Duration::zero());
  const LimitCounter a = counter(10'000, seconds(60), "a"), b = counter(10'000, std::chrono::hours(1), "b"),
                     wide = counter(1'000'000, seconds(1), "wide");
  const auto decide = [&](int thread, int) {
    std::array<LimitAsk, 3> asks{LimitAsk{&a, "k", false, false}, LimitAsk{&b, "k", false, false},
                                 LimitAsk{&wide, "k", false, false}};
    if (thread % 2 == 1) std::swap(asks[0], asks[2]);
    std::array<LimitState, 3> states;
    return store.decide(asks, states, kNow);
  };
  EXPECT_EQ(admitted_by(8, 6'250, decide), 10'000);
  int left = 0;
  while (ask(store, wide, "k", kNow)) ++left;
  EXPECT_EQ(left, 1'000'000 - 10'000) << "what was refused counted nowhere";
}

TEST(MemoryLimitStore, a_flood_of_new_keys_puts_no_counting_key_out) {
  MemoryLimitStore store(256, Duration::zero());
  const LimitCounter c = counter(2);
  EXPECT_TRUE(ask(store, c, "limited", kNow));
  EXPECT_TRUE(ask(store, c, "limited", kNow));
  for (int i = 0; i < 10'000; ++i) ask(store, c, "new " + std::to_string(i), kNow);
  EXPECT_FALSE(ask(store, c, "limited", kNow));
  EXPECT_LE(store.usage().keys, 256U);
  EXPECT_GT(store.usage().overflowed, 0U);
  EXPECT_EQ(store.usage().overflow_in_use, 1U);
}

TEST(MemoryLimitStore, when_full_new_keys_share_one_count_a_counter) {
  MemoryLimitStore store(64, Duration::zero());
  const LimitCounter filler = counter(1, seconds(60), "filler"), a = counter(5, seconds(60), "a"),
                     b = counter(5, seconds(60), "b");
  for (int i = 0; i < 5'000; ++i) ask(store, filler, std::to_string(i), kNow);
  EXPECT_EQ(store.usage().keys, 64U);
  int of_a = 0, of_b = 0;
  for (int i = 0; i < 50; ++i) of_a += ask(store, a, std::to_string(i), kNow) ? 1 : 0;
  for (int i = 0; i < 50; ++i) of_b += ask(store, b, std::to_string(i), kNow) ? 1 : 0;
  EXPECT_EQ(of_a, 5);
  EXPECT_EQ(of_b, 5);
}

TEST(MemoryLimitStore, exact_lists_in_the_overflow_too) {
  MemoryLimitStore store(64, Duration::zero());
  const LimitCounter filler = counter(1, seconds(60), "filler"), a = counter(900, seconds(60), "a"),
                     b = counter(700, seconds(60), "b");
  for (int i = 0; i < 5'000; ++i) ask(store, filler, std::to_string(i), kNow);
  const auto decide = [&](int thread, int i) {
    const std::string key = std::to_string(thread) + "." + std::to_string(i);
    const std::array<LimitAsk, 2> asks{LimitAsk{&a, key, false, false}, LimitAsk{&b, key, false, false}};
    std::array<LimitState, 2> states;
    return store.decide(asks, states, kNow);
  };
  EXPECT_EQ(admitted_by(4, 500, decide), 700);
}

TEST(MemoryLimitStore, the_places_of_expired_keys_are_used_again) {
  MemoryLimitStore store(1 << 12, Duration::zero());
  const LimitCounter c = counter(1);
  TimePoint now = kNow;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(ask(store, c, std::to_string(round) + "." + std::to_string(i), now));
    now += seconds(70);
  }
  EXPECT_EQ(store.usage().overflowed, 0U);
  EXPECT_LE(store.usage().keys, 4'096U);
}

TEST(MemoryLimitStore, few_places_are_taken_for_few_keys) {
  MemoryLimitStore store(1 << 20, Duration::zero());
  const LimitCounter c = counter(1);
  TimePoint now = kNow;
  for (int i = 0; i < 200'000; ++i) {
    ask(store, c, std::to_string(i), now);
    now += std::chrono::milliseconds(10);  // some 6,500 of them count at a time
  }
  EXPECT_LT(store.usage().keys, 20'000U);
}

size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST(MemoryLimitStore, a_million_keys_take_at_most_120_MiB) {
  malloc_trim(0);
  const size_t before = resident_bytes();
  MemoryLimitStore store;
  const LimitCounter c = counter(100, std::chrono::hours(1));
  EXPECT_LT(resident_bytes() - before, 2U << 20) << "it grows as it is used";
  for (int i = 0; i < 1'000'000; ++i) ask(store, c, std::to_string(i), kNow);
  EXPECT_EQ(store.usage().keys, 1'000'000U);
  EXPECT_EQ(store.usage().overflowed, 0U);
  EXPECT_LE(store.usage().bytes, 120U << 20);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  EXPECT_LE(resident_bytes() - before, 120U << 20);
#endif
#else
  EXPECT_LE(resident_bytes() - before, 120U << 20);
#endif
#endif
}

}  // namespace
}  // namespace vg::store
