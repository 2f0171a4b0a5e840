// Which tags were dropped, and when, in bounded memory and without a lock for those who ask. Tags are remembered as
// 64-bit hashes with a seed of the process: two that collide drop a value too many, never one too few. The last 32,768
// are remembered at least; those before are folded into a floor: values of which nobody asked since then are dropped
// with them.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "store/cache_store.h"

namespace vg::store {

/// Thread: any. Drops go one after another.
class DroppedTags {
 public:
  /// `slots`: a power of two; half of them are used.
  explicit DroppedTags(uint64_t seed, size_t slots = size_t{1} << 16) : seed_(seed), slots_(slots) {}
  DroppedTags(const DroppedTags&) = delete;

  /// Counts the drops so far: one that returns later has a greater mark.
  Mark now() const { return now_.load(std::memory_order_acquire); }
  /// The tags count as dropped once now() is greater than before.
  void drop(std::span<const Drop> drops);
  /// True if what has `tag` and was fine at `since` was dropped after it, or may have been.
  bool is_dropped(std::string_view tag, Mark since) const;

 private:
  struct Slot {
    std::atomic<uint64_t> hash{0};  // 0: free
    std::atomic<Mark> mark{0};
  };
  // Two generations: when the current one is half full, the other is emptied and becomes the current one.
  struct Generation {
    std::atomic<Slot*> slots{nullptr};
    std::unique_ptr<Slot[]> owned;
    size_t used = 0;
    Mark newest = 0;
  };
  uint64_t hash(std::string_view text, bool below) const;
  Mark dropped_at(uint64_t hash) const;
  void insert(uint64_t hash, Mark mark);
  void next_generation();
  static Slot& slot_of(Slot* slots, size_t count, uint64_t hash);

  const uint64_t seed_;
  const size_t slots_;
  std::atomic<Mark> now_{0};
  std::atomic<Mark> floor_{0};
  std::array<Generation, 2> generations_;
  size_t current_ = 0;
  std::mutex mutex_;  // of those who drop
};

}  // namespace vg::store
