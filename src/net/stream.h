// A connected byte stream: TCP or a unix socket, with TLS or without, behind one interface.
//
// Reading: the stream stays armed. Bytes that arrive while a coroutine waits in readable() are handed to it in the
// loop's own buffer; data() shows them, consume() takes them. What is left when the callback ends is copied into the
// stream, and reading stops until it was consumed: back-pressure is simply not reading. Writing: write_now() tries the
// socket at once; what it does not take is copied (one chunk at most: the caller waits in flushed() before it writes
// again). Thread: its loop. Lifetime: owned by a StreamPtr; destroying that closes it, and the memory goes when libuv
// is done.
#pragma once
#include <uv.h>

#include <coroutine>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <tuple>

#include "coro/scope.h"
#include "net/event_loop.h"

namespace vg::net {

enum class ReadEvent : uint8_t { kData, kEof, kError, kCancelled };
enum class WriteEvent : uint8_t { kDone, kPending, kError, kCancelled };

class Stream;
class TlsSession;
struct StreamCloser {
  void operator()(Stream* s) const;
};
using StreamPtr = std::unique_ptr<Stream, StreamCloser>;

/// Is told of what happens while no coroutine reads.
class StreamObserver {
 public:
  /// Bytes came that nobody awaited, or the peer ended (eof) or broke (error) the connection. The stream may be closed
  /// from here.
  virtual void on_unsolicited(Stream& stream, ReadEvent event) = 0;

 protected:
  ~StreamObserver() = default;
};

class Stream {
 public:
  enum class Kind : uint8_t { kTcp, kPipe };
  template <typename Event>
  class Awaiter;
  /// A new, unconnected stream on `loop`. nullptr if libuv refuses (out of memory or descriptors).
  static StreamPtr create(EventLoop* loop, Kind kind);

  uv_stream_t* uv() { return &u_.stream; }
  uv_tcp_t* uv_tcp() { return &u_.tcp; }
  uv_pipe_t* uv_pipe() { return &u_.pipe; }
  EventLoop* loop() const { return loop_; }
  Kind kind() const { return kind_; }

  /// Begins to read: to be called once, when it is connected or accepted.
  void start();
  /// Speaks TLS from here on: data() is what it decrypts, beginning with what data() shows now, and write_now()
  /// encrypts.
  void use_tls(std::unique_ptr<TlsSession> tls);
  /// The same for a client, which begins the handshake. How it ends: handshake().
  void begin_tls(std::unique_ptr<TlsSession> tls);
  /// Answers a client that came without TLS where it is spoken, in the clear. Best effort; to be closed after it.
  void say_plainly(std::string_view answer);
  /// nullptr: it does not speak TLS.
  TlsSession* tls() const { return tls_.get(); }
  /// Waits for the handshake. False: it failed, and tls()->reason() says why, or `cancel` came first.
  [[nodiscard]] coro::Event::Awaiter handshake(coro::CancelSource* cancel);
  std::string_view data() const { return {data_, size_}; }
  void consume(size_t n);
  /// The peer has ended its sending side, and all its bytes were consumed.
  bool at_eof() const { return eof_ && size_ == 0; }
  bool failed() const { return error_ != 0; }
  /// A write failed: nothing more can be sent, but what the peer said before may still be read.
  bool write_failed() const { return write_error_ != 0; }
  bool closed() const { return closing_; }
  /// libuv's error code of what broke the connection, 0 if nothing did.
  int error() const { return error_; }
  void set_observer(StreamObserver* observer) { observer_ = observer; }

  /// Waits until there is data(), or the end, or an error. At most one waiter.
  [[nodiscard]] Awaiter<ReadEvent> readable(coro::CancelSource* cancel);

  /// Writes the pieces in order. kPending: the rest is copied and under way; wait in flushed() before the next write.
  WriteEvent write_now(std::initializer_list<std::string_view> pieces);
  bool write_pending() const { return pending_writes_ != 0; }
  /// Bytes of the pending write that the socket has not taken yet.
  size_t unsent_bytes() const { return uv_stream_get_write_queue_size(&u_.stream); }
  [[nodiscard]] Awaiter<WriteEvent> flushed(coro::CancelSource* cancel);

  /// Stops reading until resume_reading(): bytes stay in the kernel.
  void pause_reading();
  void resume_reading();

  /// Ends the sending side (FIN, with TLS close_notify before it). Errors are of no interest: the stream is about to
  /// go.
  void shutdown_write();
  /// Closes with RST instead of FIN: the peer must see that the message was cut.
  void reset_and_close();
  /// Ends waiters with kError. Idempotent.
  void close();

 private:
  /// What an observed stream reads beyond what is consumed, to notice that its peer goes away.
  static constexpr uint32_t kReadAheadBytes = 16 * 1024;
  static constexpr int kReadsAtOnce = 32;
  static constexpr size_t kMostUnsentBytes = 1024 * 1024;
  friend struct StreamCloser;
  struct WriteRequest;
  Stream(EventLoop* loop, Kind kind);
  ~Stream();
  static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf);
  static void on_read(uv_stream_t* handle, ssize_t status, const uv_buf_t* buf);
  static void on_written(uv_write_t* req, int status);
  static void on_closed(uv_handle_t* handle);
  ssize_t receive_now();
  void received(ssize_t n);
  ssize_t send_now(uv_buf_t* bufs, unsigned count);
  WriteEvent write_tls(uv_buf_t* bufs, unsigned count);
  bool queue(std::string rest);
  bool queue_unsent();
  bool refill();
  void take_tls(std::unique_ptr<TlsSession> tls, bool speaks);
  void keep_rest();
  void read_ahead(size_t n);
  void stop_reading();
  void deliver(ReadEvent event);
  template <typename Event>
  Awaiter<Event>*& waiter() {
    return std::get<Awaiter<Event>*>(waiters_);
  }
  // True if there is nothing to wait for: `event` says why.
  bool settled(const coro::CancelSource* cancel, ReadEvent* event);
  bool settled(const coro::CancelSource* cancel, WriteEvent* event) const;
  template <typename Event>
  void wake(Event event);

  union Handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } u_;
  EventLoop* loop_;
  const char* data_ = nullptr;  // in the loop's buffer during a read callback, else in kept_
  uint32_t size_ = 0;
  int32_t error_ = 0;
  int32_t write_error_ = 0;
  std::unique_ptr<char[]> kept_;
  std::tuple<Awaiter<ReadEvent>*, Awaiter<WriteEvent>*> waiters_{};
  StreamObserver* observer_ = nullptr;
  Kind kind_;
  bool reading_ = false, eof_ = false, closing_ = false, orphan_ = false, gone_ = false;
  uint16_t pending_writes_ = 0;  // more than one only where TLS itself has something to say
  std::unique_ptr<TlsSession> tls_;
};

/// Waits for an Event of the stream. Lifetime: ends before the stream.
template <typename Event>
class Stream::Awaiter : private coro::CancelNode {
 public:
  Awaiter(Stream* stream, coro::CancelSource* cancel) : CancelNode(&on_cancel), stream_(stream), cancel_(cancel) {}
  ~Awaiter() {
    if (waiting_) stream_->waiter<Event>() = nullptr;
  }
  bool await_ready() { return stream_->settled(cancel_, &event_); }
  void await_suspend(std::coroutine_handle<> h);
  Event await_resume() {
    unlink();
    return event_;
  }

 private:
  friend class Stream;
  static void on_cancel(CancelNode* node) { static_cast<Awaiter*>(node)->stream_->wake(Event::kCancelled); }
  Stream* stream_;
  coro::CancelSource* cancel_;
  std::coroutine_handle<> waiter_;
  bool waiting_ = false;
  Event event_ = Event::kCancelled;
};

inline Stream::Awaiter<ReadEvent> Stream::readable(coro::CancelSource* cancel) { return {this, cancel}; }
inline Stream::Awaiter<WriteEvent> Stream::flushed(coro::CancelSource* cancel) { return {this, cancel}; }

}  // namespace vg::net
