// The client's side of an HTTP/2 connection to an endpoint (RFC 9113): calls share it, each on a stream of its own, and
// what one of them does or suffers is none of the others' affair. Thread: its loop. Lifetime: its own until the
// connection is over, and that of the calls on it.
#pragma once
#include <memory>

#include "http/http2_session.h"
#include "http/parser.h"

namespace vg::upstream {

class Http2Call;
struct Http2CallReleaser {
  void operator()(Http2Call* call) const;
};
/// A place for one call, and then the call. Letting go of it cancels what is not complete.
using Http2CallPtr = std::unique_ptr<Http2Call, Http2CallReleaser>;

class Http2Client final : private http::Http2Session, public std::enable_shared_from_this<Http2Client> {
 public:
  /// Calls at once, where the peer allows as many.
  static constexpr uint32_t kMostCalls = 100;

  /// Whoever lends places for calls. May take and retire within.
  class Owner {
   public:
    /// A call has ended, or the peer allows more of them.
    virtual void on_room(Http2Client& client) = 0;
    virtual void on_ended(Http2Client& client) = 0;

   protected:
    ~Owner() = default;
  };

  /// Begins on a connected stream. `keeps`: owns `stream`. A peer that takes nothing of what it is sent for
  /// `write_timeout` is cut off.
  static std::shared_ptr<Http2Client> start(net::Stream* stream, std::shared_ptr<void> keeps, Duration write_timeout);
  ~Http2Client() override;

  /// Waits until the peer has said that it speaks HTTP/2 (greeted()), or the connection is over. At most one waiter.
  [[nodiscard]] coro::Event::Awaiter greeting(coro::CancelSource* cancel) { return greeting_.wait(cancel); }
  bool greeted() const { return greeted_; }
  void set_owner(Owner* owner) { owner_ = owner; }
  bool has_room() const;
  bool has_carried() const { return has_carried_; }
  bool idle() const { return !busy() && !retired_ && !ended_; }
  TimePoint begun() const { return begun_; }
  TimePoint idle_since() const { return idle_since_; }
  /// A place; nullptr if there is none.
  Http2CallPtr take();
  /// Takes no further calls, and ends with the last of those under way.
  void retire();
  /// Ends at once, and cuts what is under way.
  void close() { connection().close(); }
  bool ended() const { return ended_; }
  /// How the peer broke the rules; empty: it did not.
  const std::string& fault() const { return fault_; }

 private:
  friend class Http2Call;
  friend struct Http2CallReleaser;
  Http2Client(net::Stream* stream, std::shared_ptr<void> keeps, Duration write_timeout);
  static coro::Detached run(std::shared_ptr<Http2Client> self);
  bool busy() const { return stream_count() > 0 || reserved_ > 0; }
  void end();
  void end_if_useless();
  void release(Http2Call& call);
  void made_room();
  uint32_t most_calls() const;

  bool on_head_begin(const nghttp2_frame& frame, http::Http2Stream* stream) override;
  void on_field(const nghttp2_frame& frame, http::Http2Stream& stream, std::string_view name,
                std::string_view value) override;
  void on_head(const nghttp2_frame& frame, http::Http2Stream& stream) override;
  void on_stream_closed(http::Http2Stream& stream) override;
  void on_settings() override;
  void on_goaway(uint32_t code) override;
  void on_malformed(http::Http2Stream* stream, const char* why) override;
  void on_goaway_sent(uint32_t code, std::string_view words) override;

  net::EventLoop* loop_;
  std::shared_ptr<void> keeps_;
  Owner* owner_ = nullptr;
  coro::Event greeting_;
  std::string fault_, farewell_;  // of its own making, and by GOAWAY
  TimePoint begun_, idle_since_, heard_;
  size_t section_bytes_ = 0;  // of the header section that comes
  uint32_t reserved_ = 0;     // places taken that have no stream yet
  size_t orphans_ = 0;        // streams that nobody waits for
  bool greeted_ = false, retired_ = false, ended_ = false, has_carried_ = false;
};

/// One call: a request and its response (RFC 9113 section 8.1). The response's heads come as text of HTTP/1.1, so that
/// ResponseParser judges them, too; its content comes by the inbox.
class Http2Call final : public http::Http2Stream {
 public:
  static constexpr http::HeadLimits kLimits{64 * 1024, 256, 0};

  /// Sends the head. `content`: more follows, by send_piece() and send_end(). False: the connection takes no more.
  bool begin(const http::Http2FieldList& fields, bool content);
  /// Of the heads that came, interim ones too, what was not consumed.
  std::string_view heads() const { return std::string_view(heads_).substr(heads_at_); }
  void consume_heads(size_t n) { heads_at_ += n; }
  /// Waits until there are heads(), or there will be none. At most one waiter.
  [[nodiscard]] coro::Event::Awaiter head(coro::CancelSource* cancel) {
    if (heads().empty() && !closed()) came_.reset();
    return came_.wait(cancel);
  }
  /// Once closed without an answer: why. `name`: the upstream's.
  Error failure(const std::string& name) const;
  /// The peer has not looked at it: it may be repeated, whatever it is (RFC 9113 section 8.7).
  bool refused() const { return closed() && !answered_ && error_code() == NGHTTP2_REFUSED_STREAM; }
  /// It has ended with its connection.
  bool connection_ended() const;
  /// Its connection has carried a call before it.
  bool reused() const { return reused_; }
  /// The answer is cut.
  void cut();
  /// It got no answer in time. A connection on which nothing at all came since is given no more calls.
  void timed_out();

 private:
  friend class Http2Client;
  friend struct Http2CallReleaser;
  explicit Http2Call(std::shared_ptr<Http2Client> client) : client_(std::move(client)) {}
  ~Http2Call() override = default;
  void add_field(std::string_view name, std::string_view value);
  void end_section();

  std::shared_ptr<Http2Client> client_;
  std::string heads_;
  size_t heads_at_ = 0, section_at_ = 0;
  http::Http2TrailerText trailer_text_;
  coro::Event came_;
  std::string fault_;
  TimePoint begun_{};
  bool has_begun_ = false, reused_ = false;
  bool answered_ = false;  // the final head has come: what comes are trailers
  bool orphan_ = false;    // nobody waits for it any more
};

}  // namespace vg::upstream
