// The forms that the source avoids. FORM chooses one; the program exits 0 if the compiler made of it what was written.
// form N: <flags> | <g++ 12.2: right, wrong (wrong result, or a crash), rejected (does not compile)> | <the form>
// form 1: | wrong | f(Agg{..}) with an aggregate that owns memory
// form 2: | wrong | f({.a = ..}) with an aggregate that owns memory
// form 3: | wrong | f([x] {..}) with a capture that owns memory
// form 4: | wrong | [x]() -> Task {..}() awaited in place
// form 5: | wrong | co_await (c ? f(T()) : g(T()))
// form 6: | wrong | c ? co_await g() : T()
// form 7: | wrong | P{co_await a(), co_await b()}
// form 8: | rejected | f({a, b}) into a vector
// form 9: -fsanitize=address,undefined | wrong | if (c && co_await g())
// form 10: | wrong | an over-aligned local across an await
// form 11: | wrong | symmetric transfer in a loop of ready tasks
// form 12: | wrong | if (co_await g()) co_return
// form 13: | wrong | while (co_await g()) co_return
// form 14: | wrong | switch (co_await g()) { .. co_return }
#include "probe.h"

#include <cstdint>
#include <vector>

using probe::Owner;
using probe::Park;
using probe::run;
using probe::Task;

namespace {

[[maybe_unused]] Task<Owner> make(int value) {
  co_await Park();
  co_return Owner(value);
}

#if FORM == 1 || FORM == 2
struct Agg {
  Owner a;
};
Task<int> f(Agg agg) {
  co_await Park();
  co_return agg.a.get();
}
#if FORM == 1
Task<int> form() { co_return co_await f(Agg{Owner(7)}); }
#else
Task<int> form() { co_return co_await f({.a = Owner(7)}); }
#endif
#elif FORM == 3
template <typename F>
Task<int> f(F function) {
  co_await Park();
  co_return function();
}
Task<int> form() {
  Owner x(7);
  co_return co_await f([x] { return x.get(); });
}
#elif FORM == 4
Task<int> form() {
  Owner x(7);
  co_return co_await [x]() -> Task<int> {
    co_await Park();
    co_return x.get();
  }();
}
#elif FORM == 5
Task<int> f(Owner o) {
  co_await Park();
  co_return o.get();
}
Task<int> g(Owner o) {
  co_await Park();
  co_return -o.get();
}
Task<int> choose(bool c) { co_return co_await (c ? f(Owner(7)) : g(Owner(1))); }
Task<int> form() { co_return co_await choose(true); }
#elif FORM == 6
Task<int> choose(bool c) {
  Owner o = c ? co_await make(7) : Owner(1);
  co_return o.get();
}
Task<int> form() {
  const int a = co_await choose(true);
  const int b = co_await choose(false);
  co_return a == 7 ? (b == 1 ? 7 : b) : a;
}
#elif FORM == 7
struct Pair {
  Owner a, b;
};
Task<int> form() {
  Pair pair{co_await make(3), co_await make(4)};
  co_return pair.a.get() + pair.b.get();
}
#elif FORM == 8
Task<int> f(std::vector<Owner> owners) {
  co_await Park();
  co_return owners[0].get() + owners[1].get();
}
Task<int> form() {
  Owner a(3), b(4);
  co_return co_await f({a, b});
}
#elif FORM == 9
Task<bool> g(Owner o) {
  co_await Park();
  co_return o.get() == 1;
}
Task<int> choose(bool c) {
  if (c && co_await g(Owner(1))) co_return 7;
  co_return 0;
}
Task<int> form() {
  const int skipped = co_await choose(false);
  const int taken = co_await choose(true);
  co_return taken + skipped;
}
#elif FORM == 10
struct alignas(64) Wide {
  volatile int value = 7;
};
Task<int> aligned() {
  Wide wide;
  co_await Park();
  // Volatile: else the compiler answers from what the type promises.
  const volatile std::uintptr_t address = reinterpret_cast<std::uintptr_t>(&wide);
  const bool at_its_place = address % 64 == 0;
  co_return at_its_place* wide.value;
}
// Frames come from malloc at whatever address: eight of them are not all aligned by chance.
Task<int> form() {
  int worst = 7;
  std::vector<Task<int> > frames;
  for (int i = 0; i < 8; ++i) frames.push_back(aligned());
  for (Task<int>& frame : frames) {
    const int got = co_await frame;
    if (got < worst) worst = got;
  }
  co_return worst;
}
#elif FORM == 11
class Chain {
 public:
  struct promise_type {
    std::coroutine_handle<> waiter;
    Chain get_return_object() { return Chain(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Final {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
          return h.promise().waiter;
        }
        void await_resume() noexcept {}
      };
      return Final();
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  explicit Chain(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Chain(Chain&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  ~Chain() {
    if (frame_) frame_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    frame_.promise().waiter = waiter;
    return frame_;
  }
  void await_resume() {}

 private:
  std::coroutine_handle<promise_type> frame_;
};
Chain nothing() { co_return; }
Task<int> form() {
  for (int i = 0; i < 2000000; ++i) co_await nothing();
  co_return 7;
}
#elif FORM == 12 || FORM == 13 || FORM == 14
Task<bool> g() {
  co_await Park();
  co_return true;
}
Task<int> form() {
#if FORM == 12
  if (co_await g()) co_return 7;
  co_return 0;
#elif FORM == 13
  while (co_await g()) co_return 7;
  co_return 0;
#else
  switch (co_await g()) {
    case true:
      co_return 7;
    default:
      break;
  }
  co_return 0;
#endif
}
#endif

}  // namespace

int main() { return probe::right(run(form()), 7) ? 0 : 1; }
