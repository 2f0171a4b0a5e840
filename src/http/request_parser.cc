#include "base/strings.h"
#include "http/head_parser.h"
#include "http/target.h"

namespace vg::http {
namespace {

constexpr size_t kMaxMethodBytes = 32;
constexpr uint8_t kMaxSkippedBytes = 8;  // four empty lines
constexpr std::string_view kVersion = "HTTP/1.1";

constexpr uint64_t bit(FieldId id) { return uint64_t{1} << static_cast<unsigned>(id); }
constexpr uint64_t kLookedAt = bit(FieldId::kHost) | bit(FieldId::kContentLength) | bit(FieldId::kTransferEncoding) |
                               bit(FieldId::kConnection) | bit(FieldId::kExpect);

}  // namespace

void RequestParser::reset(RequestHead* head, const HeadLimits& limits) {
  head->clear();
  begin(head, limits, true, 0);
  started_ = false;
  skipped_ = 0;
  default_port_ = {};
}

ParseStatus RequestParser::feed(std::string_view bytes, size_t* consumed) {
  *consumed = 0;
  size_t skipped = 0;
  if (!started_ && !skip_empty_lines(bytes, &skipped)) return ParseStatus::kError;
  const ParseStatus status = run(*this, bytes.substr(skipped), consumed);
  *consumed += skipped;
  return status;
}

bool RequestParser::skip_empty_lines(std::string_view bytes, size_t* skipped) {
  size_t i = 0;
  for (; i < bytes.size(); ++i) {
    if ((skipped_ & 1) != 0) {
      if (bytes[i] != '\n') return fail(400, "bare CR");
    } else if (bytes[i] != '\r') {
      started_ = true;
      break;
    }
    if (++skipped_ > kMaxSkippedBytes) return fail(400, "empty lines instead of a request");
  }
  *skipped = i;
  return true;
}

// Judges a request line that is not complete, so that what can't become one is refused as it arrives.
bool RequestParser::partial_start() {
  const char* p = base_;
  const char* end = base_ + scan_at_;
  while (p < end && is_class(*p, kTokenChar)) ++p;
  const auto method_size = static_cast<size_t>(p - base_);
  if (method_size > kMaxMethodBytes) return fail(400, "method too long");
  if (p == end) return true;
  if (*p != ' ' || method_size == 0) return fail(400, "invalid method");
  const std::string_view rest{p + 1, static_cast<size_t>(end - p - 1)};
  if (rest.size() > limits_.uri_bytes &&
      rest.substr(0, limits_.uri_bytes + size_t{1}).find(' ') == std::string_view::npos) {
    return fail(414, "the request target is longer than its limit");
  }
  return true;
}

bool RequestParser::start_line() {
  if (!partial_start()) return false;
  RequestHead& head = request();
  const std::string_view text = line();
  const char* const end = text.data() + text.size();
  const char* const space = find_near(text.data(), end, ' ');
  if (space == end) return fail(400, "invalid request line");
  const char* const second = find_near(space + 1, end, ' ');
  if (second == end) return fail(400, "request line without a version");
  const auto method_size = static_cast<size_t>(space - text.data());
  const auto target_end = static_cast<size_t>(second - text.data());
  head.method_size_ = static_cast<uint32_t>(method_size);
  head.target_at_ = static_cast<uint32_t>(method_size + 1);
  head.target_size_ = static_cast<uint32_t>(target_end - method_size - 1);
  if (head.target_size_ > limits_.uri_bytes) return fail(414, "the request target is longer than its limit");
  head.method = method_of(text.substr(0, method_size));
  return version(text.substr(target_end + 1)) && target();
}

bool RequestParser::version(std::string_view text) {
  const bool shaped = text.size() == kVersion.size() && text.starts_with("HTTP/") && is_digit(text[5]) &&
                      text[6] == '.' && is_digit(text[7]);
  if (!shaped) return fail(400, "invalid HTTP version");
  if (text[5] != '1' || text[7] > '1') return fail(505, "HTTP version not supported");
  head_->minor = static_cast<uint8_t>(text[7] - '0');
  return true;
}

// The four forms of RFC 9112 section 3.2.
bool RequestParser::target() {
  RequestHead& head = request();
  const size_t at = head.target_at_;
  const size_t end = at + head.target_size_;
  const std::string_view text{base_ + at, head.target_size_};
  if (text.empty()) return fail(400, "empty request target");
  if (head.method == Method::kConnect) {
    std::string_view host, port;
    if (!split_authority(text, host, port) || port.empty()) return fail(400, "invalid target of CONNECT");
    head.authority_at_ = head.target_at_;
    head.authority_size_ = head.target_size_;
    return true;
  }
  if (text.front() == '/') return origin_form(at, end);
  if (text != "*") return absolute_form();
  if (head.method != Method::kOptions) return fail(400, "target * without OPTIONS");
  head.path_at_ = head.target_at_;
  head.path_size_ = 1;
  return true;
}

// Path and query from `at`; the target ends at a space, which no class of bytes has.
bool RequestParser::origin_form(size_t at, size_t end) {
  RequestHead& head = request();
  auto i = static_cast<size_t>(skip_class(base_ + at, kPathChar) - base_);
  head.path_at_ = static_cast<uint32_t>(at);
  head.path_size_ = static_cast<uint32_t>(i - at);
  if (i < end && base_[i] == '?') {
    head.has_query = true;
    head.query_at_ = static_cast<uint32_t>(++i);
    i = static_cast<size_t>(skip_class(base_ + i, kQueryChar) - base_);
    head.query_size_ = static_cast<uint32_t>(i - head.query_at_);
  }
  if (i == end) return true;
  return fail(400, base_[i] == '#' ? "fragment in the request target" : "invalid character in the request target");
}

bool RequestParser::absolute_form() {
  RequestHead& head = request();
  const std::string_view text{base_ + head.target_at_, head.target_size_};
  size_t scheme_size = 0;
  if (iequals(text.substr(0, 7), "http://")) {
    scheme_size = 7;
    default_port_ = "80";
  } else if (iequals(text.substr(0, 8), "https://")) {
    scheme_size = 8;
    default_port_ = "443";
  } else {
    return fail(400, "invalid request target");
  }
  const size_t stop = std::min(text.find_first_of("/?#", scheme_size), text.size());
  const std::string_view authority = text.substr(scheme_size, stop - scheme_size);
  std::string_view host, port;
  if (!split_authority(authority, host, port)) return fail(400, "invalid host in the request target");
  head.authority_at_ = head.target_at_ + static_cast<uint32_t>(scheme_size);
  head.authority_size_ = static_cast<uint32_t>(authority.size());
  if (!origin_form(head.target_at_ + stop, head.target_at_ + text.size())) return false;
  if (head.path_size_ == 0) {  // no path is "/": the last slash of the scheme serves
    head.path_at_ = head.authority_at_ - 1;
    head.path_size_ = 1;
  }
  return true;
}

bool RequestParser::field(const Field& f) {
  if (((kLookedAt >> static_cast<unsigned>(f.id)) & 1) != 0) {
    if (f.id == FieldId::kHost) {
      if (!check_host(f)) return false;
    } else if (f.id == FieldId::kExpect) {
      if (!expect(value_of(f))) return false;
    } else if (!frame_field(f)) {
      return false;
    }
  }
  keep(f);
  return true;
}

bool RequestParser::check_host(const Field& f) {
  RequestHead& head = request();
  if (head.has(FieldId::kHost)) return fail(400, "two Host fields");
  std::string_view host, port;
  if (!split_authority(value_of(f), host, port)) return fail(400, "invalid Host");
  if (!default_port_.empty()) {
    const std::string_view authority{base_ + head.authority_at_, head.authority_size_};
    if (!same_authority(authority, value_of(f), default_port_)) {
      return fail(400, "the request target disagrees with Host");
    }
  } else if (head.method != Method::kConnect) {
    head.authority_at_ = f.value_at;
    head.authority_size_ = f.value_size;
  }
  return true;
}

bool RequestParser::expect(std::string_view value) {
  if (head_->minor == 0) return true;  // RFC 9110 section 10.1.1
  if (!iequals(value, "100-continue")) return fail(417, "unknown expectation");
  request().expect_continue = true;
  return true;
}

bool RequestParser::finish() {
  RequestHead& head = request();
  if (head.minor == 1 && !head.has(FieldId::kHost)) return fail(400, "no Host");
  if (head.has(FieldId::kTransferEncoding)) {
    head.framing = Framing::kChunked;
  } else if (head.has(FieldId::kContentLength)) {
    head.framing = Framing::kLength;
  }
  head.keep_alive = !close_ && (head.minor == 1 || stay_);
  head.upgrade = head.minor == 1 && upgrade_ && head.has(FieldId::kUpgrade);
  return true;
}

}  // namespace vg::http
