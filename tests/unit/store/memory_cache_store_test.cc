// The memory cache beyond its contract (tests/contract): what it keeps and lets go, what it costs, many threads.
#include "store/memory_cache_store.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <random>
#include <thread>

#include "unit/store/cache_trace.h"

namespace vg::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::atomic<int64_t> test_time{0};
TimePoint test_now() { return TimePoint(seconds(1000) + Duration(test_time.load())); }

CacheItem item(std::string value, std::vector<std::string> tags = {}, Duration ttl = hours(1), Mark since = 0) {
  CacheItem out;
  out.value = std::make_shared<const std::string>(std::move(value));
  out.tags = std::move(tags);
  out.ttl = ttl;
  out.since = since;
  return out;
}

std::string key_of(size_t i) { return "GET http://api.example.com/articles/" + std::to_string(i); }

TEST(MemoryCache, StaysWithinItsBytes) {
  MemoryCacheStore store(4 << 20);
  for (size_t i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(store.keep(key_of(i), item(std::string(i % 3000, 'x'))).ok());
    ASSERT_LE(store.stats().bytes, uint64_t{4 << 20});
  }
  const CacheStats s = store.stats();
  EXPECT_GT(s.bytes, uint64_t{4 << 20} * 9 / 10);
  EXPECT_EQ(s.entries + s.evictions, 20'000u);
}

TEST(MemoryCache, TakesNoMemoryUntilSomethingIsKept) {
  const size_t before = mallinfo2().uordblks;
  MemoryCacheStore store(uint64_t{1} << 40);
  EXPECT_FALSE(store.find("a").value);
  EXPECT_LT(mallinfo2().uordblks - before, 128u << 10);
}

TEST(MemoryCache, AValueTooLargeIsRefusedAndTakesTheOldOneAway) {
  MemoryCacheStore store(1 << 20);
  EXPECT_EQ(store.largest_value_bytes(), 256u << 10);
  ASSERT_TRUE(store.keep("a", item("old")).ok());
  const Result<void> kept = store.keep("a", item(std::string(300 << 10, 'x')));
  ASSERT_FALSE(kept.ok());
  EXPECT_EQ(kept.error().kind, ErrorKind::kTooLarge);
  EXPECT_FALSE(store.find("a").value);
}

TEST(MemoryCache, ALargeNewcomerIsKeptWhenSmallOnesCanGo) {
  MemoryCacheStore store(1 << 20);
  for (size_t i = 0; i < 2000; ++i) ASSERT_TRUE(store.keep(key_of(i), item(std::string(1000, 'x'))).ok());
  ASSERT_TRUE(store.keep("big", item(std::string(250 << 10, 'x'))).ok());
  EXPECT_TRUE(store.find("big").value);
  EXPECT_LE(store.stats().bytes, uint64_t{1 << 20});
}

TEST(MemoryCache, AStringWithMuchRoomIsKeptWithout) {
  MemoryCacheStore store(4 << 20);
  std::string loose(1000, 'x');
  loose.reserve(100'000);
  ASSERT_TRUE(store.keep("a", item(std::move(loose))).ok());
  EXPECT_LT(store.stats().bytes, 1500u);
  EXPECT_EQ(store.find("a").value->size(), 1000u);
}

TEST(MemoryCache, ExpiryIsSeenWhenItIsAskedFor) {
  test_time = 0;
  MemoryCacheStore store(4 << 20, &test_now);
  ASSERT_TRUE(store.keep("a", item("x", {}, seconds(5))).ok());
  test_time = Duration(milliseconds(4999)).count();
  EXPECT_TRUE(store.find("a").value);
  test_time = Duration(seconds(5)).count();
  EXPECT_FALSE(store.find("a").value);
  EXPECT_EQ(store.stats().entries, 0u);
  EXPECT_EQ(store.stats().expired, 1u);
}

TEST(MemoryCache, ExpiredOnesGoBeforeTheyAreSpared) {
  test_time = 0;
  MemoryCacheStore store(1 << 20, &test_now);
  for (size_t i = 0; i < 800; ++i) {
    ASSERT_TRUE(store.keep(key_of(i), item(std::string(1000, 'x'), {}, seconds(5))).ok());
    for (int use = 0; use < 3; ++use) (void)store.find(key_of(i));
  }
  test_time = Duration(seconds(6)).count();
  for (size_t i = 1000; i < 1800; ++i) {
    ASSERT_TRUE(store.keep(key_of(i), item(std::string(1000, 'x'))).ok());
    (void)store.find(key_of(i));
  }
  size_t kept = 0;
  for (size_t i = 1000; i < 1800; ++i) kept += store.find(key_of(i)).value ? 1 : 0;
  EXPECT_GT(kept, 780u);
}

TEST(MemoryCache, ATtlOfCenturiesDoesNotComeRound) {
  MemoryCacheStore store(4 << 20);
  ASSERT_TRUE(store.keep("a", item("x", {}, Duration::max())).ok());
  EXPECT_TRUE(store.find("a").value);
}

TEST(MemoryCache, ASmallerCapacityLetsGo) {
  MemoryCacheStore store(64 << 20);
  for (size_t i = 0; i < 20'000; ++i) ASSERT_TRUE(store.keep(key_of(i), item(std::string(1000, 'x'))).ok());
  store.set_capacity(8 << 20);
  EXPECT_LE(store.stats().bytes, uint64_t{8 << 20});
  EXPECT_GT(store.stats().bytes, uint64_t{7 << 20});
  store.set_capacity(0);
  EXPECT_EQ(store.stats().bytes, 0u);
  store.set_capacity(64 << 20);
  ASSERT_TRUE(store.keep("a", item("x")).ok());
  EXPECT_TRUE(store.find("a").value);
}

TEST(MemoryCache, KeysThatDifferAnywhereDiffer) {
  MemoryCacheStore store(64 << 20);
  for (size_t i = 0; i < 30'000; ++i) ASSERT_TRUE(store.keep(key_of(i), item(std::to_string(i))).ok());
  for (size_t i = 0; i < 30'000; ++i) {
    const Blob found = store.find(key_of(i)).value;
    ASSERT_TRUE(found) << i;
    ASSERT_EQ(*found, std::to_string(i));
  }
}

TEST(MemoryCache, CountsWhatHappened) {
  MemoryCacheStore store(4 << 20);
  (void)store.find("a");
  ASSERT_TRUE(store.keep("a", item("x", {"t"})).ok());
  (void)store.find("a");
  store.drop_all(std::vector<Drop>{Drop("t", false)});
  (void)store.find("a");
  const CacheStats s = store.stats();
  EXPECT_EQ(s.hits, 1u);
  EXPECT_EQ(s.misses, 2u);
  EXPECT_EQ(s.dropped, 1u);
  EXPECT_EQ(s.entries, 0u);
  EXPECT_EQ(s.bytes, 0u);
}

#ifndef VG_SANITIZED
// Of answers of 1 KiB, with keys and tags as they are in life: over their own bytes at most a quarter.
TEST(MemoryCache, CostsAtMostAQuarterOverItsBytes) {
  constexpr size_t kCount = 100'000;
  constexpr size_t kBytes = 1024;
  MemoryCacheStore store(uint64_t{1} << 30);
  size_t own = 0;
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (size_t i = 0; i < kCount; ++i) {
    const std::string key = key_of(i);
    own += key.size() + kBytes;
    const std::vector<std::string> tags = {"catalog/articles/" + std::to_string(i),
                                           "path:/articles/" + std::to_string(i)};
    ASSERT_TRUE(store.keep(key, item(std::string(kBytes, 'x'), tags)).ok());
  }
  const size_t taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
  ASSERT_EQ(store.stats().entries, kCount);
  RecordProperty("percent", std::to_string(100.0 * static_cast<double>(taken) / static_cast<double>(own) - 100));
  EXPECT_LT(taken, own + own / 4);
  // What it says of itself is what it takes.
  EXPECT_NEAR(static_cast<double>(store.stats().bytes), static_cast<double>(taken), static_cast<double>(taken) / 20);
}
#endif

double hit_ratio(const std::vector<uint32_t>& trace, size_t value_bytes, size_t capacity) {
  MemoryCacheStore store(capacity);
  size_t hits = 0;
  for (const uint32_t k : trace) {
    const std::string key = key_of(k);
    if (store.find(key).value) {
      ++hits;
    } else {
      EXPECT_TRUE(store.keep(key, item(std::string(value_bytes, 'x'))).ok());
    }
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

// How many entries of that size fit, so that LRU is given as much.
size_t entries_that_fit(size_t value_bytes, size_t capacity) {
  MemoryCacheStore store(capacity);
  for (size_t i = 0; i < 100; ++i)
    EXPECT_TRUE(store.keep(key_of(100'000 + i), item(std::string(value_bytes, 'x'))).ok());
  return capacity / (store.stats().bytes / 100);
}

TEST(MemoryCache, KeepsWhatIsAskedForThroughScans) {
  constexpr size_t kKeys = 20'000;
  constexpr size_t kValue = 700;
  const std::vector<uint32_t> trace = test::zipf_with_scans(kKeys, 400'000);
  const size_t capacity = (1 << 20) / entries_that_fit(kValue, 1 << 20) * kKeys / 10;
  const double ours = hit_ratio(trace, kValue, capacity);
  const double lru = test::lru_hit_ratio(trace, entries_that_fit(kValue, capacity));
  RecordProperty("ours", std::to_string(ours));
  RecordProperty("lru", std::to_string(lru));
  EXPECT_GE(ours, lru + 0.05) << ours << " " << lru;
}

TEST(MemoryCache, IsAsGoodAsLruWithoutScans) {
  constexpr size_t kKeys = 20'000;
  const std::vector<uint32_t> trace = test::zipf(kKeys, 300'000);
  const size_t capacity = (1 << 20) / entries_that_fit(700, 1 << 20) * kKeys / 10;
  EXPECT_GE(hit_ratio(trace, 700, capacity), test::lru_hit_ratio(trace, entries_that_fit(700, capacity)));
}

// For ThreadSanitizer above all: every operation beside every other, and no value is ever found at another's key.
TEST(MemoryCache, ServesManyThreads) {
  MemoryCacheStore store(2 << 20);
  std::atomic<bool> wrong{false};
  const auto work = [&](unsigned seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i < 8000; ++i) {
      const size_t k = random() % 3000;
      const std::string key = key_of(k);
      const CacheLookup found = store.find(key);
      if (found.value && found.value->substr(0, key.size()) != key) wrong = true;
      if (!found.value) {
        auto kept = item(key + std::string(500 + k, '.'), {"t/" + std::to_string(k)}, hours(1), found.mark);
        if (!store.keep(key, std::move(kept)).ok()) wrong = true;
      }
      if (i % 50 == 0) store.drop_all(std::vector<Drop>{Drop("t/" + std::to_string(k), i % 100 == 0)});
      if (i % 97 == 0) store.forget(key);
      if (i % 500 == 0) store.set_capacity((1 << 20) + (random() % 4) * (512 << 10));
      if (i % 300 == 0) (void)store.stats();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = 1; t <= 4; ++t) threads.emplace_back(work, t);
  for (std::thread& t : threads) t.join();
  EXPECT_FALSE(wrong);
}

// Who asks after a write has dropped its tag sees what was written, or something newer, whatever others do meanwhile.
TEST(MemoryCache, ADropIsSeenByAllWhoAskAfterIt) {
  MemoryCacheStore store(8 << 20);
  std::atomic<uint64_t> origin{0};   // what is written there
  std::atomic<uint64_t> dropped{0};  // the last write whose drop has returned
  std::atomic<bool> stop{false}, wrong{false};
  const auto serve = [&] {
    while (!stop) {
      const uint64_t known = dropped.load();
      const CacheLookup found = store.find("k");
      if (found.value && std::stoull(*found.value) < known) wrong = true;
      if (found.value) continue;
      const uint64_t fetched = origin.load();
      (void)store.keep("k", item(std::to_string(fetched), {"a/b"}, hours(1), found.mark));
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) threads.emplace_back(serve);
  for (uint64_t i = 1; i <= 3000; ++i) {
    origin = i;
    store.drop_all(std::vector<Drop>{Drop("a", true)});
    dropped = i;
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace vg::store
