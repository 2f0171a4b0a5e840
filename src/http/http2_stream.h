// One stream of an HTTP/2 connection (RFC 9113 section 5): what comes on it (the inbox), and what is to go out, which
// the session takes when the peer's windows and the socket let it. Thread: one loop. Lifetime: its user's, who waits
// for closed() before it goes; the session forgets it then.
#pragma once
#include "http/inbox.h"

namespace vg::http {

class Http2Session;

class Http2Stream : public Inbox {
 public:
  /// What a stream holds of content that the peer has not taken.
  static constexpr size_t kMostUnsentBytes = 64 * 1024;

  /// Nothing more comes or goes: it has ended on both sides, was reset, or its connection is over.
  bool closed() const { return closed_.is_set(); }
  coro::Event& closed_event() { return closed_; }
  /// Once closed: NO_ERROR, what either side reset it with, or CANCEL if the connection is over (RFC 9113 section 7).
  uint32_t error_code() const { return error_code_; }

  // Content that goes out, after the head.
  /// All of it; it is sent from where it lies. Lifetime of `content`: until closed().
  void send_whole(std::string_view content);
  bool has_room() const { return out_.size() - out_at_ < kMostUnsentBytes; }
  /// Waits until there is room for some more, or it is closed. At most one waiter.
  [[nodiscard]] coro::Event::Awaiter room(coro::CancelSource* cancel) {
    if (!has_room() && !closed()) room_.reset();
    return room_.wait(cancel);
  }
  void send_piece(std::string_view piece);
  /// `trailers`: nullptr, or fields that are sent behind it; taken now.
  void send_end(const Head* trailers);
  /// The last of it has been handed to the connection.
  bool all_sent() const { return end_sent_; }
  uint64_t sent_bytes() const { return sent_bytes_; }  ///< with the heads of frames
  uint64_t sent_content_bytes() const { return sent_content_; }

 protected:
  ~Http2Stream() override = default;
  void reset();

 private:
  friend class Http2Session;
  void on_consumed(size_t bytes) override;
  std::string_view unsent() const { return whole_.empty() ? std::string_view(out_).substr(out_at_) : whole_; }
  void sent(size_t bytes);
  void resume();

  Http2Session* session_ = nullptr;  // nullptr: it is forgotten
  Http2Stream *prev_ = nullptr, *next_ = nullptr;
  int32_t id_ = -1;
  uint32_t error_code_ = 0;
  std::string_view whole_;
  std::string out_, trailer_lines_;
  size_t out_at_ = 0;
  size_t held_credit_ = 0;  // of the connection's window, for what is in the inbox
  uint64_t sent_bytes_ = 0, sent_content_ = 0;
  bool end_given_ = false;  // by the user
  bool end_sent_ = false;
  bool deferred_ = false;  // the session waits for resume()
  coro::Event room_, closed_;
};

}  // namespace vg::http
