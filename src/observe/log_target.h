// Where log lines go: a file, or the process's stderr or stdout, whatever these are (file, pipe, terminal, journald's
// socket). Writing never waits for a reader.
#pragma once
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"

namespace vg::observe {

class LogTarget {
 public:
  /// `name`: stderr, stdout, or a path, created with mode 0640. Errors: kInternal, with the reason in `detail`.
  static Result<std::shared_ptr<LogTarget>> open(const std::string& name);
  /// Would open() succeed? Creates nothing. Errors: kInternal.
  static Result<void> check(const std::string& name);
  /// stderr and stdout are the process's own: there is nothing to reopen.
  static bool is_standard(const std::string& name);

  ~LogTarget();
  LogTarget(const LogTarget&) = delete;
  LogTarget& operator=(const LogTarget&) = delete;

  /// Bytes written, which may be fewer than given; -1 with errno: EAGAIN while the reader does not read.
  ssize_t write(std::span<const iovec> pieces);
  int fd() const { return fd_; }

 private:
  enum class Kind : uint8_t {
    kOwn,     // a description of our own, with O_NONBLOCK where that means something
    kSocket,  // shared with others, but sendmsg takes MSG_DONTWAIT
    kShared,  // shared with others, who may rely on its blocking: asks poll first
  };
  LogTarget(int fd, Kind kind) : fd_(fd), kind_(kind) {}
  static Result<std::shared_ptr<LogTarget>> open_standard(int number, const std::string& name);
  static Result<std::shared_ptr<LogTarget>> open_path(const std::string& path);

  const int fd_;
  const Kind kind_;
};

}  // namespace vg::observe
