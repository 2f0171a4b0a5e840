// How long to wait before Redis is tried again: 100 ms, doubled up to 5 s, of which 50 to 100 % by chance, so that many
// processes don't come back at once.
#pragma once
#include <algorithm>
#include <random>

#include "base/clock.h"

namespace vg::store {

class Backoff {
 public:
  explicit Backoff(uint32_t seed = std::random_device()()) : random_(seed) {}
  Duration next() {
    constexpr Duration kFirst = std::chrono::milliseconds(100), kMost = std::chrono::seconds(5);
    const Duration full = step_ < 6 ? std::min(kMost, kFirst * (1 << step_)) : kMost;
    ++step_;
    return full / 2 + Duration(std::uniform_int_distribution<int64_t>(0, full.count() / 2)(random_));
  }
  void reset() { step_ = 0; }

 private:
  std::minstd_rand random_;
  unsigned step_ = 0;
};

}  // namespace vg::store
