// Checking JSON, which every answer of an upstream passes through, and finding a member in it.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>

#include "json/scan.h"
#include "json/value.h"

namespace vg::json {
namespace {

/// Four answers of about 200 bytes, such as a fan-out brings.
const std::array<std::string, 4> kSmall = {
    R"({"id":42,"name":"Mechanical keyboard","price":"129.90","currency":"EUR","category":{"id":7,"slug":"keyboards"},"tags":["usb","iso","tenkeyless"],"stock":17,"active":true,"rating":4.5,"description":null})",
    R"([{"id":1,"author":"ann","stars":5,"text":"Very good, quiet and solid."},{"id":2,"author":"bob","stars":3,"text":"The keys wear off after a year."},{"id":3,"author":"eve","stars":4,"text":"Fine."}])",
    R"({"items":[{"id":11,"price":12.5},{"id":12,"price":9.99},{"id":13,"price":100},{"id":14,"price":0.5}],"meta":{"total":4,"page":1,"pages":1},"links":{"self":"/products/42/related","next":null}})",
    R"({"user":{"id":"6f1c1f0a-3b0e-4f5e-9d0a-2d4b7c1f9a11","email":"ann@example.com","roles":["customer","reviewer"]},"notifications":{"unread":3,"last":"2024-05-06T07:08:09Z"},"theme":"dark"})"};

std::string repeated(std::string_view text, size_t size) {
  std::string out = "\"";
  while (out.size() < size) out += text;
  return out + "\"";
}

/// An array of objects with blanks as people print it.
std::string pretty(size_t size) {
  std::string out = "[";
  while (out.size() < size) {
    out += out.size() > 1 ? ",\n" : "\n";
    out +=
        "    {\n        \"id\": 12345,\n        \"title\": \"A title of some words\",\n        \"tags\": [\"a\", "
        "\"b\"]\n    }";
  }
  return out + "\n]";
}

void check(benchmark::State& state, const std::string& text) {
  if (!is_json(text)) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(is_json(text));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void four_small(benchmark::State& state) {
  for (auto _ : state) {
    for (const std::string& text : kSmall) benchmark::DoNotOptimize(is_json(text));
  }
}
BENCHMARK(four_small);
BENCHMARK_CAPTURE(check, text_64k, repeated("plain text in one language or another. ", 64 << 10));
BENCHMARK_CAPTURE(check, umlauts_64k,
                  repeated("f\xC3\xBCr gr\xC3\xB6\xC3\x9F"
                           "ere M\xC3\xA4nner ",
                           64 << 10));
BENCHMARK_CAPTURE(check, cyrillic_64k, repeated("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 ", 64 << 10));
BENCHMARK_CAPTURE(check, escapes_64k, repeated("\\u041f\\u0440\\n", 64 << 10));
BENCHMARK_CAPTURE(check, pretty_64k, pretty(64 << 10));

void last_member(benchmark::State& state) {
  const std::string text = "{\"data\":" + pretty(64 << 10) + ",\"total\":42}";
  const Value value = Value::of(text);
  for (auto _ : state) benchmark::DoNotOptimize(value.member("total"));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(last_member);

void two_members(benchmark::State& state) {
  for (auto _ : state) {
    const Value value = Value::of(kSmall[0]);
    benchmark::DoNotOptimize(value.member("id"));
    benchmark::DoNotOptimize(value.member("category").member("id"));
  }
}
BENCHMARK(two_members);

void duplicates(benchmark::State& state) {
  const std::string text = pretty(64 << 10);
  for (auto _ : state) benchmark::DoNotOptimize(has_duplicate_members(text));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(duplicates);

}  // namespace
}  // namespace vg::json

BENCHMARK_MAIN();
