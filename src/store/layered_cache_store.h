// Cached answers in memory before Redis (`store: both`). Values go to Redis; the memory of the process holds copies of
// what Redis gave. A drop goes to Redis first, whose script tells all processes, and each drops it from its memory; so
// does a value that takes another's place. Copies are tagged with the fields that drops are told by (tag_fields.h).
//
// Memory is only asked while it can't have missed anything: the link that tells is up, this loop's Redis is, and no
// drop of ours is yet to be told. When the link comes up, all copies of before are dropped. A link that hangs is
// noticed within two seconds (RedisSubscriber): for so long at most a copy may be served that another process dropped.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "store/memory_cache_store.h"
#include "store/redis_cache_store.h"
#include "store/redis_hub.h"

namespace vg::store {

/// The memory before one Redis, of the whole process. Thread: any.
class NearCache {
 public:
  /// `memory` may keep other things too: keys and tags of ours can't be theirs. Lifetime: it outlives the use of this.
  NearCache(MemoryCacheStore& memory, std::shared_ptr<RedisHub> hub);
  NearCache(const NearCache&) = delete;

  const std::shared_ptr<RedisHub>& hub() const { return hub_; }
  bool link_up() const { return link_up_.load(std::memory_order_acquire); }
  CacheLookup find(std::string_view key);
  /// Keeps a copy of what Redis gave; `before`: the mark of the find() before it was asked.
  void keep(std::string_view key, const RedisCacheLookup& found, Mark before);
  void forget(std::string_view key);
  void drop(const std::vector<TagField>& fields);

  /// The greatest mark of Redis that any loop saw.
  Mark last_mark() const { return last_mark_.load(std::memory_order_acquire); }
  void saw(Mark mark);

 private:
  void heard(std::string_view message);
  void link_changed(bool up);
  void drop_everything();
  std::string_view own_key(std::string_view key) const;

  MemoryCacheStore& memory_;
  std::shared_ptr<RedisHub> hub_;
  const std::string key_prefix_;  // another one's copies, of another Redis, are none of ours
  std::atomic<bool> link_up_{false};
  std::atomic<Mark> last_mark_{0};
  std::shared_ptr<void> listening_;  // the last: it goes first
};

/// Thread: its loop.
class LayeredCacheStore final : public CacheStore {
 public:
  LayeredCacheStore(std::shared_ptr<RedisCacheStore> redis, std::shared_ptr<NearCache> near)
      : redis_(std::move(redis)), near_(std::move(near)) {}

  // CacheStore. Errors: as RedisCacheStore.
  coro::Task<Result<CacheLookup>> get(std::string_view key, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> put(std::string key, CacheItem item, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> remove(std::string key, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> drop(std::vector<Drop> drops, coro::CancelSource* cancel) override;

 private:
  bool near_is_sure() const { return near_->link_up() && redis_->usable(); }

  std::shared_ptr<RedisCacheStore> redis_;
  std::shared_ptr<NearCache> near_;
};

}  // namespace vg::store
