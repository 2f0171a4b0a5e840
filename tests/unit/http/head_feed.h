// Feeds texts to the parsers in pieces and writes down everything that came out, so that two ways of feeding can be
// compared.
#pragma once
#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>

#include "http/parser.h"

namespace vg::http::test {

/// What became of one message. `dump` holds every member that a reader could see.
struct Fed {
  ParseStatus status = ParseStatus::kNeedMore;
  int error = 0;
  std::string reason;
  size_t consumed = 0;
  std::string dump;
  bool operator==(const Fed&) const = default;
};

/// The size of the piece that begins at an offset.
using Pieces = std::function<size_t(size_t)>;
inline Pieces whole() {
  return [](size_t) { return std::string::npos; };
}
inline Pieces each(size_t n) {
  return [n](size_t) { return n; };
}

inline void dump_head(std::ostringstream& out, const Head& head) {
  out << "minor=" << int{head.minor} << " framing=" << static_cast<int>(head.framing)
      << " length=" << head.content_length << " keep=" << head.keep_alive << " upgrade=" << head.upgrade << "\n";
  for (const Field& f : head.fields()) {
    out << static_cast<int>(f.id) << " [" << head.name(f) << "]=[" << head.value(f) << "]\n";
  }
}

inline std::string dump_of(const RequestHead& head) {
  std::ostringstream out;
  out << static_cast<int>(head.method) << " [" << head.method_text() << "] [" << head.target() << "] [" << head.path()
      << "] " << head.has_query << " [" << head.query() << "] [" << head.authority() << "] " << head.expect_continue
      << "\n";
  dump_head(out, head);
  return out.str() + std::string(head.bytes());
}

inline std::string dump_of(const ResponseHead& head) {
  std::ostringstream out;
  out << head.status << " [" << head.reason() << "]\n";
  dump_head(out, head);
  return out.str() + std::string(head.bytes());
}

template <typename Parser, typename H>
Fed feed_all(Parser& parser, const H& head, std::string_view text, const Pieces& pieces) {
  Fed fed;
  for (size_t at = 0; at < text.size() && fed.status == ParseStatus::kNeedMore;) {
    // Each piece lies alone in memory, so that a sanitizer sees a look beyond it.
    const std::string piece(text.substr(at, std::max<size_t>(1, pieces(at))));
    size_t consumed = 0;
    fed.status = parser.feed(std::string_view(piece), &consumed);
    if (fed.status == ParseStatus::kNeedMore && consumed != piece.size()) fed.reason = "bytes left without need";
    fed.consumed += consumed;
    at += piece.size();
  }
  if (fed.status == ParseStatus::kDone) fed.dump = dump_of(head);
  if (fed.status == ParseStatus::kError) {
    fed.error = parser.error().status;
    fed.reason = parser.error().reason;
    fed.consumed = 0;
  }
  return fed;
}

inline Fed feed_request(std::string_view text, const Pieces& pieces = whole(), const HeadLimits& limits = {},
                        RequestHead* head = nullptr) {
  RequestHead own;
  RequestHead& into = head != nullptr ? *head : own;
  RequestParser parser;
  parser.reset(&into, limits);
  return feed_all(parser, into, text, pieces);
}

inline Fed feed_response(std::string_view text, Method method = Method::kGet, const Pieces& pieces = whole(),
                         const HeadLimits& limits = {}, ResponseHead* head = nullptr) {
  ResponseHead own;
  ResponseHead& into = head != nullptr ? *head : own;
  ResponseParser parser;
  parser.reset(&into, limits, method);
  return feed_all(parser, into, text, pieces);
}

/// A request with these lines behind a valid request line and Host; `lines` ends with CRLF or is empty.
inline std::string with_fields(std::string_view lines, std::string_view start = "POST /a HTTP/1.1") {
  return std::string(start) + "\r\nHost: example.com\r\n" + std::string(lines) + "\r\n";
}

}  // namespace vg::http::test
