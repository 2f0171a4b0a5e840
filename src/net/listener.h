// Listening: sockets are made by the main thread (so that a start or reload fails as a whole) and served by loops, one
// socket a loop. Connections of the whole process are counted: at the last, accepting pauses and the kernel queues.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/stream.h"

namespace vg::net {

/// What is needed to make a listening socket. Exactly one of address, unix_path and inherited_fd says where.
struct ListenSpec {
  std::optional<Address> address;
  std::string unix_path;
  int inherited_fd = -1;
  int backlog = 1024;
};

/// Listening sockets for `loops` loops: of their own for TCP (SO_REUSEPORT), duplicates of one otherwise.
/// Errors: kConnect, with the address and the system's words in `detail`. Owns: the caller closes the descriptors.
Result<std::vector<int>> open_listeners(const ListenSpec& spec, unsigned loops);
/// The address that a socket is bound to, "unix:PATH" for unix sockets.
std::string bound_address(int fd);

/// The connections of the process. Thread: any.
class ConnectionBudget {
 public:
  explicit ConnectionBudget(uint32_t limit) : limit_(limit) {}
  void set_limit(uint32_t limit) {
    limit_.store(limit, std::memory_order_seq_cst);
    wake_waiters();
  }
  bool try_acquire();
  /// Takes one beyond the limit: for those who have waited when the listener stops.
  void acquire() { in_use_.fetch_add(1, std::memory_order_seq_cst); }
  /// Gives one back and wakes the listeners that wait.
  void release();
  uint32_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  /// `wake` runs, on the releasing thread, once a place is free.
  void wait(std::function<void()> wake);

 private:
  void wake_waiters();
  std::atomic<uint32_t> limit_;
  std::atomic<uint32_t> in_use_{0};
  std::atomic<bool> waiting_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> waiters_;
};

/// One listening socket on one loop.
/// Thread: its loop. Lifetime: destroying it stops accepting and closes the socket.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using OnAccept = std::function<void(StreamPtr)>;
  /// Takes over `fd`. `on_accept` gets each connection, which holds a place of `budget` (to be released by its owner).
  static Result<std::shared_ptr<Listener>> start(EventLoop* loop, int fd, bool is_unix, int backlog,
                                                 ConnectionBudget* budget, OnAccept on_accept);
  Listener(const Listener&) = delete;
  ~Listener();
  /// Takes what is queued in the kernel until there is nothing, then closes: nobody who connected is reset.
  void stop();

 private:
  struct Handle;
  Listener(EventLoop* loop, ConnectionBudget* budget, OnAccept on_accept);
  static void on_connection(uv_stream_t* server, int status);
  void accept_one();
  void take(StreamPtr stream, const std::function<int(Stream&)>& open);
  Stream::Kind kind() const { return unix_ ? Stream::Kind::kPipe : Stream::Kind::kTcp; }
  void close();

  EventLoop* loop_;
  ConnectionBudget* budget_;
  OnAccept on_accept_;
  Handle* handle_ = nullptr;
  bool unix_ = false;
  bool waiting_ = false;
};

}  // namespace vg::net
