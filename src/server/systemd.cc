#include "server/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/strings.h"

namespace vg::server {

namespace {

constexpr int kFirstSocket = 3;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::string_view(value) : std::string_view();
}

}  // namespace

Systemd::Systemd() : notify_path_(variable("NOTIFY_SOCKET")) {
  const auto usec = parse_u64(variable("WATCHDOG_USEC"));
  const auto pid = parse_u64(variable("WATCHDOG_PID"));
  if (usec && *usec > 0 && (!pid || *pid == static_cast<uint64_t>(getpid()))) {
    watchdog_ = std::chrono::microseconds(*usec / 2);
  }
  const auto count = parse_u64(variable("LISTEN_FDS"));
  const auto listen_pid = parse_u64(variable("LISTEN_PID"));
  if (!count || !listen_pid || *listen_pid != static_cast<uint64_t>(getpid())) return;
  const std::vector<std::string_view> names = split(variable("LISTEN_FDNAMES"), ':');
  for (size_t i = 0; i < *count && i < 1024; ++i) {
    const int fd = kFirstSocket + static_cast<int>(i);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets_.emplace_back(i < names.size() && !names[i].empty() ? std::string(names[i]) : "unknown", fd);
  }
}

void Systemd::notify(std::string_view state) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (notify_path_.empty() || notify_path_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, notify_path_.data(), notify_path_.size());
  if (notify_path_[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_path_.size());
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

void Systemd::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t usec = static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec));
}

int Systemd::socket(std::string_view name) const {
  for (const auto& [n, fd] : sockets_) {
    if (n == name) return fd;
  }
  return -1;
}

std::vector<std::string> Systemd::socket_names() const {
  std::vector<std::string> out;
  for (const auto& s : sockets_) out.push_back(s.first);
  return out;
}

}  // namespace vg::server
