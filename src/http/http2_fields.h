// Between the fields of HTTP/2 (RFC 9113 section 8) and heads as HTTP/1.1 writes them: what comes from a client becomes
// text for RequestParser, which judges it as strictly as if it had come so, and nothing that it would refuse can reach
// an upstream; what goes to one comes from the same writers as an HTTP/1.1 head. Thread: any, one at a time.
#pragma once
#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/parser.h"

namespace vg::http {

/// The header section of one request, field by field, as the text of an HTTP/1.1 head.
class Http2RequestText {
 public:
  /// `most_bytes`: of the text; what is beyond is not kept, see too_large().
  void reset(size_t most_bytes);
  /// A pseudo-field or field, in the order of the section: nghttp2 has checked order, names and repetition.
  void add(std::string_view name, std::string_view value);
  /// Ends it. nullptr: text() is a head. Else why the request is malformed (RFC 9113 section 8.1.1).
  const char* finish();
  const std::string& text() const { return text_; }
  bool too_large() const { return too_large_; }
  /// RFC 8441: it asks for this protocol in a tunnel; empty: an ordinary request.
  std::string_view protocol() const { return protocol_; }

 private:
  void begin();
  void add_line(std::string_view name, std::string_view value);
  void add_tunnel_fields();

  std::string method_, path_, authority_, scheme_, protocol_, cookie_, host_, text_;
  size_t most_bytes_ = 0;
  bool begun_ = false, too_large_ = false, has_key_ = false;
};

/// The trailer section of a message: as text for TrailerParser.
class Http2TrailerText {
 public:
  void reset() { text_.clear(); }
  void add(std::string_view name, std::string_view value);
  /// False: larger than the limits, or malformed. What may not be a trailer is dropped.
  bool finish(Head* trailers, const HeadLimits& limits);

 private:
  std::string text_;
};

/// The fields of a head that was written as HTTP/1.1, or of lines without one, for nghttp2, which copies them.
class Http2FieldList {
 public:
  void clear() { list_.clear(); }
  /// Lifetime: of both texts, until the list was used.
  void add(std::string_view name, std::string_view value, uint8_t flags = NGHTTP2_NV_FLAG_NONE);
  /// Adds each "Name: value\r\n" of `lines`, up to an empty one. Names become lower-case, in place; fields of one
  /// connection (RFC 9113 section 8.2.2) are left out. Lifetime: as above.
  void add_lines(char* lines, size_t size);
  /// The head of a request as it is written for HTTP/1.1, which becomes lower-case in part: Host is :authority, and no
  /// field of one connection is left. Lifetime: of `head` and `scheme`, as above.
  void add_request(std::string& head, std::string_view scheme);
  const nghttp2_nv* data() const { return list_.data(); }
  size_t size() const { return list_.size(); }

 private:
  std::vector<nghttp2_nv> list_;
};

/// A status of three digits, as text. Lifetime: until the thread's next call.
std::string_view status_text(uint16_t status);

}  // namespace vg::http
