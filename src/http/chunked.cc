#include <algorithm>

#include "base/strings.h"
#include "http/chars.h"
#include "http/parser.h"

namespace vg::http {
namespace {

constexpr uint8_t kMaxSizeDigits = 16;
constexpr uint64_t kMaxChunkBytes = uint64_t{1} << 63;  // exclusive
constexpr uint32_t kMaxLineExtensionBytes = 256;
constexpr uint32_t kMaxExtensionBytes = 16 * 1024;  // of one message

}  // namespace

void ChunkedDecoder::reset(Head* trailers, const HeadLimits& limits) {
  trailers_.reset(trailers, limits);
  error_ = ParseError();
  left_ = 0;
  extension_bytes_ = line_extension_bytes_ = 0;
  digits_ = 0;
  state_ = State::kSize;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view in, size_t* consumed, std::string_view* content) {
  size_t& i = *consumed;
  i = 0;
  *content = {};
  while (state_ < State::kData) {
    if (i == in.size()) return Step::kNeedMore;
    if (!framing_byte(in[i])) return Step::kError;
    ++i;
  }
  switch (state_) {
    case State::kData:
      return content_step(in.substr(i), consumed, content);
    case State::kTrailers:
      return trailer_step(in.substr(i), consumed);
    case State::kDone:
      return Step::kDone;
    default:
      return Step::kError;
  }
}

ChunkedDecoder::Step ChunkedDecoder::content_step(std::string_view in, size_t* consumed, std::string_view* content) {
  if (in.empty()) return Step::kNeedMore;
  const auto size = static_cast<size_t>(std::min<uint64_t>(left_, in.size()));
  *content = in.substr(0, size);
  *consumed += size;
  left_ -= size;
  if (left_ == 0) state_ = State::kDataCr;
  return Step::kContent;
}

ChunkedDecoder::Step ChunkedDecoder::trailer_step(std::string_view in, size_t* consumed) {
  size_t taken = 0;
  const ParseStatus status = trailers_.feed(in, &taken);
  *consumed += taken;
  if (status == ParseStatus::kNeedMore) return Step::kNeedMore;
  state_ = status == ParseStatus::kDone ? State::kDone : State::kFailed;
  error_ = trailers_.error();
  return status == ParseStatus::kDone ? Step::kDone : Step::kError;
}

bool ChunkedDecoder::fail(const char* reason) {
  state_ = State::kFailed;
  error_.reason = reason;
  return false;
}

// One byte of what stands around the chunks' data.
bool ChunkedDecoder::framing_byte(char c) {
  switch (state_) {
    case State::kSize:
    case State::kSizeDigits:
      return size_byte(c);
    case State::kSizeLf:
      if (c != '\n') return fail("bare CR in a chunk line");
      digits_ = 0;
      line_extension_bytes_ = 0;
      state_ = left_ == 0 ? State::kTrailers : State::kData;
      return true;
    case State::kDataCr:
      state_ = State::kDataLf;
      return c == '\r' || fail("no CRLF after a chunk");
    case State::kDataLf:
      state_ = State::kSize;
      return c == '\n' || fail("no CRLF after a chunk");
    default:
      return extension_byte(c);
  }
}

bool ChunkedDecoder::size_byte(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++digits_ > kMaxSizeDigits) return fail("chunk size too long");
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    state_ = State::kSizeDigits;
    return true;
  }
  if (state_ == State::kSize) return fail("invalid chunk size");
  if (left_ >= kMaxChunkBytes) return fail("chunk size too large");
  return after_part(c);
}

// chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ), without the blanks that RFC 9112 calls bad.
bool ChunkedDecoder::extension_byte(char c) {
  if (++line_extension_bytes_ > kMaxLineExtensionBytes || ++extension_bytes_ > kMaxExtensionBytes) {
    return fail("chunk extensions larger than their limit");
  }
  const bool token = is_class(c, kTokenChar);
  switch (state_) {
    case State::kExtName:
      state_ = State::kExtNameMore;
      return token || fail("invalid chunk extension");
    case State::kExtNameMore:
      if (c == '=') state_ = State::kExtValue;
      return token || c == '=' || after_part(c);
    case State::kExtValue:
      state_ = c == '"' ? State::kExtQuoted : State::kExtToken;
      return token || c == '"' || fail("invalid chunk extension");
    case State::kExtToken:
      return token || after_part(c);
    case State::kExtQuoted:
      if (c == '"') state_ = State::kExtEnd;
      if (c == '\\') state_ = State::kExtEscape;
      return is_class(c, kFieldChar) || fail("control character in a chunk extension");
    case State::kExtEscape:
      state_ = State::kExtQuoted;
      return is_class(c, kFieldChar) || fail("control character in a chunk extension");
    default:
      return after_part(c);
  }
}

// What may follow the size, a name or a value.
bool ChunkedDecoder::after_part(char c) {
  if (c == ';') {
    state_ = State::kExtName;
  } else if (c == '\r') {
    state_ = State::kSizeLf;
  } else {
    return fail("invalid character in a chunk line");
  }
  return true;
}

}  // namespace vg::http
