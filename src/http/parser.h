// Strict parsers for the heads and the chunked coding of HTTP/1.1 (RFC 9112). They accept the grammar and nothing
// beside it: what two implementations could read differently is an error here, since that is how requests are smuggled.
// Lines are parsed as they complete, in place; the bytes of a head are copied once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/head.h"
#include "http/scan.h"

namespace vg::http {

/// Limits of a head, in bytes or lines, from the configuration.
struct HeadLimits {
  uint32_t header_bytes = 16 * 1024;  ///< the whole head, request line included
  uint32_t headers = 100;             ///< field lines
  uint32_t uri_bytes = 8 * 1024;      ///< the request target
};

/// Why a message was refused. `status` is what a client gets for it (400, 414, 417, 431, 501, 505; 502 for every fault
/// of a response head); `reason` is for people: constant text, e.g. "two Host fields".
struct ParseError {
  uint16_t status = 400;
  const char* reason = "";
};

enum class ParseStatus : uint8_t { kNeedMore, kDone, kError };

/// What request heads, response heads and trailer sections share: lines, fields, limits, framing fields.
class HeadParser {
 public:
  const ParseError& error() const { return error_; }

 protected:
  enum class Line : uint8_t { kComplete, kPartial, kBad };

  HeadParser() = default;
  ~HeadParser() = default;
  /// Begins a head with or without a start line. `error_status` replaces every error's own, if not 0.
  void begin(Head* head, const HeadLimits& limits, bool start_line, uint16_t error_status);
  /// The loop over lines (head_parser.h). Self has start_line(), partial_start(), field() and finish().
  template <typename Self>
  ParseStatus run(Self& self, std::string_view bytes, size_t* consumed);

  [[gnu::cold]] bool fail(uint16_t status, const char* reason);  // false, so that it can be returned
  std::string_view line() const { return {base_ + line_at_, line_end_ - line_at_}; }
  std::string_view value_of(const Field& f) const { return {base_ + f.value_at, f.value_size}; }
  void keep(const Field& f);  // the field just parsed is one of the head's
  void drop();                // or it is not
  bool frame_field(const Field& f);
  // What frame_field() found; the finish() of each kind of message judges it.
  bool close_ = false, stay_ = false, upgrade_ = false;  // Connection: close, keep-alive, upgrade

  Head* head_ = nullptr;
  const char* base_ = nullptr;  // what offsets count from: the piece fed, or the head's own bytes
  size_t line_at_ = 0, line_end_ = 0;
  size_t scan_at_ = 0;  // what was seen of the line ends here
  HeadLimits limits_;
  ParseError error_;

 private:
  void open(std::string_view bytes);
  Line next_line();
  bool split_field(Field& f);
  [[gnu::cold]] const char* name_fault() const;
  bool suspend(size_t* consumed);
  ParseStatus complete(size_t* consumed);
  [[gnu::cold]] ParseStatus give_up();
  bool content_length(std::string_view value);
  bool transfer_encoding(std::string_view value);
  bool connection(std::string_view value);
  bool other_option(std::string_view option);

  ControlScan scan_;
  size_t end_ = 0;      // of the bytes to look at
  size_t kept_ = 0;     // bytes taken by earlier pieces
  uint32_t lines_ = 0;  // field lines, with those dropped
  uint16_t error_status_ = 0;
  bool at_start_ = true;
  bool cut_ = false;  // the limit ends before the piece does
};

/// Parses one request head after another. feed() copies what belongs to the head into `head` and tells how much of
/// `bytes` it took (never anything after the empty line).
/// Decided here, where the RFCs leave room: an empty Host is 400; Connection may not name a framing field; any
/// expectation but 100-continue is 417 in HTTP/1.1 and ignored in 1.0; in a path the bytes `"<>\^`{|}` are refused, in
/// a query only `<>\#`.
/// Errors: kError with error(); the parser and connection are then of no further use, and `head` holds what was
/// understood before the fault (method and target, for a log). Thread: any, one at a time.
class RequestParser : public HeadParser {
 public:
  void reset(RequestHead* head, const HeadLimits& limits);
  ParseStatus feed(std::string_view bytes, size_t* consumed);
  /// False until the first byte of a request line came (empty lines before it are skipped, RFC 9112 section 2.2).
  bool started() const { return started_; }

 private:
  friend class HeadParser;
  bool skip_empty_lines(std::string_view bytes, size_t* skipped);
  bool start_line();
  bool partial_start();
  bool field(const Field& f);
  bool finish();
  bool version(std::string_view text);
  bool target();
  bool origin_form(size_t at, size_t end);
  bool absolute_form();
  bool check_host(const Field& f);
  bool expect(std::string_view value);
  RequestHead& request() { return *static_cast<RequestHead*>(head_); }

  bool started_ = false;
  uint8_t skipped_ = 0;            // bytes of empty lines before the request
  std::string_view default_port_;  // of an absolute target's scheme; empty: not absolute
};

/// Parses one response head. `request_method` decides about bodies (HEAD, CONNECT): RFC 9112 section 6.3. Heads of 1xx
/// are complete heads without content; the caller resets and goes on, or changes protocols (101). A 204 with framing
/// fields has no content and is not kept alive; a 1xx with them is an error. The Content-Length of an answer to HEAD,
/// or of a 304, stands in content_length; its framing is kNone. Every error has status 502.
class ResponseParser : public HeadParser {
 public:
  void reset(ResponseHead* head, const HeadLimits& limits, Method request_method);
  ParseStatus feed(std::string_view bytes, size_t* consumed);

 private:
  friend class HeadParser;
  bool start_line();
  bool partial_start();
  bool field(const Field& f);
  bool finish();
  bool bodiless();
  ResponseHead& response() { return *static_cast<ResponseHead*>(head_); }

  Method request_method_ = Method::kGet;
};

/// A trailer section: fields alone, those that may not be trailers dropped.
class TrailerParser : public HeadParser {
 public:
  void reset(Head* trailers, const HeadLimits& limits);
  ParseStatus feed(std::string_view bytes, size_t* consumed);

 private:
  friend class HeadParser;
  bool start_line() { return true; }
  bool partial_start() { return true; }
  bool field(const Field& f);
  bool finish() { return true; }
};

/// Decodes the chunked coding (RFC 9112 section 7.1). next() takes a piece of `in` and either gives content, which is a
/// part of `in`, or tells that it needs more, is done (trailers complete) or failed. Chunk extensions are checked and
/// dropped; they are bounded per line and per message. No blanks in chunk lines.
class ChunkedDecoder {
 public:
  enum class Step : uint8_t { kNeedMore, kContent, kDone, kError };
  /// `trailers` (not null) takes the trailer fields; fields that may not be trailers (RFC 9110 section 6.5.1: framing,
  /// routing, authentication, content fields) are dropped. Limits bound the trailer section.
  void reset(Head* trailers, const HeadLimits& limits);
  /// `consumed` counts the content too. With kNeedMore all of `in` is consumed.
  Step next(std::string_view in, size_t* consumed, std::string_view* content);
  /// Content bytes of the current chunk that have not come yet.
  uint64_t chunk_left() const { return left_; }
  /// Status 400 or 431, as for a request; whoever reads an upstream answers 502.
  const ParseError& error() const { return error_; }

 private:
  enum class State : uint8_t {
    kSize,
    kSizeDigits,
    kExtName,
    kExtNameMore,
    kExtValue,
    kExtToken,
    kExtQuoted,
    kExtEscape,
    kExtEnd,
    kSizeLf,
    kDataCr,
    kDataLf,
    kData,
    kTrailers,
    kDone,
    kFailed  // up to kDataLf: framing, byte by byte
  };
  bool framing_byte(char c);
  bool size_byte(char c);
  bool extension_byte(char c);
  bool after_part(char c);
  [[gnu::cold]] bool fail(const char* reason);
  Step content_step(std::string_view in, size_t* consumed, std::string_view* content);
  Step trailer_step(std::string_view in, size_t* consumed);

  TrailerParser trailers_;
  ParseError error_;
  uint64_t left_ = 0;  // of the chunk
  uint32_t extension_bytes_ = 0, line_extension_bytes_ = 0;
  uint8_t digits_ = 0;
  State state_ = State::kSize;
};

}  // namespace vg::http
