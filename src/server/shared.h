// What the workers share: the table that is served, the count of connections, the log, the metrics, the
// cached answers.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>

#include "gateway/route_table.h"
#include "net/listener.h"
#include "observe/log_writer.h"
#include "observe/metrics.h"
#include "store/layered_cache_store.h"
#include "store/memory_cache_store.h"

namespace vg::server {

struct Shared {
  Shared(size_t workers, uint32_t connection_limit, uint64_t cache_memory_bytes)
      : metrics(workers), connections(connection_limit), cache_memory(cache_memory_bytes) {}

  /// Makes `table` the one that every request goes by from now on, on every worker. Thread: any.
  void publish(gateway::RouteTablePtr table) {
    if (table->claims) table->claims->set_most_bytes(table->server.idempotency_memory_bytes);
    const std::lock_guard<std::mutex> lock(mutex);
    current = std::move(table);
    version.fetch_add(1, std::memory_order_release);
  }
  gateway::RouteTablePtr table() const {
    const std::lock_guard<std::mutex> lock(mutex);
    return current;
  }

  /// The memory before this Redis, one for all workers. Thread: any.
  std::shared_ptr<store::NearCache> near_cache(const std::shared_ptr<store::RedisHub>& hub) {
    const std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<store::NearCache> near = near_hub == hub ? near_redis.lock() : nullptr;
    if (near) return near;
    near = std::make_shared<store::NearCache>(cache_memory, hub);
    near_hub = hub;
    near_redis = near;
    return near;
  }

  std::atomic<uint64_t> version{0};
  std::atomic<bool> draining{false};
  observe::Metrics metrics;
  net::ConnectionBudget connections;
  store::MemoryCacheStore cache_memory;
  std::shared_ptr<observe::LogWriter> log;
  mutable std::mutex mutex;
  gateway::RouteTablePtr current;
  std::weak_ptr<store::NearCache> near_redis;
  std::shared_ptr<store::RedisHub> near_hub;  // what near_redis stands before
};

}  // namespace vg::server
