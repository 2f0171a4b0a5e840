// An event loop for one test, run on the test's own thread until something has happened.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "coro/scope.h"
#include "coro/task.h"
#include "net/event_loop.h"

namespace vg::test {

template <typename T>
coro::Task<void> keep_result(coro::Task<T> task, std::optional<T>* out) {
  out->emplace(co_await task);
}

/// Lifetime: outlives everything that has a handle on it; its end waits for their close callbacks.
class Loop {
 public:
  Loop() = default;
  ~Loop() {
    loop_.close();
    loop_.run();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  net::EventLoop* get() { return &loop_; }

  /// Runs what the test itself has set going, as if a callback had: coroutines go on, timers are armed.
  void settle() { const net::EventLoop::CallbackScope scope(&loop_); }
  /// Handles events until `done`. A test that would wait for ever fails after some seconds instead.
  bool run_until(const std::function<bool()>& done) {
    Guard guard;
    loop_.start_timer(guard, std::chrono::seconds(20));
    settle();
    while (!done() && guard.running()) uv_run(loop_.uv(), UV_RUN_ONCE);
    const bool happened = done();
    EXPECT_TRUE(happened) << "waited in vain";
    return happened;
  }
  /// Moves the clock: timers that are due by then fire, and who waited for them goes on.
  void advance(Duration by) {
    Clock::advance(by);
    loop_.clock_moved();
    settle();
    uv_run(loop_.uv(), UV_RUN_NOWAIT);
  }
  /// Runs `task` to its end.
  template <typename T>
  T run(coro::Task<T> task) {
    std::optional<T> out;
    coro::Scope scope;
    scope.spawn(keep_result(std::move(task), &out));
    run_until([&] { return out.has_value(); });
    return std::move(*out);
  }
  void run(coro::Task<void> task) {
    coro::Scope scope;
    scope.spawn(std::move(task));
    run_until([&] { return scope.running() == 0; });
  }

 private:
  struct Guard : net::Timer {
    Guard() : Timer([](net::Timer*) {}) {}
  };
  net::EventLoop loop_;
};

}  // namespace vg::test
