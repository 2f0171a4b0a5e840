#include "store/memory_cache_store.h"

#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace vg::store {
namespace {

constexpr uint64_t kShardBytes = 16 << 20;
constexpr uint64_t kMostShards = 64;
constexpr uint64_t kLargestShare = 4;  // a value may take one part in so many of its shard
constexpr uint64_t kLargestBytes = uint64_t{1} << 30;

uint64_t random_seed() {
  uint64_t seed = 0;
  if (getentropy(&seed, sizeof seed) != 0) seed = static_cast<uint64_t>(time(nullptr));
  return seed;
}

size_t shards_for(uint64_t capacity_bytes) {
  return std::bit_floor(std::clamp<uint64_t>(capacity_bytes / kShardBytes, 1, kMostShards));
}

}  // namespace

MemoryCacheStore::MemoryCacheStore(uint64_t capacity_bytes, Clock clock)
    : clock_(clock),
      seed_(random_seed()),
      shard_count_(shards_for(capacity_bytes)),
      capacity_(capacity_bytes),
      shards_(std::make_unique<CacheShard[]>(shard_count_)),
      dropped_(random_seed()) {
  set_capacity(capacity_bytes);
}

MemoryCacheStore::~MemoryCacheStore() = default;

MemoryCacheStore::Place MemoryCacheStore::place_of(std::string_view key) {
  const uint64_t hash = XXH3_64bits_withSeed(key.data(), key.size(), seed_);
  return {&shards_[(hash >> 32) & (shard_count_ - 1)], static_cast<uint32_t>(hash)};
}

CacheLookup MemoryCacheStore::find(std::string_view key) {
  const Place at = place_of(key);
  CacheLookup out;
  out.mark = dropped_.now();
  out.value = at.shard->get(key, at.hash, clock_(), out.mark, dropped_);
  return out;
}

size_t MemoryCacheStore::largest_value_bytes() const {
  return static_cast<size_t>(std::min(capacity_bytes() / shard_count_ / kLargestShare, kLargestBytes));
}

Result<void> MemoryCacheStore::keep(std::string_view key, CacheItem item) {
  if (item.value == nullptr || item.ttl <= Duration(0)) {
    forget(key);
    return {};
  }
  if (item.value->size() + key.size() > largest_value_bytes()) {
    forget(key);  // what is there is older than what is not kept
    return Error(ErrorKind::kTooLarge, "an answer is larger than the cache takes");
  }
  // The mark is read first: a drop from now on is seen when it is asked for.
  const Mark mark = dropped_.now();
  for (const std::string& tag : item.tags) {
    if (item.since != mark && dropped_.is_dropped(tag, item.since)) return {};
  }
  const TimePoint now = clock_();
  // A ttl of centuries must not come round.
  const TimePoint expires = now + std::min<Duration>(item.ttl, std::chrono::hours(24 * 365 * 100));
  const Place at = place_of(key);
  at.shard->put(CacheEntry::make(key, at.hash, std::move(item), expires, mark), now);
  return {};
}

void MemoryCacheStore::forget(std::string_view key) {
  const Place at = place_of(key);
  at.shard->remove(key, at.hash);
}

void MemoryCacheStore::set_capacity(uint64_t bytes) {
  capacity_.store(bytes, std::memory_order_relaxed);
  const TimePoint now = clock_();
  for (size_t i = 0; i < shard_count_; ++i) {
    while (!shards_[i].set_room(static_cast<size_t>(bytes / shard_count_), now)) continue;
  }
}

CacheStats MemoryCacheStore::stats() const {
  CacheStats out;
  for (size_t i = 0; i < shard_count_; ++i) shards_[i].add_stats(out);
  return out;
}

coro::Task<Result<CacheLookup>> MemoryCacheStore::get(std::string_view key, coro::CancelSource*) {
  co_return find(key);
}

coro::Task<Result<void>> MemoryCacheStore::put(std::string key, CacheItem item, coro::CancelSource*) {
  co_return keep(key, std::move(item));
}

coro::Task<Result<void>> MemoryCacheStore::remove(std::string key, coro::CancelSource*) {
  forget(key);
  co_return Result<void>();
}

coro::Task<Result<void>> MemoryCacheStore::drop(std::vector<Drop> drops, coro::CancelSource*) {
  drop_all(drops);
  co_return Result<void>();
}

}  // namespace vg::store
