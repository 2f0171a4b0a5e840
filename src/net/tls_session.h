// TLS on one connection (RFC 8446, RFC 5246), by OpenSSL: what a Stream reads and writes through when its peer is to be
// spoken to in secret. It decrypts into the reader's buffer, and encrypts what is written; records go to the socket
// straight from OpenSSL's buffer, and what the socket does not take is handed to the stream, which keeps the order.
// Thread: its stream's loop. Lifetime: owned by the stream.
#pragma once
#include <openssl/ssl.h>
#include <uv.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "coro/scope.h"

namespace vg::net {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, SslFree>;

/// Where a client keeps what the next connection to the same peer resumes (RFC 8446 section 2.2). One a loop and peer.
struct TlsResumption {
  SslSessionPtr session;
  std::weak_ptr<const void> client;  ///< whose session it is: with another certificate one is somebody else
};

class TlsSession {
 public:
  enum class Side : uint8_t { kServer, kClient };
  /// `owner`: what the context's callbacks point at, kept as long as the session. `resumption`: nullptr, or where a
  /// client keeps its session. nullptr: OpenSSL has no memory.
  static std::unique_ptr<TlsSession> create(SSL_CTX* context, Side side, std::shared_ptr<const void> owner,
                                            std::shared_ptr<TlsResumption> resumption = nullptr);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  SSL* ssl() const { return ssl_.get(); }

  /// Reads the socket `fd` and decrypts to `into`. More than 0: so many bytes of content; 0: the peer ended its side;
  /// UV_EAGAIN: nothing yet; another negative: broken, and reason() says why. Carries the handshake on, too.
  ssize_t receive(int fd, char* into, size_t room);
  /// receive() has something to say without the socket becoming readable: what did not fit, or the end behind it.
  bool has_more() const { return late_ || full_; }
  bool has_end() const { return late_.has_value(); }
  /// Encrypts all of `bufs` and sends what the socket takes. False: broken, and reason() says why.
  bool send(int fd, const uv_buf_t* bufs, unsigned count, TimePoint now);
  /// What the peer said was read already: it comes before what the socket has.
  void take_first(std::string_view bytes) { first_.assign(bytes); }
  /// Begins the handshake: for a client, which speaks first. As receive().
  ssize_t begin(int fd);
  /// Tells the peer that nothing more comes (close_notify). Once; without effect on a connection that is broken.
  void send_close(int fd);

  /// What was encrypted and not taken by the socket: to be sent before anything else. The stream says with set_queued()
  /// whether something still waits to be sent.
  std::string take_unsent() { return std::exchange(unsent_, std::string()); }
  bool has_unsent() const { return !unsent_.empty(); }
  void set_queued(bool queued) { queued_ = queued; }

  bool ready() const { return ready_; }
  bool failed() const { return failed_; }
  /// Set when the handshake has ended, well or not.
  coro::Event& handshake_ended() { return ended_; }
  void give_up(std::string reason);
  /// Why it broke, in words: "certificate has expired".
  const std::string& reason() const { return reason_; }
  /// A client that speaks HTTP without TLS came: RFC 9110 section 15.5.1 would have an answer for it.
  bool plain_http() const { return plain_http_; }
  /// What ALPN chose (RFC 7301); empty: nothing.
  std::string_view alpn() const;
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  /// The subject of the peer's verified certificate as RFC 4514 text, once ready(); empty: there is none.
  const std::string& peer_subject() const { return peer_subject_; }

 private:
  TlsSession(SslPtr ssl, std::shared_ptr<const void> owner, std::shared_ptr<TlsResumption> resumption)
      : owner_(std::move(owner)), ssl_(std::move(ssl)), resumption_(std::move(resumption)) {}
  static int bio_read(BIO* bio, char* into, size_t room, size_t* got);
  static int bio_write(BIO* bio, const char* from, size_t size, size_t* taken);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  static BIO_METHOD* bio_method();
  static int keep_session(SSL* ssl, SSL_SESSION* session);
  friend class TlsClient;
  ssize_t result_of(int rc);
  std::string subject_of_peer() const;
  ssize_t shake_hands();
  bool encrypt(const char* from, size_t size);
  bool flush_corked();
  void size_records(TimePoint now);

  std::shared_ptr<const void> owner_;
  SslPtr ssl_;
  std::shared_ptr<TlsResumption> resumption_;
  std::string first_;
  std::string unsent_;
  std::string reason_;
  std::string peer_subject_;
  std::optional<ssize_t> late_;  // what came behind the content of the last receive()
  coro::Event ended_;
  uint64_t sent_in_a_row_ = 0;  // bytes since the last pause: see size_records()
  TimePoint last_sent_{};
  int fd_ = -1;
  int socket_error_ = 0;
  bool drained_ = false;  // the socket gave less than it was asked for
  bool full_ = false;     // the last receive() had no room for more
  bool queued_ = false;   // the stream still has something to send: nothing may overtake it
  bool ready_ = false, failed_ = false, plain_http_ = false, closed_ = false;
  bool small_records_ = false, corked_ = false;
};

}  // namespace vg::net
