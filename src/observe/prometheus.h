// Writes Prometheus's text exposition format 0.0.4: families with HELP and TYPE, samples with escaped labels.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "observe/metrics.h"

namespace vg::observe {

class PrometheusText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;
  enum class Type : uint8_t { kCounter, kGauge, kHistogram };

  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  /// Begins a family; its samples follow. Lifetime: `name` until the next family.
  void family(std::string_view name, std::string_view help, Type type);
  void sample(Labels labels, uint64_t value);
  void sample(Labels labels, int64_t value);
  void sample(Labels labels, double value);
  /// Buckets, sum and count, in seconds, of several loops' histograms.
  struct HistogramSum {
    std::array<uint64_t, Histogram::kBoundsMicros.size() + 1> buckets{};
    uint64_t sum_ns = 0;
    void add(const Histogram& h);
    uint64_t count() const { return std::accumulate(buckets.begin(), buckets.end(), uint64_t{0}); }
  };
  void histogram(Labels labels, const HistogramSum& sum);

  std::string take() { return std::move(out_); }

 private:
  void begin(std::string_view suffix, Labels labels, std::string_view le);

  std::string out_;
  std::string_view name_;
};

}  // namespace vg::observe
