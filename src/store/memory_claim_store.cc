#include "store/memory_claim_store.h"

#include <functional>

namespace vg::store {

namespace {

constexpr size_t kThrownAway = 8;        // expired ones, by whoever comes
constexpr size_t kThrownAwayFull = 256;  // of each shard, by whoever finds no room

Error full() { return Error(ErrorKind::kOverload, "there is no room for what is to be remembered of this request"); }

}  // namespace

coro::Task<Result<Blob>> MemoryClaimStore::claim(std::string key, Blob value, Duration ttl, coro::CancelSource*) {
  co_return claim_now(std::move(key), std::move(value), ttl);
}

coro::Task<Result<bool>> MemoryClaimStore::settle(std::string key, Blob mine, Blob value, Duration ttl,
                                                  coro::CancelSource*) {
  co_return settle_now(std::move(key), mine, std::move(value), ttl);
}

coro::Task<Result<bool>> MemoryClaimStore::release(std::string key, Blob mine, coro::CancelSource*) {
  co_return release_now(key, mine);
}

// Room is made before the shard is locked: that needs the locks of all, one after another.
Result<Blob> MemoryClaimStore::claim_now(std::string key, Blob value, Duration ttl) {
  const uint64_t bytes = size_of(key, value);
  const bool room = take_room(bytes);
  const TimePoint now = clock_();
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  erase_expired(shard, now, kThrownAway);
  const auto at = shard.entries.find(key);
  const bool stands = at != shard.entries.end() && at->second.expiry->first > now;
  if (at != shard.entries.end() && !stands) erase(shard, at);
  if (room && !stands) {
    put(shard, std::move(key), std::move(value), now + ttl);
    return Blob();
  }
  if (room) bytes_ -= bytes;
  if (stands) return at->second.value;
  ++refused_;
  return full();
}

Result<bool> MemoryClaimStore::settle_now(std::string key, const Blob& mine, Blob value, Duration ttl) {
  const uint64_t bytes = size_of(key, value);
  const bool replaces_same = value->size() <= mine->size();
  const bool room = take_room(bytes);
  const TimePoint now = clock_();
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.entries.find(key);
  const bool stands = at != shard.entries.end() && at->second.expiry->first > now;
  const bool is_mine = stands && *at->second.value == *mine;
  if (stands && !is_mine) {
    if (room) bytes_ -= bytes;
    return false;
  }
  if (!room && !(is_mine && replaces_same)) {
    ++refused_;
    return full();
  }
  if (!room) bytes_ += bytes;  // of what goes with the next line
  if (at != shard.entries.end()) erase(shard, at);
  put(shard, std::move(key), std::move(value), now + ttl);
  return true;
}

bool MemoryClaimStore::release_now(const std::string& key, const Blob& mine) {
  const TimePoint now = clock_();
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.entries.find(key);
  if (at == shard.entries.end() || at->second.expiry->first <= now || *at->second.value != *mine) return false;
  erase(shard, at);
  return true;
}

// Counted before it is there: what all take together is never too much.
bool MemoryClaimStore::take_room(uint64_t bytes) {
  for (bool again : {true, false}) {
    if (bytes_.fetch_add(bytes) + bytes <= most_bytes_.load(std::memory_order_relaxed)) return true;
    bytes_ -= bytes;
    if (again && !make_room(bytes)) return false;
  }
  return false;
}

// What has expired goes first, wherever it is. False: there is nothing of it, or not enough.
bool MemoryClaimStore::make_room(uint64_t bytes) {
  const TimePoint now = clock_();
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    erase_expired(shard, now, kThrownAwayFull);
  }
  return bytes_.load() + bytes <= most_bytes_.load(std::memory_order_relaxed);
}

// Its bytes are counted already.
void MemoryClaimStore::put(Shard& shard, std::string key, Blob value, TimePoint until) {
  const auto at = shard.entries.emplace(std::move(key), Entry()).first;
  at->second.value = std::move(value);
  at->second.expiry = shard.expiries.emplace(until, &at->first);
  ++entries_;
}

void MemoryClaimStore::erase(Shard& shard, Entries::iterator at) {
  bytes_ -= size_of(at->first, at->second.value);
  --entries_;
  shard.expiries.erase(at->second.expiry);
  shard.entries.erase(at);
}

void MemoryClaimStore::erase_expired(Shard& shard, TimePoint now, size_t most) {
  for (size_t i = 0; i < most && !shard.expiries.empty() && shard.expiries.begin()->first <= now; ++i)
    erase(shard, shard.entries.find(*shard.expiries.begin()->second));
}

MemoryClaimStore::Usage MemoryClaimStore::usage() const {
  return {entries_.load(), bytes_.load(), most_bytes_.load(), refused_.load()};
}

}  // namespace vg::store
