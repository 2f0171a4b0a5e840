#include "store/memory_claim_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/loop.h"

namespace vg::store {
namespace {

using std::chrono::hours;

TimePoint now_is;

template <typename T>
T now_done(coro::Task<T> task) {
  std::optional<T> out;
  coro::Scope scope;
  scope.spawn(test::keep_result(std::move(task), &out));
  EXPECT_TRUE(out.has_value());
  return std::move(*out);
}

Blob blob(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

struct MemoryClaims : testing::Test {
  MemoryClaims() { now_is = TimePoint(hours(1)); }
  static constexpr uint64_t kRoom = 100 * (MemoryClaimStore::kEntryBytes + 20);
  MemoryClaimStore store{kRoom, [] { return now_is; }};

  Result<Blob> claim(const std::string& key, Duration ttl = hours(1)) {
    return now_done(store.claim(key, blob("mine"), ttl, nullptr));
  }
  // Until it takes no more. How many it took.
  int fill(const std::string& prefix, Duration ttl = hours(1)) {
    int taken = 0;
    while (taken < 1000 && claim(prefix + std::to_string(taken), ttl).ok()) ++taken;
    return taken;
  }
};

TEST_F(MemoryClaims, a_full_store_refuses_new_claims_and_forgets_none) {
  const int taken = fill("k");
  EXPECT_GT(taken, 90);
  EXPECT_LT(taken, 120);
  EXPECT_LE(store.usage().bytes, kRoom);
  EXPECT_EQ(store.usage().entries, static_cast<uint64_t>(taken));
  const Result<Blob> refused = claim("one-more");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kOverload);
  EXPECT_EQ(store.usage().refused, 2U);
  for (int i = 0; i < taken; ++i) {
    const Result<Blob> stands = claim("k" + std::to_string(i));
    ASSERT_TRUE(stands.ok());
    EXPECT_EQ(**stands, "mine") << i;
  }
}

TEST_F(MemoryClaims, what_has_expired_makes_room_whatever_shard_it_is_in) {
  const int taken = fill("k", hours(1));
  now_is += hours(1);
  EXPECT_GE(fill("n") + 5, taken) << "names are of other lengths";
  EXPECT_LE(store.usage().bytes, kRoom);
}

TEST_F(MemoryClaims, a_full_store_takes_what_is_no_longer_than_the_claim) {
  fill("k");
  const Result<bool> large =
      now_done(store.settle("k0", blob("mine"), blob(std::string(5000, 'a')), hours(1), nullptr));
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().kind, ErrorKind::kOverload);
  EXPECT_EQ(**claim("k0"), "mine") << "it is still claimed";
  EXPECT_TRUE(*now_done(store.settle("k0", blob("mine"), blob("done"), hours(1), nullptr)));
  EXPECT_EQ(**claim("k0"), "done");
  EXPECT_LE(store.usage().bytes, kRoom);
}

TEST_F(MemoryClaims, what_is_released_or_expired_gives_its_bytes_back) {
  for (int round = 0; round < 50; ++round) {
    fill("k");
    for (int i = 0; i < 200; ++i)
      static_cast<void>(now_done(store.release("k" + std::to_string(i), blob("mine"), nullptr)));
    ASSERT_EQ(store.usage().bytes, 0U);
    ASSERT_EQ(store.usage().entries, 0U);
  }
}

TEST_F(MemoryClaims, a_smaller_bound_takes_nothing_away) {
  const int taken = fill("k");
  store.set_most_bytes(1);
  EXPECT_FALSE(claim("new").ok());
  EXPECT_EQ(store.usage().entries, static_cast<uint64_t>(taken));
  store.set_most_bytes(2 * kRoom);
  EXPECT_TRUE(claim("new").ok());
}

TEST(MemoryClaimStore, of_many_threads_one_claims_each_key) {
  MemoryClaimStore store;
  std::atomic<int> claimed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const Blob mine = blob(std::to_string(t));
        const std::string key = "k" + std::to_string(i);
        const Result<Blob> stands = now_done(store.claim(key, mine, hours(1), nullptr));
        if (stands.ok() && !*stands) {
          ++claimed;
          EXPECT_TRUE(*now_done(store.settle(key, mine, blob("done"), hours(1), nullptr)));
        }
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(claimed, 500);
  EXPECT_EQ(store.usage().entries, 500U);
}

}  // namespace
}  // namespace vg::store
