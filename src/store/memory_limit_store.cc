#include "store/memory_limit_store.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <new>

namespace vg::store {

namespace {

constexpr uint32_t kShardBits = 6;
constexpr uint32_t kShards = 1U << kShardBits;
constexpr uint32_t kBlock = 64;  // places that are taken at a time
constexpr size_t kLooks = 4;     // at places that may have expired, for each new key
constexpr size_t kLooksWhenFull = 64;
constexpr uint32_t kFree = UINT32_MAX;  // a place's expiry: nothing stands there

// Held for some tens of nanoseconds, and never over anything that waits: who finds it taken is better off looking again
// than asleep. Who waits for long waits for a thread that is not running, and lets it run.
class SpinLock {
 public:
  void lock() {
    for (unsigned turn = 1; taken_.exchange(true, std::memory_order_acquire); ++turn) {
      while (taken_.load(std::memory_order_relaxed)) {
        if (++turn % 64 == 0) {
          sched_yield();
        } else {
          relax();
        }
      }
    }
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  std::atomic<bool> taken_{false};
};

// Expiry is kept in seconds since 1970, rounded up.
uint32_t seconds(int64_t us) { return static_cast<uint32_t>(us / 1'000'000 + 1); }
int64_t to_us(Duration d) { return std::chrono::duration_cast<std::chrono::microseconds>(d).count(); }

}  // namespace

struct MemoryLimitStore::Place {
  Hash128 hash;
  uint32_t next = 0;  // of the same head, or of the free ones
  uint32_t expires = kFree;
  LimitCount count;
};

struct alignas(64) MemoryLimitStore::Shard {
  SpinLock lock;
  uint32_t used = 0;  // places that were ever taken
  uint32_t free = 0;  // the first of those that are free again
  uint32_t hand = 0;  // where the search for expired ones goes on
  std::atomic<uint32_t> keys{0};
  std::vector<std::unique_ptr<Place[]>> blocks;
  std::map<std::string, Place, std::less<>> overflow;  // of the last shard, by counters

  Place& at(uint32_t index) { return blocks[(index - 1) / kBlock][(index - 1) % kBlock]; }
};

// Where an ask is counted.
struct MemoryLimitStore::Found {
  uint32_t head = 0, shard = 0;
  Hash128 hash;
  Place* place = nullptr;
};

// Holds the locks of a decision's shards, taken in their order.
class MemoryLimitStore::Locks {
 public:
  Locks(MemoryLimitStore& store, std::span<const Found> found) : store_(store) {
    for (const Found& f : found) {
      const auto end = shards_.begin() + static_cast<ptrdiff_t>(count_);
      const auto at = std::lower_bound(shards_.begin(), end, f.shard);
      if (at != end && *at == f.shard) continue;
      std::copy_backward(at, end, end + 1);
      *at = f.shard;
      ++count_;
    }
    for (size_t i = 0; i < count_; ++i) store_.shards_[shards_[i]].lock.lock();
  }
  Locks(const Locks&) = delete;
  ~Locks() {
    for (size_t i = 0; i < count_; ++i) store_.shards_[shards_[i]].lock.unlock();
  }
  /// That of the overflow, which comes last.
  void add_overflow() {
    if (count_ > 0 && shards_[count_ - 1] == kShards) return;
    shards_[count_++] = kShards;
    store_.shards_[kShards].lock.lock();
  }

 private:
  MemoryLimitStore& store_;
  std::array<uint32_t, kMostAsks + 1> shards_;
  size_t count_ = 0;
};

Duration MemoryLimitStore::steady_to_unix() {
  return std::chrono::duration_cast<Duration>(Clock::wall().time_since_epoch()) -
         std::chrono::duration_cast<Duration>(Clock::now().time_since_epoch());
}

MemoryLimitStore::MemoryLimitStore(size_t most_keys, Duration to_unix)
    : to_unix_(to_unix), shards_(std::make_unique<Shard[]>(kShards + 1)) {
  const auto heads = static_cast<uint32_t>(std::bit_ceil(std::max<size_t>(most_keys, kShards)));
  head_mask_ = heads - 1;
  shard_shift_ = static_cast<unsigned>(std::countr_zero(heads)) - kShardBits;
  most_of_shard_ = heads / kShards;
  // Of the system: zeros that take no memory until they are touched.
  void* const mapped =
      mmap(nullptr, heads * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  heads_ = static_cast<uint32_t*>(mapped);
}

MemoryLimitStore::~MemoryLimitStore() { munmap(heads_, (size_t{head_mask_} + 1) * sizeof(uint32_t)); }

// A free place, with a count of zero; nullptr: there is none.
MemoryLimitStore::Place* MemoryLimitStore::new_place(Shard& shard, uint32_t now_s) {
  const bool full = shard.free == 0 && shard.used == most_of_shard_;
  reclaim(shard, full ? kLooksWhenFull : kLooks, now_s);
  uint32_t index = shard.free;
  if (index != 0) {
    shard.free = shard.at(index).next;
    shard.at(index) = Place();
  } else if (shard.used < most_of_shard_) {
    if (shard.used % kBlock == 0)
      shard.blocks.push_back(std::make_unique<Place[]>(std::min(kBlock, most_of_shard_ - shard.used)));
    index = ++shard.used;
  } else {
    return nullptr;
  }
  shard.at(index).next = index;  // its own number, until it is linked
  return &shard.at(index);
}

void MemoryLimitStore::reclaim(Shard& shard, size_t looks, uint32_t now_s) {
  for (size_t i = 0; i < std::min<size_t>(looks, shard.used); ++i) {
    shard.hand = shard.hand % shard.used + 1;
    Place& place = shard.at(shard.hand);
    if (place.expires == kFree || place.expires > now_s) continue;
    unlink(shard, shard.hand);
    place.expires = kFree;
    place.next = shard.free;
    shard.free = shard.hand;
    shard.keys.fetch_sub(1, std::memory_order_relaxed);
  }
}

void MemoryLimitStore::unlink(Shard& shard, uint32_t index) {
  Place& place = shard.at(index);
  uint32_t* link = &heads_[place.hash.low & head_mask_];
  while (*link != index) link = &shard.at(*link).next;
  *link = place.next;
}

MemoryLimitStore::Place* MemoryLimitStore::place_of(Shard& shard, uint32_t head, const Hash128& hash, uint32_t now_s) {
  for (uint32_t i = heads_[head]; i != 0;) {
    Place& place = shard.at(i);
    if (place.hash == hash) {
      // Another key of the same decision may look for expired places.
      place.expires = std::max(place.expires, now_s + 1);
      return &place;
    }
    i = place.next;
  }
  Place* place = new_place(shard, now_s);
  if (place == nullptr) return nullptr;
  const uint32_t index = std::exchange(place->next, heads_[head]);
  heads_[head] = index;
  place->hash = hash;
  place->expires = now_s + 1;
  shard.keys.fetch_add(1, std::memory_order_relaxed);
  return place;
}

MemoryLimitStore::Place& MemoryLimitStore::overflow_of(const LimitCounter& counter) {
  overflowed_.fetch_add(1, std::memory_order_relaxed);
  Shard& shard = shards_[kShards];
  const auto found = shard.overflow.find(counter.id());
  if (found != shard.overflow.end()) return found->second;
  shard.keys.fetch_add(1, std::memory_order_relaxed);
  return shard.overflow[counter.id()];
}

bool MemoryLimitStore::decide(std::span<const LimitAsk> asks, std::span<LimitState> states, TimePoint now) {
  assert(asks.size() <= kMostAsks);
  const int64_t now_us = to_us(now.time_since_epoch() + to_unix_);
  const uint32_t now_s = seconds(now_us);
  std::array<Found, kMostAsks> all;
  const std::span<Found> found(all.data(), asks.size());
  for (size_t i = 0; i < asks.size(); ++i) {
    const Hash128 of_key = keyed_hash(asks[i].key), of_counter = asks[i].counter->hash();
    found[i].hash = {of_key.low ^ of_counter.low, of_key.high ^ of_counter.high};
    found[i].head = static_cast<uint32_t>(found[i].hash.low) & head_mask_;
    found[i].shard = found[i].head >> shard_shift_;
  }
  Locks locks(*this, found);
  bool admitted = true;
  for (size_t i = 0; i < asks.size(); ++i) {
    Found& f = found[i];
    f.place = place_of(shards_[f.shard], f.head, f.hash, now_s);
    if (f.place == nullptr) {
      locks.add_overflow();
      f.place = &overflow_of(*asks[i].counter);
    }
    states[i] = LimitState();
    states[i].admits = f.place->count.admits(*asks[i].counter, now_us);
    admitted = admitted && (states[i].admits || asks[i].advisory);
  }
  for (size_t i = 0; i < asks.size(); ++i) {
    Place& place = *found[i].place;
    const LimitCounter& counter = *asks[i].counter;
    if (admitted && states[i].admits) {
      place.count.add(counter);
      place.expires = std::max(place.expires, seconds(place.count.empty_at_us(counter, now_us)) + 1);
    }
    place.count.tell(counter, now_us, states[i]);
  }
  return admitted;
}

coro::Task<Result<bool>> MemoryLimitStore::admit(std::span<const LimitAsk> asks, std::span<LimitState> states,
                                                 TimePoint now, coro::CancelSource*) {
  co_return decide(asks, states, now);
}

MemoryLimitStore::Usage MemoryLimitStore::usage() const {
  Usage out;
  out.most_keys = size_t{head_mask_} + 1;
  out.overflowed = overflowed_.load(std::memory_order_relaxed);
  out.overflow_in_use = shards_[kShards].keys.load(std::memory_order_relaxed);
  out.bytes = out.most_keys * sizeof(uint32_t);
  for (uint32_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    out.keys += shard.keys.load(std::memory_order_relaxed);
    shard.lock.lock();
    out.bytes += shard.used * sizeof(Place) + shard.blocks.capacity() * sizeof(void*);
    shard.lock.unlock();
  }
  return out;
}

}  // namespace vg::store
