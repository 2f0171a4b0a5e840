#include "net/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "net/socket_io.h"
#include "net/tls_session.h"

namespace vg::net {

struct Stream::WriteRequest {
  uv_write_t req;
  Stream* stream;  // nullptr once the stream was given up
  std::string rest;
};

Stream::Stream(EventLoop* loop, Kind kind) : loop_(loop), kind_(kind) {}

Stream::~Stream() = default;

void StreamCloser::operator()(Stream* s) const {
  s->observer_ = nullptr;
  if (s->gone_) {
    delete s;
    return;
  }
  s->orphan_ = true;
  s->close();
}

StreamPtr Stream::create(EventLoop* loop, Kind kind) {
  auto* s = new Stream(loop, kind);
  const int rc = kind == Kind::kTcp ? uv_tcp_init(loop->uv(), &s->u_.tcp) : uv_pipe_init(loop->uv(), &s->u_.pipe, 0);
  if (rc != 0) {
    delete s;
    return nullptr;
  }
  s->u_.handle.data = s;
  return StreamPtr(s);
}

void Stream::start() { resume_reading(); }

// libuv is to read nothing itself (UV_ENOBUFS, as its documentation says): see receive_now().
void Stream::on_alloc(uv_handle_t*, size_t, uv_buf_t* buf) { *buf = uv_buf_init(nullptr, 0); }

void Stream::on_read(uv_stream_t* handle, ssize_t status, const uv_buf_t*) {
  auto* self = static_cast<Stream*>(handle->data);
  const EventLoop::CallbackScope scope(self->loop_);
  if (status != UV_ENOBUFS) return self->received(status);
  // A full buffer means that there may be more; one stream may not hold the loop for ever.
  bool more = true;
  for (int reads = 0; reads < kReadsAtOnce && more && self->reading_; ++reads) {
    const ssize_t n = self->receive_now();
    more = n == EventLoop::kReadBufferBytes || (n > 0 && self->tls_ && self->tls_->has_end());
    if (n != UV_EAGAIN) self->received(n);
  }
}

// What has come, into the loop's buffer; 0 at the end; a negative error of libuv's. By recv(2), for the reason of
// send_now().
ssize_t Stream::receive_now() {
  uv_os_fd_t fd;
  if (const int rc = uv_fileno(&u_.handle, &fd); rc != 0) return rc;
  if (tls_) {
    const ssize_t got = tls_->receive(fd, loop_->read_buffer(), EventLoop::kReadBufferBytes);
    return queue_unsent() ? got : ssize_t{UV_ENOBUFS};
  }
  return receive_some(fd, loop_->read_buffer(), EventLoop::kReadBufferBytes);
}

void Stream::received(ssize_t n) {
  if (n > 0) {
    if (size_ > 0) return read_ahead(static_cast<size_t>(n));
    data_ = loop_->read_buffer();
    size_ = static_cast<uint32_t>(n);
    deliver(ReadEvent::kData);
    // Everything that the bytes set going runs now, while they are still in the loop's buffer.
    if (!closing_) coro::drain();
    return keep_rest();
  }
  stop_reading();
  if (n == 0) {
    eof_ = true;
    deliver(ReadEvent::kEof);
  } else {
    error_ = static_cast<int>(n);
    deliver(ReadEvent::kError);
  }
}

void Stream::deliver(ReadEvent event) {
  if (waiter<ReadEvent>() != nullptr) {
    wake(event);
  } else if (observer_ != nullptr) {
    observer_->on_unsolicited(*this, event);
  }
}

// What was not consumed within the callback moves out of the loop's buffer. Reading then stops until it is consumed;
// for an observer it goes on a little, since a peer that goes away is only noticed by reading.
void Stream::keep_rest() {
  if (size_ == 0 || closing_) return;
  std::unique_ptr<char[]> copy(new char[size_]);
  std::memcpy(copy.get(), data_, size_);
  kept_ = std::move(copy);
  data_ = kept_.get();
  if (observer_ == nullptr || size_ >= kReadAheadBytes) stop_reading();
}

void Stream::read_ahead(size_t n) {
  std::unique_ptr<char[]> both(new char[size_ + n]);
  std::memcpy(both.get(), data_, size_);
  std::memcpy(both.get() + size_, loop_->read_buffer(), n);
  kept_ = std::move(both);
  data_ = kept_.get();
  size_ += static_cast<uint32_t>(n);
  if (size_ >= kReadAheadBytes) stop_reading();
}

void Stream::stop_reading() {
  if (reading_) uv_read_stop(&u_.stream);
  reading_ = false;
}

void Stream::consume(size_t n) {
  assert(n <= size_);
  data_ += n;
  size_ -= static_cast<uint32_t>(n);
  if (size_ == 0) {
    kept_.reset();
    data_ = nullptr;
  }
}

void Stream::pause_reading() { stop_reading(); }

void Stream::resume_reading() {
  if (reading_ || closing_ || eof_ || error_ != 0 || size_ != 0) return;
  const int rc = uv_read_start(&u_.stream, on_alloc, on_read);
  if (rc != 0) {
    error_ = rc;
  } else {
    reading_ = true;
  }
}

// What the socket takes at once; a negative error of libuv's. By send(2): write(2), which uv_try_write() uses, goes by
// way of files, and costs a small answer some 3 % more. Nothing of libuv's own waits to be written then.
ssize_t Stream::send_now(uv_buf_t* bufs, unsigned count) {
  uv_os_fd_t fd;
  if (const int rc = uv_fileno(&u_.handle, &fd); rc != 0) return rc;
  static_assert(sizeof(uv_buf_t) == sizeof(iovec) && offsetof(uv_buf_t, len) == offsetof(iovec, iov_len));
  if (count == 1) return send_some(fd, bufs->base, bufs->len);
  return send_some(fd, reinterpret_cast<iovec*>(bufs), count);
}

WriteEvent Stream::write_now(std::initializer_list<std::string_view> pieces) {
  if (closing_ || error_ != 0 || write_error_ != 0) return WriteEvent::kError;
  assert(pending_writes_ == 0 || tls_);
  uv_buf_t bufs[8];
  unsigned count = 0;
  size_t total = 0;
  for (const std::string_view p : pieces) {
    if (p.empty()) continue;
    bufs[count++] = uv_buf_init(const_cast<char*>(p.data()), static_cast<unsigned>(p.size()));
    total += p.size();
  }
  if (total == 0) return WriteEvent::kDone;
  if (tls_) return write_tls(bufs, count);
  const ssize_t sent = send_now(bufs, count);
  if (sent < 0) {
    write_error_ = static_cast<int>(sent);
    return WriteEvent::kError;
  }
  auto written = static_cast<size_t>(sent);
  if (written == total) return WriteEvent::kDone;
  std::string rest;
  rest.reserve(total - written);
  for (unsigned i = 0; i < count; ++i) {
    const size_t skip = std::min(written, bufs[i].len);
    written -= skip;
    rest.append(bufs[i].base + skip, bufs[i].len - skip);
  }
  return queue(std::move(rest)) ? WriteEvent::kPending : WriteEvent::kError;
}

// libuv sends it when the socket takes something again.
bool Stream::queue(std::string rest) {
  auto* w = new WriteRequest{{}, this, std::move(rest)};
  w->req.data = w;
  uv_buf_t buf = uv_buf_init(w->rest.data(), static_cast<unsigned>(w->rest.size()));
  const int rc = uv_write(&w->req, &u_.stream, &buf, 1, on_written);
  if (rc != 0) {
    write_error_ = rc;
    delete w;
    return false;
  }
  ++pending_writes_;
  if (tls_) tls_->set_queued(true);
  return true;
}

void Stream::use_tls(std::unique_ptr<TlsSession> tls) {
  const bool begun = size_ > 0;
  if (begun) tls->take_first(data());
  consume(size_);
  take_tls(std::move(tls), begun);
}

void Stream::begin_tls(std::unique_ptr<TlsSession> tls) { take_tls(std::move(tls), true); }

coro::Event::Awaiter Stream::handshake(coro::CancelSource* cancel) { return tls_->handshake_ended().wait(cancel); }

void Stream::take_tls(std::unique_ptr<TlsSession> tls, bool speaks) {
  tls_ = std::move(tls);
  resume_reading();
  if (!speaks) return;
  uv_os_fd_t fd;
  if (uv_fileno(&u_.handle, &fd) != 0) return tls_->give_up("the connection is closed");
  const ssize_t rc = tls_->begin(fd);
  if (rc != UV_EAGAIN) error_ = static_cast<int>(rc);
  if (!queue_unsent()) tls_->give_up("the connection cannot be written to");
}

void Stream::say_plainly(std::string_view answer) {
  uv_os_fd_t fd;
  if (uv_fileno(&u_.handle, &fd) != 0) return;
  (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
}

WriteEvent Stream::write_tls(uv_buf_t* bufs, unsigned count) {
  uv_os_fd_t fd;
  const bool good = uv_fileno(&u_.handle, &fd) == 0 && tls_->send(fd, bufs, count, loop_->now());
  if (!good || !queue_unsent()) {
    if (write_error_ == 0) write_error_ = UV_ECONNRESET;
    return WriteEvent::kError;
  }
  return pending_writes_ != 0 ? WriteEvent::kPending : WriteEvent::kDone;
}

// What TLS has to say itself (the handshake, alerts, new keys) and the socket did not take. Somebody who makes it speak
// and does not listen is not waited for.
bool Stream::queue_unsent() {
  if (!tls_->has_unsent()) return true;
  return unsent_bytes() <= kMostUnsentBytes && queue(tls_->take_unsent());
}

// Reading had stopped with a full buffer: what TLS holds of it does not make the socket readable. Not through the
// loop's buffer, which somebody may be looking at.
bool Stream::refill() {
  uv_os_fd_t fd;
  if (!tls_ || closing_ || error_ != 0 || eof_ || !tls_->has_more() || uv_fileno(&u_.handle, &fd) != 0) return false;
  std::unique_ptr<char[]> more(new char[kReadAheadBytes]);
  const ssize_t n = tls_->receive(fd, more.get(), kReadAheadBytes);
  if (n == UV_EAGAIN) return false;
  if (n > 0) {
    kept_ = std::move(more);
    data_ = kept_.get();
    size_ = static_cast<uint32_t>(n);
  } else if (n == 0) {
    eof_ = true;
  } else {
    error_ = static_cast<int>(n);
  }
  return true;
}

void Stream::on_written(uv_write_t* req, int status) {
  const std::unique_ptr<WriteRequest> w(static_cast<WriteRequest*>(req->data));
  Stream* self = w->stream;
  const EventLoop::CallbackScope scope(self->loop_);
  if (status != 0) self->write_error_ = status;
  if (--self->pending_writes_ != 0 && status == 0) return;
  if (self->tls_) self->tls_->set_queued(false);
  self->wake(status == 0 ? WriteEvent::kDone : WriteEvent::kError);
}

void Stream::shutdown_write() {
  if (closing_) return;
  uv_os_fd_t fd;
  if (uv_fileno(&u_.handle, &fd) != 0) return;
  if (tls_ && pending_writes_ == 0) tls_->send_close(fd);
  // shutdown(2) itself: nothing of ours is queued then, and no request is left behind for a dying stream.
  ::shutdown(fd, SHUT_WR);
}

void Stream::reset_and_close() {
  if (closing_) return;
  uv_os_fd_t fd;
  const linger abort{1, 0};
  if (uv_fileno(&u_.handle, &fd) == 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  if (tls_) tls_->give_up("cut");  // no close_notify: the peer must not take it for the end
  close();
}

void Stream::close() {
  if (closing_) return;
  closing_ = true;
  reading_ = false;
  data_ = nullptr;
  size_ = 0;
  uv_os_fd_t fd;
  if (tls_ && pending_writes_ == 0 && error_ == 0 && write_error_ == 0 && uv_fileno(&u_.handle, &fd) == 0)
    tls_->send_close(fd);
  if (tls_) tls_->give_up("closed");
  wake(ReadEvent::kError);
  wake(WriteEvent::kError);
  uv_close(&u_.handle, on_closed);
}

void Stream::on_closed(uv_handle_t* handle) {
  auto* self = static_cast<Stream*>(handle->data);
  if (self->orphan_) {
    delete self;
  } else {
    self->gone_ = true;  // its owner deletes it
  }
}

bool Stream::settled(const coro::CancelSource* cancel, ReadEvent* event) {
  if (size_ != 0 || (refill() && size_ != 0)) {
    *event = ReadEvent::kData;
  } else if (closing_ || error_ != 0) {
    *event = ReadEvent::kError;
  } else if (eof_) {
    *event = ReadEvent::kEof;
  } else if (cancel != nullptr && cancel->cancelled()) {
    *event = ReadEvent::kCancelled;
  } else {
    return false;
  }
  return true;
}

bool Stream::settled(const coro::CancelSource* cancel, WriteEvent* event) const {
  if (closing_ || write_error_ != 0) {
    *event = WriteEvent::kError;
  } else if (pending_writes_ == 0) {
    *event = WriteEvent::kDone;
  } else if (cancel != nullptr && cancel->cancelled()) {
    *event = WriteEvent::kCancelled;
  } else {
    return false;
  }
  return true;
}

template <typename Event>
void Stream::Awaiter<Event>::await_suspend(std::coroutine_handle<> h) {
  assert(stream_->waiter<Event>() == nullptr);
  waiter_ = h;
  stream_->waiter<Event>() = this;
  waiting_ = true;
  if (cancel_ != nullptr) cancel_->add(*this);
  if constexpr (std::is_same_v<Event, ReadEvent>) {
    stream_->resume_reading();
    // An error of arming it ends the wait like one of reading.
    if (stream_->error_ != 0) stream_->wake(ReadEvent::kError);
  }
}

template <typename Event>
void Stream::wake(Event event) {
  Awaiter<Event>* a = std::exchange(waiter<Event>(), nullptr);
  if (a == nullptr) return;
  a->event_ = event;
  a->waiting_ = false;
  a->unlink();
  coro::post(a->waiter_);
}

template class Stream::Awaiter<ReadEvent>;
template class Stream::Awaiter<WriteEvent>;
template void Stream::wake(ReadEvent);
template void Stream::wake(WriteEvent);

}  // namespace vg::net
