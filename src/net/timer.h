// Timers of one loop: a hierarchical wheel of 64 slots a level with a resolution of 1 ms, so that starting and stopping
// one is a few stores. Most timers of a gateway never fire: they are deadlines that are stopped, and started again for
// the next request. So a timer that is stopped, or moved to a later time, stays in its slot, and its neighbours there,
// which are other connections' memory, are left alone; the wheel finds out when it comes by. The wheel knows when it
// must next be looked at, so an idle loop sleeps. Times are monotonic. Thread: one loop.
#pragma once
#include <cstdint>

#include "base/clock.h"

namespace vg::net {

class TimerWheel;

/// One deadline. Intrusive: it lives in its owner and leaves the wheel when destroyed. A timer never fires early, and
/// up to a millisecond late.
class Timer {
 public:
  using Callback = void (*)(Timer*);
  explicit Timer(Callback on_fire) : on_fire_(on_fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();
  void stop() { running_ = false; }
  bool running() const { return running_; }

 private:
  friend class TimerWheel;
  Timer* prev_ = nullptr;
  Timer* next_ = nullptr;
  TimerWheel* wheel_ = nullptr;  // in whose slots it is, running or not
  uint64_t when_ = 0;            // tick
  uint64_t looked_at_ = 0;       // tick: when the wheel comes by, not after when_
  bool running_ = false;
  uint8_t level_ = 0, slot_ = 0;
  Callback on_fire_;
};

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  explicit TimerWheel(TimePoint start);
  TimerWheel(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Starts `timer`, or moves it. A time that has passed fires at the next advance().
  void start(Timer& timer, TimePoint when);
  /// Fires all that is due. Callbacks may start and stop any timer, their own too.
  void advance(TimePoint now);
  /// When advance() must next be called at the latest, if only for a stopped timer; TimePoint::max(): not at all.
  TimePoint next() const;
  /// Timers in its slots, stopped ones among them.
  std::size_t size() const { return size_; }

 private:
  friend class Timer;
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 6;  // 64^6 ms: two years

  struct Slot {
    Timer* first = nullptr;
  };
  struct Due {
    uint64_t tick = UINT64_MAX;
    int level = 0, slot = 0;
  };
  void link(Timer& timer);
  void unlink(Timer& timer);
  static int level_of(uint64_t elapsed, uint64_t when);
  Due next_due() const;
  void expire(const Due& due);

  TimePoint origin_;
  uint64_t elapsed_ = 0;  // ticks handled
  uint64_t occupied_[kLevels] = {};
  Slot slots_[kLevels][kSlots];
  std::size_t size_ = 0;
};

inline Timer::~Timer() {
  if (wheel_ != nullptr) wheel_->unlink(*this);
}

}  // namespace vg::net
