#include "observe/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "observe/log_batch.h"
#include "observe/log_target.h"

namespace vg::observe {
namespace {

using Clock = std::chrono::steady_clock;

// While lines come, the writer looks once a tick: the loops wake nobody, and a write carries many lines.
constexpr auto kTick = std::chrono::milliseconds(10);
constexpr int kIdleTicks = 2;  // without a line, before it sleeps

/// Blocks all signals while a thread is started, which inherits that: signals are for the main thread, and a SIGPIPE of
/// our writes is for nobody.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct LogWriter::State {
  const std::shared_ptr<WakeSignal> signal = std::make_shared<WakeSignal>();
  WakeSignal ended;  ///< readable once the thread has ended

  std::mutex mutex;  ///< rings, target, name; held for moments only
  struct Entry {
    std::shared_ptr<AccessRing> ring;
    bool removed = false;
  };
  std::vector<Entry> rings;
  uint64_t dropped_by_removed = 0;
  std::string name;
  std::shared_ptr<LogTarget> target;

  std::mutex error_mutex;  ///< error_queue
  std::string error_queue;

  std::atomic<bool> has_errors{false};
  std::atomic<bool> stopping{false};
  std::atomic<Clock::rep> deadline{0};  ///< of the flush at stop
  std::atomic<uint64_t> written{0}, lost_access{0}, lost_error{0}, refused_error{0}, write_errors{0};

  // The thread's own.
  std::string errors;
  LogBatch batch;

  std::mutex stop_mutex;
  std::thread thread;

  void run();
  bool pass();
  void collect();
  void write_batch();
  bool wait_writable(std::shared_ptr<LogTarget>& to);
  void lose_batch();
  void sleep();
  void wait_tick();
  bool has_work();
  int flush_millis_left() const;
  std::shared_ptr<LogTarget> current_target() {
    const std::lock_guard lock(mutex);
    return target;
  }
};

void LogWriter::State::run() {
  int idle = 0;
  for (;;) {
    // Read before the pass: what came before stop() is still looked for once.
    const bool last = stopping.load();
    idle = pass() ? 0 : idle + 1;
    if (last && (idle > 0 || flush_millis_left() == 0)) break;
    if (last) continue;
    if (idle > kIdleTicks) {
      sleep();
    } else {
      wait_tick();
    }
  }
  ended.wake();
}

/// Writes what stands in queue and rings. False: there was nothing.
bool LogWriter::State::pass() {
  collect();
  if (batch.empty()) return false;
  write_batch();
  errors.clear();
  return true;
}

void LogWriter::State::collect() {
  batch.clear();
  if (has_errors.exchange(false)) {
    const std::lock_guard lock(error_mutex);
    errors.swap(error_queue);
  }
  batch.add(errors, nullptr);
  const std::lock_guard lock(mutex);
  std::erase_if(rings, [this](const Entry& e) {
    if (!e.removed || e.ring->peek().size() != 0) return false;
    dropped_by_removed += e.ring->dropped();
    return true;
  });
  for (const Entry& e : rings) {
    const AccessRing::Pending pending = e.ring->peek();
    batch.add(pending.first, e.ring);
    batch.add(pending.second, e.ring);
  }
}

void LogWriter::State::write_batch() {
  std::shared_ptr<LogTarget> to = current_target();
  while (!batch.empty()) {
    const ssize_t n = to->write(batch.pieces());
    if (n >= 0) {
      batch.written(static_cast<size_t>(n));
      written.fetch_add(static_cast<uint64_t>(n), std::memory_order_relaxed);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_writable(to)) return lose_batch();
    } else if (errno != EINTR) {
      write_errors.fetch_add(1, std::memory_order_relaxed);
      return lose_batch();
    }
  }
}

/// False: the time to flush is over. A target that was replaced meanwhile takes over.
bool LogWriter::State::wait_writable(std::shared_ptr<LogTarget>& to) {
  int timeout = -1;
  if (stopping.load()) {
    timeout = flush_millis_left();
    if (timeout == 0) return false;
  }
  pollfd fds[] = {{to->fd(), POLLOUT, 0}, {signal->fd(), POLLIN, 0}};
  ::poll(fds, 2, timeout);
  if (fds[1].revents != 0) signal->drain();
  to = current_target();
  return true;
}

void LogWriter::State::lose_batch() {
  const LogBatch::Lost lost = batch.lose();
  lost_access.fetch_add(lost.access_lines, std::memory_order_relaxed);
  lost_error.fetch_add(lost.error_lines, std::memory_order_relaxed);
}

void LogWriter::State::sleep() {
  signal->announce_sleep();
  if (!has_work() && !stopping.load()) {
    pollfd fd{signal->fd(), POLLIN, 0};
    ::poll(&fd, 1, -1);
  }
  signal->awake();
  signal->drain();
}

void LogWriter::State::wait_tick() {
  pollfd fd{signal->fd(), POLLIN, 0};  // stop() and reopen() alone wake it here
  if (::poll(&fd, 1, static_cast<int>(kTick.count())) > 0) signal->drain();
}

bool LogWriter::State::has_work() {
  if (has_errors.load()) return true;
  const std::lock_guard lock(mutex);
  return std::any_of(rings.begin(), rings.end(),
                     [](const Entry& e) { return e.removed || e.ring->peek().size() != 0; });
}

int LogWriter::State::flush_millis_left() const {
  const Clock::duration left = Clock::duration(deadline.load()) - Clock::now().time_since_epoch();
  return static_cast<int>(std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
}

LogWriter::LogWriter(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::shared_ptr<LogWriter>> LogWriter::start(std::string target) {
  Result<std::shared_ptr<LogTarget>> opened = LogTarget::open(target);
  if (!opened) return opened.error();
  auto state = std::make_shared<State>();
  state->name = std::move(target);
  state->target = *opened;
  const SignalsBlocked blocked;
  state->thread = std::thread([state] { state->run(); });
  pthread_setname_np(state->thread.native_handle(), "vg-log");
  return std::shared_ptr<LogWriter>(new LogWriter(std::move(state)));
}

Result<void> LogWriter::check(const std::string& target) { return LogTarget::check(target); }

LogWriter::~LogWriter() { stop(); }

std::shared_ptr<AccessRing> LogWriter::add_ring(size_t bytes) {
  auto ring = std::make_shared<AccessRing>(bytes, state_->signal);
  const std::lock_guard lock(state_->mutex);
  state_->rings.push_back({ring, false});
  return ring;
}

void LogWriter::remove_ring(const std::shared_ptr<AccessRing>& ring) {
  {
    const std::lock_guard lock(state_->mutex);
    for (State::Entry& e : state_->rings) e.removed = e.removed || e.ring == ring;
  }
  state_->signal->notify();
}

bool LogWriter::append_error(std::string_view line) {
  {
    const std::lock_guard lock(state_->error_mutex);
    if (state_->error_queue.size() + line.size() > kErrorQueueBytes) {
      state_->refused_error.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    state_->error_queue += line;
  }
  state_->has_errors.store(true);
  state_->signal->notify();
  return true;
}

Result<void> LogWriter::reopen() {
  std::string name;
  {
    const std::lock_guard lock(state_->mutex);
    name = state_->name;
  }
  if (LogTarget::is_standard(name)) return {};
  return retarget(std::move(name));
}

Result<void> LogWriter::retarget(std::string target) {
  Result<std::shared_ptr<LogTarget>> opened = LogTarget::open(target);
  if (!opened) return opened.error();
  {
    const std::lock_guard lock(state_->mutex);
    state_->name = std::move(target);
    state_->target.swap(*opened);
  }
  state_->signal->wake();
  return {};
}

void LogWriter::stop() {
  const std::lock_guard lock(state_->stop_mutex);
  if (!state_->thread.joinable()) return;
  state_->deadline.store((Clock::now() + kFlushLimit).time_since_epoch().count());
  state_->stopping.store(true);
  state_->signal->wake();
  pollfd ended{state_->ended.fd(), POLLIN, 0};
  constexpr auto kLimit =
      std::chrono::duration_cast<std::chrono::milliseconds>(kFlushLimit) + std::chrono::milliseconds(200);
  int rc = 0;
  do {
    rc = ::poll(&ended, 1, static_cast<int>(kLimit.count()));
  } while (rc < 0 && errno == EINTR);
  if (rc > 0) {
    state_->thread.join();
  } else {
    state_->thread.detach();  // hangs in a write to a dead disk; it keeps the state alive
  }
}

LogStats LogWriter::stats() const {
  const auto get = [](const std::atomic<uint64_t>& v) { return v.load(std::memory_order_relaxed); };
  LogStats out;
  out.written_bytes = get(state_->written);
  out.dropped_access = get(state_->lost_access);
  out.dropped_error = get(state_->lost_error) + get(state_->refused_error);
  out.write_errors = get(state_->write_errors);
  out.wakes = state_->signal->wakes();
  const std::lock_guard lock(state_->mutex);
  out.dropped_access += state_->dropped_by_removed;
  for (const State::Entry& e : state_->rings) out.dropped_access += e.ring->dropped();
  return out;
}

}  // namespace vg::observe
