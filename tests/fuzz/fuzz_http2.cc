// A server's HTTP/2 connection, fed with whatever bytes behind a good beginning: no request reaches the handler that
// could be read differently as HTTP/1.1, and the connection always ends when its client does.
#include "fuzz/fuzz_support.h"
#include "unit/http/serving.h"

namespace {

using namespace vg;
using http::test::FakeHandler;

constexpr std::string_view kBeginning{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};

void check(const http::RequestHead& request) {
  for (const std::string_view text : {request.method_text(), request.target(), request.authority()})
    FUZZ_CHECK(text.find_first_of(std::string_view("\r\n \0", 4)) == std::string_view::npos);
  FUZZ_CHECK(!request.has(http::FieldId::kTransferEncoding));
  for (const http::Field& f : request.fields()) {
    FUZZ_CHECK(request.name(f).find_first_of(std::string_view("\r\n: \0", 5)) == std::string_view::npos);
    FUZZ_CHECK(request.value(f).find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
}

coro::Task<void> look_and_echo(FakeHandler& handler, http::Exchange& ex) {
  check(ex.request);
  return http::test::echo(handler, ex);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  test::Loop loop;
  FakeHandler handler(look_and_echo);
  handler.connection_opening.http2 = true;
  test::Wire wire = test::wire(loop.get());
  http::ServerConnection::create(std::move(wire.stream), &handler, 0)->start();
  wire.peer->send(std::string(kBeginning) + std::string(input));
  wire.peer->end();
  const bool closed = loop.run_until([&] { return handler.connections_closed > 0; });
  FUZZ_CHECK(closed);
  return 0;
}
