// The server's side of a connection: what stands in front of HTTP, then HTTP/1.1 (RFC 9112) or, where the client chose
// it, HTTP/2 (Http2Server). HTTP/1.1 reads a head, lets the handler answer, writes the answer, and so on; pipelined
// requests are answered in order. An idle connection is this object, its stream and one small frame; all else is pooled
// with the Exchange. Thread: its loop. Lifetime: it deletes itself when the connection has ended, after
// Handler::closed().
#pragma once
#include "coro/scope.h"
#include "http/exchange.h"
#include "net/address.h"
#include "net/tls_context.h"

namespace vg::http {

struct ConnectionLimits {
  HeadLimits head;
  uint64_t body_bytes = 1024 * 1024;
  Duration header_timeout = std::chrono::seconds(10);
  Duration body_timeout = std::chrono::seconds(30);   ///< between two reads of content
  Duration write_timeout = std::chrono::seconds(30);  ///< between two writes that make progress
  Duration idle_timeout = std::chrono::seconds(75);
};

class Http2Server;
struct ResponseFraming;

/// What stands in front of HTTP on the connections of a listener.
struct Opening {
  bool proxy_protocol = false;                  ///< a load balancer says who the client is
  std::shared_ptr<const net::TlsListener> tls;  ///< nullptr: plain
  bool http2 = false;                           ///< HTTP/2 is spoken with clients that begin with it
  bool plain() const { return !proxy_protocol && !tls && !http2; }
};

/// What a connection asks of the gateway. One a loop.
class Handler {
 public:
  virtual Exchange* acquire(ServerConnection& connection) = 0;
  virtual void release(Exchange* exchange) = 0;
  /// In force for the request that begins now. Lifetime: until the exchange is released.
  virtual const ConnectionLimits& limits(const Exchange& exchange) = 0;
  /// Fills exchange.response. Never throws.
  virtual coro::Task<void> handle(Exchange& exchange) = 0;
  /// Fills exchange.response for a request that could not be read; the connection ends after it.
  virtual void reject(Exchange& exchange, uint16_t status, std::string_view reason) = 0;
  /// The response is out, or never will be.
  virtual void finished(Exchange& exchange) = 0;
  /// True when connections are to end after their current response.
  virtual bool draining() const = 0;
  /// In force now, whatever the requests under way began with. Lifetime: until the next suspension.
  virtual const ConnectionLimits& current_limits() const = 0;
  /// Lifetime of what it gives: until the next suspension.
  virtual const Opening& opening(uint32_t listener) = 0;
  /// The connection is ended for this reason: what stands in front of HTTP came to nothing, or the client's use of
  /// HTTP/2. closed() follows.
  virtual void refused(ServerConnection& connection, std::string_view reason) = 0;
  virtual void closed(ServerConnection& connection) = 0;

 protected:
  ~Handler() = default;
};

class ServerConnection final : public net::StreamObserver {
 public:
  /// `listener`: which one the stream came through, as the handler numbers them.
  static ServerConnection* create(net::StreamPtr stream, Handler* handler, uint32_t listener) {
    return new ServerConnection(std::move(stream), handler, listener);
  }
  /// Begins to serve, once its owner knows it.
  void start() { run(); }
  ServerConnection(const ServerConnection&) = delete;

  net::Stream& stream() { return *stream_; }
  uint32_t listener() const { return listener_; }
  /// The peer's address as text, without the port; "unix" for a unix socket. Asked of the kernel once.
  const std::string& peer_ip();
  bool idle() const { return exchange_ == nullptr && http2_ == nullptr; }
  /// Closes it if no request is under way; one that has made none yet is granted a moment.
  void close_if_idle();
  /// Cancels what is under way and closes.
  void abort();

  // Links of the owner's list of connections.
  ServerConnection* prev = nullptr;
  ServerConnection* next = nullptr;

 private:
  ServerConnection(net::StreamPtr stream, Handler* handler, uint32_t listener);
  ~ServerConnection() = default;
  coro::Detached run();
  /// What becomes of the connection after a request.
  enum class After : uint8_t { kKeep, kClose, kLinger };
  coro::Task<After> serve(Exchange& ex);
  ParseStatus feed(Exchange& ex);
  coro::Task<ParseStatus> read_head(Exchange& ex);
  bool may_keep(Exchange& ex) const;
  /// What is left of an answer that was begun. kAll: it was not, since something before it waits to be written.
  enum class Rest : uint8_t { kNothing, kAll, kFlush, kLarge, kStream, kTunnel, kBroken };
  Rest begin_answer(Exchange& ex, const ResponseFraming& framing);
  coro::Task<After> finish_answer(Exchange& ex, ResponseFraming framing, Rest rest);
  After after_answer(Exchange& ex, const ResponseFraming& framing, bool whole) const;
  static bool gather_content(Response& r, const ResponseFraming& framing, std::string& out, std::string_view* large);
  net::WriteEvent write_piece(Exchange& ex, Framing framing, std::string_view piece, std::string& out);
  net::WriteEvent write_gathered(Exchange& ex, std::string& out);
  coro::Task<bool> stream_body(Exchange& ex, Framing framing);
  void close_cut();
  coro::Task<bool> write_large(Exchange& ex, std::string_view large);
  coro::Task<void> tunnel(Exchange& ex);
  coro::Task<void> linger();
  /// What a connection that has made no request yet is granted when the gateway stops.
  static constexpr Duration kFirstRequestGrace = std::chrono::milliseconds(500);
  /// How a connection begins.
  enum class Begins : uint8_t { kRefused, kHttp1, kHttp2 };
  coro::Task<Begins> opened();
  coro::Task<bool> begins_with_preface();
  coro::Task<void> serve_http2();
  coro::Task<std::string_view> read_proxy_header(coro::CancelSource* deadline);
  void on_unsolicited(net::Stream& stream, net::ReadEvent event) override;

  struct Alarm : net::Timer {
    explicit Alarm(ServerConnection* owner) : Timer(&on_fire), self(owner) {}
    static void on_fire(net::Timer* t);
    ServerConnection* self;
  };

  net::StreamPtr stream_;
  Handler* handler_;
  Exchange* exchange_ = nullptr;
  Http2Server* http2_ = nullptr;        // while it serves
  std::unique_ptr<std::string> early_;  // read to see which HTTP it is
  std::string peer_ip_;
  uint32_t listener_;
  uint32_t served_ = 0;
  uint64_t sent_when_half_closed_ = 0;
  Alarm alarm_;  // idle, or what is granted to a half-closed client
};

}  // namespace vg::http
