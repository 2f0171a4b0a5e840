// Loading 10,000 routes: read, checked, merged with a mixin. The aim is 120 ms; what the tree takes is a counter.
#include <benchmark/benchmark.h>

#include "unit/config/small_schema.h"

namespace vg::config::testing {
namespace {

std::string many_routes(int64_t count) {
  std::string out = "upstreams:\n  app: {url: \"http://127.0.0.1:9000\"}\nmixins:\n  quick: {timeout: 3s}\nroutes:\n";
  for (int64_t i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    out.append("  - {name: r").append(n).append(", path: \"/s/x").append(n).append("/{id}\", view: proxy-fetch, ");
    out.append("source: \"app/x/{id}\", mixins: [quick], methods: [GET, POST]}\n");
  }
  return out;
}

void load_routes(benchmark::State& state) {
  const Schema schema = small_schema();
  const std::string yaml = many_routes(state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    const LoadResult result = load_text("v.yaml", yaml, schema, FakeEnvironment());
    if (!result.ok()) state.SkipWithError("the configuration has errors");
    bytes = result.document->bytes();
  }
  state.counters["arena_KiB"] = static_cast<double>(bytes) / 1024;
}
BENCHMARK(load_routes)->Arg(100)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vg::config::testing
