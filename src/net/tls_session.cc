#include "net/tls_session.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/socket_io.h"

namespace vg::net {

namespace {

constexpr size_t kRecordBytes = 16 * 1024;
// A record is only of use once it is whole. The first ones of an answer fit into one packet each, so that a browser can
// begin; once the connection runs, large ones cost less.
constexpr size_t kSmallRecordBytes = 1369;
constexpr uint64_t kSmallUntilBytes = 64 * 1024;
constexpr Duration kPause = std::chrono::seconds(1);

// What OpenSSL says first is the cause.
std::string last_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the connection ended";
  const char* words = ERR_reason_error_string(code);
  return words != nullptr ? words : "error " + std::to_string(code);
}

}  // namespace

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "viewgate stream");
    BIO_meth_set_read_ex(m, bio_read);
    BIO_meth_set_write_ex(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return method;
}

std::unique_ptr<TlsSession> TlsSession::create(SSL_CTX* context, Side side, std::shared_ptr<const void> owner,
                                               std::shared_ptr<TlsResumption> resumption) {
  SslPtr ssl(SSL_new(context));
  if (!ssl) return nullptr;
  BIO* bio = BIO_new(bio_method());
  if (bio == nullptr) return nullptr;
  std::unique_ptr<TlsSession> self(new TlsSession(std::move(ssl), std::move(owner), std::move(resumption)));
  BIO_set_data(bio, self.get());
  BIO_set_init(bio, 1);
  SSL* s = self->ssl_.get();
  SSL_set_bio(s, bio, bio);
  SSL_set_app_data(s, self.get());
  if (side == Side::kServer) {
    SSL_set_accept_state(s);
  } else {
    SSL_set_connect_state(s);
    if (self->resumption_ && self->resumption_->session) SSL_set_session(s, self->resumption_->session.get());
  }
  return self;
}

// recv(2) into OpenSSL's buffer. One that came back short says that there is no more: no second call to learn it.
int TlsSession::bio_read(BIO* bio, char* into, size_t room, size_t* got) {
  auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *got = 0;
  if (!self->first_.empty()) {
    *got = std::min(room, self->first_.size());
    std::memcpy(into, self->first_.data(), *got);
    self->first_.erase(0, *got);
    return 1;
  }
  if (self->drained_) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const ssize_t n = receive_some(self->fd_, into, room);
  if (n > 0) {
    self->drained_ = static_cast<size_t>(n) < room;
    *got = static_cast<size_t>(n);
    return 1;
  }
  self->drained_ = true;
  if (n == -EAGAIN || n == -EWOULDBLOCK) {
    BIO_set_retry_read(bio);
  } else {
    self->socket_error_ = n == 0 ? UV_EOF : static_cast<int>(n);
  }
  return 0;
}

// All is taken: what the socket refuses waits in unsent_, so that OpenSSL never has to be asked again.
int TlsSession::bio_write(BIO* bio, const char* from, size_t size, size_t* taken) {
  auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *taken = size;
  size_t sent = 0;
  if (!self->queued_ && !self->corked_ && self->unsent_.empty()) {
    const ssize_t n = send_some(self->fd_, from, size);
    if (n < 0) {
      self->socket_error_ = static_cast<int>(n);
      return 0;
    }
    sent = static_cast<size_t>(n);
  }
  self->unsent_.append(from + sent, size - sent);
  return 1;
}

long TlsSession::bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return static_cast<TlsSession*>(BIO_get_data(bio))->socket_error_ == UV_EOF ? 1 : 0;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

void TlsSession::give_up(std::string reason) {
  if (!failed_) reason_ = std::move(reason);
  failed_ = true;
  ended_.set();
}

// What a call of OpenSSL's that did not succeed comes to.
ssize_t TlsSession::result_of(int rc) {
  SSL* s = ssl_.get();
  const int what = SSL_get_error(s, rc);
  if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) return UV_EAGAIN;
  if (what == SSL_ERROR_ZERO_RETURN) return 0;
  const unsigned long first = ERR_peek_error();
  plain_http_ = ERR_GET_LIB(first) == ERR_LIB_SSL && ERR_GET_REASON(first) == SSL_R_HTTP_REQUEST;
  const long verified = SSL_get_verify_result(s);
  std::string reason = verified != X509_V_OK && SSL_get_verify_mode(s) != SSL_VERIFY_NONE
                           ? X509_verify_cert_error_string(verified)
                           : last_reason();
  // The end without close_notify: who cut it may have been somebody between us (RFC 8446 section 6.1).
  if (socket_error_ == UV_EOF) {
    reason = ready_ ? "the connection ended without close_notify" : "the connection ended during the handshake";
  } else if (socket_error_ != 0) {
    reason = uv_strerror(socket_error_);
  }
  ERR_clear_error();
  give_up(std::move(reason));
  return socket_error_ != 0 && socket_error_ != UV_EOF ? socket_error_ : UV_ECONNRESET;
}

ssize_t TlsSession::begin(int fd) {
  fd_ = fd;
  const ssize_t rc = shake_hands();
  // A peer that was quick has said more already, and the socket will not tell of it again.
  full_ = ready_ && SSL_has_pending(ssl_.get()) == 1;
  return rc;
}

ssize_t TlsSession::shake_hands() {
  if (failed_) return UV_ECONNRESET;
  ERR_clear_error();
  const int rc = SSL_do_handshake(ssl_.get());
  if (rc != 1) {
    const ssize_t why = result_of(rc);
    if (why != 0) return why;
    give_up("the peer ended the handshake");
    return UV_ECONNRESET;
  }
  ready_ = true;
  peer_subject_ = subject_of_peer();
  ended_.set();
  return UV_EAGAIN;
}

ssize_t TlsSession::receive(int fd, char* into, size_t room) {
  fd_ = fd;
  drained_ = full_ = false;
  if (late_) return *late_;
  if (failed_) return UV_ECONNRESET;
  if (!ready_) {
    const ssize_t rc = shake_hands();
    if (!ready_) return rc;
  }
  size_t total = 0;
  while (total < room) {
    ERR_clear_error();
    size_t got = 0;
    const int rc = SSL_read_ex(ssl_.get(), into + total, room - total, &got);
    if (rc == 1) {
      total += got;
      continue;
    }
    const ssize_t why = result_of(rc);
    if (total == 0) return why;
    // What came before the end or the failure is handed over first.
    if (why != UV_EAGAIN) late_ = why;
    break;
  }
  full_ = total == room;
  return static_cast<ssize_t>(total);
}

// OpenSSL's own setting for the size of records does not suit: a buffer that was made for small ones is not made anew.
bool TlsSession::encrypt(const char* from, size_t size) {
  const size_t most = small_records_ ? kSmallRecordBytes : size;
  while (size > 0) {
    ERR_clear_error();
    size_t written = 0;
    const int rc = SSL_write_ex(ssl_.get(), from, std::min(size, most), &written);
    if (rc != 1) {
      // It never has to wait for the socket; a renegotiation, for which it would, is not allowed.
      if (result_of(rc) == UV_EAGAIN) give_up("cannot write before the handshake has ended");
      return false;
    }
    from += written;
    size -= written;
  }
  return true;
}

void TlsSession::size_records(TimePoint now) {
  if (now - last_sent_ > kPause) sent_in_a_row_ = 0;
  last_sent_ = now;
  small_records_ = sent_in_a_row_ < kSmallUntilBytes;
}

// Pieces that fit into one record are copied into one: a record costs more than the copy. Small records are sent
// together.
bool TlsSession::send(int fd, const uv_buf_t* bufs, unsigned count, TimePoint now) {
  fd_ = fd;
  if (failed_ || !ready_ || closed_) return false;
  size_t total = 0;
  for (unsigned i = 0; i < count; ++i) total += bufs[i].len;
  size_records(now);
  sent_in_a_row_ += total;
  corked_ = small_records_ && total > kSmallRecordBytes;
  bool good = true;
  std::array<char, kRecordBytes> record;
  size_t filled = 0;
  for (unsigned i = 0; i < count && good; ++i) {
    const char* from = bufs[i].base;
    size_t left = bufs[i].len;
    while (left > 0 && good && (count > 1)) {
      if (filled == 0 && left >= record.size()) break;
      const size_t n = std::min(left, record.size() - filled);
      std::memcpy(record.data() + filled, from, n);
      filled += n;
      from += n;
      left -= n;
      if (filled == record.size()) {
        good = encrypt(record.data(), filled);
        filled = 0;
      }
    }
    if (good && left > 0) good = encrypt(from, left);
  }
  if (good && filled > 0) good = encrypt(record.data(), filled);
  return flush_corked() && good;
}

bool TlsSession::flush_corked() {
  if (!std::exchange(corked_, false) || unsent_.empty() || queued_) return true;
  const ssize_t n = send_some(fd_, unsent_.data(), unsent_.size());
  if (n < 0) {
    give_up(uv_strerror(static_cast<int>(n)));
    return false;
  }
  unsent_.erase(0, static_cast<size_t>(n));
  if (unsent_.empty()) unsent_ = std::string();
  return true;
}

void TlsSession::send_close(int fd) {
  if (failed_ || !ready_ || std::exchange(closed_, true)) return;
  fd_ = fd;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

int TlsSession::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if (!self->resumption_) return 0;
  self->resumption_->session.reset(session);
  return 1;  // it is ours now
}

std::string_view TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

std::string TlsSession::subject_of_peer() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
  BIO* text = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  std::string out(bytes, static_cast<size_t>(std::max(0L, size)));
  BIO_free(text);
  return out;
}

}  // namespace vg::net
