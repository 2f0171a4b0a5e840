#include "observe/log_target.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace vg::observe {
namespace {

constexpr mode_t kMode = 0640;

Error failure(const std::string& name, int code) {
  return Error(ErrorKind::kInternal, "log.file " + name + ": " + std::generic_category().message(code));
}

/// -1: `name` is a path. Containers often name their output so.
int standard_number(const std::string& name) {
  if (name == "stdout" || name == "/dev/stdout") return STDOUT_FILENO;
  if (name == "stderr" || name == "/dev/stderr") return STDERR_FILENO;
  return -1;
}

}  // namespace

bool LogTarget::is_standard(const std::string& name) { return standard_number(name) >= 0; }

Result<std::shared_ptr<LogTarget>> LogTarget::open(const std::string& name) {
  const int number = standard_number(name);
  return number >= 0 ? open_standard(number, name) : open_path(name);
}

Result<std::shared_ptr<LogTarget>> LogTarget::open_standard(int number, const std::string& name) {
  struct stat st {};
  if (::fstat(number, &st) != 0) return failure(name, errno);
  if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
    // O_NONBLOCK belongs to the description, which others share: opened anew, it is ours alone.
    const std::string self = "/proc/self/fd/" + std::to_string(number);
    const int own = ::open(self.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) return std::shared_ptr<LogTarget>(new LogTarget(own, Kind::kOwn));
  }
  const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return failure(name, errno);
  const Kind kind = S_ISREG(st.st_mode) ? Kind::kOwn : S_ISSOCK(st.st_mode) ? Kind::kSocket : Kind::kShared;
  return std::shared_ptr<LogTarget>(new LogTarget(copy, kind));
}

Result<std::shared_ptr<LogTarget>> LogTarget::open_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kMode);
  if (fd < 0) return failure(path, errno);
  return std::shared_ptr<LogTarget>(new LogTarget(fd, Kind::kOwn));
}

Result<void> LogTarget::check(const std::string& name) {
  if (is_standard(name)) return {};
  struct stat st {};
  if (::stat(name.c_str(), &st) == 0) {
    if (S_ISDIR(st.st_mode)) return failure(name, EISDIR);
    if (::access(name.c_str(), W_OK) != 0) return failure(name, errno);
    return {};
  }
  if (errno != ENOENT || name.empty()) return failure(name, errno);
  const size_t slash = name.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : name.substr(0, slash + 1);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return failure(name, errno);
  return {};
}

LogTarget::~LogTarget() { ::close(fd_); }

ssize_t LogTarget::write(std::span<const iovec> pieces) {
  const auto count = std::min<size_t>(pieces.size(), IOV_MAX);
  if (kind_ == Kind::kOwn) return ::writev(fd_, pieces.data(), static_cast<int>(count));
  if (kind_ == Kind::kSocket) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = count;
    return ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  // A pipe that polls writable takes PIPE_BUF bytes at once.
  return ::write(fd_, pieces.front().iov_base, std::min<size_t>(pieces.front().iov_len, PIPE_BUF));
}

}  // namespace vg::observe
