// The router with ten routes and with ten thousand: one lookup, and building it.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "gateway/router.h"

namespace vg::gateway {
namespace {

std::vector<RoutePattern> services(uint32_t n) {
  std::vector<RoutePattern> out(n);
  for (uint32_t i = 0; i < n; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/api/v1/svc%05u/items/{rest...}", i);
    out[i].path = path;
    out[i].route = i;
  }
  return out;
}

Router build(const std::vector<RoutePattern>& routes) {
  return Router::build(routes, TrailingSlash::kStrict, [](RouteError) { std::abort(); });
}

void lookup(benchmark::State& state) {
  const auto n = static_cast<uint32_t>(state.range(0));
  const Router router = build(services(n));
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < 4096; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/api/v1/svc%05u/items/%u/detail", (i * 2654435761U) % n, i);
    paths.emplace_back(path);
  }
  size_t i = 0;
  Match match;
  for (auto _ : state) {
    router.match("gateway.example", "GET", paths[i++ & 4095], "", &match);
    benchmark::DoNotOptimize(match.route);
  }
}
BENCHMARK(lookup)->Arg(10)->Arg(10000);

void one_hot_route(benchmark::State& state) {
  const Router router = build(services(static_cast<uint32_t>(state.range(0))));
  Match match;
  for (auto _ : state) {
    router.match("gateway.example", "GET", "/api/v1/svc00007/items/42", "", &match);
    benchmark::DoNotOptimize(match.route);
  }
}
BENCHMARK(one_hot_route)->Arg(10)->Arg(10000);

void forms(benchmark::State& state) {
  std::vector<RoutePattern> routes;
  for (const char* path : {"/articles/{id:int}", "/articles/{slug:slug}/comments",
                           "/articles/{id:int}/comments/{key:uuid}", "/{rest...}"}) {
    routes.emplace_back().path = path;
  }
  const Router router = build(routes);
  Match match;
  for (auto _ : state) {
    router.match("gateway.example", "GET", "/articles/12345/comments/01234567-89ab-cdef-0123-456789abcdef", "", &match);
    benchmark::DoNotOptimize(match.route);
  }
}
BENCHMARK(forms);

void build_all(benchmark::State& state) {
  const auto routes = services(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(build(routes).node_count());
  state.counters["bytes"] = static_cast<double>(build(routes).memory_bytes());
}
BENCHMARK(build_all)->Arg(10)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vg::gateway

BENCHMARK_MAIN();
