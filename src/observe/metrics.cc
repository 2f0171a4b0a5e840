#include "observe/metrics.h"

#include <unordered_set>
#include <utility>

namespace vg::observe {

void Histogram::observe(Duration d) {
  const int64_t micros = d.count() / 1000;
  size_t i = 0;
  while (i < kBoundsMicros.size() && micros > kBoundsMicros[i]) ++i;
  buckets_[i].add();
  sum_ns_.add(static_cast<uint64_t>(d.count() < 0 ? 0 : d.count()));
}

template <typename T>
ShardTable<T>::~ShardTable() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_acquire);
}

template <typename T>
T& ShardTable<T>::make(uint32_t id) {
  auto* chunk = new Chunk;
  chunks_[id / kChunk].store(chunk, std::memory_order_release);
  return (*chunk)[id % kChunk];
}

template class ShardTable<RouteMetrics>;
template class ShardTable<UpstreamMetrics>;
template class ShardTable<LimitMetrics>;
template class ShardTable<IdempotencyMetrics>;

Metrics::Metrics(size_t loops) {
  for (size_t i = 0; i < loops; ++i) shards_.push_back(std::make_unique<MetricsShard>());
}

std::vector<uint32_t> Metrics::Names::use(const std::vector<std::string>& names) {
  std::vector<uint32_t> out;
  std::unordered_set<uint32_t> seen;
  shown.clear();
  for (const std::string& name : names) {
    const uint32_t next = static_cast<uint32_t>(ids.size()) + 1;
    // A process that was reloaded with a quarter of a million names counts further ones as id 0.
    const bool full = next >= ShardTable<RouteMetrics>::kMaxIds && !ids.contains(name);
    const uint32_t id = full ? 0 : ids.try_emplace(name, next).first->second;
    if (id != 0 && seen.insert(id).second) shown.emplace_back(name, id);
    out.push_back(id);
  }
  return out;
}

std::vector<uint32_t> Metrics::use_routes(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  return routes_.use(names);
}

std::vector<uint32_t> Metrics::use_upstreams(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  return upstreams_.use(names);
}

std::vector<uint32_t> Metrics::use_limits(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  return limits_.use(names);
}

void Metrics::add_collector(Collector collector) {
  const std::lock_guard lock(mutex_);
  collectors_.push_back(std::move(collector));
}

void Metrics::set_config_loaded(WallTime t) {
  config_loaded_ms_.store(std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count(),
                          std::memory_order_relaxed);
}

std::string_view to_string(CacheResult result) {
  constexpr std::array<std::string_view, static_cast<size_t>(CacheResult::kCount)> kWords = {
      "", "hit", "stale", "miss", "collapsed", "revalidated", "bypass"};
  return kWords[static_cast<size_t>(result)];
}

}  // namespace vg::observe
