// What the tests of coroutines await and carry: a stop that the test lifts by hand, values that notice being destroyed
// twice or not at all, and the depth of the stack.
#pragma once
#include <gtest/gtest.h>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coro/ready_queue.h"
#include "coro/scope.h"
#include "coro/task.h"

namespace vg::coro::test {

/// Suspends whoever awaits it until release().
class Stop {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept { waiter_ = h; }
  void await_resume() const noexcept {}
  bool reached() const { return static_cast<bool>(waiter_); }
  /// Lets the waiter go on when the queue is drained.
  void release() { post(std::exchange(waiter_, nullptr)); }
  void release_and_drain() {
    release();
    drain();
  }

 private:
  std::coroutine_handle<> waiter_;
};

/// Goes to the end of the queue.
struct Yield {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) const { post(h); }
  void await_resume() const noexcept {}
};

/// Owns memory and counts its living copies; a second destruction shows as a negative count or to the sanitizer.
class Counted {
 public:
  explicit Counted(std::string text = "a text that is too long to live inside the string itself")
      : text_(std::move(text)) {
    ++alive;
  }
  Counted(const Counted& other) : text_(other.text_) { ++alive; }
  Counted(Counted&& other) noexcept : text_(std::move(other.text_)) { ++alive; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) noexcept = default;
  ~Counted() { --alive; }
  const std::string& text() const { return text_; }
  static inline int alive = 0;

 private:
  std::string text_;
};

/// Each test begins and ends with nothing alive and nothing queued.
class CoroTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(Counted::alive, 0); }
  void TearDown() override {
    drain();
    EXPECT_EQ(Counted::alive, 0);
  }
};

template <typename T>
Task<void> keep_result(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await task);
}

/// Runs a task that finishes by draining the queue alone.
template <typename T>
T run(Task<T> task) {
  std::optional<T> out;
  Scope scope;
  scope.spawn(keep_result(std::move(task), &out));
  drain();
  EXPECT_TRUE(out.has_value()) << "the task still waits";
  return std::move(*out);
}

inline void run(Task<void> task) {
  Scope scope;
  scope.spawn(std::move(task));
  drain();
  EXPECT_EQ(scope.running(), 0u) << "the task still waits";
}

inline std::uintptr_t stack_here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

/// How far the stack reached between the lowest and the highest place that was noted.
class StackDepth {
 public:
  void note(std::uintptr_t at) {
    low_ = std::min(low_, at);
    high_ = std::max(high_, at);
  }
  std::uintptr_t bytes() const { return high_ - low_; }

 private:
  std::uintptr_t low_ = UINTPTR_MAX;
  std::uintptr_t high_ = 0;
};

}  // namespace vg::coro::test
