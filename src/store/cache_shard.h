// One part of the memory cache: its values by key, and the queues by which they leave. Which value leaves is decided by
// S3-FIFO: what is new waits in a small queue, a tenth of the room; what is asked for there moves on to the main queue,
// where each hit buys another round; what is not leaves, and is remembered for a while by its hash: if it comes back,
// it goes to the main queue at once. So a scan goes through the small queue and leaves the rest alone.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>

#include "store/cache_store.h"
#include "store/dropped_tags.h"
#include "store/ghost_list.h"

namespace vg::store {

/// A value with its key and tags, in one piece of memory.
class CacheEntry {
 public:
  struct Delete {
    void operator()(CacheEntry* e) const { destroy(e); }
  };
  using Ptr = std::unique_ptr<CacheEntry, Delete>;
  static Ptr make(std::string_view key, uint32_t hash, CacheItem item, TimePoint expires, Mark alive_at);

  std::string_view key() const { return {text(), key_size_}; }
  /// True if one of its tags was dropped since it was known to be fine.
  bool is_dropped(const DroppedTags& dropped) const;
  /// The memory that it takes, with what the allocator and the shard's tables add to it.
  size_t bytes() const { return bytes_; }

 private:
  friend class CacheShard;
  CacheEntry() = default;
  static void destroy(CacheEntry* e);
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  char* text() { return reinterpret_cast<char*>(this + 1); }

  CacheEntry* next_ = nullptr;  // in its bucket; later in what waits to be freed
  CacheEntry* newer_ = nullptr;
  CacheEntry* older_ = nullptr;
  Blob value_;
  TimePoint expires_{};
  Mark alive_at_ = 0;
  uint32_t hash_ = 0, bytes_ = 0, key_size_ = 0, tags_size_ = 0;
  uint8_t uses_ = 0;
  bool in_main_ = false;
  // then the key, and each tag behind its size
};

struct CacheStats {
  uint64_t entries = 0, bytes = 0;
  uint64_t hits = 0, misses = 0;
  uint64_t evictions = 0;  ///< left because there was no room
  uint64_t expired = 0;    ///< were found to be too old
  uint64_t dropped = 0;    ///< were found to be dropped by a tag
};

/// Thread: any. Its lock is held for one look-up, or for the making of room, and never while memory is given back.
class alignas(64) CacheShard {
 public:
  Blob get(std::string_view key, uint32_t hash, TimePoint now, Mark mark, const DroppedTags& dropped);
  void put(CacheEntry::Ptr entry, TimePoint now);
  bool remove(std::string_view key, uint32_t hash);
  /// Sets the room. False: what is too much has not all left yet; call it again.
  bool set_room(size_t bytes, TimePoint now);
  void add_stats(CacheStats& into) const;
  ~CacheShard();

 private:
  struct Queue {
    CacheEntry* newest = nullptr;
    CacheEntry* oldest = nullptr;
    size_t bytes = 0;
    size_t entries = 0;
  };
  // What has left, freed when the lock is given back.
  class Garbage {
   public:
    ~Garbage();
    void add(CacheEntry* e);

   private:
    CacheEntry* first_ = nullptr;
  };

  CacheEntry** find(std::string_view key, uint32_t hash);
  CacheEntry*& bucket(uint32_t hash);
  void grow_index();
  Queue& queue_of(const CacheEntry* e) { return e->in_main_ ? main_ : small_; }
  void push(CacheEntry* e);
  void unqueue(CacheEntry* e);
  void take_out(CacheEntry** at, Garbage& garbage);
  void leave(CacheEntry* e, Garbage& garbage);
  bool is_over() const { return small_.bytes + main_.bytes > room_; }
  void make_room(TimePoint now, size_t most, Garbage& garbage);
  void go_on(CacheEntry* e);
  size_t remembered() const { return main_.entries + small_.entries; }

  mutable std::mutex mutex_;
  size_t room_ = 0;
  // Linear hashing: the table grows a bucket at a time, so that no request pays for a big one.
  std::deque<CacheEntry*> index_;
  size_t low_ = 1;  // the greatest power of two that is at most index_.size()
  Queue small_, main_;
  GhostList ghosts_;
  CacheStats stats_;
};

}  // namespace vg::store
