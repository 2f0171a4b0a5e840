// What the gateway counts. Every event loop has a shard that it alone writes (relaxed atomics, no line shared with
// another loop); a scrape sums the shards. Routes and upstreams are counted by name: a reload keeps their counters, and
// labels come from the configuration alone, never from a request. Rendering is in prometheus.h.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace vg::observe {

class PrometheusText;

/// Counts up. Thread: one writer, any reader.
class Counter {
 public:
  void add(uint64_t n = 1) { v_.store(v_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t value() const { return v_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> v_{0};
};

/// Goes up and down. Thread: one writer, any reader.
class Gauge {
 public:
  void add(int64_t n = 1) { v_.store(v_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void sub(int64_t n = 1) { add(-n); }
  void set(int64_t n) { v_.store(n, std::memory_order_relaxed); }
  int64_t value() const { return v_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> v_{0};
};

/// Thread: any writer, any reader. For rare events: reloads.
class SharedCounter {
 public:
  void add(uint64_t n = 1) { v_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return v_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> v_{0};
};

/// Durations by fixed buckets. Thread: one writer, any reader.
class Histogram {
 public:
  static constexpr std::array<int64_t, 15> kBoundsMicros = {500,     1000,    2500,    5000,     10000,
                                                            25000,   50000,   100000,  250000,   500000,
                                                            1000000, 2500000, 5000000, 10000000, 30000000};
  void observe(Duration d);
  uint64_t bucket(size_t i) const { return buckets_[i].value(); }  ///< not cumulative; the last is +Inf
  uint64_t sum_ns() const { return sum_ns_.value(); }

 private:
  Counter sum_ns_;
  std::array<Counter, kBoundsMicros.size() + 1> buckets_;
};

/// What a cache did with a request, as the log and the metrics call it.
enum class CacheResult : uint8_t {
  kNone,  ///< there is no cache
  kHit,
  kStale,        ///< given though it is stale
  kMiss,         ///< asked for
  kCollapsed,    ///< somebody else asked for it at that moment
  kRevalidated,  ///< the upstream said that it is still the same
  kBypass,       ///< no matter for the cache
  kCount
};
std::string_view to_string(CacheResult result);  ///< "hit"; kNone: ""

/// What a loop counts of one route. Id 0 stands for requests that matched none. Among ten thousand routes no request
/// finds it in a cache: what most count (a 2xx, no content, less than 5 ms) is one line, the second.
struct alignas(64) RouteMetrics {
  static constexpr std::array<std::string_view, 6> kClasses = {"5xx", "4xx", "3xx", "1xx", "none", "2xx"};
  /// Index in kClasses and `responses`; "none": the client went away before a response.
  static size_t class_of(unsigned status) {
    constexpr std::array<uint8_t, 6> kIndex = {4, 3, 5, 2, 1, 0};
    return kIndex[status < 600 ? status / 100 : 0];
  }

  std::array<Counter, 2> padding;
  Counter bytes_in;
  std::array<Counter, 6> responses;  ///< by class; the last is in the second line
  Gauge in_flight;
  Counter bytes_out;
  Histogram duration;

  std::array<Counter, static_cast<size_t>(CacheResult::kCount)> cache;  ///< behind what every request touches

  /// One request is over.
  void done(unsigned status, uint64_t in, uint64_t out, Duration took) {
    responses[class_of(status)].add();
    bytes_out.add(out);
    duration.observe(took);
    if (in != 0) bytes_in.add(in);
  }
};

/// What a loop counts of one upstream.
struct UpstreamMetrics {
  std::array<Counter, 6> responses;  ///< of attempts, by status / 100
  Counter attempts;                  ///< requests sent, retries included
  Counter retries;
  Counter retries_refused;  ///< by the retry budget
  Counter hedges;           ///< second attempts made beside a slow first one
  Counter hedges_won;
  std::array<Counter, static_cast<size_t>(ErrorKind::kInternal) + 1> errors;  ///< attempts without an answer, by kind
  Gauge connections;                                                          ///< open, idle ones included
  Gauge pending;                                                              ///< calls that wait for a connection
  Counter connects;                                                           ///< connections opened
  Histogram duration;  ///< of one attempt, until the response's head
};

/// What a loop counts of its Redis.
struct RedisMetrics {
  Counter commands;  ///< asked for, those refused while it is down too
  std::array<Counter, static_cast<size_t>(ErrorKind::kInternal) + 1> errors;  ///< by kind
  Counter connects;                                                           ///< connections made
  Histogram duration;                                                         ///< of answered commands
};

/// What a loop counts of one rate limit of a route.
struct LimitMetrics {
  enum Result : uint8_t { kAdmitted, kRefused, kDryRun, kLocal, kStoreError, kResults };
  std::array<Counter, kResults> decisions;
};

/// What a loop counts of a route's requests that have, or should have, an Idempotency-Key.
struct IdempotencyMetrics {
  static constexpr std::array<std::string_view, 7> kResults = {"first",     "replayed", "conflict",   "mismatch",
                                                               "no_answer", "invalid",  "store_error"};
  enum Result : uint8_t {
    kFirst,
    kReplayed,
    kConflict,  ///< the first is under way
    kMismatch,  ///< the key of another request
    kNoAnswer,  ///< it was carried out, but there is no answer to replay
    kInvalid,   ///< no key where there must be one, or none that is one
    kStoreError,
  };
  std::array<Counter, kResults.size()> results;
};

/// What a loop counts of itself.
struct LoopMetrics {
  Gauge connections;  ///< client connections open
  Counter accepted;
  Counter bad_requests;         ///< connections answered or closed for what is not HTTP as we take it
  Counter refused_connections;  ///< what stands in front of HTTP came to nothing: TLS, the PROXY protocol
};

/// A growing array of T by id, made by its loop at first use, neighbours with it. Thread: at() on the loop, find() on
/// any.
template <typename T>
class ShardTable {
 public:
  static constexpr size_t kChunk = 64;
  static constexpr size_t kMaxIds = 4096 * kChunk;
  ShardTable() = default;
  ~ShardTable();
  ShardTable(const ShardTable&) = delete;
  ShardTable& operator=(const ShardTable&) = delete;
  T& at(uint32_t id) {
    T* found = find(id);
    return found != nullptr ? *found : make(id);
  }
  T* find(uint32_t id) const {
    Chunk* chunk = chunks_[id / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &(*chunk)[id % kChunk];
  }

 private:
  using Chunk = std::array<T, kChunk>;
  T& make(uint32_t id);
  std::array<std::atomic<Chunk*>, kMaxIds / kChunk> chunks_{};
};

/// One loop's shard. Thread: the loop writes, a scrape reads.
struct alignas(64) MetricsShard {
  LoopMetrics loop;
  RedisMetrics redis;
  ShardTable<RouteMetrics> routes;
  ShardTable<UpstreamMetrics> upstreams;
  ShardTable<LimitMetrics> limits;
  ShardTable<IdempotencyMetrics> idempotency;  ///< by the ids of routes
};

/// The registry. One in the process, made before the loops; it outlives them.
class Metrics {
 public:
  using Collector = std::function<void(PrometheusText&)>;

  explicit Metrics(size_t loops);
  MetricsShard& shard(size_t loop) { return *shards_[loop]; }
  const MetricsShard& shard(size_t loop) const { return *shards_[loop]; }
  size_t loops() const { return shards_.size(); }

  /// The ids of these routes, in their order; names seen before keep their ids and counters. A scrape shows only the
  /// names of the last call. Thread: any; at load, not at request.
  std::vector<uint32_t> use_routes(const std::vector<std::string>& names);
  std::vector<uint32_t> use_upstreams(const std::vector<std::string>& names);
  /// The same for the limits of routes: each a route's name, a line end, and the limit's.
  std::vector<uint32_t> use_limits(const std::vector<std::string>& names);

  /// Adds families of another room to every scrape (pools, breakers, log). Thread: any; the collector runs on the
  /// scraping thread.
  void add_collector(Collector collector);

  SharedCounter config_reloads;          ///< tried
  SharedCounter config_reload_failures;  ///< refused: the old configuration kept serving
  /// When the configuration that serves was loaded. Thread: any.
  void set_config_loaded(WallTime t);

  /// The whole page of /metrics, in Prometheus's text format 0.0.4.
  std::string render() const;

 private:
  struct Names {
    std::unordered_map<std::string, uint32_t> ids;
    std::vector<std::pair<std::string, uint32_t>> shown;
    std::vector<uint32_t> use(const std::vector<std::string>& names);
  };
  void render_routes(PrometheusText& out, const Names& names) const;
  void render_upstreams(PrometheusText& out, const Names& names) const;
  void render_limits(PrometheusText& out, const Names& names) const;
  void render_process(PrometheusText& out) const;

  std::vector<std::unique_ptr<MetricsShard>> shards_;
  std::atomic<int64_t> config_loaded_ms_{0};
  mutable std::mutex mutex_;  ///< guards what follows; never taken on the way of a request
  Names routes_, upstreams_, limits_;
  std::vector<Collector> collectors_;
};

}  // namespace vg::observe
