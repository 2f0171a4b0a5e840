#include "store/cache_shard.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace vg::store {
namespace {

constexpr uint8_t kMostUses = 3;
constexpr size_t kSmallShare = 10;  // the small queue's part of the room: one in so many
constexpr size_t kMostSpared = 32;  // entries that are passed over before one leaves, so that nobody waits for long

// What malloc takes for that many bytes.
constexpr size_t chunk(size_t bytes) { return std::max<size_t>(32, (bytes + 8 + 15) & ~size_t{15}); }
constexpr size_t kControlBlock = sizeof(std::string) + 16;  // of a Blob: make_shared's
constexpr size_t kOfTables = sizeof(CacheEntry*) + 12;      // of index and ghosts

}  // namespace

CacheEntry::Ptr CacheEntry::make(std::string_view key, uint32_t hash, CacheItem item, TimePoint expires,
                                 Mark alive_at) {
  size_t tags_size = 0;
  for (const std::string& tag : item.tags) tags_size += sizeof(uint32_t) + tag.size();
  const size_t size = sizeof(CacheEntry) + key.size() + tags_size;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  Ptr e(new (memory) CacheEntry());
  // A string that grew may have twice the memory that it needs.
  const bool loose = item.value->capacity() > item.value->size() + item.value->size() / 8 + 32;
  e->value_ = loose ? std::make_shared<const std::string>(*item.value) : std::move(item.value);
  e->expires_ = expires;
  e->alive_at_ = alive_at;
  e->hash_ = hash;
  e->key_size_ = static_cast<uint32_t>(key.size());
  e->tags_size_ = static_cast<uint32_t>(tags_size);
  e->bytes_ = static_cast<uint32_t>(
      std::min<size_t>(chunk(size) + chunk(e->value_->capacity() + 1) + chunk(kControlBlock) + kOfTables,
                       std::numeric_limits<uint32_t>::max()));
  char* out = std::copy(key.begin(), key.end(), e->text());
  for (const std::string& tag : item.tags) {
    const auto tag_size = static_cast<uint32_t>(tag.size());
    std::memcpy(out, &tag_size, sizeof tag_size);
    out = std::copy(tag.begin(), tag.end(), out + sizeof tag_size);
  }
  return e;
}

void CacheEntry::destroy(CacheEntry* e) {
  e->~CacheEntry();
  std::free(e);
}

bool CacheEntry::is_dropped(const DroppedTags& dropped) const {
  const char* at = text() + key_size_;
  const char* const end = at + tags_size_;
  while (at != end) {
    uint32_t size = 0;
    std::memcpy(&size, at, sizeof size);
    at += sizeof size;
    if (dropped.is_dropped({at, size}, alive_at_)) return true;
    at += size;
  }
  return false;
}

void CacheShard::Garbage::add(CacheEntry* e) {
  e->next_ = first_;
  first_ = e;
}

CacheShard::Garbage::~Garbage() {
  while (first_ != nullptr) CacheEntry::destroy(std::exchange(first_, first_->next_));
}

CacheShard::~CacheShard() {
  Garbage garbage;
  for (CacheEntry* e : index_) {
    while (e != nullptr) garbage.add(std::exchange(e, e->next_));
  }
}

CacheEntry*& CacheShard::bucket(uint32_t hash) {
  size_t i = hash & (2 * low_ - 1);
  if (i >= index_.size()) i -= low_;
  return index_[i];
}

CacheEntry** CacheShard::find(std::string_view key, uint32_t hash) {
  if (index_.empty()) return nullptr;
  for (CacheEntry** at = &bucket(hash); *at != nullptr; at = &(*at)->next_) {
    if ((*at)->hash_ == hash && (*at)->key() == key) return at;
  }
  return nullptr;
}

// Splits the next bucket in two.
void CacheShard::grow_index() {
  index_.push_back(nullptr);
  if (index_.size() == 1) return;
  if (index_.size() > 2 * low_) low_ *= 2;
  CacheEntry* e = std::exchange(index_[index_.size() - 1 - low_], nullptr);
  while (e != nullptr) {
    CacheEntry* next = e->next_;
    CacheEntry*& at = bucket(e->hash_);
    e->next_ = at;
    at = e;
    e = next;
  }
}

void CacheShard::push(CacheEntry* e) {
  Queue& q = queue_of(e);
  e->newer_ = nullptr;
  e->older_ = q.newest;
  (q.newest != nullptr ? q.newest->newer_ : q.oldest) = e;
  q.newest = e;
  q.bytes += e->bytes_;
  ++q.entries;
}

void CacheShard::unqueue(CacheEntry* e) {
  Queue& q = queue_of(e);
  (e->newer_ != nullptr ? e->newer_->older_ : q.newest) = e->older_;
  (e->older_ != nullptr ? e->older_->newer_ : q.oldest) = e->newer_;
  q.bytes -= e->bytes_;
  --q.entries;
}

void CacheShard::take_out(CacheEntry** at, Garbage& garbage) {
  CacheEntry* e = *at;
  *at = e->next_;
  unqueue(e);
  garbage.add(e);
}

void CacheShard::leave(CacheEntry* e, Garbage& garbage) {
  CacheEntry** at = &bucket(e->hash_);
  while (*at != e) at = &(*at)->next_;
  take_out(at, garbage);
}

Blob CacheShard::get(std::string_view key, uint32_t hash, TimePoint now, Mark mark, const DroppedTags& dropped) {
  Garbage garbage;
  const std::lock_guard<std::mutex> lock(mutex_);
  CacheEntry** at = find(key, hash);
  if (at != nullptr && (*at)->expires_ <= now) {
    ++stats_.expired;
    take_out(at, garbage);
    at = nullptr;
  } else if (at != nullptr && (*at)->alive_at_ != mark && (*at)->is_dropped(dropped)) {
    ++stats_.dropped;
    take_out(at, garbage);
    at = nullptr;
  }
  if (at == nullptr) {
    ++stats_.misses;
    return nullptr;
  }
  CacheEntry& e = **at;
  e.alive_at_ = std::max(e.alive_at_, mark);
  if (e.uses_ < kMostUses) ++e.uses_;
  ++stats_.hits;
  return e.value_;
}

void CacheShard::put(CacheEntry::Ptr entry, TimePoint now) {
  Garbage garbage;
  const std::lock_guard<std::mutex> lock(mutex_);
  CacheEntry* e = entry.release();
  if (CacheEntry** old = find(e->key(), e->hash_)) {
    e->in_main_ = (*old)->in_main_;
    e->uses_ = (*old)->uses_;
    take_out(old, garbage);
  } else {
    e->in_main_ = ghosts_.take(e->hash_, remembered());
  }
  if (index_.size() <= remembered()) grow_index();
  CacheEntry*& at = bucket(e->hash_);
  e->next_ = at;
  at = e;
  push(e);
  make_room(now, std::numeric_limits<size_t>::max(), garbage);
}

bool CacheShard::remove(std::string_view key, uint32_t hash) {
  Garbage garbage;
  const std::lock_guard<std::mutex> lock(mutex_);
  CacheEntry** at = find(key, hash);
  if (at != nullptr) take_out(at, garbage);
  return at != nullptr;
}

bool CacheShard::set_room(size_t bytes, TimePoint now) {
  Garbage garbage;
  const std::lock_guard<std::mutex> lock(mutex_);
  room_ = bytes;
  make_room(now, 256, garbage);
  return !is_over();
}

// What came last stays in the small queue, however large it is, as long as others can go.
void CacheShard::make_room(TimePoint now, size_t most, Garbage& garbage) {
  size_t spared = 0;
  for (; most > 0 && is_over(); --most) {
    const bool small_is_full = small_.bytes > room_ / kSmallShare && small_.entries > 1;
    const bool from_small = main_.entries == 0 || (small_is_full && spared < kMostSpared);
    CacheEntry* e = from_small ? small_.oldest : main_.oldest;
    const bool spare = e->uses_ > 0 && e->expires_ > now && spared < kMostSpared;
    spared = spare ? spared + 1 : 0;
    if (spare) {
      go_on(e);
    } else {
      ++stats_.evictions;
      if (from_small) ghosts_.add(e->hash_, remembered());
      leave(e, garbage);
    }
  }
}

// Another round in the main queue, for a use.
void CacheShard::go_on(CacheEntry* e) {
  unqueue(e);
  e->uses_ = e->in_main_ ? static_cast<uint8_t>(e->uses_ - 1) : uint8_t{0};
  e->in_main_ = true;
  push(e);
}

void CacheShard::add_stats(CacheStats& into) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  into.entries += small_.entries + main_.entries;
  into.bytes += small_.bytes + main_.bytes;
  into.hits += stats_.hits;
  into.misses += stats_.misses;
  into.evictions += stats_.evictions;
  into.expired += stats_.expired;
  into.dropped += stats_.dropped;
}

}  // namespace vg::store
