// What /status and /metrics show beside the request counters. Thread: the main one.
#pragma once
#include <string>

#include "observe/prometheus.h"
#include "server/shared.h"

namespace vg::server {

/// What the last reload came to.
struct ReloadState {
  WallTime at{};
  bool ok = true;
  std::string message;
  uint64_t count = 0;
};

std::string render_status_json(const Shared& shared, size_t workers, WallTime started, const ReloadState& reload);
void render_log_metrics(const observe::LogStats& stats, observe::PrometheusText& out);
/// Nothing where no Redis is configured.
void render_cache_metrics(const store::MemoryCacheStore& cache, observe::PrometheusText& out);
void render_redis_metrics(const Shared& shared, observe::PrometheusText& out);
void render_limit_gauges(const gateway::RouteTable& table, observe::PrometheusText& out);
void render_claim_gauges(const gateway::RouteTable& table, observe::PrometheusText& out);
void render_upstream_gauges(const gateway::RouteTable& table, observe::PrometheusText& out);
void render_breaker_metrics(const gateway::RouteTable& table, observe::PrometheusText& out);
void render_health_metrics(const gateway::RouteTable& table, observe::PrometheusText& out);

}  // namespace vg::server
