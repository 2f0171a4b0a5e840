// Stores over a real Redis, for the contract suites: one server for all tests, a prefix of its own for each case.
#pragma once
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "store/layered_cache_store.h"
#include "store/redis_client.h"
#include "store/redis_subscriber.h"
#include "support/loop.h"
#include "support/redis_server.h"

namespace vg::store::contract {

inline vg::test::RedisServer& redis_server() {
  static vg::test::RedisServer server;
  return server;
}

inline std::string fresh_prefix() {
  static int count = 0;
  return "case" + std::to_string(++count) + ":";
}

/// What a process has of Redis, with one loop.
struct RedisProcess {
  RedisProcess(net::EventLoop* loop, const std::string& prefix) {
    std::signal(SIGPIPE, SIG_IGN);
    config::RedisSettings settings;
    settings.is_unix = true;
    settings.path = redis_server().socket();
    settings.label = "unix:test";
    settings.prefix = prefix;
    settings.timeout = std::chrono::seconds(10);
    hub = std::make_shared<RedisHub>(settings);
    client = RedisClient::create(loop, nullptr, hub, nullptr);
    redis = std::make_shared<RedisCacheStore>(client, hub);
  }
  std::shared_ptr<RedisHub> hub;
  std::shared_ptr<RedisClient> client;
  std::shared_ptr<RedisCacheStore> redis;
};

/// One that keeps in memory before Redis as well.
struct LayeredProcess : RedisProcess {
  LayeredProcess(net::EventLoop* loop, const std::string& prefix) : RedisProcess(loop, prefix) {
    near = std::make_shared<NearCache>(memory, hub);
    subscriber = RedisSubscriber::create(loop, nullptr, hub);
    layered = std::make_shared<LayeredCacheStore>(redis, near);
  }
  MemoryCacheStore memory{64 << 20};
  std::shared_ptr<NearCache> near;
  std::shared_ptr<RedisSubscriber> subscriber;
  std::shared_ptr<LayeredCacheStore> layered;
};

inline std::shared_ptr<CacheStore> redis_store(net::EventLoop* loop) {
  auto process = std::make_shared<RedisProcess>(loop, fresh_prefix());
  return {process, process->redis.get()};
}

inline std::shared_ptr<CacheStore> layered_store(net::EventLoop* loop) {
  auto process = std::make_shared<LayeredProcess>(loop, fresh_prefix());
  return {process, process->layered.get()};
}

}  // namespace vg::store::contract
