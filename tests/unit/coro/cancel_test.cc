#include "coro/cancel.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "unit/coro/probe.h"

namespace vg::coro {
namespace {

using test::CoroTest;
using test::run;

using CancelTest = CoroTest;

struct Told : CancelNode {
  Told() : CancelNode([](CancelNode* node) { static_cast<Told*>(node)->on_told(); }) {}
  void on_told() {
    ++times;
    if (also) also();
  }
  int times = 0;
  std::function<void()> also;
};

TEST_F(CancelTest, TellsEachThatWaitsOnceAndKeepsTheFirstReason) {
  CancelSource source;
  Told a, b;
  source.add(a);
  source.add(b);
  EXPECT_EQ(source.reason(), ErrorKind::kNone);
  source.cancel(ErrorKind::kTimeout);
  source.cancel(ErrorKind::kCancelled);
  EXPECT_TRUE(source.cancelled());
  EXPECT_EQ(source.reason(), ErrorKind::kTimeout);
  EXPECT_EQ(a.times, 1);
  EXPECT_EQ(b.times, 1);
  EXPECT_FALSE(a.linked());
}

TEST_F(CancelTest, DoesNotTellThoseWhoLeft) {
  CancelSource source;
  Told stays, leaves;
  source.add(stays);
  source.add(leaves);
  {
    Told dies;
    source.add(dies);
  }
  leaves.unlink();
  leaves.unlink();
  source.cancel(ErrorKind::kCancelled);
  EXPECT_EQ(stays.times, 1);
  EXPECT_EQ(leaves.times, 0);
}

TEST_F(CancelTest, WhoIsToldMayTakeOthersOffTheList) {
  CancelSource source;
  Told first;
  auto second = std::make_unique<Told>();
  Told third;
  for (Told* t : {&first, second.get(), &third}) source.add(*t);
  first.also = [&] { second.reset(); };
  source.cancel(ErrorKind::kCancelled);
  EXPECT_EQ(third.times, 1);
}

TEST_F(CancelTest, ReachesEveryGenerationWithItsReason) {
  CancelSource root;
  CancelSource child(&root);
  CancelSource grandchild(&child);
  Told told;
  grandchild.add(told);
  root.cancel(ErrorKind::kTimeout);
  EXPECT_EQ(grandchild.reason(), ErrorKind::kTimeout);
  EXPECT_EQ(told.times, 1);
}

TEST_F(CancelTest, DoesNotReachUpwards) {
  CancelSource root;
  CancelSource child(&root);
  child.cancel(ErrorKind::kTimeout);
  EXPECT_FALSE(root.cancelled());
  root.cancel(ErrorKind::kCancelled);
  EXPECT_EQ(child.reason(), ErrorKind::kTimeout);
}

TEST_F(CancelTest, AChildMayGoBeforeItsParent) {
  CancelSource root;
  { const CancelSource child(&root); }
  const CancelSource other(&root);
  root.cancel(ErrorKind::kCancelled);
  EXPECT_TRUE(other.cancelled());
}

TEST_F(CancelTest, AChildOfACancelledParentIsCancelledFromTheStart) {
  CancelSource root;
  root.cancel(ErrorKind::kTimeout);
  const CancelSource child(&root);
  EXPECT_EQ(child.reason(), ErrorKind::kTimeout);
  const CancelSource orphan(nullptr);
  EXPECT_FALSE(orphan.cancelled());
}

TEST_F(CancelTest, ResetMakesItAsNewAndWithoutAParent) {
  CancelSource root;
  CancelSource child(&root);
  child.cancel(ErrorKind::kTimeout);
  child.reset();
  EXPECT_FALSE(child.cancelled());
  Told told;
  child.add(told);
  root.cancel(ErrorKind::kCancelled);
  EXPECT_EQ(told.times, 0);
  child.cancel(ErrorKind::kCancelled);
  EXPECT_EQ(told.times, 1);
}

Task<bool> wait_for(Event* event, CancelSource* cancel) { co_return co_await event->wait(cancel); }

TEST_F(CancelTest, EndsAWaitUnderItAtOnceWhenAlreadyCancelled) {
  Event event;
  CancelSource source;
  source.cancel(ErrorKind::kCancelled);
  EXPECT_FALSE(run(wait_for(&event, &source)));
}

TEST_F(CancelTest, PostsTheWaiterAndNeverResumesItOnTheSpot) {
  Event event;
  CancelSource source;
  std::optional<bool> was_set;
  Scope scope;
  scope.spawn(test::keep_result(wait_for(&event, &source), &was_set));
  source.cancel(ErrorKind::kCancelled);
  EXPECT_FALSE(was_set);
  drain();
  EXPECT_EQ(was_set, false);
}

TEST_F(CancelTest, AWaiterIsPostedOnceWhicheverComesFirst) {
  for (const bool set_first : {true, false}) {
    Event event;
    CancelSource source;
    std::optional<bool> was_set;
    Scope scope;
    scope.spawn(test::keep_result(wait_for(&event, &source), &was_set));
    if (set_first) event.set();
    source.cancel(ErrorKind::kCancelled);
    event.set();
    drain();
    EXPECT_EQ(was_set, true) << "it was set before the waiter went on";
  }
}

TEST_F(CancelTest, AnEventThatWasWaitedForInVainCanBeWaitedForAgain) {
  Event event;
  {
    CancelSource source;
    std::optional<bool> first;
    Scope scope;
    scope.spawn(test::keep_result(wait_for(&event, &source), &first));
    source.cancel(ErrorKind::kTimeout);
    drain();
    EXPECT_EQ(first, false);
  }
  CancelSource source;
  std::optional<bool> second;
  Scope scope;
  scope.spawn(test::keep_result(wait_for(&event, &source), &second));
  event.set();
  drain();
  EXPECT_EQ(second, true);
  source.cancel(ErrorKind::kCancelled);
  drain();
}

}  // namespace
}  // namespace vg::coro
