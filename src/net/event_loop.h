// One event loop: a thread's libuv loop, its timers, its read buffer and its queue of ready coroutines. Everything that
// a request touches stays on its loop; another thread reaches it by post_remote() alone. Thread: the constructor, run()
// and all but post_remote() belong to one thread.
#pragma once
#include <uv.h>

#include <cassert>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coro/scope.h"
#include "net/timer.h"

namespace vg::net {

/// Work that waits for the end of the loop's turn, when all that was ready has been looked at: what came together goes
/// out together. Queued until it ran, or is destroyed.
class TurnEnd {
 public:
  explicit TurnEnd(class EventLoop* loop) : loop_(loop) {}
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;
  /// Queues it; once for a turn.
  void request();
  /// For the loop.
  void run() {
    queued_ = false;
    at_turn_end();
  }

 protected:
  ~TurnEnd();
  virtual void at_turn_end() = 0;

 private:
  class EventLoop* loop_;
  bool queued_ = false;
};

class EventLoop {
 public:
  /// Reads land here, and what a coroutine consumes at once is never copied.
  static constexpr size_t kReadBufferBytes = 128 * 1024;

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Precondition: every handle on it was closed, and run() has returned.
  ~EventLoop();

  /// Runs until stop() or until nothing is left to wait for.
  void run();
  void stop();
  /// Closes its own handles; run() then returns once everybody else's are closed too.
  void close();

  /// The time of the current callback: read once a callback, so that all decisions within it agree.
  TimePoint now() {
    if (now_ == TimePoint()) now_ = Clock::now();
    return now_;
  }
  void start_timer(Timer& timer, TimePoint when);
  void start_timer(Timer& timer, Duration after) { start_timer(timer, now() + after); }

  /// Clock::advance() was called: timers see it when the current callback ends.
  void clock_moved();

  /// Runs `work` on this loop, soon. Thread: any. False after close(): the work was not taken.
  bool post_remote(std::function<void()> work);

  uv_loop_t* uv() { return &loop_; }
  char* read_buffer() { return read_buffer_.get(); }
  /// Reusable buffer to compose a head in. Valid until the next suspension.
  std::string& scratch() {
    scratch_.clear();
    return scratch_;
  }
  std::string& scratch_as_is() { return scratch_; }
  static EventLoop* current();

  /// Every libuv callback opens one: it forgets the cached time, and drains the ready coroutines at its end.
  class CallbackScope {
   public:
    explicit CallbackScope(EventLoop* loop) : loop_(loop) { loop->now_ = TimePoint(); }
    CallbackScope(const CallbackScope&) = delete;
    ~CallbackScope() {
      coro::drain();
      loop_->rearm();
    }

   private:
    EventLoop* loop_;
  };

 private:
  void rearm();
  static void on_timer(uv_timer_t* handle);
  static void on_async(uv_async_t* handle);
  friend class TurnEnd;
  void queue(TurnEnd* work);
  void run_turn_ends();

  uv_loop_t loop_;
  uv_timer_t timer_;
  uv_async_t async_;
  uv_check_t after_poll_;     // the end of a turn that events have made,
  uv_prepare_t before_poll_;  // and of one that timers have made
  TimePoint now_{};
  TimerWheel wheel_;
  TimePoint armed_for_ = TimePoint::max();
  bool wheel_dirty_ = false;
  bool closing_ = false;
  std::unique_ptr<char[]> read_buffer_;
  std::string scratch_;
  std::vector<TurnEnd*> turn_ends_;
  std::mutex remote_mutex_;
  std::vector<std::function<void()>> remote_;
  bool remote_closed_ = false;
};

/// Suspends for `time`, or until `cancel` (may be null) is cancelled. True if the time passed.
class Sleep : private coro::CancelNode {
 public:
  Sleep(EventLoop* loop, Duration time, coro::CancelSource* cancel);
  bool await_ready() const { return cancel_ != nullptr && cancel_->cancelled(); }
  void await_suspend(std::coroutine_handle<> h);
  bool await_resume() {
    waiter_ = nullptr;
    unlink();
    return fired_;
  }
  ~Sleep() {
    if (waiter_) coro::unpost(waiter_);
  }

 private:
  struct Alarm : Timer {
    explicit Alarm(Sleep* owner) : Timer(&on_fire), self(owner) {}
    static void on_fire(Timer* t) {
      Sleep* s = static_cast<Alarm*>(t)->self;
      s->fired_ = true;
      s->unlink();
      coro::post(s->waiter_);
    }
    Sleep* self;
  };
  static void on_cancel(CancelNode* node);
  EventLoop* loop_;
  Duration time_;
  coro::CancelSource* cancel_;
  std::coroutine_handle<> waiter_;
  bool fired_ = false;
  Alarm alarm_;
};

/// A CancelSource that is also cancelled (kTimeout) when its time is up: what with_timeout is made of. Operations take
/// it as their CancelSource.
class DeadlineSource : public coro::CancelSource {
 public:
  DeadlineSource() : alarm_(this) {}
  DeadlineSource(EventLoop* loop, TimePoint when, coro::CancelSource* parent) : DeadlineSource() {
    attach(parent);
    arm(loop, when);
  }
  void arm(EventLoop* loop, TimePoint when) {
    when_ = when;
    if (!cancelled() && when != TimePoint::max()) loop->start_timer(alarm_, when);
  }
  void disarm() { alarm_.stop(); }
  TimePoint when() const { return when_; }

 private:
  struct Alarm : Timer {
    explicit Alarm(DeadlineSource* owner) : Timer(&on_fire), self(owner) {}
    static void on_fire(Timer* t) { static_cast<Alarm*>(t)->self->cancel(ErrorKind::kTimeout); }
    DeadlineSource* self;
  };
  Alarm alarm_;
  TimePoint when_ = TimePoint::max();
};

/// Runs what `make(CancelSource*)` returns under a deadline of its own. The task sees kTimeout as its source's reason.
template <typename Make>
auto with_timeout(EventLoop* loop, Duration time, coro::CancelSource* parent, Make make)
    -> decltype(make(static_cast<coro::CancelSource*>(nullptr))) {
  DeadlineSource source(loop, loop->now() + time, parent);
  auto task = make(&source);
  co_return co_await task;
}

}  // namespace vg::net
