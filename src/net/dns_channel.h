// c-ares on a libuv loop: a uv_poll for each of its sockets and one uv_timer, both only while queries run, so that an
// idle loop is never woken. c-ares calls back from inside its own state: a callback here may record what came, no more;
// acting on it (asking again, closing) is for on_turn, which runs after c-ares has returned.
#pragma once
#include <ares.h>
#include <uv.h>

#include <chrono>
#include <functional>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace vg::net {

/// What the DNS client is told; the defaults are the system's.
struct ResolverOptions {
  std::string servers;                           ///< `ip:port[,…]` instead of resolv.conf's
  std::string resolv_conf = "/etc/resolv.conf";  ///< re-read when it changes and a lookup fails
  uint16_t port = 53;                            ///< of the servers in resolv.conf
  std::chrono::milliseconds timeout{1000};       ///< of the first try; doubles with each further one
  int tries = 3;                                 ///< of each server
  bool hosts_file = true;                        ///< /etc/hosts comes first; CARES_HOSTS in the environment moves it
  std::function<TimePoint()> now;                ///< default: steady_clock
};

/// Thread: the loop's. Lifetime: the loop outlives it; its libuv handles are on the heap and end on the loop after
/// close().
class DnsChannel {
 public:
  /// `on_turn` runs after c-ares handled its sockets or timeouts; it may close or destroy this.
  DnsChannel(uv_loop_t* loop, const ResolverOptions& options, std::function<void()> on_turn);
  ~DnsChannel() { close(); }
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  /// Does nothing if open. Returns a c-ares status: ARES_SUCCESS, or why there is no channel.
  int open();
  /// Ends all queries: their callbacks come from inside this call, with ARES_EDESTRUCTION.
  void close();
  /// Looks up A and AAAA. The callback comes once, possibly from inside this call. Must be open.
  void query(const std::string& name, ares_addrinfo_callback callback, void* argument);
  /// True if resolv.conf is not the one that open() read. Looks at the file at most once a minute.
  bool configuration_changed(TimePoint now);

 private:
  struct Poll;
  struct FileStamp {
    ino_t inode = 0;
    off_t size = -1;
    timespec changed{};
    bool operator==(const FileStamp& other) const;
  };

  static FileStamp stamp_of(const std::string& path);
  static void on_socket_state(void* self, ares_socket_t socket, int readable, int writable);
  static void on_poll(uv_poll_t* handle, int status, int events);
  static void on_timeout(uv_timer_t* handle);
  void watch(ares_socket_t socket, int readable, int writable);
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timer();

  uv_loop_t* loop_;
  ResolverOptions options_;
  std::function<void()> on_turn_;
  ares_channel channel_ = nullptr;
  uv_timer_t* timer_ = nullptr;
  std::unordered_map<ares_socket_t, Poll*> polls_;
  FileStamp read_;
  TimePoint looked_{};
  bool has_looked_ = false;
};

}  // namespace vg::net
