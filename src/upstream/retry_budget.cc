#include "upstream/retry_budget.h"

#include <limits>

namespace vg::upstream {
namespace {

constexpr int kCountBits = 32;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;

uint32_t slice_of(uint64_t packed) { return static_cast<uint32_t>(packed >> kCountBits); }
uint64_t count_of(uint64_t packed) { return packed & kCountMask; }

}  // namespace

RetryBudget::RetryBudget() {
  // Long ago, and far enough from the end that a difference does not overflow.
  for (auto& used : minimum_) used.store(std::numeric_limits<int64_t>::min() / 2, std::memory_order_relaxed);
}

uint32_t RetryBudget::number(TimePoint now) {
  return static_cast<uint32_t>(now.time_since_epoch() / kSlice) + kSlices;  // the zeros of a new array are long past
}

void RetryBudget::on_request(TimePoint now) { add(requests_, number(now)); }

bool RetryBudget::try_retry(TimePoint now, double share) {
  const uint32_t slice = number(now);
  // Counted before it is decided: of two loops that see the last free place, none or one gets it, never both.
  add(retries_, slice);
  const auto retries = static_cast<double>(sum(retries_, slice, kRetrySlices));
  const double allowed = share * static_cast<double>(sum(requests_, slice, kRequestSlices));
  if (retries <= allowed || take_minimum(now)) return true;
  undo(retries_, slice);
  return false;
}

/// Each of the three places serves once a second: at most 3 in any second, and never fewer when asked for.
bool RetryBudget::take_minimum(TimePoint now) {
  constexpr int64_t kSecond = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
  const int64_t t = Duration(now.time_since_epoch()).count();
  for (auto& place : minimum_) {
    int64_t used = place.load(std::memory_order_relaxed);
    if (t - used >= kSecond && place.compare_exchange_strong(used, t, std::memory_order_relaxed)) return true;
  }
  return false;
}

void RetryBudget::add(Slices& slices, uint32_t slice) {
  std::atomic<uint64_t>& cell = slices[slice % kSlices];
  uint64_t seen = cell.load(std::memory_order_relaxed);
  for (;;) {
    uint64_t next = seen + 1;
    if (slice_of(seen) != slice) {
      if (static_cast<int32_t>(slice - slice_of(seen)) < 0) return;  // a loop whose clock is a window behind
      next = (uint64_t{slice} << kCountBits) | 1;
    }
    if (count_of(next) == 0) return;  // full: 2^32 in half a second
    if (cell.compare_exchange_weak(seen, next, std::memory_order_seq_cst)) return;
  }
}

void RetryBudget::undo(Slices& slices, uint32_t slice) {
  std::atomic<uint64_t>& cell = slices[slice % kSlices];
  uint64_t seen = cell.load(std::memory_order_relaxed);
  while (slice_of(seen) == slice && count_of(seen) > 0) {
    if (cell.compare_exchange_weak(seen, seen - 1, std::memory_order_seq_cst)) return;
  }
}

uint64_t RetryBudget::sum(const Slices& slices, uint32_t newest, uint32_t count) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t packed = slices[(newest - i) % kSlices].load(std::memory_order_seq_cst);
    if (slice_of(packed) == newest - i) total += count_of(packed);
  }
  return total;
}

}  // namespace vg::upstream
