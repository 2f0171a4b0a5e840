// Listening sockets that are open and that nobody serves yet. What makes a start or a reload fail as a whole: dropped,
// they close, and the file that a unix socket made goes with them. Thread: the main one.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "net/listener.h"
#include "server/systemd.h"

namespace vg::server {

/// The file of a unix socket that this process bound. Owns: the file, which goes with it.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path) : path_(std::move(path)) {}
  SocketFile(SocketFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~SocketFile() { remove(); }
  /// For a process that ends without destructors. Idempotent.
  void remove();

 private:
  std::string path_;  // empty: there is none
};

/// Owns: the descriptors, until they are taken, and the file.
class BoundSockets {
 public:
  BoundSockets() = default;
  /// A socket for each of `loops` loops. Errors: kConnect: `listener` has no address that can be listened on here, or
  /// systemd handed over no such socket.
  static Result<BoundSockets> open(const config::ListenerSettings& listener, const Systemd& systemd, unsigned loops);
  BoundSockets(BoundSockets&& other) noexcept
      : fds_(std::exchange(other.fds_, {})),
        file_(std::move(other.file_)),
        address_(std::move(other.address_)),
        backlog_(other.backlog_) {}
  BoundSockets& operator=(BoundSockets&& other) noexcept;
  ~BoundSockets();

  bool empty() const { return fds_.empty(); }
  /// As net::bound_address() says it.
  const std::string& address() const { return address_; }
  bool is_unix() const { return address_.starts_with("unix:"); }
  int backlog() const { return backlog_; }
  /// The descriptors, a loop's each, which the caller owns from now on.
  std::vector<int> take() { return std::exchange(fds_, {}); }
  SocketFile take_file() { return std::move(file_); }

 private:
  std::vector<int> fds_;
  SocketFile file_;
  std::string address_;
  int backlog_ = 0;
};

}  // namespace vg::server
