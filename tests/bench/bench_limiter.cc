// What a decision of a rate limit costs in memory: on one key that all threads count in, and on keys of their own.
#include <benchmark/benchmark.h>

#include "store/memory_limit_store.h"

namespace vg::store {
namespace {

MemoryLimitStore& limits() {
  static MemoryLimitStore store;
  return store;
}

LimitRule rule(LimitAlgorithm algorithm, uint32_t limit) {
  LimitRule out;
  out.algorithm = algorithm;
  out.limit = limit;
  out.window = std::chrono::seconds(1);
  return out;
}

// Keys of each thread's own: 1,000 in turn; else all threads count in one.
void decide(benchmark::State& state, LimitAlgorithm algorithm, bool own, uint32_t limit = 1'000'000) {
  const LimitCounter counter("bench", rule(algorithm, limit));
  std::vector<std::string> keys;
  for (int i = 0; i < (own ? 1000 : 1); ++i)
    keys.push_back("key-" + std::to_string(i) + "-of-thread-" + std::to_string(own ? state.thread_index() : 0));
  TimePoint now = std::chrono::steady_clock::now();
  size_t turn = 0;
  for (auto _ : state) {
    const LimitAsk ask{&counter, keys[turn], false, false};
    LimitState out;
    benchmark::DoNotOptimize(limits().decide(std::span(&ask, 1), std::span(&out, 1), now));
    if (++turn == keys.size()) turn = 0;
    now += std::chrono::microseconds(10);
  }
}

BENCHMARK_CAPTURE(decide, same_key, LimitAlgorithm::kSlidingWindow, false)->Threads(1)->Threads(8);
BENCHMARK_CAPTURE(decide, own_keys, LimitAlgorithm::kSlidingWindow, true)->Threads(1)->Threads(8);
BENCHMARK_CAPTURE(decide, same_key_refused, LimitAlgorithm::kSlidingWindow, false, 1)->Threads(8);
BENCHMARK_CAPTURE(decide, same_key_bucket, LimitAlgorithm::kTokenBucket, false)->Threads(8);
BENCHMARK_CAPTURE(decide, own_keys_bucket, LimitAlgorithm::kTokenBucket, true)->Threads(8);
BENCHMARK_CAPTURE(decide, own_keys_fixed, LimitAlgorithm::kFixedWindow, true)->Threads(8);

}  // namespace
}  // namespace vg::store
