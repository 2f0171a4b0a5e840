#include "observe/access_ring.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace vg::observe {

WakeSignal::WakeSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeSignal::~WakeSignal() { ::close(fd_); }

void WakeSignal::wake() {
  wakes_.fetch_add(1, std::memory_order_relaxed);
  const uint64_t one = 1;
  // EAGAIN means that the counter is full: then the descriptor is readable anyway.
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void WakeSignal::drain() {
  uint64_t count = 0;
  while (::read(fd_, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

AccessRing::AccessRing(size_t bytes, std::shared_ptr<WakeSignal> signal)
    : mask_(std::bit_ceil(std::max<size_t>(bytes, 64)) - 1),
      bytes_(std::make_unique_for_overwrite<char[]>(mask_ + 1)),
      signal_(std::move(signal)) {}

bool AccessRing::append(std::string_view line) {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  if (line.size() > capacity() - (head - seen_tail_)) {
    seen_tail_ = tail_.load(std::memory_order_acquire);
    if (line.size() > capacity() - (head - seen_tail_)) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
  }
  const size_t at = head & mask_;
  const size_t first = std::min(line.size(), capacity() - at);
  std::memcpy(bytes_.get() + at, line.data(), first);
  std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
  appended_.store(appended_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  // Sequentially consistent with announce_sleep() and peek(): either the writer sees this line before it sleeps, or
  // notify() sees that it sleeps.
  head_.store(head + line.size(), std::memory_order_seq_cst);
  signal_->notify();
  return true;
}

AccessRing::Pending AccessRing::peek() const {
  const uint64_t head = head_.load(std::memory_order_seq_cst);
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  const size_t size = head - tail;
  const size_t at = tail & mask_;
  const size_t first = std::min(size, capacity() - at);
  return {{bytes_.get() + at, first}, {bytes_.get(), size - first}};
}

void AccessRing::consume(size_t bytes) {
  tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace vg::observe
