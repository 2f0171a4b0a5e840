// What systemd is told and gives: notifications (sd_notify(3)), the watchdog, and sockets (sd_listen_fds(3)). The
// protocol is a datagram of lines, stable by promise: libsystemd is not needed for it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace vg::server {

class Systemd {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS and so on from the environment.
  Systemd();
  /// Sends a state ("READY=1"); does nothing without a NOTIFY_SOCKET. Never blocks.
  void notify(std::string_view state) const;
  void reloading() const;  ///< RELOADING=1 with the monotonic time
  /// How often WATCHDOG=1 is to be sent: half of what systemd waits. nullopt: no watchdog.
  std::optional<Duration> watchdog_interval() const { return watchdog_; }
  /// The socket with this FileDescriptorName; -1 if none was handed over.
  int socket(std::string_view name) const;
  std::vector<std::string> socket_names() const;

 private:
  std::string notify_path_;
  std::optional<Duration> watchdog_;
  std::vector<std::pair<std::string, int>> sockets_;
};

}  // namespace vg::server
