// What parsing one head costs: the gateway pays for a request's and a response's on every exchange.
#include <benchmark/benchmark.h>

#include <string>

#include "http/parser.h"
#include "http/target.h"
#include "http/writer.h"

namespace vg::http {
namespace {

const std::string kSmall = "GET /api/v1/articles/42 HTTP/1.1\r\nHost: gateway.example.com\r\n\r\n";
const std::string kRequest =
    "GET /api/v1/articles/42?expand=author&page=2 HTTP/1.1\r\nHost: gateway.example.com\r\nUser-Agent: bench/1.0 "
    "(Linux "
    "x86_64)\r\nAccept: application/json, text/html;q=0.9, */*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "X-Request-Id: 6f1c9a5e-2c4b-4a66-9b77-0d3c1d7a9e10\r\nConnection: keep-alive\r\n\r\n";
const std::string kResponse =
    "HTTP/1.1 200 OK\r\nServer: upstream/1.0\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: "
    "application/json\r\n"
    "Content-Length: 512\r\nConnection: keep-alive\r\nETag: \"33a64df551425fcc55e4d42a148795d9\"\r\nVary: Accept\r\n"
    "Cache-Control: max-age=60\r\n\r\n";

void request_head(benchmark::State& state, const std::string& text, size_t piece) {
  RequestHead head;
  RequestParser parser;
  for (auto _ : state) {
    parser.reset(&head, {});
    ParseStatus status = ParseStatus::kNeedMore;
    for (size_t at = 0; status == ParseStatus::kNeedMore;) {
      size_t consumed = 0;
      status = parser.feed(std::string_view(text).substr(at, piece), &consumed);
      at += consumed;
    }
    if (status != ParseStatus::kDone) state.SkipWithError(parser.error().reason);
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK_CAPTURE(request_head, host_alone, kSmall, std::string::npos);
BENCHMARK_CAPTURE(request_head, eight_fields, kRequest, std::string::npos);
BENCHMARK_CAPTURE(request_head, eight_fields_in_two_pieces, kRequest, kRequest.size() / 2 + 1);
BENCHMARK_CAPTURE(request_head, eight_fields_with_content, kRequest + std::string(16384, 'x'), std::string::npos);

void response_head(benchmark::State& state) {
  ResponseHead head;
  ResponseParser parser;
  for (auto _ : state) {
    size_t consumed = 0;
    parser.reset(&head, {}, Method::kGet);
    if (parser.feed(kResponse, &consumed) != ParseStatus::kDone) state.SkipWithError(parser.error().reason);
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kResponse.size()));
}
BENCHMARK(response_head);

void chunked(benchmark::State& state) {
  const std::string text =
      "400\r\n" + std::string(1024, 'x') + "\r\n400\r\n" + std::string(1024, 'x') + "\r\n0\r\n\r\n";
  Head trailers;
  ChunkedDecoder decoder;
  for (auto _ : state) {
    decoder.reset(&trailers, {});
    std::string_view rest = text, content;
    size_t consumed = 0;
    while (decoder.next(rest, &consumed, &content) == ChunkedDecoder::Step::kContent) rest.remove_prefix(consumed);
    benchmark::DoNotOptimize(rest);
  }
}
BENCHMARK(chunked);

void path_check(benchmark::State& state) {
  const std::string path = "/api/v1/articles/42/comments";
  for (auto _ : state) benchmark::DoNotOptimize(check_path(path));
}
BENCHMARK(path_check);

void response_compose(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_status_line(out, 200);
    append_field(out, "Content-Type", "application/json");
    append_field(out, "Content-Length", uint64_t{512});
    append_field(out, "Date", DateCache::get(784111777));
    out += "\r\n";
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(response_compose);

}  // namespace
}  // namespace vg::http
