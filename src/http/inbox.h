// Content that comes in frames, one stream's of an HTTP/2 connection (RFC 9113 section 6.1): the session puts it in,
// whoever reads the message takes it out, and what was taken is told to the sender. Bounded by the window that the
// sender was granted. Thread: one loop. Lifetime: its stream's.
#pragma once
#include <string>
#include <string_view>

#include "coro/scope.h"
#include "http/head.h"

namespace vg::http {

class Inbox {
 public:
  Inbox() = default;
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // For the reader.
  std::string_view data() const { return std::string_view(bytes_).substr(at_); }
  void consume(size_t n);
  /// The sender has ended the message, and all of it was consumed.
  bool at_eof() const { return ended_ && at_ == bytes_.size(); }
  bool ended() const { return ended_; }
  /// The message was cut: what has come may still be read.
  bool failed() const { return failed_; }
  const Head& trailers() const { return trailers_; }
  /// Waits until there is data(), or the end, or it failed. At most one waiter.
  [[nodiscard]] coro::Event::Awaiter arrival(coro::CancelSource* cancel) {
    if (data().empty() && !ended_ && !failed_) came_.reset();
    return came_.wait(cancel);
  }

  // For the session.
  void put(std::string_view piece);
  Head& trailers() { return trailers_; }
  void end();
  void fail();
  /// As without a message; its memory is kept, within bounds.
  void reset();

 protected:
  virtual ~Inbox() = default;
  /// The reader took so many bytes.
  virtual void on_consumed(size_t bytes) = 0;

 private:
  std::string bytes_;
  size_t at_ = 0;
  bool ended_ = false, failed_ = false;
  Head trailers_;
  coro::Event came_;
};

}  // namespace vg::http
