// Rendering the targets of calls, the hottest of them first: a proxied path.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "template/call_target.h"

namespace vg::tmpl {
namespace {

struct Request final : Values {
  PathParam param(size_t i) const override {
    return i == 0 ? PathParam{"items/42/detail.json", false} : PathParam{"caf%C3%A9", true};
  }
  std::string_view query_string() const override { return "sort=title&page=3"; }
  std::optional<std::string_view> header(std::string_view) const override { return "acme"; }
  std::optional<std::string_view> cookie(std::string_view) const override { return std::nullopt; }
  std::string_view client_ip() const override { return "192.0.2.7"; }
  std::string_view request_id() const override { return "id"; }
  std::optional<std::string_view> tls_subject() const override { return std::nullopt; }
};

void target(benchmark::State& state, const char* text) {
  const auto call = parse_call(text, request_scope({{"rest", ParamKind::kRest}, {"name", ParamKind::kPlain}}),
                               [](size_t, const std::string&) { std::abort(); });
  const Request request;
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(call->render(request, "/api/v1", out).status);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK_CAPTURE(target, rest, "origin/{rest}");
BENCHMARK_CAPTURE(target, constant, "origin/articles/latest");
BENCHMARK_CAPTURE(target, escaped, "origin/articles/{name}");
BENCHMARK_CAPTURE(target, query, "origin/articles?page={query.page}&tenant={header.x-tenant}");

}  // namespace
}  // namespace vg::tmpl

BENCHMARK_MAIN();
