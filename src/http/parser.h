// Strict parsers for the heads and the chunked coding of HTTP/1.1 (RFC 9112). They accept the grammar and nothing beside
// it: what two implementations could read differently is an error here, since that is how requests are smuggled. Lines
// are parsed as they complete; each byte is looked at once.
#pragma once
#include <cstdint>
#include <string_view>

#include "http/head.h"

namespace vg::http {

/// Limits of a head, in bytes or lines, from the configuration.
struct HeadLimits {
  uint32_t header_bytes = 16 * 1024;  ///< the whole head, request line included
  uint32_t headers = 100;             ///< field lines
  uint32_t uri_bytes = 8 * 1024;      ///< the request target
};

/// Why a message was refused. `status` is what a client gets for it (400, 414, 431, 501, 505); `reason` is for people:
/// constant text, e.g. "two Host fields".
struct ParseError {
  uint16_t status = 400;
  const char* reason = "";
};

enum class ParseStatus : uint8_t { kNeedMore, kDone, kError };

/// What request and response heads share: lines, fields, limits.
class HeadParser {
 public:
  const ParseError& error() const { return error_; }

 protected:
  enum class Line : uint8_t { kStart, kFields };
  // (private helpers go here)
  ParseError error_;
};

/// Parses one request head after another. feed() copies what belongs to the head into `head` and tells how much of
/// `bytes` it took (never anything after the empty line).
/// Errors: kError with error(); the parser and connection are then of no further use. Thread: any, one at a time.
class RequestParser : public HeadParser {
 public:
  void reset(RequestHead* head, const HeadLimits& limits);
  ParseStatus feed(std::string_view bytes, size_t* consumed);
  /// False until the first byte of a request line came (empty lines before it are skipped, RFC 9112 section 2.2).
  bool started() const;
};

/// Parses one response head. `request_method` decides about bodies (HEAD, CONNECT): RFC 9112 section 6.3.
class ResponseParser : public HeadParser {
 public:
  void reset(ResponseHead* head, const HeadLimits& limits, Method request_method);
  ParseStatus feed(std::string_view bytes, size_t* consumed);
};

/// Decodes the chunked coding (RFC 9112 section 7.1). next() takes a piece of `in` and either gives content, which is a
/// part of `in`, or tells that it needs more, is done (trailers complete) or failed.
class ChunkedDecoder {
 public:
  enum class Step : uint8_t { kNeedMore, kContent, kDone, kError };
  /// `trailers` takes the trailer fields; fields that may not be trailers (RFC 9110 section 6.5.1: framing, routing,
  /// authentication, content fields) are dropped. Limits bound the trailer section and a line of chunk extensions.
  void reset(Head* trailers, const HeadLimits& limits);
  Step next(std::string_view in, size_t* consumed, std::string_view* content);
  const ParseError& error() const;
};

}  // namespace vg::http
