// Reading and writing a socket as much as goes at once, without waiting: recv(2), send(2) and sendmsg(2). Not by
// glibc's functions of the first two names: those are where a thread may be cancelled, which costs two locked
// instructions at each, and none of ours ever is. Errors: a negative errno. Thread: any.
#pragma once
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace vg::net {

namespace detail {
template <typename Call>
ssize_t uninterrupted(Call call) {
  ssize_t n;
  do {
    n = call();
  } while (n < 0 && errno == EINTR);
  return n >= 0 ? n : -errno;
}
// A full socket takes nothing, which is no error.
inline ssize_t taken(ssize_t n) { return n == -EAGAIN || n == -EWOULDBLOCK || n == -ENOBUFS ? 0 : n; }
}  // namespace detail

/// What has come, at most `size` bytes; 0 at the end; -EAGAIN: nothing yet.
inline ssize_t receive_some(int fd, char* to, size_t size) {
  return detail::uninterrupted([=]() -> ssize_t {
#ifdef VG_SANITIZED
    return ::recv(fd, to, size, MSG_DONTWAIT);  // which sanitizers know
#else
    return ::syscall(SYS_recvfrom, fd, to, size, MSG_DONTWAIT, nullptr, nullptr);
#endif
  });
}

/// What the socket took; a broken connection raises no signal.
inline ssize_t send_some(int fd, const char* from, size_t size) {
  return detail::taken(detail::uninterrupted([=]() -> ssize_t {
#ifdef VG_SANITIZED
    return ::send(fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
#else
    return ::syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT, nullptr, 0);
#endif
  }));
}
inline ssize_t send_some(int fd, iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  return detail::taken(detail::uninterrupted([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT); }));
}

}  // namespace vg::net
