// One HTTP/2 connection (RFC 9113) by nghttp2, either side: frames between a net::Stream and its Http2Streams. What
// many streams have to say within a turn of the loop goes out in one write; a peer that does not read stops what is
// taken from the streams. Guards against floods, which end in GOAWAY with ENHANCE_YOUR_CALM. Thread: the stream's loop.
// Lifetime: of the stream, shorter; streams are forgotten before it goes.
#pragma once
#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "http/http2_fields.h"
#include "http/http2_stream.h"
#include "net/stream.h"

namespace vg::http {

/// So many at once, and so many more each second.
class Allowance {
 public:
  Allowance(uint32_t most, uint32_t per_second) : left_(most), most_(most), per_second_(per_second) {}
  bool take(uint32_t n, TimePoint now);

 private:
  double left_;
  uint32_t most_, per_second_;
  TimePoint at_{};
};

class Http2Session : private net::TurnEnd {
 public:
  enum class Side : uint8_t { kServer, kClient };
  static constexpr size_t kConnectionWindowBytes = 1024 * 1024;
  static constexpr size_t kBatchBytes = 64 * 1024;  ///< what goes out in one write

  /// Streams that are under way on this connection.
  size_t stream_count() const { return streams_; }

  // For streams.
  /// Begins a final head, with content that follows (send_piece, send_end) or none.
  void submit_response(Http2Stream& stream, const Http2FieldList& fields, bool content);
  void submit_interim(Http2Stream& stream, const Http2FieldList& fields);
  /// False: no stream can be begun any more (the connection ends).
  bool submit_request(Http2Stream& stream, const Http2FieldList& fields, bool content);
  /// RST_STREAM; the stream closes soon.
  void reset(Http2Stream& stream, uint32_t code);

 protected:
  Http2Session(net::Stream* stream, Side side, Duration write_timeout, uint32_t most_continuations);
  virtual ~Http2Session();
  void begin(const nghttp2_settings_entry* settings, size_t count);
  /// Takes all that data() of the connection has. False: it is over, for what the peer did; GOAWAY is on its way.
  bool feed(std::string_view bytes);
  /// GOAWAY with this code, and the end. `why`: for the log, in words.
  void terminate(uint32_t code, const char* why);
  /// GOAWAY that lets what is under way go on: first so that no stream is lost, then the last one's number.
  void announce_shutdown();
  void shut_down();
  bool shutting_down() const { return shut_down_; }
  /// Nothing is to be read any more: cancelled when the session has come to its end.
  coro::CancelSource& over() { return over_; }
  /// What stands to be sent goes out now. To be called with nothing on the stack that may be in the session.
  void flush();
  void request_flush() { request(); }
  /// Every stream is closed, as the connection is over.
  void close_streams();
  void adopt(Http2Stream& stream, int32_t id);
  coro::Scope& scope() { return scope_; }
  net::Stream& connection() { return *connection_; }
  const char* why() const { return why_; }
  /// When content last went out, on any stream.
  TimePoint progress() const { return progress_; }
  nghttp2_session* handle() { return session_; }
  /// Something that the peer may do, but not without end. False: it was too much, and the session ends.
  bool tolerate(uint32_t cost);

  // What the sides differ in. Called within feed() or flush(); `stream` may be nullptr where it is not known (any
  // more).
  virtual bool on_head_begin(const nghttp2_frame& frame, Http2Stream* stream) = 0;
  virtual void on_field(const nghttp2_frame& frame, Http2Stream& stream, std::string_view name,
                        std::string_view value) = 0;
  /// A header section is complete.
  virtual void on_head(const nghttp2_frame& frame, Http2Stream& stream) = 0;
  virtual void on_stream_closed(Http2Stream& stream) = 0;
  virtual void on_settings() {}
  virtual void on_ping_answered() {}
  virtual void on_goaway(uint32_t /*code*/) {}
  /// A frame begins that does not go on with a header section.
  virtual void on_frame_begin() {}
  /// What the peer sent breaks the rules: on one stream, or where that is nullptr maybe on all.
  virtual void on_malformed(Http2Stream* /*stream*/, const char* /*why*/) {}
  /// We end the connection; `words`: what nghttp2 says of it, if it has ended it.
  virtual void on_goaway_sent(uint32_t /*code*/, std::string_view /*words*/) {}

 private:
  friend class Http2Stream;
  static nghttp2_session_callbacks* callbacks();
  static int frame_begun(nghttp2_session*, const nghttp2_frame_hd* head, void* self);
  static int head_begun(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int field_came(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                        const uint8_t* value, size_t value_size, uint8_t flags, void* self);
  static int bad_field_came(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                            const uint8_t* value, size_t value_size, uint8_t flags, void* self);
  static int frame_came(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int bad_frame_came(nghttp2_session*, const nghttp2_frame* frame, int error, void* self);
  static int data_came(nghttp2_session*, uint8_t flags, int32_t id, const uint8_t* data, size_t size, void* self);
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int stream_closed(nghttp2_session*, int32_t id, uint32_t code, void* self);
  static ssize_t take_content(nghttp2_session*, int32_t id, uint8_t* buffer, size_t room, uint32_t* flags,
                              nghttp2_data_source* source, void* self);
  static int send_content(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t size,
                          nghttp2_data_source* source, void* self);
  void at_turn_end() override { flush(); }
  Http2Stream* find(int32_t id) const;
  bool fill(std::string& batch);
  coro::Task<void> write_on();
  void took(Http2Stream& stream, size_t bytes);
  void unlink(Http2Stream& stream);
  void close(Http2Stream& stream, uint32_t code);
  void earn() { earned_ = std::min(earned_ + 2, uint32_t{1000}); }
  int enough() const { return broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0; }

  net::Stream* connection_;
  nghttp2_session* session_ = nullptr;
  Duration write_timeout_;
  Side side_;
  Http2Stream* first_ = nullptr;
  size_t streams_ = 0;
  size_t inbox_bytes_ = 0;  // of all streams
  std::string* batch_ = nullptr;
  Allowance noise_;
  uint32_t earned_ = 100;  // frames that what was sent has earned the peer
  TimePoint progress_{};
  coro::Scope scope_;
  coro::CancelSource over_;
  const char* why_ = "";
  bool feeding_ = false, writing_ = false, broken_ = false, announced_ = false, shut_down_ = false;
  bool ended_ = false;  // GOAWAY that ends it has gone out
};

}  // namespace vg::http
