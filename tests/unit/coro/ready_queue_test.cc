#include "coro/ready_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "unit/coro/probe.h"

namespace vg::coro {
namespace {

using test::CoroTest;
using test::Stop;
using testing::ElementsAre;

using ReadyQueueTest = CoroTest;

Detached log_after(Stop* stop, std::vector<int>* log, int number) {
  co_await *stop;
  log->push_back(number);
}

TEST_F(ReadyQueueTest, ResumesInTheOrderOfPosting) {
  Stop stops[3];
  std::vector<int> log;
  for (int i = 0; i < 3; ++i) log_after(&stops[i], &log, i);
  for (const int i : {2, 0, 1}) stops[i].release();
  EXPECT_TRUE(log.empty());
  drain();
  EXPECT_THAT(log, ElementsAre(2, 0, 1));
}

Detached post_and_drain(Stop* mine, Stop* other, std::vector<int>* log) {
  co_await *mine;
  other->release();
  drain();
  log->push_back(1);
}

TEST_F(ReadyQueueTest, AnInnerDrainReturnsAtOnceAndTheOuterOneGoesOn) {
  Stop first, second;
  std::vector<int> log;
  post_and_drain(&first, &second, &log);
  log_after(&second, &log, 2);
  first.release_and_drain();
  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(ReadyQueueTest, ForgetsAWaiterThatIsTakenBackWhileItIsDrained) {
  Stop first, second;
  std::vector<int> log;
  Task<void> victim;
  const auto frame_of = [](Stop* stop, std::vector<int>* out) -> Task<void> {
    co_await *stop;
    out->push_back(2);
  };
  victim = frame_of(&second, &log);
  auto frame = victim.release();
  frame.resume();
  struct Killer {
    static Detached run(Stop* stop, std::coroutine_handle<> doomed, std::vector<int>* out) {
      co_await *stop;
      unpost(doomed);
      doomed.destroy();
      out->push_back(1);
    }
  };
  Killer::run(&first, frame, &log);
  first.release();
  second.release();
  drain();
  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(ReadyQueueTest, IsEachThreadsOwn) {
  Stop stop;
  std::vector<int> log;
  log_after(&stop, &log, 1);
  stop.release();
  std::thread other([&] {
    drain();
    EXPECT_TRUE(log.empty());
  });
  other.join();
  drain();
  EXPECT_THAT(log, ElementsAre(1));
}

}  // namespace
}  // namespace vg::coro
