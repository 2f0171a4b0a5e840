// The server's side of an HTTP/2 connection (RFC 9113): each stream is an Exchange, which the handler answers as if it
// had come by HTTP/1.1; many run at once. WebSockets come by RFC 8441. Thread: its loop. Lifetime: run()'s, within the
// ServerConnection's.
#pragma once
#include <vector>

#include "http/exchange.h"
#include "http/http2_session.h"
#include "http/server_connection.h"

namespace vg::http {

class Http2Server final : private Http2Session {
 public:
  static constexpr uint32_t kMostStreams = 128;

  Http2Server(ServerConnection* owner, Handler* handler);
  ~Http2Server() override;
  /// Serves until the connection is over and all that was under way has ended. `first`: what was read already.
  coro::Task<void> run(std::string first);
  /// Takes no new streams, and ends with the last of those under way.
  void drain();
  /// Cancels what is under way and closes.
  void abort();

 private:
  class ServerStream;
  struct Alarm : net::Timer {
    explicit Alarm(Http2Server* owner, void (Http2Server::*action)()) : Timer(&on_fire), self(owner), act(action) {}
    static void on_fire(net::Timer* t) {
      auto* alarm = static_cast<Alarm*>(t);
      (alarm->self->*alarm->act)();
    }
    Http2Server* self;
    void (Http2Server::*act)();
  };
  static ServerStream& of(Http2Stream& stream);
  bool on_head_begin(const nghttp2_frame& frame, Http2Stream* stream) override;
  void on_field(const nghttp2_frame& frame, Http2Stream& stream, std::string_view name,
                std::string_view value) override;
  void on_head(const nghttp2_frame& frame, Http2Stream& stream) override;
  void on_stream_closed(Http2Stream& stream) override;
  void on_settings() override {
    if (!std::exchange(greeted_, true) && !draining_) patience_.stop();
  }
  void on_frame_begin() override {
    heading_ = false;
    head_alarm_.stop();
  }
  void on_malformed(Http2Stream*, const char*) override { on_frame_begin(); }
  void on_ping_answered() override {
    if (draining_) shut_down();
  }

  void begin_request(int32_t id);
  void end_head(ServerStream& s);
  bool take(std::string_view bytes);
  void watch_time();
  void patience_ended();
  void head_overdue();
  coro::Task<void> serve(ServerStream* s);
  coro::Task<void> respond(ServerStream& s);
  void refuse_false_tunnel(ServerStream& s);
  bool submit_head(ServerStream& s);
  coro::Task<void> stream_body(ServerStream& s);
  coro::Task<void> tunnel(ServerStream& s);
  coro::Task<bool> taken(ServerStream& s, bool all);
  void cut(ServerStream& s, uint32_t code);
  void enlist(ServerStream& s);
  void release(ServerStream& s);

  ServerConnection* owner_;
  Handler* handler_;
  HeadLimits limits_;
  Duration header_timeout_;
  std::vector<ServerStream*> ready_;  // whose heads came with what was read last
  ServerStream* running_ = nullptr;   // whose handlers run: also where the stream is closed already
  size_t section_bytes_ = 0;          // of the header section that comes
  Allowance resets_;                  // by the client, of what was not answered yet
  Alarm patience_, head_alarm_;
  bool greeted_ = false, heading_ = false, draining_ = false;
};

}  // namespace vg::http
