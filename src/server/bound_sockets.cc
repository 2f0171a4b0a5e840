#include "server/bound_sockets.h"

#include <unistd.h>

namespace vg::server {

namespace {

using Kind = config::ListenerSettings::Kind;

Result<net::ListenSpec> spec_of(const config::ListenerSettings& l, const Systemd& systemd) {
  net::ListenSpec spec;
  spec.backlog = l.backlog;
  switch (l.kind) {
    case Kind::kTcp:
      spec.address = net::Address::parse(l.host, l.port);
      break;
    case Kind::kUnix:
      spec.unix_path = l.path;
      break;
    case Kind::kSystemd: {
      spec.inherited_fd = systemd.socket(l.path);
      if (spec.inherited_fd >= 0) break;
      std::string names;
      for (const std::string& n : systemd.socket_names()) names += (names.empty() ? "" : ", ") + n;
      return Error(ErrorKind::kConnect, "cannot listen on systemd:" + l.path + ": systemd handed over " +
                                            (names.empty() ? std::string("no socket") : "only " + names));
    }
  }
  if (!spec.address && spec.unix_path.empty() && spec.inherited_fd < 0) {
    return Error(ErrorKind::kConnect, "cannot listen on " + l.address + ": not an address");
  }
  return spec;
}

}  // namespace

void SocketFile::remove() {
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
}

Result<BoundSockets> BoundSockets::open(const config::ListenerSettings& listener, const Systemd& systemd,
                                        unsigned loops) {
  Result<net::ListenSpec> spec = spec_of(listener, systemd);
  if (!spec) return std::move(spec.error());
  Result<std::vector<int>> fds = net::open_listeners(*spec, loops);
  if (!fds) return std::move(fds.error());
  BoundSockets out;
  out.fds_ = std::move(fds.value());
  out.address_ = net::bound_address(out.fds_[0]);
  out.backlog_ = listener.backlog;
  if (listener.kind == Kind::kUnix) out.file_ = SocketFile(listener.path);
  return out;
}

BoundSockets& BoundSockets::operator=(BoundSockets&& other) noexcept {
  std::swap(fds_, other.fds_);
  std::swap(file_, other.file_);
  std::swap(address_, other.address_);
  std::swap(backlog_, other.backlog_);
  return *this;
}

BoundSockets::~BoundSockets() {
  for (const int fd : fds_) ::close(fd);
}

}  // namespace vg::server
