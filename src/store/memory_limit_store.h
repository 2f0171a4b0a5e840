// Rate limits in memory, of the whole process: shared by all workers and kept over reloads. A shard is a lock, a part
// of the table, and blocks of places that are taken when they are needed and used again when what stood there has
// expired: whoever brings a new key looks over a few of them, so nobody ever sweeps. A key that counts is never put out
// for a new one: where no place is left, new keys share one count a counter, the overflow.
// Thread: any.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "store/limit_count.h"

namespace vg::store {

class MemoryLimitStore final : public LimitStore {
 public:
  static constexpr size_t kMostKeys = 1 << 20;

  /// `most_keys` is rounded up to a power of two, at least one a shard. `to_unix`: what is to be added to a TimePoint
  /// for the time since 1970; fixed windows begin by it.
  explicit MemoryLimitStore(size_t most_keys = kMostKeys, Duration to_unix = steady_to_unix());
  ~MemoryLimitStore() override;
  MemoryLimitStore(const MemoryLimitStore&) = delete;

  /// As admit(), at once.
  bool decide(std::span<const LimitAsk> asks, std::span<LimitState> states, TimePoint now);
  coro::Task<Result<bool>> admit(std::span<const LimitAsk> asks, std::span<LimitState> states, TimePoint now,
                                 coro::CancelSource* cancel) override;

  struct Usage {
    size_t keys = 0;             ///< that have a place, those included that have expired and were not replaced yet
    size_t most_keys = 0;        ///< places
    uint64_t overflowed = 0;     ///< decisions that were counted in an overflow
    size_t overflow_in_use = 0;  ///< counters whose overflow has been used
    size_t bytes = 0;            ///< memory that is taken
  };
  Usage usage() const;

  static Duration steady_to_unix();

 private:
  struct Place;
  struct Shard;
  struct Found;
  class Locks;

  Place* place_of(Shard& shard, uint32_t head, const Hash128& hash, uint32_t now_s);
  Place* new_place(Shard& shard, uint32_t now_s);
  void reclaim(Shard& shard, size_t looks, uint32_t now_s);
  void unlink(Shard& shard, uint32_t index);
  Place& overflow_of(const LimitCounter& counter);

  const Duration to_unix_;
  uint32_t head_mask_;
  unsigned shard_shift_;    // of the number of a head, for the shard that it is of
  uint32_t most_of_shard_;  // places
  uint32_t* heads_;  // of all shards; the number of a place, 0: none. Zeros of the system, taken as they are used
  std::unique_ptr<Shard[]> shards_;  // the last one is the overflow
  std::atomic<uint64_t> overflowed_{0};
};

}  // namespace vg::store
