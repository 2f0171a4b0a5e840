// A circuit breaker: counts how attempts at one endpoint end, and while too many fail lets none through. Pure logic:
// the time is the caller's. The state is one atomic word, so that a healthy endpoint costs a load before an attempt and
// a load after it, and every transition is one exchange that exactly one loop wins. SPEC section 6, circuit_breaker.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "config/settings.h"

namespace vg::upstream {

/// The attempts of the last `window`, for breakers that go by a ratio. In tenths of the window, the one under way
/// included: between nine and ten of them count. Thread: any; lock-free.
class FailureWindow {
 public:
  struct Sum {
    uint64_t attempts = 0;
    uint64_t failures = 0;
  };
  explicit FailureWindow(Duration window) : slice_(window / kSlicesOfWindow) {}
  /// Adds an attempt to those of `generation`, and gives the sum of its attempts in the window.
  Sum add(uint32_t generation, bool failed, TimePoint now);

 private:
  static constexpr uint32_t kSlicesOfWindow = 10;
  static constexpr size_t kCells = 16;  // a power of two, more than a window has
  // A cell packs the number of its slice and the generation with both counts, so that a stale one is known and replaced
  // in one exchange.
  std::array<std::atomic<uint64_t>, kCells> cells_{};
  Duration slice_;
};

/// Thread: any. Lifetime: `settings` outlives it.
class alignas(64) Breaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };
  /// How an attempt ended; kNothing: in a way that says nothing of the endpoint.
  enum class Outcome : uint8_t { kNothing, kSuccess, kFailure };
  /// What the caller's call has brought about: it alone, whoever else asked at the same time.
  enum class Change : uint8_t { kNone, kOpened, kHalfOpened, kClosed };
  /// Which period of the breaker's life an attempt belongs to: one that ends in a later period changes nothing there.
  using Pass = uint32_t;

  explicit Breaker(const config::BreakerSettings& settings);
  Breaker(const Breaker&) = delete;

  /// Whether enter() would let an attempt through.
  bool admits(TimePoint now) const;
  /// Lets an attempt through, or not. True: leave() must follow, with the pass. Where the breaker was open for its
  /// time, this is the first trial.
  bool enter(TimePoint now, Pass* pass, Change* change);
  Change leave(Pass pass, Outcome outcome, TimePoint now);
  /// Opens it until `until`, as another process did; nothing if it is not closed.
  Change open_until(TimePoint until, TimePoint now);
  /// What is left until a trial is let through; zero where one is now.
  Duration left(TimePoint now) const;

  /// For people.
  struct Status {
    State state = State::kClosed;
    TimePoint since{};      ///< of the last change; the epoch: there was none
    uint32_t failures = 0;  ///< consecutive ones, while it is closed
    uint64_t opens = 0;
    uint64_t refused = 0;
  };
  Status status() const;
  const config::BreakerSettings& settings() const { return settings_; }
  void count_refused() { refused_.fetch_add(1, std::memory_order_relaxed); }

 private:
  // The word: 20 bits of generation, 2 of state, 42 of what the state is about.
  struct Word {
    uint32_t generation;
    State state;
    uint64_t value;  // closed: consecutive failures; half-open: trials under way; open: when it ends, in ms
    uint64_t packed() const;
  };
  static Word unpack(uint64_t packed);
  static Word next(const Word& from, State state, uint64_t value);
  static uint64_t milliseconds(TimePoint t);
  bool admits(const Word& word, TimePoint now) const;
  bool replace(uint64_t& seen, const Word& by) {
    return word_.compare_exchange_weak(seen, by.packed(), std::memory_order_acq_rel, std::memory_order_acquire);
  }
  /// Of an attempt that ends: the breaker's next word, or nothing to change.
  struct Step {
    Word word;
    Change change = Change::kNone;
    bool needed = false;
  };
  Step after(const Word& now_is, Outcome outcome, bool ratio_reached, TimePoint now) const;
  void note(Change change, TimePoint now);

  std::atomic<uint64_t> word_{0};
  const config::BreakerSettings& settings_;
  std::unique_ptr<FailureWindow> window_;  // where a ratio is written
  std::atomic<int64_t> since_{0};
  std::atomic<uint64_t> opens_{0};
  std::atomic<uint64_t> refused_{0};
};

std::string_view to_string(Breaker::State state);

}  // namespace vg::upstream
