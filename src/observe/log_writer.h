// The one thread that writes the log: access lines from a ring a loop, error lines from a bounded queue, both to the
// same target (log.file: stderr, stdout or a path). It batches with writev, sleeps when there is nothing, and never
// makes a loop or the stop of the process wait: a target that does not take lines fills the rings, and then lines are
// dropped and counted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "observe/access_ring.h"

namespace vg::observe {

struct LogStats {
  uint64_t written_bytes = 0;
  uint64_t dropped_access = 0;  ///< lines that found their ring full, or were lost to a write error or at stop
  uint64_t dropped_error = 0;   ///< lines that found the queue full
  uint64_t write_errors = 0;    ///< failed writes: ENOSPC, EPIPE, ...
  uint64_t wakes = 0;           ///< system calls that loops made to wake the writer
};

class LogWriter {
 public:
  static constexpr size_t kErrorQueueBytes = size_t{256} << 10;
  static constexpr Duration kFlushLimit = std::chrono::seconds(1);

  /// Opens `target` ("stderr", "stdout" or a path, which is created with mode 0640) and starts the thread, on which all
  /// signals are blocked. Errors: kInternal, the target cannot be opened.
  static Result<std::shared_ptr<LogWriter>> start(std::string target);
  /// Checks that `target` could be opened, without keeping it. Errors: kInternal.
  static Result<void> check(const std::string& target);
  ~LogWriter();  ///< stop()
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// A ring for one loop. Thread: any. The writer keeps it until remove_ring(), and what stands in it is still written.
  std::shared_ptr<AccessRing> add_ring(size_t bytes = AccessRing::kDefaultBytes);
  void remove_ring(const std::shared_ptr<AccessRing>& ring);

  /// Queues one whole line of the error log. False: the queue is full. Thread: any; waits for a short lock at most.
  bool append_error(std::string_view line);

  /// SIGUSR1: opens the same path anew, then swaps. Thread: any. Errors: kInternal; the old file stays in use.
  Result<void> reopen();
  /// A reload changed log.file. Errors: kInternal; the old target stays in use.
  Result<void> retarget(std::string target);

  /// Writes what stands in the rings, for kFlushLimit at most, and ends the thread. Idempotent. Thread: any but the
  /// writer. log::attach(nullptr) comes before it: lines queued after it are never written.
  void stop();

  LogStats stats() const;  ///< Thread: any.

 private:
  struct State;
  explicit LogWriter(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  ///< shared with the thread, which stop() leaves behind if it hangs in a write
};

}  // namespace vg::observe
