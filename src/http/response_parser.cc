#include "base/strings.h"
#include "http/head_parser.h"

namespace vg::http {
namespace {

constexpr std::string_view kVersionStart = "HTTP/1.";
constexpr size_t kReasonAt = 13;  // behind "HTTP/1.1 200 "

}  // namespace

void ResponseParser::reset(ResponseHead* head, const HeadLimits& limits, Method request_method) {
  head->clear();
  begin(head, limits, true, 502);
  request_method_ = request_method;
}

ParseStatus ResponseParser::feed(std::string_view bytes, size_t* consumed) { return run(*this, bytes, consumed); }

bool ResponseParser::partial_start() {
  const std::string_view came = std::string_view{base_, scan_at_}.substr(0, kVersionStart.size());
  return kVersionStart.starts_with(came) || fail(502, "not an HTTP/1 response");
}

bool ResponseParser::start_line() {
  if (!partial_start()) return false;
  const std::string_view text = line();
  const bool shaped = text.size() >= kReasonAt - 1 && (text[7] == '0' || text[7] == '1') && text[8] == ' ' &&
                      is_digit(text[9]) && is_digit(text[10]) && is_digit(text[11]) &&
                      (text.size() < kReasonAt || text[kReasonAt - 1] == ' ');
  if (!shaped) return fail(502, "invalid status line");
  ResponseHead& head = response();
  head.minor = static_cast<uint8_t>(text[7] - '0');
  head.status = static_cast<uint16_t>((text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
  if (head.status < 100 || head.status > 599) return fail(502, "invalid status code");
  if (text.size() > kReasonAt) {
    head.reason_at_ = kReasonAt;
    head.reason_size_ = static_cast<uint32_t>(text.size() - kReasonAt);
  }
  return true;
}

bool ResponseParser::field(const Field& f) {
  if (!frame_field(f)) return false;
  keep(f);
  return true;
}

// RFC 9112 section 6.3.
bool ResponseParser::finish() {
  ResponseHead& head = response();
  head.keep_alive = !close_ && (head.minor == 1 || stay_);
  head.upgrade = head.minor == 1 && upgrade_ && head.has(FieldId::kUpgrade);
  if (head.status < 200 || head.status == 204 || head.status == 304 || request_method_ == Method::kHead ||
      (request_method_ == Method::kConnect && head.status < 300)) {
    return bodiless();
  }
  if (head.has(FieldId::kTransferEncoding)) {
    head.framing = Framing::kChunked;
  } else if (head.has(FieldId::kContentLength)) {
    head.framing = Framing::kLength;
  } else {
    head.framing = Framing::kUntilClose;
    head.keep_alive = false;
  }
  return true;
}

// Framing fields say nothing in these, but a sender that wrote them may send content all the same: what follows a 1xx
// could not be told from it, and a connection after a 204 is not worth the risk. HEAD and 304 have them lawfully.
bool ResponseParser::bodiless() {
  ResponseHead& head = response();
  head.framing = Framing::kNone;
  const bool framed = head.has(FieldId::kTransferEncoding) || head.content_length != 0;
  if (framed && head.status < 200) return fail(502, "interim response with content");
  if (framed && head.status == 204) head.keep_alive = false;
  return true;
}

}  // namespace vg::http
