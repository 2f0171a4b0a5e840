// Structured concurrency: tasks that run beside their starter, and ways to wait for them.
//   Scope   runs tasks and is joined before it goes: nothing started in it outlives it
//   Event   one waiter, set by anybody on the loop
//   gather  runs tasks at once and waits for all; gather_or_cancel cancels the rest at the first error
// Thread: one loop. Cancel: is the tasks' own affair, through the CancelSource that they were given.
#pragma once
#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "coro/cancel.h"
#include "coro/ready_queue.h"
#include "coro/task.h"

namespace vg::coro {

/// Something that becomes true. At most one coroutine waits; set() posts it.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  bool is_set() const { return set_; }
  void set() {
    set_ = true;
    if (waiter_) post(std::exchange(waiter_, nullptr));
  }
  void reset() { set_ = false; }

  class Awaiter : private CancelNode {
   public:
    Awaiter(Event* event, CancelSource* cancel) : CancelNode(&on_cancel), event_(event), cancel_(cancel) {}
    bool await_ready() const { return event_->set_ || (cancel_ != nullptr && cancel_->cancelled()); }
    ~Awaiter() {
      // The waiting frame goes before it was resumed: nobody may resume it any more.
      if (!handle_) return;
      if (event_->waiter_ == handle_) {
        event_->waiter_ = nullptr;
      } else {
        unpost(handle_);
      }
    }
    void await_suspend(std::coroutine_handle<> h) {
      assert(!event_->waiter_);
      event_->waiter_ = handle_ = h;
      if (cancel_ != nullptr) cancel_->add(*this);
    }
    /// True if it was set, false if the source was cancelled first.
    bool await_resume() {
      handle_ = nullptr;
      unlink();
      return event_->set_;
    }

   private:
    static void on_cancel(CancelNode* node) {
      auto* self = static_cast<Awaiter*>(node);
      if (self->event_->waiter_) post(std::exchange(self->event_->waiter_, nullptr));
    }
    Event* event_;
    CancelSource* cancel_;
    std::coroutine_handle<> handle_;
  };
  /// Waits until it is set or `cancel` (may be null) is cancelled.
  [[nodiscard]] Awaiter wait(CancelSource* cancel = nullptr) { return Awaiter(this, cancel); }

 private:
  std::coroutine_handle<> waiter_;
  bool set_ = false;
};

/// A coroutine that starts at once and owns itself: its frame goes when it ends. For what runs as long as an object
/// that it deletes itself (a connection); everything else is spawned in a Scope.
struct Detached {
  struct promise_type {
    static void* operator new(std::size_t size_bytes) { return allocate_frame(size_bytes); }
    static void operator delete(void* frame, std::size_t size_bytes) noexcept { free_frame(frame, size_bytes); }
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    // A detached task has nobody to tell: what escapes it is a defect.
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

/// Counts what is under way; join() waits until nothing is. Also a gate: closed, it lets nothing new in.
class Scope {
 public:
  Scope() = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { assert(running_ == 0); }

  /// Starts `task` at once; it runs beside the caller until its first suspension ends, and so on.
  void spawn(Task<void> task) {
    ++running_;
    run(this, std::move(task));
  }
  std::size_t running() const { return running_; }
  /// Waits for all that was spawned, also while it waits.
  Task<void> join() {
    while (running_ > 0) {
      idle_.reset();
      co_await idle_.wait();
    }
  }

 private:
  static Detached run(Scope* scope, Task<void> task) {
    co_await task;
    task = Task<void>();  // its frame goes before the scope is told
    if (--scope->running_ == 0) scope->idle_.set();
  }

  std::size_t running_ = 0;
  Event idle_;
};

/// Lets operations in until it is closed, and tells when the last has left: the life of a pool or a listener.
class Gate {
 public:
  /// False once it is closed; true: leave() must follow.
  [[nodiscard]] bool enter() {
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void leave() {
    assert(inside_ > 0);
    if (--inside_ == 0 && closed_) empty_.set();
  }
  bool closed() const { return closed_; }
  std::size_t inside() const { return inside_; }
  /// Closes it and waits until nobody is inside. At most one caller.
  Task<void> close() {
    closed_ = true;
    if (inside_ > 0) co_await empty_.wait();
  }

 private:
  std::size_t inside_ = 0;
  bool closed_ = false;
  Event empty_;
};

namespace detail {
template <typename T>
Task<void> store_result(Task<T> task, std::optional<T>* slot) {
  slot->emplace(co_await task);
}
template <typename T>
Task<void> store_or_cancel(Task<Result<T>> task, std::optional<Result<T>>* slot, CancelSource* cancel) {
  slot->emplace(co_await task);
  if (!(*slot)->ok()) cancel->cancel(ErrorKind::kCancelled);
}
template <typename T>
std::vector<T> unwrap(std::vector<std::optional<T>> slots) {
  std::vector<T> out;
  out.reserve(slots.size());
  for (std::optional<T>& s : slots) out.push_back(std::move(*s));
  return out;
}
}  // namespace detail

/// Runs all at once; the results in the order of the tasks, however they finish. Cancels none.
template <typename T>
Task<std::vector<T>> gather(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> slots(tasks.size());
  Scope scope;
  for (std::size_t i = 0; i < tasks.size(); ++i) scope.spawn(detail::store_result(std::move(tasks[i]), &slots[i]));
  co_await scope.join();
  co_return detail::unwrap(std::move(slots));
}

/// As gather, but the first error cancels `cancel`, under which the tasks run. Waits for all the same.
template <typename T>
Task<std::vector<Result<T>>> gather_or_cancel(std::vector<Task<Result<T>>> tasks, CancelSource* cancel) {
  std::vector<std::optional<Result<T>>> slots(tasks.size());
  Scope scope;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    scope.spawn(detail::store_or_cancel(std::move(tasks[i]), &slots[i], cancel));
  }
  co_await scope.join();
  co_return detail::unwrap(std::move(slots));
}

}  // namespace vg::coro
