#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "net/timer.h"

namespace vg::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Alarm : Timer {
  Alarm() : Timer([](Timer* t) { static_cast<Alarm*>(t)->fire(); }) {}
  void fire() {
    ++fired;
    if (then) then();
  }
  int fired = 0;
  std::function<void()> then;
};

class TimerWheelTest : public testing::Test {
 protected:
  void advance(Duration by) { wheel_.advance(now_ += by); }
  void start(Timer& timer, Duration after) { wheel_.start(timer, now_ + after); }

  TimePoint now_{1000h + 123456ns};
  TimerWheel wheel_{now_};
};

TEST_F(TimerWheelTest, FiresAtItsTimeNeverBeforeAndOnce) {
  for (const Duration after : {Duration(1ns), Duration(1ms), Duration(63ms), Duration(64ms), Duration(65ms),
                               Duration(4095ms), Duration(4096ms), Duration(10min), Duration(1000h)}) {
    Alarm alarm;
    start(alarm, after);
    EXPECT_TRUE(alarm.running());
    advance(after - 1ns);
    EXPECT_EQ(alarm.fired, 0) << after.count();
    advance(1ns + TimerWheel::kTick);
    EXPECT_EQ(alarm.fired, 1) << after.count();
    EXPECT_FALSE(alarm.running());
    advance(2000h);
    EXPECT_EQ(alarm.fired, 1) << after.count();
  }
}

TEST_F(TimerWheelTest, AStoppedOrDestroyedTimerDoesNotFire) {
  Alarm stopped;
  start(stopped, 10ms);
  stopped.stop();
  stopped.stop();
  {
    Alarm destroyed;
    start(destroyed, 10ms);
  }
  EXPECT_FALSE(stopped.running());
  EXPECT_EQ(wheel_.size(), 1u) << "what is stopped stays in its slot until the wheel comes by";
  advance(11ms);
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_EQ(wheel_.next(), TimePoint::max());
  advance(1h);
  EXPECT_EQ(stopped.fired, 0);
}

TEST_F(TimerWheelTest, AStoppedTimerIsStartedAgainInItsSlot) {
  for (const Duration again : {Duration(5ms), Duration(10ms), Duration(11ms), Duration(10min)}) {
    Alarm alarm;
    start(alarm, 10ms);
    alarm.stop();
    start(alarm, again);
    EXPECT_TRUE(alarm.running());
    EXPECT_EQ(wheel_.size(), 1u);
    EXPECT_LE(wheel_.next(), now_ + 11ms) << "it is looked at when it was to be looked at first";
    advance(again - 1ns);
    EXPECT_EQ(alarm.fired, 0) << again.count();
    advance(1ns + TimerWheel::kTick);
    EXPECT_EQ(alarm.fired, 1) << again.count();
  }
}

TEST_F(TimerWheelTest, ATimerMovedByACallbackOfItsOwnTickFiresAtItsNewTime) {
  const TimePoint begin = now_;
  Alarm first, second;
  for (auto [one, other] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    one->then = [&, moved = other] {
      if (moved->fired == 0) wheel_.start(*moved, begin + 30ms);
    };
    start(*one, 5ms);
  }
  advance(10ms);
  EXPECT_EQ(first.fired + second.fired, 1) << "whichever came first moved the other";
  advance(19ms);
  EXPECT_EQ(first.fired + second.fired, 1);
  advance(2ms + TimerWheel::kTick);
  EXPECT_EQ(first.fired + second.fired, 2);
}

TEST_F(TimerWheelTest, StartingARunningTimerMovesIt) {
  Alarm alarm;
  start(alarm, 10ms);
  start(alarm, 100ms);
  EXPECT_EQ(wheel_.size(), 1u);
  advance(50ms);
  EXPECT_EQ(alarm.fired, 0);
  start(alarm, 1ms);
  advance(2ms);
  EXPECT_EQ(alarm.fired, 1);
  advance(1h);
  EXPECT_EQ(alarm.fired, 1);
}

TEST_F(TimerWheelTest, ATimeThatHasPassedFiresWithTheNextTick) {
  advance(1h);
  Alarm alarm;
  wheel_.start(alarm, now_ - 30min);
  EXPECT_LE(wheel_.next(), now_ + TimerWheel::kTick);
  EXPECT_EQ(alarm.fired, 0);
  advance(TimerWheel::kTick);
  EXPECT_EQ(alarm.fired, 1);
}

TEST_F(TimerWheelTest, AFarTimeNeitherFiresEarlyNorOverflows) {
  Alarm alarm;
  wheel_.start(alarm, TimePoint::max());
  EXPECT_TRUE(alarm.running());
  advance(24h * 300);
  EXPECT_EQ(alarm.fired, 0);
}

TEST_F(TimerWheelTest, ACallbackMayStopStartAndDestroyTimersOfItsOwnTick) {
  std::vector<int> log;
  Alarm first, second, third;
  auto doomed = std::make_unique<Alarm>();
  Alarm* all[] = {&first, &second, &third};
  for (Alarm* a : all) {
    a->then = [&, a] {
      log.push_back(static_cast<int>(std::find(all, all + 3, a) - all));
      doomed.reset();
      for (Alarm* other : all) {
        if (other != a) other->stop();
      }
    };
    start(*a, 5ms);
  }
  start(*doomed, 5ms);
  doomed->then = [&] { log.push_back(-1); };
  advance(10ms);
  log.erase(std::remove(log.begin(), log.end(), -1), log.end());
  EXPECT_EQ(log.size(), 1u) << "whichever came first stopped the others";
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, ACallbackMayStartItsOwnTimerAgain) {
  const TimePoint begin = now_;
  Alarm periodic;
  periodic.then = [&] { wheel_.start(periodic, begin + (periodic.fired + 1) * 10ms); };
  start(periodic, 10ms);
  advance(1s);
  EXPECT_EQ(periodic.fired, 100);
}

TEST_F(TimerWheelTest, ATimerThatIsStartedInItsOwnCallbackForThePastWaitsForTheNextTick) {
  advance(1h);
  Alarm eager;
  eager.then = [&] { wheel_.start(eager, now_ - 1h); };
  start(eager, 0ms);
  for (int i = 1; i <= 3; ++i) {
    advance(TimerWheel::kTick);
    EXPECT_EQ(eager.fired, i);
  }
}

TEST_F(TimerWheelTest, NextNeedsFewLooksForAFarTimer) {
  Alarm alarm;
  start(alarm, 75s);
  int looks = 0;
  while (alarm.fired == 0) {
    ASSERT_GT(wheel_.next(), now_);
    wheel_.advance(now_ = wheel_.next());
    ASSERT_LE(++looks, 6) << "an idle loop wakes at most once a level";
  }
}

TEST_F(TimerWheelTest, GoesWithItsTimersStillRunning) {
  Alarm alarm;
  {
    TimerWheel wheel(now_);
    wheel.start(alarm, now_ + 1s);
  }
  EXPECT_FALSE(alarm.running());
}

// The same life of many timers on the wheel and in a sorted list, step by step.
class AgainstList {
 public:
  explicit AgainstList(unsigned seed) : random_(seed) {
    for (size_t i = 0; i < kTimers; ++i) renew(i);
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      act();
      if (random_() % 3 == 0) advance();
      check();
    }
  }

 private:
  static constexpr size_t kTimers = 60;
  static constexpr int64_t kTickNs = Duration(TimerWheel::kTick).count();

  void renew(size_t i) {
    forget(i);
    alarms_[i] = std::make_unique<Alarm>();
    alarms_[i]->then = [this, i] { fired(i); };
  }

  Duration some_time() {
    static constexpr int64_t kScales[] = {1, 3, 64, 100, 4096, 300'000, 20'000'000, 3'000'000'000};
    const int64_t ticks = static_cast<int64_t>(random_()) % kScales[random_() % std::size(kScales)];
    return Duration(ticks * kTickNs + static_cast<int64_t>(random_() % 3 == 0 ? random_() % kTickNs : 0));
  }

  void act() {
    const size_t i = random_() % kTimers;
    switch (random_() % 8) {
      case 0:
        return stop(i);
      case 1:
        return renew(i);
      case 2:
        return start(i, now_ - some_time());
      default:
        return start(i, now_ + some_time());
    }
  }

  void start(size_t i, TimePoint when) {
    wheel_.start(*alarms_[i], when);
    const Duration ahead = when - origin_;
    const int64_t tick = ahead.count() <= 0 ? 0 : (ahead.count() + kTickNs - 1) / kTickNs;
    due_[i] = std::max(tick, handled_ + 1);
  }

  void stop(size_t i) {
    alarms_[i]->stop();
    forget(i);
  }
  void forget(size_t i) { due_.erase(i); }

  void fired(size_t i) {
    const auto mine = due_.find(i);
    ASSERT_NE(mine, due_.end()) << "fired though it was not running";
    for (const auto& [other, tick] : due_) ASSERT_LE(mine->second, tick) << "an earlier timer was passed over";
    ASSERT_LE(mine->second, target_) << "fired early";
    handled_ = mine->second;
    due_.erase(mine);
    ASSERT_FALSE(alarms_[i]->running());
    // Callbacks act on other timers, and on their own, as those of a gateway do. Destroying oneself is not for a
    // callback.
    for (uint64_t n = random_() % 3; n > 0; --n) {
      const size_t other = random_() % kTimers;
      if (random_() % 3 == 0) {
        stop(other);
      } else if (random_() % 3 == 0 && other != i) {
        renew(other);
      } else {
        start(other, now_ + some_time());
      }
    }
  }

  void advance() {
    if (random_() % 4 == 0 && wheel_.next() != TimePoint::max()) {
      now_ = std::max(now_, wheel_.next());  // as the loop does
    } else {
      now_ += some_time();
    }
    target_ = (now_ - origin_).count() / kTickNs;
    wheel_.advance(now_);
    for (const auto& [i, tick] : due_) ASSERT_GT(tick, target_) << "timer " << i << " did not fire";
    handled_ = std::max(handled_, target_);
  }

  void check() {
    ASSERT_GE(wheel_.size(), due_.size());
    for (size_t i = 0; i < kTimers; ++i) ASSERT_EQ(alarms_[i]->running(), due_.count(i) == 1) << i;
    if (due_.empty()) return;  // stopped ones may be looked at yet
    int64_t first = INT64_MAX;
    for (const auto& [i, tick] : due_) first = std::min(first, tick);
    ASSERT_LE(wheel_.next(), origin_ + Duration(first * kTickNs)) << "the loop would sleep too long";
    ASSERT_GT(wheel_.next(), origin_ + Duration(handled_ * kTickNs)) << "the loop would not sleep";
  }

  std::mt19937_64 random_;
  const TimePoint origin_{7h + 345678ns};
  TimePoint now_ = origin_;
  TimerWheel wheel_{origin_};
  std::map<size_t, int64_t> due_;  // by timer, in ticks
  int64_t handled_ = 0;
  int64_t target_ = 0;
  std::unique_ptr<Alarm> alarms_[kTimers];
};

TEST(TimerWheelProperty, BehavesAsASortedList) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AgainstList(seed).run(2000);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace vg::net
