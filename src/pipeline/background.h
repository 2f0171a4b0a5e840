// Work of a loop that outlives the request that began it: bounded in number, finished in a drain.
// Thread: its loop. Lifetime: the loop's; joined before that ends.
#pragma once
#include <functional>

#include "coro/scope.h"

namespace vg::pipeline {

class Background {
 public:
  static constexpr size_t kMost = 1000;
  static constexpr size_t kMostBytes = 64 * 1024 * 1024;  ///< that they hold together

  /// Tasks take it as their CancelSource: a stop that can wait no longer cancels it.
  coro::CancelSource* cancel() { return &cancel_; }
  /// False: there are too many already, and `task` is not begun. Its own deadline bounds its time. `bytes`: what it
  /// holds.
  [[nodiscard]] bool spawn(coro::Task<void> task, size_t bytes) {
    if (scope_.running() >= kMost || bytes_ + bytes > kMostBytes) return false;
    scope_.spawn(tell_when_done(this, std::move(task), bytes));
    return true;
  }
  size_t running() const { return running_; }
  /// Called whenever the last one has ended.
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }
  void cancel_all() { cancel_.cancel(ErrorKind::kCancelled); }

 private:
  static coro::Task<void> tell_when_done(Background* self, coro::Task<void> task, size_t bytes) {
    ++self->running_;
    self->bytes_ += bytes;
    co_await task;
    task = coro::Task<void>();
    self->bytes_ -= bytes;
    if (--self->running_ == 0 && self->on_idle_) self->on_idle_();
  }
  coro::CancelSource cancel_;
  coro::Scope scope_;
  size_t running_ = 0;
  size_t bytes_ = 0;
  std::function<void()> on_idle_;
};

}  // namespace vg::pipeline
