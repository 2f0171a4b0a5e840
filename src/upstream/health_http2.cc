#include "upstream/health_http2.h"

#include "upstream/http2_client.h"

namespace vg::upstream {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kEmptyMessage = "\0\0\0\0\0"sv;   // not compressed, of length 0
constexpr std::string_view kServing = "\0\0\0\0\2\x08\1"sv;  // HealthCheckResponse: field 1 is 1
constexpr size_t kMostBytes = 4096;

// Waits for the end of the answer. True: it says SERVING.
coro::Task<bool> is_serving(Http2Call* call, const http::ResponseHead* head, coro::CancelSource* cancel,
                            std::string* why) {
  std::string message;
  while (!call->at_eof() && !call->failed() && message.size() < kMostBytes) {
    message.append(call->data());
    call->consume(call->data().size());
    if (call->ended()) break;
    const bool came = co_await call->arrival(cancel);
    if (came) continue;
    *why = "no answer in time";
    co_return false;
  }
  std::string_view status = call->Inbox::trailers().get("grpc-status");
  if (status.empty()) status = head->get("grpc-status");
  if (status == "0" && message == kServing) co_return true;
  *why = status == "0" ? std::string("not serving")
                       : "grpc-status " + std::string(status.empty() ? std::string_view("missing") : status);
  co_return false;
}

coro::Task<uint16_t> ask(Http2Call* call, std::string request, bool https, coro::CancelSource* cancel,
                         std::string* why) {
  const bool grpc = request.starts_with("POST");
  http::Http2FieldList fields;
  fields.add_request(request, https ? "https" : "http");
  call->begin(fields, grpc);
  if (grpc) {
    call->send_piece(kEmptyMessage);
    call->send_end(nullptr);
  }
  http::ResponseHead head;
  http::ResponseParser parser;
  parser.reset(&head, Http2Call::kLimits, http::Method::kGet);
  for (;;) {
    size_t taken = 0;
    const http::ParseStatus status = parser.feed(call->heads(), &taken);
    call->consume_heads(taken);
    if (status == http::ParseStatus::kError) {
      *why = "an invalid answer";
      co_return 0;
    }
    if (status == http::ParseStatus::kDone && head.status >= 200) break;
    if (status == http::ParseStatus::kDone) {
      parser.reset(&head, Http2Call::kLimits, http::Method::kGet);
      continue;
    }
    co_await call->head(cancel);
    if (!call->heads().empty()) continue;
    *why = call->closed() ? "no answer: " + call->failure("").internal : std::string("no answer in time");
    co_return 0;
  }
  if (!grpc || head.status != 200) co_return head.status;
  const bool serving = co_await is_serving(call, &head, cancel, why);
  co_return serving ? head.status : uint16_t{0};
}

}  // namespace

coro::Task<uint16_t> health_by_http2(net::StreamPtr stream, std::string request, bool https, coro::CancelSource* cancel,
                                     std::string* why) {
  net::Stream* connection = stream.get();
  std::shared_ptr<void> keeps = std::shared_ptr<net::Stream>(std::move(stream));
  const std::shared_ptr<Http2Client> client = Http2Client::start(connection, std::move(keeps), std::chrono::seconds(1));
  co_await client->greeting(cancel);
  uint16_t status = 0;
  if (Http2CallPtr call = client->take()) {
    status = co_await ask(call.get(), std::move(request), https, cancel, why);
  } else {
    *why = "no HTTP/2: ";
    why->append(!client->fault().empty() ? client->fault()
                : client->ended()        ? "it closed the connection"
                                         : "no SETTINGS in time");
  }
  client->close();
  co_return status;
}

}  // namespace vg::upstream
