// Content of a message, pulled piece by piece by whoever needs it: not pulling is the back-pressure.
//   peek()     what can be had without waiting
//   consume()  takes that piece
//   wait()     until peek() has something to say
// Thread: one loop.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "coro/task.h"
#include "http/inbox.h"
#include "http/parser.h"
#include "net/stream.h"

namespace vg::http {

class BodySource {
 public:
  enum class State : uint8_t { kData, kWait, kEnd, kError };

  /// kData: `*piece` is content, valid until the next suspension; the same piece again until consume().
  virtual State peek(std::string_view* piece) = 0;
  virtual void consume() = 0;
  /// Errors: are told by the next peek(). Cancel: ends the wait; the body then has failed with the source's reason.
  virtual coro::Task<void> wait(coro::CancelSource* cancel) = 0;
  /// After kError.
  virtual const Error& error() const = 0;
  /// The whole length in bytes, where it was told beforehand.
  virtual std::optional<uint64_t> length() const = 0;
  /// After kEnd: the trailer fields; nullptr or empty if there are none.
  virtual const Head* trailers() const { return nullptr; }
  /// The reader cannot take more for now: nothing is to be read ahead.
  virtual void pause() {}
  /// After a 101: the connection itself, for a tunnel. Lifetime: the source's.
  virtual net::Stream* upgraded() { return nullptr; }
  /// The owner is done with it: it goes back to where it came from.
  virtual void release() = 0;

 protected:
  ~BodySource() = default;
};

struct BodyReleaser {
  void operator()(BodySource* body) const { body->release(); }
};
using BodyPtr = std::unique_ptr<BodySource, BodyReleaser>;

/// The content of a message: on a connection, as its head framed it (RFC 9112 section 6.3), or in the frames of an
/// HTTP/2 stream. Lifetime: the stream, or inbox, outlives it, from begin() on.
class StreamBody {
 public:
  using State = BodySource::State;

  /// `limit_bytes`: more content than this is an error (413 for requests).
  void begin(net::Stream* stream, const Head& head, uint64_t limit_bytes, const HeadLimits& limits);
  /// The same of an HTTP/2 message: the frames end it, the head tells at most its length. RFC 9113 section 8.1.
  void begin(Inbox* inbox, const Head& head, uint64_t limit_bytes);
  /// More content than this is an error from now on.
  void set_limit(uint64_t limit_bytes) { limit_ = limit_bytes; }
  State peek(std::string_view* piece);
  void consume();
  coro::Task<void> wait(coro::CancelSource* cancel);
  const Error& error() const { return error_; }
  std::optional<uint64_t> length() const { return length_; }
  const Head& trailers() const { return trailers_; }
  Framing framing() const { return framing_; }
  bool at_end() const { return done_; }
  /// True while a coroutine waits for the sender.
  bool waiting() const { return waiting_; }
  uint64_t received_bytes() const { return received_; }
  /// Something has come that nobody has taken yet.
  bool has_arrived() const { return !arrived().empty(); }
  /// A wait that was cancelled is no failure of the sender: reading may go on.
  void forgive_cancel() {
    if (failed_ && error_.kind == ErrorKind::kCancelled) failed_ = false;
  }
  /// As without a message.
  void reset() {
    done_ = true;
    failed_ = waiting_ = false;
    received_ = 0;
    stream_ = nullptr;
    inbox_ = nullptr;
    length_.reset();
    if (rewound_) forget_again();
  }
  /// Throws away what has already arrived. True if that was all of it.
  bool discard_buffered();
  /// What was read whole is there to be read once more, by who comes next; nothing else of the message changes.
  /// Precondition: at_end(), and `content` is what was read.
  void rewind(std::string content);

 private:
  std::string_view arrived() const;
  void clear(const Head& head, uint64_t limit_bytes);
  State peek_chunked(std::string_view* piece);
  State peek_inbox(std::string_view* piece);
  void end_inbox();
  State no_data(bool may_end);
  State fail(Error error);
  void forget_again();

  // What every message needs comes first, and of many messages in flight it is all that is touched.
  net::Stream* stream_ = nullptr;
  Inbox* inbox_ = nullptr;  // instead of stream_
  Framing framing_ = Framing::kNone;
  bool done_ = true, failed_ = false, waiting_ = false;
  bool rewound_ = false;    // again_ is read
  bool may_trail_ = false;  // trailers_ may hold some
  std::optional<uint64_t> length_;
  uint64_t remaining_ = 0;
  uint64_t received_ = 0;
  uint64_t limit_ = UINT64_MAX;
  size_t piece_at_ = 0, piece_size_ = 0, piece_take_ = 0;  // within the stream's data, chunked only
  ChunkedDecoder decoder_;
  Head trailers_;
  Error error_;
  std::string again_;  // rewind()
  size_t again_at_ = 0;
};

}  // namespace vg::http
