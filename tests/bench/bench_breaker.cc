// What a circuit breaker costs an attempt: asked before it, told after it; on one endpoint that all threads use, and on
// one of their own.
#include <benchmark/benchmark.h>

#include <memory>

#include "upstream/guard.h"

namespace vg::upstream {
namespace {

constexpr TimePoint kNow{std::chrono::seconds(1000)};

config::BreakerSettings settings(bool ratio) {
  config::BreakerSettings out;
  if (ratio) out.ratio_percent = 50;
  return out;
}

Breakers& breakers(bool ratio) {
  static Breakers plain("shop", "upstream", settings(false), std::vector<std::string>(64, "a:1"));
  static Breakers with_ratio("shop", "upstream", settings(true), std::vector<std::string>(64, "a:1"));
  return ratio ? with_ratio : plain;
}

void decide(benchmark::State& state, bool ratio, bool own, int failures_in_8) {
  Guard guard;
  guard.use({&breakers(ratio), nullptr, nullptr});
  const auto endpoint = own ? static_cast<size_t>(state.thread_index()) + 1 : 0;
  int turn = 0;
  for (auto _ : state) {
    if (!guard.admits(endpoint, kNow) || !guard.enter(endpoint, kNow)) state.SkipWithError("open");
    const bool failed = (++turn & 7) < failures_in_8;
    guard.leave(failed ? Breaker::Outcome::kFailure : Breaker::Outcome::kSuccess, "status 503", kNow);
  }
}

BENCHMARK_CAPTURE(decide, same_endpoint, false, false, 0)->Threads(1)->Threads(8);
BENCHMARK_CAPTURE(decide, own_endpoint, false, true, 0)->Threads(8);
BENCHMARK_CAPTURE(decide, same_endpoint_ratio, true, false, 0)->Threads(8);
BENCHMARK_CAPTURE(decide, own_endpoint_ratio, true, true, 0)->Threads(8);
// A failure now and then: the count of consecutive ones goes up and down.
BENCHMARK_CAPTURE(decide, own_endpoint_failing, false, true, 1)->Threads(8);

}  // namespace
}  // namespace vg::upstream
