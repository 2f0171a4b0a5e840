#include "observe/prometheus.h"

#include <charconv>

#include "base/strings.h"

namespace vg::observe {
namespace {

template <typename T>
void append_number(std::string& out, T value) {
  std::array<char, 32> buffer;
  const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end);
}

/// The format escapes backslash, newline and, in labels, the quote.
void append_escaped(std::string& out, std::string_view s, bool label) {
  for (const char c : s) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (label && c == '"') {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string_view type_name(PrometheusText::Type type) {
  switch (type) {
    case PrometheusText::Type::kCounter:
      return "counter";
    case PrometheusText::Type::kGauge:
      return "gauge";
    case PrometheusText::Type::kHistogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

void PrometheusText::family(std::string_view name, std::string_view help, Type type) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
}

void PrometheusText::begin(std::string_view suffix, Labels labels, std::string_view le) {
  out_.append(name_).append(suffix);
  char separator = '{';
  const auto label = [&](std::string_view key, std::string_view value) {
    out_ += separator;
    separator = ',';
    out_.append(key).append("=\"");
    append_escaped(out_, value, true);
    out_ += '"';
  };
  for (const Label& l : labels) label(l.first, l.second);
  if (!le.empty()) label("le", le);
  out_ += separator == ',' ? "} " : " ";
}

void PrometheusText::sample(Labels labels, uint64_t value) {
  begin("", labels, "");
  append_u64(out_, value);
  out_ += '\n';
}

void PrometheusText::sample(Labels labels, int64_t value) {
  begin("", labels, "");
  append_number(out_, value);
  out_ += '\n';
}

void PrometheusText::sample(Labels labels, double value) {
  begin("", labels, "");
  append_number(out_, value);
  out_ += '\n';
}

void PrometheusText::HistogramSum::add(const Histogram& h) {
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += h.bucket(i);
  sum_ns += h.sum_ns();
}

void PrometheusText::histogram(Labels labels, const HistogramSum& sum) {
  uint64_t count = 0;
  std::string bound;
  for (size_t i = 0; i < sum.buckets.size(); ++i) {
    count += sum.buckets[i];
    bound.clear();
    if (i < Histogram::kBoundsMicros.size()) {
      append_number(bound, static_cast<double>(Histogram::kBoundsMicros[i]) / 1e6);
    } else {
      bound = "+Inf";
    }
    begin("_bucket", labels, bound);
    append_u64(out_, count);
    out_ += '\n';
  }
  begin("_sum", labels, "");
  append_number(out_, static_cast<double>(sum.sum_ns) / 1e9);
  out_ += '\n';
  begin("_count", labels, "");
  append_u64(out_, count);
  out_ += '\n';
}

}  // namespace vg::observe
