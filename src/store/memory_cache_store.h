// Cached answers in the memory of this process, shared by all its loops: sharded by key, bounded in bytes. It takes no
// memory until something is kept. Keys are compared as a whole; hashes are seeded anew in each process.
#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "store/cache_shard.h"
#include "store/cache_store.h"

namespace vg::store {

/// Thread: any. Nothing of it suspends or waits for more than a shard's lock; a hit allocates nothing but a pooled
/// coroutine frame, and by find() not even that.
class MemoryCacheStore final : public CacheStore {
 public:
  using Clock = TimePoint (*)();
  /// `capacity_bytes` bounds keys, values, tags and what it costs to keep them. The number of shards is chosen by it,
  /// one for 16 MiB, up to 64, and stays. A value larger than a quarter of a shard is not kept.
  explicit MemoryCacheStore(uint64_t capacity_bytes, Clock clock = &vg::Clock::coarse);
  ~MemoryCacheStore() override;

  // CacheStore. Errors: put(): kTooLarge.
  coro::Task<Result<CacheLookup>> get(std::string_view key, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> put(std::string key, CacheItem item, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> remove(std::string key, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> drop(std::vector<Drop> drops, coro::CancelSource* cancel) override;

  // The same at once.
  CacheLookup find(std::string_view key);
  Result<void> keep(std::string_view key, CacheItem item);
  void forget(std::string_view key);
  void drop_all(std::span<const Drop> drops) { dropped_.drop(drops); }

  uint64_t capacity_bytes() const { return capacity_.load(std::memory_order_relaxed); }
  /// Lets go what is too much, a few at a time.
  void set_capacity(uint64_t bytes);
  size_t largest_value_bytes() const;
  CacheStats stats() const;

 private:
  struct Place {
    CacheShard* shard;
    uint32_t hash;
  };
  Place place_of(std::string_view key);

  const Clock clock_;
  const uint64_t seed_;
  const size_t shard_count_;  // a power of two
  std::atomic<uint64_t> capacity_;
  std::unique_ptr<CacheShard[]> shards_;
  DroppedTags dropped_;
};

}  // namespace vg::store
