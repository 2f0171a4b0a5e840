// Task<T>: a lazy coroutine with one awaiter. It starts when it is awaited, on the awaiter's thread, and stays there.
// A task that completes at once costs no stack: await_suspend returns false then (no symmetric transfer, which
// overflows the stack without optimisation).
// Lifetime: the Task owns its frame; destroying an unfinished Task destroys the frame and all that it owns. Parameters
// are taken by value, but for what outlives the await (DESIGN, "Coroutines with GCC 12").
#pragma once
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "coro/frame_pool.h"

namespace vg::coro {

template <typename T = void>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;

  static void* operator new(std::size_t size_bytes) { return allocate_frame(size_bytes); }
  static void operator delete(void* frame, std::size_t size_bytes) noexcept { free_frame(frame, size_bytes); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> done) const noexcept {
      // The continuation may destroy this frame: nothing of it is touched afterwards.
      if (const std::coroutine_handle<> next = done.promise().continuation) next.resume();
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(Handle frame) : frame_(frame) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) const {
      frame_.resume();
      if (frame_.done()) return false;
      frame_.promise().continuation = parent;
      return true;
    }
    T await_resume() const { return frame_.promise().take(); }

   private:
    Handle frame_;
  };
  Awaiter operator co_await() const noexcept { return Awaiter(frame_); }

  explicit operator bool() const { return static_cast<bool>(frame_); }
  bool done() const { return frame_.done(); }
  /// Gives the frame away, to what runs it detached (Scope).
  Handle release() { return std::exchange(frame_, nullptr); }

 private:
  Handle frame_;
};

namespace detail {
template <typename T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace vg::coro
