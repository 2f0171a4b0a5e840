#include "server/status.h"

#include <algorithm>

#include "json/writer.h"
#include "version_generated.h"

namespace vg::server {

namespace {

using Type = observe::PrometheusText::Type;

void write_time(json::Writer& w, std::string_view key, WallTime t) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  w.key(key);
  w.string(std::string_view(text, size));
}

void write_number(json::Writer& w, std::string_view key, uint64_t value) {
  w.key(key);
  w.number(static_cast<int64_t>(value));
}

void write_text(json::Writer& w, std::string_view key, std::string_view value) {
  w.key(key);
  w.string(value);
}

void write_limits(json::Writer& w, const pipeline::Route& route) {
  const std::vector<pipeline::ShownLimit*> limits = route.limits();
  if (limits.empty()) return;
  w.key("rate_limits");
  w.begin_array();
  for (const pipeline::ShownLimit* limit : limits) {
    w.begin_object();
    write_text(w, "name", limit->name);
    write_text(w, "limit", limit->text);
    w.end_object();
  }
  w.end_array();
}

void write_limit_counts(json::Writer& w, const gateway::RouteTable& table) {
  if (!table.limit_counts) return;
  const store::MemoryLimitStore::Usage usage = table.limit_counts->usage();
  w.key("rate_limit_memory");
  w.begin_object();
  write_number(w, "keys", usage.keys);
  write_number(w, "most_keys", usage.most_keys);
  write_number(w, "bytes", usage.bytes);
  write_number(w, "overflow_counters", usage.overflow_in_use);
  write_number(w, "overflow_decisions", usage.overflowed);
  w.end_object();
}

void write_claims(json::Writer& w, const gateway::RouteTable& table) {
  if (!table.claims) return;
  const store::MemoryClaimStore::Usage usage = table.claims->usage();
  w.key("idempotency_memory");
  w.begin_object();
  write_number(w, "entries", usage.entries);
  write_number(w, "bytes", usage.bytes);
  write_number(w, "most_bytes", usage.most_bytes);
  write_number(w, "refused", usage.refused);
  w.end_object();
}

void write_routes(json::Writer& w, const gateway::RouteTable& table) {
  w.key("routes");
  w.begin_array();
  for (const auto& route : table.routes) {
    w.begin_object();
    write_text(w, "name", route.name);
    write_text(w, "path", route.path);
    write_text(w, "view", route.view_name);
    write_limits(w, route);
    w.end_object();
  }
  w.end_array();
}

// How long ago something was, as a time of the day.
WallTime wall_time(TimePoint t) {
  const auto ago = Clock::now() - t;
  return Clock::wall() - std::chrono::duration_cast<std::chrono::system_clock::duration>(ago);
}

void write_breaker(json::Writer& w, const upstream::Breaker& breaker) {
  const upstream::Breaker::Status s = breaker.status();
  w.begin_object();
  write_text(w, "state", to_string(s.state));
  if (s.since != TimePoint()) write_time(w, "since", wall_time(s.since));
  write_number(w, "failures", s.failures);
  write_number(w, "opens", s.opens);
  write_number(w, "refused", s.refused);
  w.end_object();
}

void write_health(json::Writer& w, const upstream::HealthState& health) {
  w.begin_object();
  write_text(w, "state", health.healthy() ? "healthy" : "unhealthy");
  if (health.since() != TimePoint()) write_time(w, "since", wall_time(health.since()));
  write_number(w, "checks", health.checks());
  write_number(w, "failed", health.failed());
  w.end_object();
}

// Those of routes and calls; the upstreams' stand with their endpoints.
void write_breakers(json::Writer& w, const gateway::RouteTable& table) {
  w.key("circuit_breakers");
  w.begin_array();
  for (const auto& breakers : table.breakers) {
    for (size_t i = 0; i < breakers->size(); ++i) {
      w.begin_object();
      write_text(w, "scope", breakers->scope());
      write_text(w, "upstream", breakers->upstream());
      write_text(w, "endpoint", breakers->endpoint(i));
      w.key("circuit_breaker");
      write_breaker(w, breakers->at(i));
      w.end_object();
    }
  }
  w.end_array();
}

void write_upstreams(json::Writer& w, const gateway::RouteTable& table) {
  w.key("upstreams");
  w.begin_array();
  for (const auto& upstream : table.upstreams) {
    w.begin_object();
    write_text(w, "name", upstream->name());
    write_text(w, "protocol", upstream->settings().http2 ? "HTTP/2" : "HTTP/1.1");
    write_number(w, "connections", upstream->connections());
    write_number(w, "waiting", upstream->waiting());
    w.key("endpoints");
    w.begin_array();
    for (size_t i = 0; i < upstream->size(); ++i) {
      const upstream::Endpoint& e = upstream->endpoint(i);
      w.begin_object();
      write_text(w, "address", e.label);
      write_number(w, "weight", e.settings.weight);
      w.key("backup");
      w.boolean(e.settings.backup);
      write_number(w, "connections", e.connections.load());
      write_number(w, "outstanding", e.outstanding.load());
      write_number(w, "attempts", e.attempts.load());
      write_number(w, "failures", e.failures.load());
      if (const upstream::Breakers* breakers = upstream->breakers()) {
        w.key("circuit_breaker");
        write_breaker(w, breakers->at(i));
      }
      if (upstream->settings().health) {
        w.key("health");
        write_health(w, e.health);
      }
      w.end_object();
    }
    w.end_array();
    w.end_object();
  }
  w.end_array();
}

struct RedisSum {
  uint64_t commands = 0, connects = 0, failed = 0;
  std::array<uint64_t, std::tuple_size_v<decltype(observe::RedisMetrics::errors)>> errors{};
  observe::PrometheusText::HistogramSum duration;

  explicit RedisSum(const observe::Metrics& metrics) {
    for (size_t i = 0; i < metrics.loops(); ++i) {
      const observe::RedisMetrics& m = metrics.shard(i).redis;
      commands += m.commands.value();
      connects += m.connects.value();
      for (size_t k = 0; k < errors.size(); ++k) {
        errors[k] += m.errors[k].value();
        failed += m.errors[k].value();
      }
      duration.add(m.duration);
    }
  }
};

void write_redis(json::Writer& w, store::RedisHub& hub, const observe::Metrics& metrics) {
  using Link = store::RedisHub::Link;
  const store::RedisHub::State state = hub.state();
  const RedisSum sum(metrics);
  uint64_t answered = 0;
  for (const uint64_t n : sum.duration.buckets) answered += n;
  w.key("redis");
  w.begin_object();
  write_text(w, "address", hub.settings().label);
  write_text(w, "prefix", hub.settings().prefix);
  write_text(w, "state", state.link == Link::kUp ? "up" : state.link == Link::kDown ? "down" : "connecting");
  if (state.link != Link::kNew) write_time(w, "since", state.since);
  if (!state.last_error.empty()) {
    write_text(w, "last_error", state.last_error);
    write_time(w, "last_error_at", state.last_error_at);
  }
  const store::RedisNews::State news = hub.news().state();
  if (news != store::RedisNews::State::kUnused)
    write_text(w, "news", news == store::RedisNews::State::kUp ? "up" : "down");
  w.key("missed_drops");
  w.boolean(hub.missed_drops().any());
  write_number(w, "commands", sum.commands);
  write_number(w, "errors", sum.failed);
  write_number(w, "connects", sum.connects);
  write_number(w, "mean_latency_us", answered == 0 ? 0 : sum.duration.sum_ns / answered / 1000);
  w.end_object();
}

void write_cache(json::Writer& w, const store::MemoryCacheStore& cache) {
  const store::CacheStats stats = cache.stats();
  w.key("cache");
  w.begin_object();
  w.key("memory");
  w.begin_object();
  write_number(w, "entries", stats.entries);
  write_number(w, "bytes", stats.bytes);
  write_number(w, "capacity_bytes", cache.capacity_bytes());
  write_number(w, "hits", stats.hits);
  write_number(w, "misses", stats.misses);
  write_number(w, "evictions", stats.evictions);
  write_number(w, "expired", stats.expired);
  write_number(w, "dropped", stats.dropped);
  w.end_object();
  w.end_object();
}

}  // namespace

void render_cache_metrics(const store::MemoryCacheStore& cache, observe::PrometheusText& out) {
  const store::CacheStats stats = cache.stats();
  const auto one = [&out](std::string_view name, std::string_view help, Type type, uint64_t value) {
    out.family(name, help, type);
    out.sample({}, value);
  };
  one("viewgate_cache_memory_entries", "Answers kept in memory.", Type::kGauge, stats.entries);
  one("viewgate_cache_memory_bytes", "What they take, with their keys and tags.", Type::kGauge, stats.bytes);
  one("viewgate_cache_memory_capacity_bytes", "What they may take: server.cache.memory.", Type::kGauge,
      cache.capacity_bytes());
  one("viewgate_cache_memory_hits_total", "Look-ups that found something, fresh or stale.", Type::kCounter, stats.hits);
  one("viewgate_cache_memory_misses_total", "Look-ups that found nothing.", Type::kCounter, stats.misses);
  one("viewgate_cache_memory_evictions_total", "Answers that left because there was no room.", Type::kCounter,
      stats.evictions);
  one("viewgate_cache_memory_expired_total", "Answers that were found to be too old to keep.", Type::kCounter,
      stats.expired);
  one("viewgate_cache_memory_dropped_total", "Answers that were found to be dropped by a write or a purge.",
      Type::kCounter, stats.dropped);
}

void render_redis_metrics(const Shared& shared, observe::PrometheusText& out) {
  const gateway::RouteTablePtr table = shared.table();
  if (!table->redis) return;
  const RedisSum sum(shared.metrics);
  out.family("viewgate_redis_up", "Whether Redis can be used: 1, or 0 if any worker can't.", Type::kGauge);
  out.sample({}, uint64_t{table->redis->up() ? 1U : 0U});
  out.family("viewgate_redis_commands_total", "Commands asked of Redis, those refused while it is down too.",
             Type::kCounter);
  out.sample({}, sum.commands);
  out.family("viewgate_redis_errors_total", "Commands of Redis that failed, by reason.", Type::kCounter);
  for (size_t k = 0; k < sum.errors.size(); ++k) {
    if (sum.errors[k] != 0) out.sample({{"kind", to_string(static_cast<ErrorKind>(k))}}, sum.errors[k]);
  }
  out.family("viewgate_redis_connects_total", "Connections made to Redis.", Type::kCounter);
  out.sample({}, sum.connects);
  out.family("viewgate_redis_duration_seconds", "Time until Redis answered a command.", Type::kHistogram);
  out.histogram({}, sum.duration);
}

std::string render_status_json(const Shared& shared, size_t workers, WallTime started, const ReloadState& reload) {
  const gateway::RouteTablePtr table = shared.table();
  std::string out;
  json::Writer w(out);
  w.begin_object();
  write_text(w, "version", VIEWGATE_VERSION);
  write_text(w, "commit", VIEWGATE_COMMIT);
  write_time(w, "started", started);
  write_text(w, "state", shared.draining.load() ? "stopping" : "serving");
  write_number(w, "workers", workers);
  write_number(w, "connections", shared.connections.in_use());
  w.key("last_reload");
  w.begin_object();
  write_time(w, "at", reload.at);
  w.key("ok");
  w.boolean(reload.ok);
  write_number(w, "count", reload.count);
  if (!reload.ok) write_text(w, "message", reload.message);
  w.end_object();
  write_routes(w, *table);
  write_upstreams(w, *table);
  write_breakers(w, *table);
  write_cache(w, shared.cache_memory);
  if (table->redis) write_redis(w, *table->redis, shared.metrics);
  write_limit_counts(w, *table);
  write_claims(w, *table);
  w.end_object();
  out.push_back('\n');
  return out;
}

}  // namespace vg::server
