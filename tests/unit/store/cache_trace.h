// Traces of requests for caches, always alike, and LRU to compare with.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <random>
#include <unordered_map>
#include <vector>

namespace vg::store::test {

/// `count` requests for keys below `keys`, the n-th of which is asked for as 1/n.
inline std::vector<uint32_t> zipf(size_t keys, size_t count, uint32_t seed = 1) {
  std::vector<double> upto(keys);
  double sum = 0;
  for (size_t i = 0; i < keys; ++i) upto[i] = sum += 1.0 / static_cast<double>(i + 1);
  std::mt19937 random(seed);
  std::vector<uint32_t> out(count);
  for (uint32_t& k : out) {
    const double at = sum * (static_cast<double>(random()) / 4294967296.0);
    k = static_cast<uint32_t>(std::upper_bound(upto.begin(), upto.end(), at) - upto.begin());
  }
  return out;
}

/// The same, with a scan over as many keys as a tenth of the others every so often: each is asked for once, and never
/// again.
inline std::vector<uint32_t> zipf_with_scans(size_t keys, size_t count) {
  std::vector<uint32_t> out;
  auto scanned = static_cast<uint32_t>(keys);
  size_t n = 0;
  for (const uint32_t k : zipf(keys, count)) {
    out.push_back(k);
    if (++n % 10'000 != 0) continue;
    for (size_t i = 0; i < keys / 10; ++i) out.push_back(scanned++);
  }
  return out;
}

inline double lru_hit_ratio(const std::vector<uint32_t>& trace, size_t entries) {
  std::list<uint32_t> order;
  std::unordered_map<uint32_t, std::list<uint32_t>::iterator> at;
  size_t hits = 0;
  for (const uint32_t k : trace) {
    const auto found = at.find(k);
    if (found != at.end()) {
      ++hits;
      order.splice(order.begin(), order, found->second);
      continue;
    }
    order.push_front(k);
    at[k] = order.begin();
    if (order.size() <= entries) continue;
    at.erase(order.back());
    order.pop_back();
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

}  // namespace vg::store::test
