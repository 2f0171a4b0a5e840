#include "net/listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vg::net {

namespace {

Error listen_error(const std::string& where, const char* what) {
  return Error(ErrorKind::kConnect, "cannot listen on " + where + ": " + what);
}

Result<int> tcp_socket(const Address& address, bool reuse_port) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return listen_error(address.text(), std::strerror(errno));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // [::] serves IPv6 alone, so that 0.0.0.0 and [::] can stand beside each other.
  if (address.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // Accepted sockets inherit it: no system call for each.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(fd, address.data(), address.size()) != 0) {
    const int error = errno;
    ::close(fd);
    return listen_error(address.text(), error == EADDRINUSE ? "the address is in use" : std::strerror(error));
  }
  return fd;
}

// With SO_REUSEPORT alone a second gateway on the same port would start and take half of the connections. A socket
// without it, listening for a moment, is refused in that case.
Result<void> probe(const Address& address) {
  if (address.port() == 0) return {};
  Result<int> fd = tcp_socket(address, false);
  if (!fd) return fd.error();
  ::close(*fd);
  return {};
}

Result<std::vector<int>> tcp_listeners(Address address, unsigned loops, int backlog) {
  if (Result<void> free = probe(address); !free) return free.error();
  std::vector<int> fds;
  for (unsigned i = 0; i < loops; ++i) {
    Result<int> fd = tcp_socket(address, true);
    if (fd && ::listen(*fd, backlog) != 0) {
      const int error = errno;
      ::close(*fd);
      fd = listen_error(address.text(), error == EADDRINUSE ? "the address is in use" : std::strerror(error));
    }
    if (!fd) {
      for (const int f : fds) ::close(f);
      return fd.error();
    }
    fds.push_back(*fd);
    if (address.port() == 0) {
      sockaddr_storage bound{};
      socklen_t length = sizeof bound;
      if (getsockname(*fd, reinterpret_cast<sockaddr*>(&bound), &length) == 0) {
        address = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), length).value_or(address);
      }
    }
  }
  return fds;
}

// A socket file that nobody listens on is left over from a crash and is replaced; a live one is in use.
Result<int> unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return listen_error("unix:" + path, "the path is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return listen_error("unix:" + path, std::strerror(errno));
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    const int other = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool alive = ::connect(other, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(other);
    if (alive) {
      ::close(fd);
      return listen_error("unix:" + path, "the address is in use");
    }
    ::unlink(path.c_str());
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const Error e = listen_error("unix:" + path, std::strerror(errno));
    ::close(fd);
    return e;
  }
  return fd;
}

Result<std::vector<int>> duplicates(int fd, const std::string& name, unsigned loops, int backlog) {
  if (::listen(fd, backlog) != 0) {
    const Error e = listen_error(name, std::strerror(errno));
    ::close(fd);
    return e;
  }
  std::vector<int> fds{fd};
  for (unsigned i = 1; i < loops; ++i) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
      const Error e = listen_error(name, std::strerror(errno));
      for (const int f : fds) ::close(f);
      return e;
    }
    fds.push_back(copy);
  }
  return fds;
}

}  // namespace

Result<std::vector<int>> open_listeners(const ListenSpec& spec, unsigned loops) {
  if (spec.inherited_fd >= 0) {
    const int fd = ::fcntl(spec.inherited_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return listen_error("the inherited socket", std::strerror(errno));
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on a unix socket, which needs none
    return duplicates(fd, "the inherited socket", loops, spec.backlog);
  }
  if (!spec.unix_path.empty()) {
    const Result<int> fd = unix_socket(spec.unix_path);
    if (!fd) return fd.error();
    return duplicates(fd.value(), "unix:" + spec.unix_path, loops, spec.backlog);
  }
  return tcp_listeners(*spec.address, loops, spec.backlog);
}

std::string bound_address(int fd) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) return "?";
  if (bound.ss_family == AF_UNIX) return std::string("unix:") + reinterpret_cast<const sockaddr_un*>(&bound)->sun_path;
  const auto address = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), length);
  return address ? address->text() : "?";
}

bool ConnectionBudget::try_acquire() {
  const uint32_t before = in_use_.fetch_add(1, std::memory_order_seq_cst);
  if (before < limit_.load(std::memory_order_relaxed)) return true;
  in_use_.fetch_sub(1, std::memory_order_seq_cst);
  return false;
}

void ConnectionBudget::release() {
  in_use_.fetch_sub(1, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst)) wake_waiters();
}

void ConnectionBudget::wake_waiters() {
  std::vector<std::function<void()>> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    wake.swap(waiters_);
    waiting_.store(false, std::memory_order_seq_cst);
  }
  for (const auto& w : wake) w();
}

void ConnectionBudget::wait(std::function<void()> wake) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiters_.push_back(std::move(wake));
    waiting_.store(true, std::memory_order_seq_cst);
  }
  // A place given back between the refusal and the registration would wake nobody.
  if (in_use_.load(std::memory_order_seq_cst) < limit_.load(std::memory_order_seq_cst)) wake_waiters();
}

namespace {
constexpr int kMostAtStop = 4096;
}

struct Listener::Handle {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Listener* owner;
  EventLoop* loop;
};

Listener::Listener(EventLoop* loop, ConnectionBudget* budget, OnAccept on_accept)
    : loop_(loop), budget_(budget), on_accept_(std::move(on_accept)) {}

Listener::~Listener() { close(); }

Result<std::shared_ptr<Listener>> Listener::start(EventLoop* loop, int fd, bool is_unix, int backlog,
                                                  ConnectionBudget* budget, OnAccept on_accept) {
  std::shared_ptr<Listener> self(new Listener(loop, budget, std::move(on_accept)));
  self->unix_ = is_unix;
  auto* h = new Handle{};
  h->owner = self.get();
  h->loop = loop;
  int rc = is_unix ? uv_pipe_init(loop->uv(), &h->pipe, 0) : uv_tcp_init(loop->uv(), &h->tcp);
  h->handle.data = h;
  self->handle_ = h;
  if (rc == 0) rc = is_unix ? uv_pipe_open(&h->pipe, fd) : uv_tcp_open(&h->tcp, fd);
  if (rc == 0) rc = uv_listen(&h->stream, backlog, on_connection);
  if (rc != 0) return listen_error(bound_address(fd), uv_strerror(rc));
  return self;
}

void Listener::on_connection(uv_stream_t* server, int status) {
  auto* h = static_cast<Handle*>(server->data);
  const EventLoop::CallbackScope scope(h->loop);
  if (status == 0 && h->owner != nullptr) h->owner->accept_one();
}

// Not accepting what libuv holds ready makes it stop polling the socket: the kernel queues until a place is free.
void Listener::accept_one() {
  if (!budget_->try_acquire()) {
    if (waiting_) return;
    waiting_ = true;
    budget_->wait([loop = loop_, weak = weak_from_this()] {
      loop->post_remote([weak] {
        if (const auto self = weak.lock()) {
          self->waiting_ = false;
          if (self->handle_ != nullptr) self->accept_one();
        }
      });
    });
    return;
  }
  take(Stream::create(loop_, kind()), [this](Stream& stream) { return uv_accept(&handle_->stream, stream.uv()); });
}

// Everybody who has connected is served, also those that the limit has kept waiting: libuv holds one of them accepted.
void Listener::stop() {
  if (handle_ == nullptr) return;
  uv_os_fd_t fd;
  if (std::exchange(waiting_, false)) {
    budget_->acquire();
    take(Stream::create(loop_, kind()), [this](Stream& stream) { return uv_accept(&handle_->stream, stream.uv()); });
  }
  bool more = uv_fileno(&handle_->handle, &fd) == 0;
  for (int i = 0; i < kMostAtStop && more; ++i) {
    const int c = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    more = c >= 0;
    if (!more) break;
    budget_->acquire();
    take(Stream::create(loop_, kind()), [this, c](Stream& stream) {
      const int rc = unix_ ? uv_pipe_open(stream.uv_pipe(), c) : uv_tcp_open(stream.uv_tcp(), c);
      if (rc != 0) ::close(c);
      return rc;
    });
  }
  close();
}

// Precondition: a place was taken.
void Listener::take(StreamPtr stream, const std::function<int(Stream&)>& open) {
  if (!stream || open(*stream) != 0) return budget_->release();
  stream->start();
  on_accept_(std::move(stream));
}

void Listener::close() {
  if (handle_ == nullptr) return;
  Handle* h = std::exchange(handle_, nullptr);
  h->owner = nullptr;
  uv_close(&h->handle, [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

}  // namespace vg::net
