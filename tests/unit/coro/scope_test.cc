#include "coro/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/coro/probe.h"

namespace vg::coro {
namespace {

using test::CoroTest;
using test::Counted;
using test::keep_result;
using test::run;
using test::Stop;
using test::Yield;
using testing::ElementsAre;

using EventTest = CoroTest;
using ScopeTest = CoroTest;
using GateTest = CoroTest;
using GatherTest = CoroTest;

Task<void> log_when_set(Event* event, std::vector<std::string>* log) {
  co_await event->wait();
  log->push_back("resumed");
}

Task<void> stop_here(Stop* stop) { co_await *stop; }

Task<void> stop_with(Stop* stop, Counted owned) {
  co_await *stop;
  EXPECT_FALSE(owned.text().empty());
}

TEST_F(EventTest, SetBeforeTheWaitLetsItPass) {
  Event event;
  event.set();
  std::vector<std::string> log;
  run(log_when_set(&event, &log));
  EXPECT_TRUE(event.is_set());
  EXPECT_THAT(log, ElementsAre("resumed"));
}

TEST_F(EventTest, SetPostsItsWaiterAndNeverResumesItOnTheSpot) {
  Event event;
  std::vector<std::string> log;
  Scope scope;
  scope.spawn(log_when_set(&event, &log));
  event.set();
  event.set();
  log.push_back("set");
  drain();
  EXPECT_THAT(log, ElementsAre("set", "resumed"));
}

TEST_F(EventTest, ResetMakesTheNextWaitWaitAgain) {
  Event event;
  event.set();
  event.reset();
  std::vector<std::string> log;
  Scope scope;
  scope.spawn(log_when_set(&event, &log));
  drain();
  EXPECT_TRUE(log.empty());
  event.set();
  drain();
  EXPECT_EQ(log.size(), 1u);
}

TEST_F(ScopeTest, StartsATaskAtOnceAndCountsItUntilItsFrameIsGone) {
  Stop stop;
  Scope scope;
  scope.spawn(stop_with(&stop, Counted()));
  EXPECT_TRUE(stop.reached());
  EXPECT_EQ(scope.running(), 1u);
  EXPECT_GE(Counted::alive, 1);
  stop.release_and_drain();
  EXPECT_EQ(scope.running(), 0u);
  EXPECT_EQ(Counted::alive, 0);
}

Task<void> join_and_mark(Scope* scope, bool* joined) {
  co_await scope->join();
  EXPECT_EQ(Counted::alive, 0) << "joined before the frames were gone";
  *joined = true;
}

TEST_F(ScopeTest, JoinWaitsForAllInWhateverOrderTheyEnd) {
  Stop stops[3];
  Scope scope, outer;
  for (Stop& s : stops) scope.spawn(stop_with(&s, Counted()));
  bool joined = false;
  outer.spawn(join_and_mark(&scope, &joined));
  for (const int i : {1, 0}) {
    stops[i].release_and_drain();
    EXPECT_FALSE(joined);
  }
  stops[2].release_and_drain();
  EXPECT_TRUE(joined);
}

TEST_F(ScopeTest, JoinOfAnEmptyScopeDoesNotWait) {
  Scope scope;
  run(scope.join());
}

Task<void> spawn_another(Scope* scope, Stop* first, Stop* second) {
  co_await *first;
  scope->spawn(stop_here(second));
}

TEST_F(ScopeTest, JoinWaitsForWhatIsSpawnedMeanwhile) {
  Stop first, second;
  Scope scope, outer;
  scope.spawn(spawn_another(&scope, &first, &second));
  bool joined = false;
  outer.spawn(join_and_mark(&scope, &joined));
  first.release_and_drain();
  EXPECT_FALSE(joined);
  second.release_and_drain();
  EXPECT_TRUE(joined);
}

TEST_F(ScopeTest, JoinNoticesATaskThatIsSpawnedBetweenTheLastEndAndItsOwnTurn) {
  Stop first, second;
  Scope scope, outer;
  scope.spawn(stop_here(&first));
  bool joined = false;
  outer.spawn(join_and_mark(&scope, &joined));
  first.release();
  // Queued behind the first task's end, before the joiner that this end posts.
  Stop between;
  outer.spawn(spawn_another(&scope, &between, &second));
  between.release();
  drain();
  EXPECT_TRUE(second.reached());
  EXPECT_FALSE(joined);
  second.release_and_drain();
  EXPECT_TRUE(joined);
}

Task<void> count_up(int* count) {
  ++*count;
  co_return;
}

TEST_F(ScopeTest, TasksThatAreReadyAtOnceLeaveNothingRunning) {
  Scope scope;
  int count = 0;
  for (int i = 0; i < 100'000; ++i) scope.spawn(count_up(&count));
  EXPECT_EQ(count, 100'000);
  EXPECT_EQ(scope.running(), 0u);
  run(scope.join());
}

Task<void> close_and_mark(Gate* gate, bool* closed) {
  co_await gate->close();
  *closed = true;
}

TEST_F(GateTest, LetsNobodyInOnceClosedAndTellsWhenTheLastHasLeft) {
  Gate gate;
  ASSERT_TRUE(gate.enter());
  ASSERT_TRUE(gate.enter());
  EXPECT_EQ(gate.inside(), 2u);
  bool closed = false;
  Scope scope;
  scope.spawn(close_and_mark(&gate, &closed));
  EXPECT_TRUE(gate.closed());
  EXPECT_FALSE(gate.enter());
  gate.leave();
  drain();
  EXPECT_FALSE(closed);
  gate.leave();
  EXPECT_FALSE(closed) << "resumed inside leave()";
  drain();
  EXPECT_TRUE(closed);
}

TEST_F(GateTest, AnEmptyGateClosesAtOnceThoughManyHadPassed) {
  Gate gate;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(gate.enter());
    gate.leave();
  }
  bool closed = false;
  run(close_and_mark(&gate, &closed));
  EXPECT_TRUE(closed);
}

Task<std::string> text_after(Stop* stop, std::string text) {
  if (stop != nullptr) co_await *stop;
  co_return text;
}

TEST_F(GatherTest, GivesTheResultsInTheOrderOfTheTasksHoweverTheyEnd) {
  Stop first, third;
  std::vector<Task<std::string>> tasks;
  tasks.push_back(text_after(&first, "the first text, longer than a short string"));
  tasks.push_back(text_after(nullptr, "the second text, longer than a short string"));
  tasks.push_back(text_after(&third, "the third text, longer than a short string"));
  std::optional<std::vector<std::string>> out;
  Scope scope;
  scope.spawn(keep_result(gather(std::move(tasks)), &out));
  EXPECT_TRUE(first.reached());
  EXPECT_TRUE(third.reached()) << "all run at once";
  third.release_and_drain();
  EXPECT_FALSE(out);
  first.release_and_drain();
  ASSERT_TRUE(out);
  EXPECT_THAT(*out,
              ElementsAre("the first text, longer than a short string", "the second text, longer than a short string",
                          "the third text, longer than a short string"));
}

TEST_F(GatherTest, OfNothingIsNothing) { EXPECT_TRUE(run(gather(std::vector<Task<int>>())).empty()); }

Task<Counted> counted_after_turns(int turns) {
  for (int i = 0; i < turns; ++i) co_await Yield();
  co_return Counted(std::to_string(turns));
}

TEST_F(GatherTest, CarriesManyOwnedResults) {
  std::vector<Task<Counted>> tasks;
  for (int i = 0; i < 500; ++i) tasks.push_back(counted_after_turns(i * 7 % 5));
  const std::vector<Counted> out = run(gather(std::move(tasks)));
  ASSERT_EQ(out.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(out[static_cast<size_t>(i)].text(), std::to_string(i * 7 % 5));
}

Task<Result<int>> number_unless_cancelled(Event* event, CancelSource* cancel, int value) {
  const bool set = co_await event->wait(cancel);
  if (!set) co_return Error(cancel->reason(), "cancelled");
  co_return value;
}

Task<Result<int>> fail_after(Stop* stop) {
  co_await *stop;
  co_return Error(ErrorKind::kConnect, "refused");
}

TEST_F(GatherTest, OrCancelEndsTheRestAtTheFirstErrorAndWaitsForThem) {
  CancelSource cancel;
  Event done, never;
  done.set();
  Stop stop;
  std::vector<Task<Result<int>>> tasks;
  tasks.push_back(number_unless_cancelled(&done, &cancel, 1));
  tasks.push_back(number_unless_cancelled(&never, &cancel, 2));
  tasks.push_back(fail_after(&stop));
  std::optional<std::vector<Result<int>>> out;
  Scope scope;
  scope.spawn(keep_result(gather_or_cancel(std::move(tasks), &cancel), &out));
  EXPECT_FALSE(out);
  stop.release_and_drain();
  ASSERT_TRUE(out);
  EXPECT_EQ((*out)[0].value(), 1);
  EXPECT_EQ((*out)[1].error().kind, ErrorKind::kCancelled);
  EXPECT_EQ((*out)[2].error().kind, ErrorKind::kConnect);
}

TEST_F(GatherTest, OrCancelCancelsNothingWhenAllGoesWell) {
  CancelSource cancel;
  Event done;
  done.set();
  std::vector<Task<Result<int>>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(number_unless_cancelled(&done, &cancel, i));
  const auto out = run(gather_or_cancel(std::move(tasks), &cancel));
  EXPECT_EQ(out[2].value(), 2);
  EXPECT_FALSE(cancel.cancelled());
}

Detached own_itself(Stop* stop, Counted owned) {
  co_await *stop;
  EXPECT_FALSE(owned.text().empty());
}

TEST_F(ScopeTest, ADetachedCoroutineReleasesItsFrameWhenItEnds) {
  Stop stop;
  own_itself(&stop, Counted());
  EXPECT_GE(Counted::alive, 1);
  stop.release_and_drain();
  EXPECT_EQ(Counted::alive, 0);
}

}  // namespace
}  // namespace vg::coro
