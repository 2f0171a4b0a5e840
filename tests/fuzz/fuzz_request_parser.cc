// Any bytes as a request: the verdict is the same however they are cut, and what is accepted means the same to llhttp.
#include "fuzz/fuzz_support.h"
#include "http/chars.h"
#include "http/target.h"

namespace vg::fuzz {
namespace {

constexpr http::HeadLimits kLimits = {.header_bytes = 2048, .headers = 20, .uri_bytes = 512};

void check_accepted(const http::RequestHead& head) {
  std::string_view host, port;
  if (head.minor == 1 || !head.authority().empty()) FUZZ_CHECK(http::split_authority(head.authority(), host, port));
  FUZZ_CHECK(head.bytes().ends_with("\r\n\r\n"));
  FUZZ_CHECK(head.method == http::Method::kConnect || head.path().front() == '/' || head.path() == "*");
  for (const http::Field& f : head.fields()) {
    FUZZ_CHECK(!head.name(f).empty());
    for (const char c : head.value(f)) FUZZ_CHECK(http::is_class(c, http::kFieldChar));
  }
}

#ifdef VG_HAVE_LLHTTP
// llhttp knows a list of methods, and treats some of them, and CONNECT, in its own way.
void compare(const http::RequestHead& head) {
  if (head.method == http::Method::kOther || head.method == http::Method::kConnect) return;
  const LlhttpView other = ask_llhttp(head.bytes(), HTTP_REQUEST, true);
  FUZZ_CHECK(other.head_done);
  FUZZ_CHECK(other.url == head.target());
  FUZZ_CHECK(other.fields == fields_text(head));
  FUZZ_CHECK(other.chunked == (head.framing == http::Framing::kChunked));
  FUZZ_CHECK(other.sized == (head.framing == http::Framing::kLength));
  if (other.sized) FUZZ_CHECK(other.length == head.content_length);
}
#else
void compare(const http::RequestHead&) {}
#endif

}  // namespace
}  // namespace vg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vg;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http::RequestHead head;
  const http::test::Fed one = http::test::feed_request(text, http::test::whole(), fuzz::kLimits, &head);
  const http::test::Fed many = http::test::feed_request(text, fuzz::pieces_of(text, 24), fuzz::kLimits);
  FUZZ_CHECK(one.status == many.status && one.dump == many.dump && one.consumed == many.consumed);
  if (one.status != http::ParseStatus::kDone) return 0;
  fuzz::check_accepted(head);
  fuzz::compare(head);
  return 0;
}
