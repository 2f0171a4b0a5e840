// The way of log lines from one event loop to the writer thread: a bounded ring of bytes with one producer and one
// consumer, without locks. The producer never waits: a line that does not fit is dropped and counted. It makes a system
// call only to wake a writer that sleeps, which under load it does not.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace vg::observe {

/// Wakes the writer thread, if and only if it sleeps. Shared by the writer and its rings.
class WakeSignal {
 public:
  WakeSignal();
  ~WakeSignal();
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;

  /// After publishing. Thread: any. Costs a system call only if the writer sleeps.
  void notify() {
    if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false)) wake();
  }
  /// Wakes the writer from whatever it waits in.
  void wake();
  /// Writer: announces sleep. It must look at its rings once more before it really sleeps.
  void announce_sleep() { asleep_.store(true, std::memory_order_seq_cst); }
  void awake() { asleep_.store(false, std::memory_order_seq_cst); }
  int fd() const { return fd_; }                                             ///< an eventfd: readable after wake()
  void drain();                                                              ///< makes fd() unreadable again
  uint64_t wakes() const { return wakes_.load(std::memory_order_relaxed); }  ///< system calls made by wake()

 private:
  std::atomic<bool> asleep_{false};
  std::atomic<uint64_t> wakes_{0};
  int fd_;
};

/// Thread: append() on one thread (the loop), peek() and consume() on one other (the writer).
class AccessRing {
 public:
  static constexpr size_t kDefaultBytes = size_t{1} << 20;

  /// `bytes` is rounded up to a power of two.
  AccessRing(size_t bytes, std::shared_ptr<WakeSignal> signal);

  /// Appends one whole line, with its newline. False: no room, the line is dropped and counted. Never blocks.
  bool append(std::string_view line);

  struct Pending {
    std::string_view first, second;  ///< second is what wrapped around
    size_t size() const { return first.size() + second.size(); }
  };
  /// Writer: what stands in the ring, whole lines alone. Valid until consume().
  Pending peek() const;
  /// Writer: gives the first `bytes` back to the producer.
  void consume(size_t bytes);

  size_t capacity() const { return mask_ + 1; }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }    ///< lines, any thread
  uint64_t appended() const { return appended_.load(std::memory_order_relaxed); }  ///< lines, any thread

 private:
  const size_t mask_;
  const std::unique_ptr<char[]> bytes_;
  const std::shared_ptr<WakeSignal> signal_;
  // Producer's and consumer's counters stand on lines of their own.
  alignas(64) std::atomic<uint64_t> head_{0};
  uint64_t seen_tail_ = 0;  ///< the producer's last look at tail_
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> appended_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace vg::observe
