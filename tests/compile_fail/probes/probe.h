// A small lazy Task and a value that knows how many of it are alive: enough to see what a compiler makes of a form.
#pragma once
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <set>
#include <utility>

namespace probe {

/// Owns memory, as a string does. Counts its objects by address: one destroyed twice, or never, is seen at the end.
class Owner {
 public:
  explicit Owner(int value = 0) : value_(new int(value)) { born(); }
  Owner(const Owner& other) : value_(new int(other.get())) { born(); }
  Owner(Owner&& other) noexcept : value_(std::exchange(other.value_, nullptr)) { born(); }
  Owner& operator=(Owner other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Owner() {
    if (alive().erase(this) == 0) {
      ++wrong();
      return;  // its memory belongs to another object
    }
    delete value_;
  }
  /// A moved-from or dead owner reads as -1.
  int get() const { return alive().count(this) != 0 && value_ != nullptr ? *value_ : -1; }

  static std::set<const void*>& alive() {
    static auto* set = new std::set<const void*>;
    return *set;
  }
  static int& wrong() {
    static int count = 0;
    return count;
  }

 private:
  void born() {
    if (!alive().insert(this).second) ++wrong();
  }
  int* value_;
};

template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::coroutine_handle<> waiter;
    T* result = nullptr;
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Final {
        bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> h) noexcept {
          if (auto waiter = h.promise().waiter) waiter.resume();
        }
        void await_resume() noexcept {}
      };
      return Final();
    }
    void return_value(T value) { result = new T(std::move(value)); }
    void unhandled_exception() { std::terminate(); }
    ~promise_type() { delete result; }
  };

  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  ~Task() {
    if (frame_) frame_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  // The bool form: a task that is ready at once costs no stack.
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    frame_.resume();
    if (frame_.done()) return false;
    frame_.promise().waiter = waiter;
    return true;
  }
  T await_resume() { return std::move(*frame_.promise().result); }
  void start() { frame_.resume(); }
  bool done() const { return frame_.done(); }
  T& result() { return *frame_.promise().result; }

 private:
  std::coroutine_handle<promise_type> frame_;
};

/// Suspends once; resume_parked() goes on.
struct Park {
  static std::coroutine_handle<>& parked() {
    static std::coroutine_handle<> handle;
    return handle;
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) noexcept { parked() = h; }
  void await_resume() const noexcept {}
};

/// Runs a form to its end, resuming it where it parked.
inline int run(Task<int> task) {
  task.start();
  while (!task.done()) std::exchange(Park::parked(), nullptr).resume();
  return task.result();
}

/// The verdict on one form: its result, and every owner destroyed exactly once.
inline bool right(int got, int wanted) { return got == wanted && Owner::wrong() == 0 && Owner::alive().empty(); }

}  // namespace probe
