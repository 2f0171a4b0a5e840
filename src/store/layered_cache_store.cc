#include "store/layered_cache_store.h"

#include <algorithm>

#include "store/tag_fields.h"

namespace vg::store {

namespace {

const char* const kEveryCopy = "near";

// No key of an answer begins so.
std::string next_key_prefix() {
  static std::atomic<uint64_t> count{0};
  return '\x01' + std::to_string(++count) + '\x01';
}

std::string tag_of(TagField field) {
  std::string out;
  append_field(out, field);
  return out;
}

}  // namespace

NearCache::NearCache(MemoryCacheStore& memory, std::shared_ptr<RedisHub> hub)
    : memory_(memory), hub_(std::move(hub)), key_prefix_(next_key_prefix()) {
  listening_ = hub_->news().listen(
      RedisCacheStore::kNews, [this](std::string_view message) { heard(message); },
      [this](bool up) { link_changed(up); });
}

std::string_view NearCache::own_key(std::string_view key) const {
  static thread_local std::string text;
  text.assign(key_prefix_).append(key);
  return text;
}

CacheLookup NearCache::find(std::string_view key) { return memory_.find(own_key(key)); }

// One that does not fit is not kept, that is all.
void NearCache::keep(std::string_view key, const RedisCacheLookup& found, Mark before) {
  CacheItem item;
  item.value = found.found.value;
  item.since = before;
  item.ttl = found.ttl;
  item.tags.reserve(found.fields.size() + 1);
  for (const TagField field : found.fields) item.tags.push_back(tag_of(field));
  item.tags.emplace_back(kEveryCopy);
  (void)memory_.keep(own_key(key), std::move(item)).ok();
}

void NearCache::forget(std::string_view key) { memory_.forget(own_key(key)); }

void NearCache::drop(const std::vector<TagField>& fields) {
  std::vector<Drop> drops;
  drops.reserve(fields.size());
  for (const TagField field : fields) drops.emplace_back(tag_of(field), false);
  memory_.drop_all(drops);
}

void NearCache::drop_everything() {
  std::vector<Drop> drops;
  drops.emplace_back(kEveryCopy, false);
  memory_.drop_all(drops);
}

void NearCache::saw(Mark mark) {
  Mark known = last_mark();
  while (mark > known && !last_mark_.compare_exchange_weak(known, mark)) continue;
}

void NearCache::heard(std::string_view message) {
  if (message.size() % kFieldBytes != 0) return drop_everything();  // nobody of ours speaks so
  if (message.empty()) return drop_everything();
  std::vector<TagField> fields;
  for (; !message.empty(); message.remove_prefix(kFieldBytes)) fields.push_back(read_field(message));
  drop(fields);
}

// What was kept before may have been dropped unheard.
void NearCache::link_changed(bool up) {
  if (up) drop_everything();
  link_up_.store(up, std::memory_order_release);
}

coro::Task<Result<CacheLookup>> LayeredCacheStore::get(std::string_view key, coro::CancelSource* cancel) {
  const bool sure = near_is_sure();
  CacheLookup near;
  if (sure) {
    near = near_->find(key);
    if (near.value) {
      near.mark = near_->last_mark();
      co_return near;
    }
  }
  Result<RedisCacheLookup> found = co_await redis_->look_up(key, cancel);
  if (!found) co_return std::move(found.error());
  near_->saw(found->found.mark);
  if (sure && found->found.value) near_->keep(key, *found, near.mark);
  co_return std::move(found->found);
}

// The copy is made when it is next asked for: what Redis gives then is what it kept.
coro::Task<Result<void>> LayeredCacheStore::put(std::string key, CacheItem item, coro::CancelSource* cancel) {
  const std::string own = key;
  Result<void> kept = co_await redis_->put(std::move(key), std::move(item), cancel);
  near_->forget(own);
  near_->saw(redis_->last_mark());
  co_return std::move(kept);
}

coro::Task<Result<void>> LayeredCacheStore::remove(std::string key, coro::CancelSource* cancel) {
  std::vector<TagField> fields(1, field_of_key(key));
  Result<void> gone = co_await redis_->remove(std::move(key), cancel);
  near_->drop(fields);
  co_return std::move(gone);
}

// Redis first: what is read from it in between is a copy of before, and dropped here. If it can't be told, memory is
// not asked until it could.
coro::Task<Result<void>> LayeredCacheStore::drop(std::vector<Drop> drops, coro::CancelSource* cancel) {
  std::vector<TagField> fields;
  for (const Drop& d : drops) fields.push_back(field_of(d));
  Result<void> told = co_await redis_->drop(std::move(drops), cancel);
  near_->drop(fields);
  co_return std::move(told);
}

}  // namespace vg::store
