// What one request reads of its route: the lookup, the route's counters, the target of its call. With one route all of
// it is in the processor's caches, with ten thousand in random order none is.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "gateway/router.h"
#include "observe/metrics.h"
#include "template/call_target.h"

namespace vg::gateway {
namespace {

struct Request final : tmpl::Values {
  tmpl::PathParam param(size_t) const override { return {"42", false}; }
  std::string_view query_string() const override { return {}; }
  std::optional<std::string_view> header(std::string_view) const override { return std::nullopt; }
  std::optional<std::string_view> cookie(std::string_view) const override { return std::nullopt; }
  std::string_view client_ip() const override { return "192.0.2.7"; }
  std::string_view request_id() const override { return "id"; }
  std::optional<std::string_view> tls_subject() const override { return std::nullopt; }
};

struct Gateway {
  Router router;
  std::vector<tmpl::CallTarget> targets;
  observe::Metrics metrics{1};
  std::vector<uint32_t> ids;

  Gateway() {
    std::vector<RoutePattern> patterns(10000);
    std::vector<std::string> names;
    const tmpl::Scope scope = tmpl::request_scope({{"rest", tmpl::ParamKind::kRest}});
    for (uint32_t i = 0; i < patterns.size(); ++i) {
      char name[32];
      snprintf(name, sizeof name, "/api/v1/svc%05u/items", i);
      names.emplace_back(name);
      patterns[i].path = names.back() + "/{rest...}";
      patterns[i].route = i;
      targets.push_back(
          *tmpl::parse_call("origin" + names.back() + "/{rest}", scope, [](size_t, std::string) { std::abort(); }));
    }
    router = Router::build(patterns, TrailingSlash::kStrict, [](RouteError) { std::abort(); });
    ids = metrics.use_routes(names);
  }
};

void requests(benchmark::State& state) {
  static Gateway* const gateway = new Gateway;
  const auto routes = static_cast<size_t>(state.range(0));
  std::minstd_rand random(7);
  Match match;
  const Request values;
  std::string path = "/api/v1/svc00000/items/42", out;
  observe::MetricsShard& shard = gateway->metrics.shard(0);
  for (auto _ : state) {
    size_t number = random() % routes;
    for (size_t at = 15; at > 10; --at, number /= 10) path[at] = static_cast<char>('0' + number % 10);
    gateway->router.match("gateway.example", "GET", path, "", &match);
    if (match.outcome != Match::Outcome::kRoute) std::abort();
    observe::RouteMetrics& m = shard.routes.at(gateway->ids[match.route]);
    m.in_flight.add();
    out.clear();
    benchmark::DoNotOptimize(gateway->targets[match.route].render(values, "", out));
    m.in_flight.sub();
    m.done(200, 0, 300, std::chrono::microseconds(200));
  }
}
BENCHMARK(requests)->Arg(1)->Arg(10000);

}  // namespace
}  // namespace vg::gateway
