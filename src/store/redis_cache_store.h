// Cached answers in Redis, shared by all processes that have the same url and prefix. One of these a loop, over its
// client; how it is kept stands in redis_cache_scripts.h. Whatever is dropped or replaced is told on the channel kNews.
//
// A drop that Redis could not be told of is remembered (MissedDrops, of the whole process): until it was made up for,
// which is tried whenever this store is used, get() and put() end with an Error. So what was dropped is never served by
// this process; another one may serve it until this one reaches Redis again, or until the value's time is over.
// Thread: its loop.
#pragma once
#include <memory>
#include <string>

#include "store/cache_store.h"
#include "store/redis.h"
#include "store/redis_hub.h"

namespace vg::store {

/// A value as Redis gives it.
struct RedisCacheLookup {
  CacheLookup found;
  std::vector<TagField> fields;  ///< what it depends on
  Duration ttl{};                ///< what is left of it
};

class RedisCacheStore final : public CacheStore {
 public:
  /// The channel of RedisNews on which drops are told: fields of 8 bytes each, none for everything.
  static constexpr std::string_view kNews = "cache";
  /// What a value may depend on: a tag counts itself, and each tag that it is below.
  static constexpr size_t kMostFields = 4000;
  /// Fields of a generation of drops.
  static constexpr size_t kMostDrops = 100'000;

  /// `hub`: the one of `redis`.
  RedisCacheStore(std::shared_ptr<Redis> redis, std::shared_ptr<RedisHub> hub, size_t most_drops = kMostDrops);

  // CacheStore. Errors: as Redis::command(), and kTooLarge for a value that depends on too much, kConnect while missed
  // drops are being made up for.
  coro::Task<Result<CacheLookup>> get(std::string_view key, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> put(std::string key, CacheItem item, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> remove(std::string key, coro::CancelSource* cancel) override;
  coro::Task<Result<void>> drop(std::vector<Drop> drops, coro::CancelSource* cancel) override;

  /// get() with what else is known.
  coro::Task<Result<RedisCacheLookup>> look_up(std::string_view key, coro::CancelSource* cancel);
  /// Tells what was missed, if anything was: so that other processes learn of it before this one is used again.
  static coro::Task<void> make_up(std::shared_ptr<RedisCacheStore> self, coro::CancelSource* cancel);
  /// It can be asked: Redis answers, and no drop was missed.
  bool usable() const { return redis_->up() && !missed_.any(); }
  /// The greatest mark that was seen. What it was at some time may stand for the mark of a get() at that time.
  Mark last_mark() const { return last_mark_; }

 private:
  coro::Task<Result<void>> catch_up(coro::CancelSource* cancel);
  coro::Task<Result<void>> send_drop(std::string fields, coro::CancelSource* cancel);
  std::string value_key(std::string_view key) const { return value_prefix_ + std::string(key); }
  Result<void> saw(const Reply& mark);

  std::shared_ptr<Redis> redis_;
  std::shared_ptr<RedisHub> hub_;
  MissedDrops& missed_;  // of hub_
  const std::string value_prefix_, drops_key_, older_key_, channel_, most_drops_;
  Mark last_mark_ = 0;
};

}  // namespace vg::store
