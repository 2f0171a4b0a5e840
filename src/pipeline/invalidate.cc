#include "pipeline/invalidate.h"

#include "cache/tags.h"

namespace vg::pipeline {

namespace {

coro::Task<void> drop(Context& ctx, std::vector<store::Drop> drops) {
  // Held: a reload may change what the loop's table holds while a store is asked.
  const LoopTablePtr pinned = ctx.pinned;
  const auto& both = pinned->caches[static_cast<size_t>(StoreKind::kBoth)];
  for (size_t i = 0; i < pinned->caches.size(); ++i) {
    const std::shared_ptr<store::CacheStore>& store = pinned->caches[i];
    // `both` drops in Redis too.
    if (!store || (both && i == static_cast<size_t>(StoreKind::kRedis))) continue;
    const Result<void> dropped = co_await store->drop(drops, nullptr);
    static_cast<void>(dropped);  // the store knows what it could not do, and does it when it can
  }
}

// What the answer names beside what was written, by Location or Content-Location.
void add_named(const Write& write, std::string_view field, std::vector<store::Drop>& drops) {
  const std::string_view reference = write.answer->get(field);
  if (reference.empty() || write.endpoint == nullptr) return;
  const config::EndpointSettings& e = write.endpoint->settings;
  const std::optional<std::string> path = cache::local_path(reference, e.authority, e.base_path + write.target);
  if (!path || !path->starts_with(e.base_path)) return;
  const std::string_view target = std::string_view(*path).substr(e.base_path.size());
  if (target.starts_with('/')) drops.emplace_back(cache::tag_of(write.upstream->name(), target), true);
}

void add_named_path(const Context& ctx, std::string_view field, std::vector<store::Drop>& drops) {
  const std::string_view reference = ctx.response.head->get(field);
  if (reference.empty()) return;
  const auto path = cache::local_path(reference, ctx.request.authority(), ctx.request.path());
  if (path) drops.emplace_back(cache::path_tag(*path), false);
}

}  // namespace

bool is_write(http::Method method, uint16_t status) { return !http::is_safe(method) && status >= 200 && status < 400; }

coro::Task<void> invalidate(Context& ctx, const Write& write) {
  if (!ctx.pinned->keeps_answers()) co_return;
  std::vector<store::Drop> drops;
  std::string tag = cache::tag_of(write.upstream->name(), write.target);
  const size_t slash = tag.rfind('/');
  if (write.ends_in_value && slash != std::string::npos) drops.emplace_back(tag.substr(0, slash), false);
  drops.emplace_back(std::move(tag), true);
  if (write.answer != nullptr) {
    add_named(write, "location", drops);
    add_named(write, "content-location", drops);
  }
  co_await drop(ctx, std::move(drops));
}

coro::Task<void> invalidate_own_path(Context& ctx) {
  std::vector<store::Drop> drops;
  drops.emplace_back(cache::path_tag(ctx.request.path()), false);
  add_named_path(ctx, "location", drops);
  add_named_path(ctx, "content-location", drops);
  co_await drop(ctx, std::move(drops));
}

}  // namespace vg::pipeline
