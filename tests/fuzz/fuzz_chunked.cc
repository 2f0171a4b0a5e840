// Any bytes as a chunked body: the same content, trailers and end however they are cut, and the same content as llhttp
// sees.
#include "fuzz/fuzz_support.h"

namespace vg::fuzz {
namespace {

using Step = http::ChunkedDecoder::Step;
constexpr http::HeadLimits kLimits = {.header_bytes = 512, .headers = 10};

struct Decoded {
  Step end = Step::kNeedMore;
  std::string content, trailers;
  size_t consumed = 0;
  bool plain_end = false;
};

Decoded decode(std::string_view text, const http::test::Pieces& pieces) {
  Decoded out;
  http::Head trailers;
  http::ChunkedDecoder decoder;
  decoder.reset(&trailers, kLimits);
  for (size_t at = 0; at < text.size() && out.end < Step::kDone;) {
    const std::string piece(text.substr(at, pieces(at)));
    at += piece.size();
    std::string_view rest = piece;
    do {
      size_t consumed = 0;
      std::string_view content;
      out.end = decoder.next(rest, &consumed, &content);
      FUZZ_CHECK(consumed <= rest.size());
      FUZZ_CHECK((out.end == Step::kContent) == !content.empty());
      out.content += content;
      out.consumed += consumed;
      rest.remove_prefix(consumed);
    } while (out.end == Step::kContent);
    FUZZ_CHECK(out.end != Step::kNeedMore || rest.empty());
  }
  out.trailers = fields_text(trailers);
  out.plain_end = trailers.bytes() == "\r\n";
  return out;
}

#ifdef VG_HAVE_LLHTTP
// llhttp refuses valid extensions, and reads trailers as fields of the head; without these it must agree.
void compare(std::string_view text, const Decoded& ours) {
  if (!ours.plain_end || text.substr(0, ours.consumed).find(';') != std::string_view::npos) return;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const LlhttpView other = ask_llhttp(head + std::string(text.substr(0, ours.consumed)), HTTP_REQUEST, false);
  FUZZ_CHECK(other.message_done);
  FUZZ_CHECK(other.body == ours.content);
}
#else
void compare(std::string_view, const Decoded&) {}
#endif

}  // namespace
}  // namespace vg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vg;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const fuzz::Decoded one = fuzz::decode(text, http::test::whole());
  const fuzz::Decoded many = fuzz::decode(text, fuzz::pieces_of(text, 12));
  FUZZ_CHECK(one.end == many.end);
  FUZZ_CHECK(one.content == many.content);
  if (one.end != fuzz::Step::kDone) return 0;
  FUZZ_CHECK(one.trailers == many.trailers && one.consumed == many.consumed);
  fuzz::compare(text, one);
  return 0;
}
