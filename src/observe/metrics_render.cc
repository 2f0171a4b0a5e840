// The page of /metrics: families in a fixed order, shards summed. What a family is made of stands in one line each.
#include "observe/metrics.h"
#include "observe/prometheus.h"
#include "version_generated.h"

namespace vg::observe {
namespace {

using Type = PrometheusText::Type;

constexpr std::array<std::string_view, 6> kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace

/// Sums over the shards and writes one family at a time, as the format wants it.
template <typename T>
class TableRenderer {
 public:
  using Shown = std::vector<std::pair<std::string, uint32_t>>;
  using Shards = std::vector<std::unique_ptr<MetricsShard>>;

  TableRenderer(PrometheusText& out, const Shards& shards, ShardTable<T> MetricsShard::*table, std::string_view label,
                const Shown& shown)
      : out_(out), shards_(shards), table_(table), label_(label), shown_(shown) {}

  void counter(std::string_view name, std::string_view help, Counter T::*field) {
    out_.family(name, help, Type::kCounter);
    for (const auto& [text, id] : shown_) {
      uint64_t sum = 0;
      each(id, [&](const T& m) { sum += (m.*field).value(); });
      out_.sample({{label_, text}}, sum);
    }
  }

  void gauge(std::string_view name, std::string_view help, Gauge T::*field) {
    out_.family(name, help, Type::kGauge);
    for (const auto& [text, id] : shown_) {
      int64_t sum = 0;
      each(id, [&](const T& m) { sum += (m.*field).value(); });
      out_.sample({{label_, text}}, sum);
    }
  }

  /// One sample for each index of the array that was ever counted.
  template <size_t N, typename NameOf>
  void counters(std::string_view name, std::string_view help, std::array<Counter, N> T::*field, std::string_view second,
                const NameOf& name_of) {
    out_.family(name, help, Type::kCounter);
    for (const auto& [text, id] : shown_) {
      std::array<uint64_t, N> sums{};
      each(id, [&](const T& m) {
        for (size_t i = 0; i < N; ++i) sums[i] += (m.*field)[i].value();
      });
      for (size_t i = 0; i < N; ++i) {
        if (sums[i] != 0) out_.sample({{label_, text}, {second, name_of(i)}}, sums[i]);
      }
    }
  }

  void histogram(std::string_view name, std::string_view help, Histogram T::*field) {
    out_.family(name, help, Type::kHistogram);
    for (const auto& [text, id] : shown_) {
      PrometheusText::HistogramSum sum;
      each(id, [&](const T& m) { sum.add(m.*field); });
      if (sum.count() != 0) out_.histogram({{label_, text}}, sum);
    }
  }

 private:
  template <typename F>
  void each(uint32_t id, const F& f) {
    for (const auto& shard : shards_) {
      if (const T* m = ((*shard).*table_).find(id)) f(*m);
    }
  }

  PrometheusText& out_;
  const Shards& shards_;
  ShardTable<T> MetricsShard::*table_;
  std::string_view label_;
  const Shown& shown_;
};

std::string Metrics::render() const {
  PrometheusText out;
  Names routes, upstreams, limits;
  std::vector<Collector> collectors;
  {
    const std::lock_guard lock(mutex_);
    routes.shown = routes_.shown;
    upstreams.shown = upstreams_.shown;
    limits.shown = limits_.shown;
    collectors = collectors_;
  }
  routes.shown.emplace_back("", 0);  // what matched no route
  render_process(out);
  render_routes(out, routes);
  render_upstreams(out, upstreams);
  render_limits(out, limits);
  for (const Collector& collect : collectors) collect(out);
  return out.take();
}

void Metrics::render_process(PrometheusText& out) const {
  LoopMetrics total;
  for (const auto& s : shards_) {
    total.connections.add(s->loop.connections.value());
    total.accepted.add(s->loop.accepted.value());
    total.bad_requests.add(s->loop.bad_requests.value());
    total.refused_connections.add(s->loop.refused_connections.value());
  }
  out.family("viewgate_build_info", "Version and commit; always 1.", Type::kGauge);
  out.sample({{"version", VIEWGATE_VERSION}, {"commit", VIEWGATE_COMMIT}}, uint64_t{1});
  out.family("viewgate_workers", "Event loops.", Type::kGauge);
  out.sample({}, static_cast<uint64_t>(shards_.size()));
  out.family("viewgate_config_reloads_total", "Reloads tried, failed ones included.", Type::kCounter);
  out.sample({}, config_reloads.value());
  out.family("viewgate_config_reload_failures_total", "Reloads refused; the old configuration kept serving.",
             Type::kCounter);
  out.sample({}, config_reload_failures.value());
  out.family("viewgate_config_loaded_timestamp_seconds", "When the configuration that serves was loaded.",
             Type::kGauge);
  out.sample({}, static_cast<double>(config_loaded_ms_.load(std::memory_order_relaxed)) / 1e3);
  out.family("viewgate_connections", "Client connections open.", Type::kGauge);
  out.sample({}, total.connections.value());
  out.family("viewgate_connections_accepted_total", "Client connections accepted.", Type::kCounter);
  out.sample({}, total.accepted.value());
  out.family("viewgate_bad_requests_total", "Requests refused as malformed.", Type::kCounter);
  out.sample({}, total.bad_requests.value());
  out.family("viewgate_connections_refused_total",
             "Client connections that failed before HTTP: TLS handshakes, headers of the PROXY protocol.",
             Type::kCounter);
  out.sample({}, total.refused_connections.value());
}

void Metrics::render_routes(PrometheusText& out, const Names& names) const {
  const auto class_of = [](size_t i) { return RouteMetrics::kClasses[i]; };
  TableRenderer<RouteMetrics> r(out, shards_, &MetricsShard::routes, "route", names.shown);
  r.counters("viewgate_requests_total", "Requests by route (empty: none matched) and class of status.",
             &RouteMetrics::responses, "status", class_of);
  r.counters("viewgate_cache_requests_total", "Requests by what the route's cache did with them.", &RouteMetrics::cache,
             "result", [](size_t i) { return to_string(static_cast<CacheResult>(i)); });
  r.gauge("viewgate_requests_in_flight", "Requests being served.", &RouteMetrics::in_flight);
  r.counter("viewgate_request_bytes_total", "Bytes of request bodies.", &RouteMetrics::bytes_in);
  r.counter("viewgate_response_bytes_total", "Bytes sent to clients.", &RouteMetrics::bytes_out);
  r.histogram("viewgate_request_duration_seconds", "From a request's head to its response's end.",
              &RouteMetrics::duration);
  TableRenderer<IdempotencyMetrics> keys(out, shards_, &MetricsShard::idempotency, "route", names.shown);
  keys.counters(
      "viewgate_idempotency_requests_total",
      "Writes with an Idempotency-Key by what became of them. first: carried out; invalid: the key is none, or "
      "missing where it is required; store_error: the store could not be asked, or was full.",
      &IdempotencyMetrics::results, "result", [](size_t i) { return IdempotencyMetrics::kResults[i]; });
}

void Metrics::render_upstreams(PrometheusText& out, const Names& names) const {
  const auto class_of = [](size_t i) { return kClasses[i]; };
  const auto kind_of = [](size_t i) { return to_string(static_cast<ErrorKind>(i)); };
  TableRenderer<UpstreamMetrics> r(out, shards_, &MetricsShard::upstreams, "upstream", names.shown);
  r.counter("viewgate_upstream_attempts_total", "Requests sent to the upstream, retries included.",
            &UpstreamMetrics::attempts);
  r.counters("viewgate_upstream_responses_total", "Answers by class of status.", &UpstreamMetrics::responses, "status",
             class_of);
  r.counters("viewgate_upstream_errors_total", "Attempts without an answer, by reason.", &UpstreamMetrics::errors,
             "reason", kind_of);
  r.counter("viewgate_upstream_retries_total", "Attempts beyond the first.", &UpstreamMetrics::retries);
  r.counter("viewgate_upstream_retries_refused_total", "Retries that the budget refused.",
            &UpstreamMetrics::retries_refused);
  r.counter("viewgate_upstream_hedges_total", "Second attempts made beside a slow first one.",
            &UpstreamMetrics::hedges);
  r.counter("viewgate_upstream_hedges_won_total", "Hedges that answered first.", &UpstreamMetrics::hedges_won);
  r.counter("viewgate_upstream_connects_total", "Connections opened.", &UpstreamMetrics::connects);
  r.gauge("viewgate_upstream_connections", "Connections open, idle ones included.", &UpstreamMetrics::connections);
  r.gauge("viewgate_upstream_pending", "Calls that wait for a connection.", &UpstreamMetrics::pending);
  r.histogram("viewgate_upstream_duration_seconds", "From an attempt's start to its answer's head.",
              &UpstreamMetrics::duration);
}

void Metrics::render_limits(PrometheusText& out, const Names& names) const {
  constexpr std::array<std::string_view, LimitMetrics::kResults> kResultNames = {"admitted", "refused", "dry_run",
                                                                                 "local", "store_error"};
  out.family("viewgate_rate_limit_decisions_total",
             "Decisions of a route's rate limits. dry_run: it would have refused; local: admitted by this process's "
             "own count, since Redis could not be asked; store_error: not counted at all.",
             Type::kCounter);
  for (const auto& [name, id] : names.shown) {
    std::array<uint64_t, LimitMetrics::kResults> sums{};
    for (const auto& shard : shards_) {
      const LimitMetrics* m = shard->limits.find(id);
      if (m == nullptr) continue;
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += m->decisions[i].value();
    }
    const std::string_view text = name;
    const size_t end = text.rfind('\n');
    for (size_t i = 0; i < sums.size(); ++i) {
      if (sums[i] == 0 && i > LimitMetrics::kRefused) continue;
      out.sample({{"route", text.substr(0, end)}, {"limit", text.substr(end + 1)}, {"result", kResultNames[i]}},
                 sums[i]);
    }
  }
}

}  // namespace vg::observe
