// Any bytes as a response to any method: the verdict is the same however they are cut, and what is accepted means the
// same to llhttp.
#include "fuzz/fuzz_support.h"

namespace vg::fuzz {
namespace {

constexpr http::HeadLimits kLimits = {.header_bytes = 2048, .headers = 20};

#ifdef VG_HAVE_LLHTTP
void compare(const http::ResponseHead& head) {
  const LlhttpView other = ask_llhttp(head.bytes(), HTTP_RESPONSE, true);
  FUZZ_CHECK(other.head_done);
  FUZZ_CHECK(other.status == head.status);
  FUZZ_CHECK(other.fields == fields_text(head));
  FUZZ_CHECK(other.chunked == head.has(http::FieldId::kTransferEncoding));
  FUZZ_CHECK(other.sized == head.has(http::FieldId::kContentLength));
  if (other.sized) FUZZ_CHECK(other.length == head.content_length);
}
#else
void compare(const http::ResponseHead&) {}
#endif

}  // namespace
}  // namespace vg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vg;
  if (size == 0) return 0;
  constexpr http::Method kMethods[] = {http::Method::kGet, http::Method::kHead, http::Method::kConnect};
  const http::Method method = kMethods[data[0] % 3];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::ResponseHead head;
  const http::test::Fed one = http::test::feed_response(text, method, http::test::whole(), fuzz::kLimits, &head);
  const http::test::Fed many = http::test::feed_response(text, method, fuzz::pieces_of(text, 24), fuzz::kLimits);
  FUZZ_CHECK(one.status == many.status && one.dump == many.dump && one.consumed == many.consumed);
  FUZZ_CHECK(one.error == (one.status == http::ParseStatus::kError ? 502 : 0));
  if (one.status != http::ParseStatus::kDone) return 0;
  FUZZ_CHECK(head.status >= 100 && head.status <= 599);
  if (head.status < 200 || head.status == 204) FUZZ_CHECK(head.framing == http::Framing::kNone);
  if (head.framing == http::Framing::kUntilClose) FUZZ_CHECK(!head.keep_alive);
  fuzz::compare(head);
  return 0;
}
