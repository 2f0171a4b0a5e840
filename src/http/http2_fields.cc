#include "http/http2_fields.h"

#include <algorithm>

#include "base/random_hex.h"
#include "base/strings.h"

namespace vg::http {

namespace {

// What would end a word of the request line, or the line: nghttp2 lets spaces pass in some.
bool is_one_word(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return true;
}

bool is_of_connection(std::string_view lower_name) {
  switch (lower_name.size()) {
    case 7:
      return lower_name == "upgrade";
    case 10:
      return lower_name == "connection" || lower_name == "keep-alive";
    case 16:
      return lower_name == "proxy-connection";
    case 17:
      return lower_name == "transfer-encoding";
    default:
      return false;
  }
}

}  // namespace

void Http2RequestText::reset(size_t most_bytes) {
  constexpr size_t kKeptBytes = 8 * 1024;
  for (std::string* s : {&method_, &path_, &authority_, &scheme_, &protocol_, &cookie_, &host_, &text_}) {
    if (s->capacity() > kKeptBytes) *s = std::string();
    s->clear();
  }
  most_bytes_ = most_bytes;
  begun_ = too_large_ = has_key_ = false;
}

void Http2RequestText::add(std::string_view name, std::string_view value) {
  if (too_large_) return;
  if (name.size() > 1 && name.front() == ':') {
    if (value.size() > most_bytes_) {
      too_large_ = true;
    } else if (name == ":method") {
      method_.assign(value);
    } else if (name == ":path") {
      path_.assign(value);
    } else if (name == ":authority") {
      authority_.assign(value);
    } else if (name == ":scheme") {
      scheme_.assign(value);
    } else if (name == ":protocol") {
      protocol_.assign(value);
    }
    return;
  }
  if (!begun_) begin();
  if (name == "cookie") {
    // RFC 9113 section 8.2.3: one field again, for those who know HTTP/1.1 alone.
    if (!cookie_.empty()) cookie_.append("; ");
    cookie_.append(value);
    too_large_ = too_large_ || text_.size() + cookie_.size() > most_bytes_;
  } else if (name == "host") {
    if (host_.empty()) host_.assign(value);
    if (authority_.empty() || !iequals(host_, value)) add_line("Host", value);
  } else {
    has_key_ = has_key_ || name == "sec-websocket-key";
    add_line(name, value);
  }
}

void Http2RequestText::begin() {
  begun_ = true;
  text_.append(protocol_.empty() ? std::string_view(method_) : std::string_view("GET"));
  text_.append(" ").append(path_.empty() && method_ == "CONNECT" ? authority_ : path_).append(" HTTP/1.1\r\n");
  if (!authority_.empty()) add_line("Host", authority_);
}

void Http2RequestText::add_line(std::string_view name, std::string_view value) {
  too_large_ = too_large_ || text_.size() + name.size() + value.size() + 4 > most_bytes_;
  if (!too_large_) text_.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

// What an HTTP/1.1 upstream is asked instead (RFC 8441 section 5).
void Http2RequestText::add_tunnel_fields() {
  add_line("Connection", "Upgrade");
  add_line("Upgrade", protocol_);
  if (has_key_) return;
  // 16 bytes in base64, as RFC 6455 section 4.1 asks for: the last digit stands for 2 bits alone.
  char key[32];
  write_random_hex(key, sizeof key);
  add_line("Sec-WebSocket-Key", std::string(key, 21) + "A==");
}

const char* Http2RequestText::finish() {
  if (!begun_) begin();
  if (!is_one_word(method_) || !is_one_word(path_) || !is_one_word(authority_))
    return "a space or control character in :method, :path or :authority";
  if (!scheme_.empty() && scheme_ != "http" && scheme_ != "https") return ":scheme is neither http nor https";
  if (!protocol_.empty() && (method_ != "CONNECT" || !is_one_word(protocol_))) return ":protocol without CONNECT";
  if (!host_.empty() && !authority_.empty() && !iequals(host_, authority_)) return ":authority and Host disagree";
  if (!protocol_.empty()) add_tunnel_fields();
  if (!cookie_.empty()) add_line("cookie", cookie_);
  text_.append("\r\n", 2);
  return nullptr;
}

void Http2TrailerText::add(std::string_view name, std::string_view value) {
  text_.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

bool Http2TrailerText::finish(Head* trailers, const HeadLimits& limits) {
  text_.append("\r\n", 2);
  TrailerParser parser;
  parser.reset(trailers, limits);
  size_t taken = 0;
  const bool whole = parser.feed(text_, &taken) == ParseStatus::kDone && taken == text_.size();
  text_ = std::string();
  return whole;
}

void Http2FieldList::add(std::string_view name, std::string_view value, uint8_t flags) {
  const auto bytes = [](std::string_view s) { return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data())); };
  list_.push_back({bytes(name), bytes(value), name.size(), value.size(), flags});
}

void Http2FieldList::add_lines(char* lines, size_t size) {
  char* const end = lines + size;
  while (lines < end) {
    char* const stop = static_cast<char*>(std::memchr(lines, '\r', static_cast<size_t>(end - lines)));
    if (stop == nullptr || stop == lines) return;
    char* colon = lines;
    while (*colon != ':') {
      if (*colon >= 'A' && *colon <= 'Z') *colon = static_cast<char>(*colon + ('a' - 'A'));
      ++colon;
    }
    const std::string_view name(lines, static_cast<size_t>(colon - lines));
    const std::string_view value(colon + 2, static_cast<size_t>(stop - colon - 2));
    // New for each answer: it would push all else out of the peer's table.
    const uint8_t flags = name == "x-request-id" ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    if (!is_of_connection(name)) add(name, value, flags);
    lines = stop + 2;
  }
}

void Http2FieldList::add_request(std::string& head, std::string_view scheme) {
  const std::string_view line = std::string_view(head).substr(0, head.find('\r'));
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(' ');
  add(":method", line.substr(0, method_end));
  add(":scheme", scheme);
  add(":path", line.substr(method_end + 1, target_end - method_end - 1));
  const size_t pseudo = list_.size();
  add_lines(head.data() + line.size() + 2, head.size() - line.size() - 2);
  const auto first = list_.begin() + static_cast<ptrdiff_t>(pseudo);
  const auto host = std::find_if(first, list_.end(), [](const nghttp2_nv& field) {
    return std::string_view(reinterpret_cast<const char*>(field.name), field.namelen) == "host";
  });
  if (host != list_.end()) {
    constexpr std::string_view kAuthority = ":authority";
    host->name = reinterpret_cast<uint8_t*>(const_cast<char*>(kAuthority.data()));
    host->namelen = kAuthority.size();
    std::rotate(first, host, host + 1);
  }
  // RFC 9110 section 10.1.4: of this connection, and all that HTTP/2 lets TE say.
  add("te", "trailers");
}

std::string_view status_text(uint16_t status) {
  static thread_local char text[3];
  text[0] = static_cast<char>('0' + status / 100 % 10);
  text[1] = static_cast<char>('0' + status / 10 % 10);
  text[2] = static_cast<char>('0' + status % 10);
  return {text, sizeof text};
}

}  // namespace vg::http
