#include "coro/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "unit/coro/probe.h"

namespace vg::coro {
namespace {

using test::CoroTest;
using test::Counted;
using test::run;
using test::stack_here;
using test::StackDepth;
using test::Stop;
using test::Yield;

using TaskTest = CoroTest;

static_assert(!std::is_copy_constructible_v<Task<int>> && std::is_nothrow_move_constructible_v<Task<int>>);

Task<int> ready(int value) { co_return value; }

Task<int> ready_noting(int value, StackDepth* depth) {
  depth->note(stack_here());
  co_return value;
}

Task<void> mark(bool* flag) {
  *flag = true;
  co_return;
}

Task<int> wait_at(Stop* stop, int value) {
  co_await *stop;
  co_return value;
}

Task<Counted> carry(Counted value) {
  co_await Yield();
  co_return value;
}

Task<std::string> carry_text(Counted value, Stop* stop) {
  if (stop != nullptr) co_await *stop;
  co_return value.text();
}

TEST_F(TaskTest, DoesNothingUntilItIsAwaited) {
  bool ran = false;
  {
    const Task<void> never = mark(&ran);
    EXPECT_FALSE(never.done());
  }
  EXPECT_FALSE(ran);
  run(mark(&ran));
  EXPECT_TRUE(ran);
}

TEST_F(TaskTest, GivesItsValue) {
  EXPECT_EQ(run(ready(7)), 7);
  EXPECT_EQ(run(carry(Counted("a value that is moved out of the frame it was made in"))).text(),
            "a value that is moved out of the frame it was made in");
}

Task<std::unique_ptr<int>> move_only() {
  co_await Yield();
  co_return std::make_unique<int>(5);
}

TEST_F(TaskTest, CarriesWhatCanOnlyBeMoved) { EXPECT_EQ(*run(move_only()), 5); }

Task<Result<Counted>> failing(bool fail) {
  co_await Yield();
  if (fail) co_return Error(ErrorKind::kTimeout, "too slow");
  co_return Counted("well");
}

TEST_F(TaskTest, CarriesAResultOrAnError) {
  EXPECT_EQ(run(failing(true)).error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(run(failing(false)).value().text(), "well");
}

Task<long> sum_of_ready(int count, StackDepth* depth) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await ready_noting(i & 1, depth);
    sum += value;
  }
  co_return sum;
}

TEST_F(TaskTest, TwoMillionReadyAwaitsKeepTheStackFlat) {
  StackDepth depth;
  EXPECT_EQ(run(sum_of_ready(2'000'000, &depth)), 1'000'000);
  EXPECT_EQ(depth.bytes(), 0u);
}

Task<int> yield_then(int value, StackDepth* depth) {
  co_await Yield();
  depth->note(stack_here());
  co_return value;
}

Task<long> sum_of_yields(int count, StackDepth* depth) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await yield_then(1, depth);
    sum += value;
  }
  co_return sum;
}

TEST_F(TaskTest, ALoopOfSuspendedAwaitsKeepsTheStackFlat) {
  StackDepth depth;
  EXPECT_EQ(run(sum_of_yields(200'000, &depth)), 200'000);
  EXPECT_EQ(depth.bytes(), 0u);
}

// Every third await is ready, so that the loop goes on now from a resumption, now from a return.
Task<long> sum_of_both(int count, StackDepth* depth) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    Task<int> next = i % 3 == 0 ? ready_noting(1, depth) : yield_then(1, depth);
    const int value = co_await next;
    sum += value;
  }
  co_return sum;
}

TEST_F(TaskTest, ALoopOfReadyAndSuspendedAwaitsKeepsTheStackFlat) {
  StackDepth depth;
  EXPECT_EQ(run(sum_of_both(300'000, &depth)), 300'000);
  EXPECT_LT(depth.bytes(), 4096u);
}

Task<int> nested(int levels, Stop* stop) {
  if (levels == 0) {
    co_await *stop;
    co_return 0;
  }
  const int below = co_await nested(levels - 1, stop);
  co_return below + 1;
}

TEST_F(TaskTest, AChainOfAwaitsUnwindsWhenItsInnermostGoesOn) {
  Stop stop;
  std::optional<int> out;
  Scope scope;
  scope.spawn(test::keep_result(nested(1000, &stop), &out));
  EXPECT_TRUE(stop.reached());
  EXPECT_FALSE(out);
  stop.release_and_drain();
  EXPECT_EQ(out, 1000);
}

TEST_F(TaskTest, DestroyedBeforeItStartedReleasesItsParameters) {
  {
    const Task<Counted> task = carry(Counted());
    EXPECT_GE(Counted::alive, 1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

// Starts a task by hand: the test then owns it while it waits.
template <typename T>
void start(const Task<T>& task) {
  const auto awaiter = task.operator co_await();
  EXPECT_TRUE(awaiter.await_suspend(std::noop_coroutine())) << "it did not suspend";
}

Task<std::string> hold_and_await(Counted outer, Stop* stop) {
  const Counted local("a local of the outer frame, alive while the inner one waits");
  const std::string inner = co_await carry_text(Counted("a parameter of the inner frame"), stop);
  co_return inner + outer.text() + local.text();
}

TEST_F(TaskTest, DestroyedWhileItWaitsDestroysWhatItsFramesOwn) {
  Stop stop;
  {
    const Task<std::string> task = hold_and_await(Counted("a parameter of the outer frame"), &stop);
    start(task);
    EXPECT_TRUE(stop.reached());
    EXPECT_GE(Counted::alive, 3);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST_F(TaskTest, AssigningToAWaitingTaskDestroysItsFrame) {
  Stop stop;
  Task<std::string> task = hold_and_await(Counted(), &stop);
  start(task);
  task = Task<std::string>();
  EXPECT_FALSE(task);
  EXPECT_EQ(Counted::alive, 0);
}

TEST_F(TaskTest, APostedWaiterCanBeForgottenBeforeItsFrameGoes) {
  Stop stop;
  Task<int> task = wait_at(&stop, 1);
  auto frame = task.release();
  frame.resume();
  stop.release();
  unpost(frame);
  frame.destroy();
  drain();
}

Task<Counted> throw_it(bool suspend) {
  const Counted local;
  if (suspend) co_await Yield();
  throw std::runtime_error("loading failed");
}

Task<std::string> catch_it(bool suspend) {
  std::string what = "nothing";
  try {
    const Counted never = co_await throw_it(suspend);
    what = never.text();
  } catch (const std::runtime_error& e) {
    what = e.what();
  }
  co_return what;
}

TEST_F(TaskTest, AnExceptionReachesTheAwaiter) {
  EXPECT_EQ(run(catch_it(false)), "loading failed");
  EXPECT_EQ(run(catch_it(true)), "loading failed");
}

// Owned values in each place where a compiler has to end them: parameter, temporary of the call, local, result.
Task<Counted> pass_on(Counted value, int levels) {
  if (levels == 0) co_return value;
  if (levels % 2 == 0) co_await Yield();
  const Counted local = value;
  Counted below = co_await pass_on(std::move(value), levels - 1);
  co_return below;
}

TEST_F(TaskTest, ValuesOnTheirWayThroughManyFramesAreDestroyedOnce) {
  EXPECT_EQ(run(pass_on(Counted("the same text after twenty frames, up and down"), 20)).text(),
            "the same text after twenty frames, up and down");
}

}  // namespace
}  // namespace vg::coro
