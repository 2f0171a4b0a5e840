#include "http/head_parser.h"

#include <limits>

#include "base/strings.h"
#include "http/names.h"

namespace vg::http {
namespace {

constexpr uint64_t kMaxLength = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return is_class(c, kTokenChar); });
}

// Takes the list's next element off `rest`, trimmed.
std::string_view next_element(std::string_view& rest) {
  const size_t comma = rest.find(',');
  const std::string_view element = trim(rest.substr(0, comma));
  rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  return element;
}

// Takes one token off the front of `s`, or what stands in quotes; false if there is neither.
bool take_word(std::string_view& s, bool quoted_too) {
  size_t n = 0;
  if (quoted_too && !s.empty() && s.front() == '"') {
    for (n = 1; n < s.size() && s[n] != '"'; ++n) n += s[n] == '\\' ? 1 : 0;
    if (n++ >= s.size()) return false;
  } else {
    while (n < s.size() && is_class(s[n], kTokenChar)) ++n;
  }
  s.remove_prefix(n);
  return n != 0;
}

void skip_blanks(std::string_view& s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
}

// transfer-coding *( "," transfer-coding ), each `token *( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) )`.
bool is_coding_list(std::string_view s) {
  for (;;) {
    if (!take_word(s, false)) return false;
    skip_blanks(s);
    while (!s.empty() && s.front() == ';') {
      s.remove_prefix(1);
      skip_blanks(s);
      if (!take_word(s, false)) return false;
      skip_blanks(s);
      if (s.empty() || s.front() != '=') return false;
      s.remove_prefix(1);
      skip_blanks(s);
      if (!take_word(s, true)) return false;
      skip_blanks(s);
    }
    if (s.empty()) return true;
    if (s.front() != ',') return false;
    s.remove_prefix(1);
    skip_blanks(s);
  }
}

// Where the head ends in `bytes`, if its empty line can be seen there: all of `bytes` otherwise. Spares a copy of the
// content behind a head whose beginning came earlier (`kept`); nothing depends on it.
size_t likely_head_size(std::string_view kept, std::string_view bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  for (size_t before = std::min<size_t>(3, kept.size()); before > 0; --before) {
    const size_t after = kEnd.size() - before;
    if (kept.ends_with(kEnd.substr(0, before)) && bytes.starts_with(kEnd.substr(before))) return after;
  }
  const size_t at = bytes.find(kEnd);
  return at == std::string_view::npos ? bytes.size() : at + kEnd.size();
}

// RFC 9110 section 6.5.1: nothing that frames, routes, authenticates, or describes the content before it was read.
// These are the names without an id; of those with one, only ETag makes sense behind the content.
bool may_be_trailer(std::string_view name) {
  for (const std::string_view prefix : {"content-", "proxy-", "if-", "x-forwarded-", "access-control-", "sec-"}) {
    if (name.size() >= prefix.size() && iequals(name.substr(0, prefix.size()), prefix)) return false;
  }
  for (const std::string_view refused :
       {"accept-ranges", "accept-charset", "accept-language", "allow", "alt-svc", "http2-settings", "max-forwards",
        "prefer", "referer", "strict-transport-security", "warning", "x-real-ip", "clear-site-data",
        "authentication-info", "x-http-method-override", "x-accel-redirect"}) {
    if (iequals(name, refused)) return false;
  }
  return true;
}

}  // namespace

bool HeadParser::fail(uint16_t status, const char* reason) {
  error_.status = error_status_ != 0 ? error_status_ : status;
  error_.reason = reason;
  return false;
}

void HeadParser::begin(Head* head, const HeadLimits& limits, bool start_line, uint16_t error_status) {
  head_ = head;
  limits_ = limits;
  at_start_ = start_line;
  error_status_ = error_status;
  error_ = ParseError();
  base_ = nullptr;
  line_at_ = line_end_ = end_ = scan_at_ = kept_ = 0;
  lines_ = 0;
  cut_ = close_ = stay_ = upgrade_ = false;
}

// Sets the view on what came, and never beyond the limit of the head.
void HeadParser::open(std::string_view bytes) {
  std::string& own = head_->bytes_;
  kept_ = own.size();
  const size_t room = limits_.header_bytes - kept_;
  cut_ = bytes.size() > room;
  bytes = bytes.substr(0, room);
  if (kept_ == 0) {
    base_ = bytes.data();
    end_ = bytes.size();
  } else {
    own.append(bytes.substr(0, likely_head_size(own, bytes)));
    base_ = own.data();
    end_ = own.size();
  }
  scan_.start(base_, base_ + scan_at_, base_ + end_);
}

// The piece ended within a line: what came is kept in the head.
bool HeadParser::suspend(size_t* consumed) {
  if (cut_) return fail(431, "the head is larger than its limit");
  if (kept_ == 0) head_->bytes_.assign(base_, end_);
  *consumed = end_ - kept_;
  return true;
}

ParseStatus HeadParser::complete(size_t* consumed) {
  const size_t size = line_end_ + 2;
  *consumed = size - kept_;
  if (kept_ == 0) {
    head_->bytes_.assign(base_, size);
  } else {
    head_->bytes_.resize(size);
  }
  return ParseStatus::kDone;
}

// What was understood before the fault stays readable, for the log.
ParseStatus HeadParser::give_up() {
  if (kept_ == 0) head_->bytes_.assign(base_, scan_at_);
  return ParseStatus::kError;
}

// Why the line does not begin with a valid name and a colon.
const char* HeadParser::name_fault() const {
  const auto at = static_cast<size_t>(skip_class(base_ + line_at_, kTokenChar) - base_);
  const char c = base_[at];
  const bool blank = c == ' ' || c == '\t';
  if (at == line_at_)
    return blank ? "folded line" : c == ':' ? "empty field name" : "invalid character in a field name";
  if (at == line_end_) return "field line without a colon";
  return blank ? "blank in or after a field name" : "invalid character in a field name";
}

// The fields that decide where a message ends and whether its connection lives on.
bool HeadParser::frame_field(const Field& f) {
  switch (f.id) {
    case FieldId::kContentLength:
      return content_length(value_of(f));
    case FieldId::kTransferEncoding:
      return transfer_encoding(value_of(f));
    case FieldId::kConnection:
      return connection(value_of(f));
    default:
      return true;
  }
}

bool HeadParser::content_length(std::string_view value) {
  if (head_->has(FieldId::kContentLength)) return fail(400, "two Content-Length fields");
  if (head_->has(FieldId::kTransferEncoding)) return fail(400, "Content-Length with Transfer-Encoding");
  if (value.empty() || value.size() > 19 || (value.size() > 1 && value.front() == '0')) {
    return fail(400, "invalid Content-Length");
  }
  uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return fail(400, "invalid Content-Length");
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  if (length > kMaxLength) return fail(400, "invalid Content-Length");
  head_->content_length = length;
  return true;
}

bool HeadParser::transfer_encoding(std::string_view value) {
  if (head_->has(FieldId::kTransferEncoding)) return fail(400, "two Transfer-Encoding fields");
  if (head_->has(FieldId::kContentLength)) return fail(400, "Content-Length with Transfer-Encoding");
  if (head_->minor == 0) return fail(400, "Transfer-Encoding in HTTP/1.0");
  if (same_name<"chunked">(value)) return true;
  if (!is_coding_list(value)) return fail(400, "invalid Transfer-Encoding");
  return fail(501, "unknown transfer coding");
}

bool HeadParser::connection(std::string_view value) {
  for (std::string_view rest = value; !rest.empty();) {
    const std::string_view option = next_element(rest);
    if (same_name<"keep-alive">(option)) {
      stay_ = true;
    } else if (same_name<"close">(option)) {
      close_ = true;
    } else if (same_name<"upgrade">(option)) {
      upgrade_ = true;
    } else if (!option.empty() && !other_option(option)) {
      return false;
    }
  }
  return true;
}

bool HeadParser::other_option(std::string_view option) {
  if (!is_token(option)) return fail(400, "invalid Connection");
  const FieldId id = field_id(option);
  const bool frames = id == FieldId::kContentLength || id == FieldId::kTransferEncoding || id == FieldId::kHost;
  return !frames || fail(400, "Connection names a framing field");
}

void TrailerParser::reset(Head* trailers, const HeadLimits& limits) {
  trailers->clear();
  begin(trailers, limits, false, 0);
}

ParseStatus TrailerParser::feed(std::string_view bytes, size_t* consumed) { return run(*this, bytes, consumed); }

bool TrailerParser::field(const Field& f) {
  if (f.id == FieldId::kEtag || (f.id == FieldId::kOther && may_be_trailer({base_ + f.name_at, f.name_size}))) {
    keep(f);
  } else {
    drop();
  }
  return true;
}

}  // namespace vg::http
