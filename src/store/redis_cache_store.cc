#include "store/redis_cache_store.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strings.h"
#include "store/redis_cache_scripts.h"
#include "store/tag_fields.h"

namespace vg::store {

namespace {

constexpr size_t kMarkDigits = 16;
constexpr size_t kHeadDigits = kMarkDigits + 4;

Error unreadable() {
  Error e(ErrorKind::kUpstreamProtocol, "the store's answer can't be read");
  e.internal = "a cached value in Redis is not of this version's making";
  return e;
}

std::string pack(const CacheItem& item, const std::vector<TagField>& fields) {
  char head[kHeadDigits + 1];
  std::snprintf(head, sizeof head, "%016llu%04zu", static_cast<unsigned long long>(item.since),  // NOLINT: %llu
                fields.size());
  std::string out;
  out.reserve(kHeadDigits + kFieldBytes * fields.size() + item.value->size());
  out.append(head, kHeadDigits);
  for (const TagField field : fields) append_field(out, field);
  return out += *item.value;
}

// False: it is not what pack() makes.
bool unpack(std::string packed, RedisCacheLookup& out) {
  const std::string_view all = packed;
  if (all.size() < kHeadDigits) return false;
  const auto count = parse_u64(all.substr(kMarkDigits, kHeadDigits - kMarkDigits));
  if (!count || all.size() < kHeadDigits + *count * kFieldBytes) return false;
  out.fields.reserve(*count);
  for (size_t i = 0; i < *count; ++i) out.fields.push_back(read_field(all.substr(kHeadDigits + i * kFieldBytes)));
  packed.erase(0, kHeadDigits + *count * kFieldBytes);
  out.found.value = std::make_shared<const std::string>(std::move(packed));
  return true;
}

std::string bytes_of(const std::vector<TagField>& fields) {
  std::string out;
  out.reserve(fields.size() * kFieldBytes);
  for (const TagField field : fields) append_field(out, field);
  return out;
}

// What is left of it at the end was not told, whatever became of the call.
struct Remembered {
  explicit Remembered(MissedDrops* where) : missed(where) {}
  Remembered(const Remembered&) = delete;
  ~Remembered() {
    if (!fields.empty()) missed->add(fields);
  }
  MissedDrops* missed;
  std::vector<TagField> fields;
};

}  // namespace

RedisCacheStore::RedisCacheStore(std::shared_ptr<Redis> redis, std::shared_ptr<RedisHub> hub, size_t most_drops)
    : redis_(std::move(redis)),
      hub_(std::move(hub)),
      missed_(hub_->missed_drops()),
      value_prefix_(redis_->prefix() + "cache:"),
      drops_key_(redis_->prefix() + "drops"),
      older_key_(redis_->prefix() + "drops:older"),
      channel_(hub_->news().name(kNews)),
      most_drops_(std::to_string(most_drops)) {}

Result<void> RedisCacheStore::saw(const Reply& mark) {
  const auto number = parse_u64(mark.text);
  if (!number) return unreadable();
  last_mark_ = std::max(last_mark_, *number);
  return {};
}

coro::Task<Result<RedisCacheLookup>> RedisCacheStore::look_up(std::string_view key, coro::CancelSource* cancel) {
  if (missed_.any()) {
    Result<void> caught_up = co_await catch_up(cancel);
    if (!caught_up) co_return std::move(caught_up.error());
  }
  const std::string name = value_key(key);
  const std::array<std::string_view, 3> keys{name, drops_key_, older_key_};
  Result<Reply> reply = co_await redis_->eval(cache_get_script(), keys, Words(), cancel);
  if (!reply) co_return std::move(reply.error());
  std::vector<Reply>& items = reply->items;
  if (items.empty()) co_return unreadable();
  Result<void> fine = saw(items[0]);
  if (!fine) co_return std::move(fine.error());
  RedisCacheLookup out;
  out.found.mark = *parse_u64(items[0].text);
  if (items.size() < 3) co_return out;
  out.ttl = std::chrono::milliseconds(std::max<int64_t>(items[2].integer, 0));
  if (!unpack(std::move(items[1].text), out)) co_return unreadable();
  co_return out;
}

coro::Task<Result<CacheLookup>> RedisCacheStore::get(std::string_view key, coro::CancelSource* cancel) {
  Result<RedisCacheLookup> found = co_await look_up(key, cancel);
  if (!found) co_return std::move(found.error());
  co_return std::move(found->found);
}

coro::Task<Result<void>> RedisCacheStore::put(std::string key, CacheItem item, coro::CancelSource* cancel) {
  if (missed_.any()) {
    Result<void> caught_up = co_await catch_up(cancel);
    if (!caught_up) co_return std::move(caught_up.error());
  }
  std::vector<TagField> fields = fields_of(item.tags);
  fields.push_back(field_of_key(key));
  const int64_t ttl_ms = std::chrono::ceil<std::chrono::milliseconds>(item.ttl).count();
  if (fields.size() > kMostFields) co_return Error(ErrorKind::kTooLarge, "the value depends on too many tags");
  if (ttl_ms <= 0) co_return co_await remove(std::move(key), cancel);
  const std::string name = value_key(key);
  const std::string value = pack(item, fields);
  const std::string ttl = std::to_string(ttl_ms);
  std::string news;
  append_field(news, field_of_key(key));
  const std::array<std::string_view, 3> keys{name, drops_key_, older_key_};
  const std::array<std::string_view, 4> arguments{value, ttl, channel_, news};
  Result<Reply> reply = co_await redis_->eval(cache_put_script(), keys, arguments, cancel);
  if (!reply) co_return std::move(reply.error());
  co_return saw(*reply);
}

coro::Task<Result<void>> RedisCacheStore::remove(std::string key, coro::CancelSource* cancel) {
  const std::string name = value_key(key);
  Remembered to_tell(&missed_);
  to_tell.fields.push_back(field_of_key(key));
  const std::string news = bytes_of(to_tell.fields);
  const std::array<std::string_view, 1> keys{name};
  const std::array<std::string_view, 2> arguments{channel_, news};
  Result<Reply> reply = co_await redis_->eval(cache_remove_script(), keys, arguments, cancel);
  if (!reply) co_return std::move(reply.error());
  to_tell.fields.clear();
  co_return Result<void>();
}

coro::Task<Result<void>> RedisCacheStore::drop(std::vector<Drop> drops, coro::CancelSource* cancel) {
  if (drops.empty()) co_return Result<void>();
  Remembered to_tell(&missed_);
  for (const Drop& d : drops) to_tell.fields.push_back(field_of(d));
  Result<void> sent = co_await send_drop(bytes_of(to_tell.fields), cancel);
  if (sent) to_tell.fields.clear();
  co_return std::move(sent);
}

coro::Task<Result<void>> RedisCacheStore::send_drop(std::string fields, coro::CancelSource* cancel) {
  const std::array<std::string_view, 2> keys{drops_key_, older_key_};
  const std::array<std::string_view, 4> arguments{most_drops_, fields, channel_, fields};
  Result<Reply> reply = co_await redis_->eval(cache_drop_script(), keys, arguments, cancel);
  if (!reply) co_return std::move(reply.error());
  co_return saw(*reply);
}

coro::Task<void> RedisCacheStore::make_up(std::shared_ptr<RedisCacheStore> self, coro::CancelSource* cancel) {
  if (!self->missed_.any()) co_return;
  const Result<void> made_up = co_await self->catch_up(cancel);
  (void)made_up;  // else the next one who uses it tries again
}

coro::Task<Result<void>> RedisCacheStore::catch_up(coro::CancelSource* cancel) {
  std::optional<MissedDrops::InHand> batch = missed_.take();
  if (!batch) co_return Error(ErrorKind::kConnect, "the store is being told what was dropped", true);
  std::string fields;
  if (!batch->batch.everything) fields = bytes_of(batch->batch.fields);
  Result<void> sent = co_await send_drop(std::move(fields), cancel);
  if (sent) batch->done();
  co_return std::move(sent);
}

}  // namespace vg::store
