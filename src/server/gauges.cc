// What /metrics says beside what loops count: of the log, and of what the configuration in force has.
#include "observe/prometheus.h"
#include "server/status.h"

namespace vg::server {

using Type = observe::PrometheusText::Type;

void render_log_metrics(const observe::LogStats& stats, observe::PrometheusText& out) {
  out.family("viewgate_log_dropped_total", "Log lines that were dropped because the target did not take them.",
             Type::kCounter);
  out.sample({{"log", "access"}}, stats.dropped_access);
  out.sample({{"log", "error"}}, stats.dropped_error);
  out.family("viewgate_log_write_errors_total", "Writes of the log that failed.", Type::kCounter);
  out.sample({}, stats.write_errors);
}

void render_limit_gauges(const gateway::RouteTable& table, observe::PrometheusText& out) {
  if (!table.limit_counts) return;
  const store::MemoryLimitStore::Usage usage = table.limit_counts->usage();
  out.family("viewgate_rate_limit_keys", "Keys that rate limits count in memory.", Type::kGauge);
  out.sample({}, static_cast<uint64_t>(usage.keys));
  out.family("viewgate_rate_limit_overflow_total",
             "Decisions for new keys that found no place, and were counted together.", Type::kCounter);
  out.sample({}, usage.overflowed);
}

void render_claim_gauges(const gateway::RouteTable& table, observe::PrometheusText& out) {
  if (!table.claims) return;
  const store::MemoryClaimStore::Usage usage = table.claims->usage();
  out.family("viewgate_idempotency_memory_entries", "Claims and answers of Idempotency-Keys in memory.", Type::kGauge);
  out.sample({}, usage.entries);
  out.family("viewgate_idempotency_memory_bytes", "What they take.", Type::kGauge);
  out.sample({}, usage.bytes);
  out.family("viewgate_idempotency_memory_capacity_bytes", "What they may take: server.idempotency.memory.",
             Type::kGauge);
  out.sample({}, usage.most_bytes);
  out.family("viewgate_idempotency_memory_refused_total", "What found no room.", Type::kCounter);
  out.sample({}, usage.refused);
}

void render_upstream_gauges(const gateway::RouteTable& table, observe::PrometheusText& out) {
  out.family("viewgate_endpoint_connections", "Open connections to an endpoint, idle ones included.", Type::kGauge);
  for (const auto& u : table.upstreams) {
    for (size_t i = 0; i < u->size(); ++i) {
      out.sample({{"upstream", u->name()}, {"endpoint", u->endpoint(i).label}},
                 static_cast<uint64_t>(u->endpoint(i).connections.load()));
    }
  }
  out.family("viewgate_endpoint_outstanding",
             "Attempts under way at an endpoint, those that wait for a connection included.", Type::kGauge);
  for (const auto& u : table.upstreams) {
    for (size_t i = 0; i < u->size(); ++i) {
      out.sample({{"upstream", u->name()}, {"endpoint", u->endpoint(i).label}},
                 static_cast<uint64_t>(u->endpoint(i).outstanding.load()));
    }
  }
}

namespace {

// Each breaker of the table, with its labels.
template <typename Visit>
void for_each_breaker(const gateway::RouteTable& table, const Visit& visit) {
  const auto all = [&](const upstream::Breakers& b) {
    for (size_t i = 0; i < b.size(); ++i)
      visit({{"upstream", b.upstream()}, {"endpoint", b.endpoint(i)}, {"scope", b.scope()}}, b.at(i).status());
  };
  for (const auto& u : table.upstreams) {
    if (u->breakers() != nullptr) all(*u->breakers());
  }
  for (const auto& b : table.breakers) all(*b);
}

// Each endpoint that is checked.
template <typename Visit>
void for_each_checked(const gateway::RouteTable& table, const Visit& visit) {
  for (const auto& u : table.upstreams) {
    if (!u->settings().health) continue;
    for (size_t i = 0; i < u->size(); ++i) visit(u->name(), u->endpoint(i));
  }
}

}  // namespace

void render_breaker_metrics(const gateway::RouteTable& table, observe::PrometheusText& out) {
  using Labels = observe::PrometheusText::Labels;
  using Status = upstream::Breaker::Status;
  out.family("viewgate_circuit_breaker_state", "0 closed, 1 half open, 2 open.", Type::kGauge);
  for_each_breaker(table, [&](Labels labels, const Status& s) {
    using State = upstream::Breaker::State;
    out.sample(labels, s.state == State::kClosed     ? uint64_t{0}
                       : s.state == State::kHalfOpen ? uint64_t{1}
                                                     : uint64_t{2});
  });
  out.family("viewgate_circuit_breaker_opens_total", "How often it opened.", Type::kCounter);
  for_each_breaker(table, [&](Labels labels, const Status& s) { out.sample(labels, s.opens); });
  out.family("viewgate_circuit_breaker_refused_total", "Requests that it refused, with no other endpoint to ask.",
             Type::kCounter);
  for_each_breaker(table, [&](Labels labels, const Status& s) { out.sample(labels, s.refused); });
}

void render_health_metrics(const gateway::RouteTable& table, observe::PrometheusText& out) {
  using upstream::Endpoint;
  out.family("viewgate_endpoint_healthy", "1 if active checks find the endpoint healthy.", Type::kGauge);
  for_each_checked(table, [&](const std::string& upstream, const Endpoint& e) {
    out.sample({{"upstream", upstream}, {"endpoint", e.label}}, uint64_t{e.health.healthy() ? 1U : 0U});
  });
  out.family("viewgate_health_checks_total", "Active checks that ended.", Type::kCounter);
  for_each_checked(table, [&](const std::string& upstream, const Endpoint& e) {
    out.sample({{"upstream", upstream}, {"endpoint", e.label}, {"result", "passed"}},
               e.health.checks() - std::min(e.health.failed(), e.health.checks()));
    out.sample({{"upstream", upstream}, {"endpoint", e.label}, {"result", "failed"}}, e.health.failed());
  });
}

}  // namespace vg::server
