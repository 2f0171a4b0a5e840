// Claims in the memory of this process, shared by all its loops and kept over reloads: sharded by key, bounded in
// bytes. Nothing leaves before its time is over, since what left would be done a second time: a store that is full
// takes no new claim. Expired ones are thrown away by those who come, a few at a time, so nobody ever sweeps. Thread:
// any. Nothing of it suspends or waits for more than a shard's lock.
#pragma once
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "store/claim_store.h"

namespace vg::store {

class MemoryClaimStore final : public ClaimStore {
 public:
  static constexpr uint64_t kMostBytes = uint64_t{64} << 20;
  /// What one costs beside its key and value.
  static constexpr size_t kEntryBytes = 256;
  using Clock = TimePoint (*)();

  /// `most_bytes` bounds keys, values and what it costs to keep them.
  explicit MemoryClaimStore(uint64_t most_bytes = kMostBytes, Clock clock = &vg::Clock::now)
      : clock_(clock), most_bytes_(most_bytes) {}
  MemoryClaimStore(const MemoryClaimStore&) = delete;

  coro::Task<Result<Blob>> claim(std::string key, Blob value, Duration ttl, coro::CancelSource* cancel) override;
  coro::Task<Result<bool>> settle(std::string key, Blob mine, Blob value, Duration ttl,
                                  coro::CancelSource* cancel) override;
  coro::Task<Result<bool>> release(std::string key, Blob mine, coro::CancelSource* cancel) override;

  /// What is there stays, whatever the new bound.
  void set_most_bytes(uint64_t bytes) { most_bytes_.store(bytes, std::memory_order_relaxed); }

  struct Usage {
    uint64_t entries = 0;  ///< those included that have expired and are still there
    uint64_t bytes = 0;
    uint64_t most_bytes = 0;
    uint64_t refused = 0;  ///< for lack of room
  };
  Usage usage() const;

 private:
  static constexpr size_t kShards = 32;
  struct Entry;
  using Entries = std::unordered_map<std::string, Entry>;
  /// Views the keys of the entries.
  using Expiries = std::multimap<TimePoint, const std::string*>;
  struct Entry {
    Blob value;
    Expiries::iterator expiry;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    Entries entries;
    Expiries expiries;
  };

  static size_t size_of(const std::string& key, const Blob& value) { return key.size() + value->size() + kEntryBytes; }
  Shard& shard_of(const std::string& key) { return shards_[std::hash<std::string>()(key) % kShards]; }
  Result<Blob> claim_now(std::string key, Blob value, Duration ttl);
  Result<bool> settle_now(std::string key, const Blob& mine, Blob value, Duration ttl);
  bool release_now(const std::string& key, const Blob& mine);
  bool take_room(uint64_t bytes);
  bool make_room(uint64_t bytes);
  void put(Shard& shard, std::string key, Blob value, TimePoint until);
  void erase(Shard& shard, Entries::iterator at);
  void erase_expired(Shard& shard, TimePoint now, size_t most);

  const Clock clock_;
  std::atomic<uint64_t> most_bytes_, bytes_{0}, entries_{0}, refused_{0};
  std::array<Shard, kShards> shards_;
};

}  // namespace vg::store
