// The other end of a connection, driven by the test's own loop: it says what it is told to, keeps what it hears, and
// can refuse to listen. wire() makes a connection whose one end is a Stream of the code under test; a PeerServer
// accepts.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/event_loop.h"
#include "net/stream.h"

namespace vg::test {

/// A descriptor that is watched; closed with it.
class Watch {
 public:
  Watch(net::EventLoop* loop, int fd, std::function<void(int events)> on_event) : fd_(fd), handle_(new Handle) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    handle_->loop = loop;
    handle_->on_event = std::move(on_event);
    handle_->poll.data = handle_;
    EXPECT_EQ(uv_poll_init(loop->uv(), &handle_->poll, fd), 0);
  }
  ~Watch() {
    handle_->on_event = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
             [](uv_handle_t* h) { delete static_cast<Handle*>(h->data); });
    close(fd_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  int fd() const { return fd_; }
  void want(int events) {
    if (events == 0) {
      uv_poll_stop(&handle_->poll);
    } else {
      uv_poll_start(&handle_->poll, events, [](uv_poll_t* p, int status, int got) {
        auto* handle = static_cast<Handle*>(p->data);
        const net::EventLoop::CallbackScope scope(handle->loop);
        if (!handle->on_event) return;
        const auto keep = handle->on_event;    // it may end this Watch
        keep(status < 0 ? UV_READABLE : got);  // a reset: reading tells
      });
    }
  }

 private:
  struct Handle {
    uv_poll_t poll;
    net::EventLoop* loop;
    std::function<void(int)> on_event;
  };
  int fd_;
  Handle* handle_;
};

class Peer {
 public:
  Peer(net::EventLoop* loop, int fd) {
    watch_ = std::make_unique<Watch>(loop, fd, [this](int events) { handle(events); });
    update();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  std::string received;
  bool eof = false;     ///< the other end has said that nothing more comes
  bool broken = false;  ///< it has reset the connection
  std::function<void(Peer&)> on_change;

  bool over() const { return eof || broken; }
  bool open() const { return watch_ != nullptr; }
  size_t unsent_bytes() const { return outbox_.size(); }
  void send(std::string_view text) {
    outbox_.append(text);
    flush();
    update();
  }
  /// Ends the sending side once all is sent.
  void end() {
    ending_ = true;
    flush();
    update();
  }
  /// Closes, which is a reset if there are unread bytes.
  void close() { watch_.reset(); }
  void reset() {
    const linger abort{1, 0};
    setsockopt(watch_->fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    watch_.reset();
  }
  /// Reads nothing until listen() is called.
  void ignore() {
    listening_ = false;
    update();
  }
  void listen() {
    listening_ = true;
    update();
  }
  /// Gives the first `n` bytes and forgets them.
  std::string take(size_t n) {
    std::string out = received.substr(0, n);
    received.erase(0, n);
    return out;
  }

 private:
  void handle(int events) {
    if ((events & UV_WRITABLE) != 0) flush();
    if ((events & UV_READABLE) != 0) read_some();
    update();
    if (on_change) on_change(*this);
  }
  void read_some() {
    char bytes[64 * 1024];
    for (;;) {
      const ssize_t n = ::read(watch_->fd(), bytes, sizeof bytes);
      if (n > 0) {
        received.append(bytes, static_cast<size_t>(n));
        continue;
      }
      if (n == 0) eof = true;
      if (n < 0 && errno != EAGAIN) broken = true;
      return;
    }
  }
  void flush() {
    while (watch_ && !outbox_.empty()) {
      const ssize_t n = ::send(watch_->fd(), outbox_.data(), outbox_.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) {
        broken = true;
        outbox_.clear();
        return;
      }
      outbox_.erase(0, static_cast<size_t>(n));
    }
    if (watch_ && ending_) shutdown(watch_->fd(), SHUT_WR);
  }
  void update() {
    if (!watch_) return;
    watch_->want((listening_ && !over() ? UV_READABLE : 0) | (!outbox_.empty() && !broken ? UV_WRITABLE : 0));
  }

  std::unique_ptr<Watch> watch_;
  std::string outbox_;
  bool listening_ = true, ending_ = false;
};

/// A socket bound to a free port of 127.0.0.1; it refuses connections unless it listens.
inline int bound_socket(uint16_t* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/// A connection: the code under test has `stream`, the test has `peer`. Lifetime: gone before the loop.
struct Wire {
  net::StreamPtr stream;
  std::unique_ptr<Peer> peer;
};

inline Wire wire_of(net::EventLoop* loop, net::Stream::Kind kind, int ours, int theirs) {
  Wire out;
  out.stream = net::Stream::create(loop, kind);
  fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
  if (kind == net::Stream::Kind::kTcp) {
    EXPECT_EQ(uv_tcp_open(out.stream->uv_tcp(), ours), 0);
  } else {
    EXPECT_EQ(uv_pipe_open(out.stream->uv_pipe(), ours), 0);
  }
  out.stream->start();
  out.peer = std::make_unique<Peer>(loop, theirs);
  return out;
}

/// Over a pair of unix sockets.
inline Wire wire(net::EventLoop* loop) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return wire_of(loop, net::Stream::Kind::kPipe, fds[0], fds[1]);
}

/// Over TCP: where resets matter.
inline Wire tcp_wire(net::EventLoop* loop) {
  uint16_t port = 0;
  const int listener = bound_socket(&port);
  EXPECT_EQ(::listen(listener, 1), 0);
  const int theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  EXPECT_EQ(connect(theirs, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const int ours = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  EXPECT_GE(ours, 0);
  close(listener);
  return wire_of(loop, net::Stream::Kind::kTcp, ours, theirs);
}

/// A server on the test's loop.
class PeerServer {
 public:
  explicit PeerServer(net::EventLoop* loop) : loop_(loop) {
    const int fd = bound_socket(&port_);
    EXPECT_EQ(::listen(fd, 64), 0);
    watch_ = std::make_unique<Watch>(loop, fd, [this](int) { accept_all(); });
    watch_->want(UV_READABLE);
  }
  uint16_t port() const { return port_; }
  /// Every connection that was ever accepted, in order.
  std::vector<std::unique_ptr<Peer>> peers;
  std::function<void(Peer&)> on_change;

 private:
  void accept_all() {
    for (;;) {
      const int fd = accept4(watch_->fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      peers.push_back(std::make_unique<Peer>(loop_, fd));
      peers.back()->on_change = [this](Peer& p) {
        if (on_change) on_change(p);
      };
    }
  }
  net::EventLoop* loop_;
  uint16_t port_ = 0;
  std::unique_ptr<Watch> watch_;
};

/// A port of 127.0.0.1 that refuses connections, and is nobody else's meanwhile.
class RefusingPort {
 public:
  RefusingPort() : fd_(bound_socket(&port_)) {}
  ~RefusingPort() { close(fd_); }
  RefusingPort(const RefusingPort&) = delete;
  uint16_t port() const { return port_; }

 private:
  uint16_t port_ = 0;
  int fd_;
};

}  // namespace vg::test
