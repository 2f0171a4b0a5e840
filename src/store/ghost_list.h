// The keys that left a cache not long ago, by hash, in the order that they left: who comes back is worth keeping. A
// table of four-way buckets in which the oldest gives way; it forgets now and then, which costs a hit, not correctness.
// Thread: one at a time.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vg::store {

class GhostList {
 public:
  /// Remembers `hash`. `room`: how many are to be remembered at least.
  void add(uint32_t hash, size_t room) {
    if (room > buckets_.size() * kWays) grow(room);
    insert(hash, ++clock_);
  }
  /// True if it is one of the last `room` that came; it is forgotten then.
  bool take(uint32_t hash, size_t room) {
    if (buckets_.empty()) return false;
    for (Ghost& g : bucket(hash)) {
      if (g.time == 0 || g.hash != hash) continue;
      const bool recent = clock_ - g.time < room;
      g = Ghost();
      return recent;
    }
    return false;
  }

 private:
  static constexpr size_t kWays = 4;
  struct Ghost {
    uint32_t hash = 0;
    uint32_t time = 0;  // 0: none. A clock that comes round mistakes an old one for a new one, no more.
  };
  using Bucket = std::array<Ghost, kWays>;

  Bucket& bucket(uint32_t hash) {
    return buckets_[(uint64_t{hash} * buckets_.size()) >> 32];  // the high bits: the index of the cache takes the low
  }
  void insert(uint32_t hash, uint32_t time) {
    Bucket& b = bucket(hash);
    Ghost* oldest = b.data();
    for (Ghost& g : b) {
      if (g.time < oldest->time) oldest = &g;
    }
    *oldest = {hash, time};
  }
  void grow(size_t room) {
    size_t count = buckets_.empty() ? 16 : buckets_.size();
    while (count * kWays < room) count *= 2;
    std::vector<Bucket> old(count);
    old.swap(buckets_);
    for (const Bucket& b : old) {
      for (const Ghost& g : b) {
        if (g.time != 0) insert(g.hash, g.time);
      }
    }
  }

  std::vector<Bucket> buckets_;
  uint32_t clock_ = 0;
};

}  // namespace vg::store
