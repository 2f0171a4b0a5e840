#include "upstream/breaker.h"

#include <algorithm>

namespace vg::upstream {

namespace {

constexpr int kStateShift = 42, kGenerationShift = 44;
constexpr uint64_t kValueMask = (uint64_t{1} << kStateShift) - 1;
constexpr uint32_t kGenerationMask = (1U << 20) - 1;

// A cell of the window: 8 bits of the generation, 20 of the slice's number, 18 each of attempts and failures.
constexpr int kCountBits = 18;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
constexpr int kTagShift = 2 * kCountBits;

uint64_t tag_of(uint32_t generation, uint64_t slice) { return (uint64_t{generation & 0xff} << 20) | (slice & 0xfffff); }
uint64_t attempts_of(uint64_t cell) { return (cell >> kCountBits) & kCountMask; }
uint64_t failures_of(uint64_t cell) { return cell & kCountMask; }
uint64_t cell_of(uint64_t tag, uint64_t attempts, uint64_t failures) {
  return (tag << kTagShift) | (attempts << kCountBits) | failures;
}

}  // namespace

FailureWindow::Sum FailureWindow::add(uint32_t generation, bool failed, TimePoint now) {
  // From 16 on: the zeros of a new window are no slice of it.
  const uint64_t slice = static_cast<uint64_t>(now.time_since_epoch() / slice_) + kCells;
  std::atomic<uint64_t>& cell = cells_[slice % kCells];
  uint64_t seen = cell.load(std::memory_order_relaxed);
  for (;;) {
    const bool same = seen >> kTagShift == tag_of(generation, slice);
    uint64_t attempts = same ? attempts_of(seen) : 0;
    uint64_t failures = same ? failures_of(seen) : 0;
    if (attempts == kCountMask) attempts /= 2, failures /= 2;  // full: the share stays
    const uint64_t by = cell_of(tag_of(generation, slice), attempts + 1, failures + (failed ? 1 : 0));
    if (cell.compare_exchange_weak(seen, by, std::memory_order_relaxed)) break;
  }
  Sum sum;
  for (uint64_t back = 0; back < kSlicesOfWindow; ++back) {
    const uint64_t packed = cells_[(slice - back) % kCells].load(std::memory_order_relaxed);
    if (packed >> kTagShift != tag_of(generation, slice - back)) continue;
    sum.attempts += attempts_of(packed);
    sum.failures += failures_of(packed);
  }
  return sum;
}

Breaker::Breaker(const config::BreakerSettings& settings) : settings_(settings) {
  if (settings_.ratio_percent) window_ = std::make_unique<FailureWindow>(settings_.window);
}

uint64_t Breaker::Word::packed() const {
  return (uint64_t{generation} << kGenerationShift) | (uint64_t{static_cast<uint8_t>(state)} << kStateShift) | value;
}

Breaker::Word Breaker::unpack(uint64_t packed) {
  return {static_cast<uint32_t>(packed >> kGenerationShift), static_cast<State>((packed >> kStateShift) & 3),
          packed & kValueMask};
}

Breaker::Word Breaker::next(const Word& from, State state, uint64_t value) {
  return {(from.generation + 1) & kGenerationMask, state, value};
}

// Up to the next one: a breaker is never open for less than it was told.
uint64_t Breaker::milliseconds(TimePoint t) {
  return static_cast<uint64_t>((Duration(t.time_since_epoch()).count() + 999'999) / 1'000'000) & kValueMask;
}

bool Breaker::admits(const Word& w, TimePoint now) const {
  if (w.state == State::kClosed) return true;
  if (w.state == State::kHalfOpen) return w.value < settings_.half_open;
  return TimePoint(std::chrono::milliseconds(w.value)) <= now;
}

bool Breaker::admits(TimePoint now) const { return admits(unpack(word_.load(std::memory_order_acquire)), now); }

bool Breaker::enter(TimePoint now, Pass* pass, Change* change) {
  *change = Change::kNone;
  uint64_t seen = word_.load(std::memory_order_acquire);
  for (;;) {
    const Word w = unpack(seen);
    if (w.state == State::kClosed) {
      *pass = w.generation;
      return true;
    }
    if (!admits(w, now)) return false;
    const bool first = w.state == State::kOpen;
    const Word by = first ? next(w, State::kHalfOpen, 1) : Word{w.generation, w.state, w.value + 1};
    if (!replace(seen, by)) continue;
    *pass = by.generation;
    if (first) *change = Change::kHalfOpened;
    note(*change, now);
    return true;
  }
}

Breaker::Step Breaker::after(const Word& w, Outcome outcome, bool ratio_reached, TimePoint now) const {
  const auto opened = [&] {
    return Step{next(w, State::kOpen, milliseconds(now + settings_.open_for)), Change::kOpened, true};
  };
  Step step{w};
  if (w.state == State::kHalfOpen) {
    if (outcome == Outcome::kSuccess) return {next(w, State::kClosed, 0), Change::kClosed, true};
    if (outcome == Outcome::kFailure) return opened();
    --step.word.value;  // its place is another's
    step.needed = true;
    return step;
  }
  if (outcome == Outcome::kFailure) {
    if (++step.word.value >= settings_.failures || ratio_reached) return opened();
    step.needed = true;
  } else if (outcome == Outcome::kSuccess) {
    if (ratio_reached) return opened();
    step.needed = w.value != 0;
    step.word.value = 0;
  }
  return step;
}

Breaker::Change Breaker::leave(Pass pass, Outcome outcome, TimePoint now) {
  uint64_t seen = word_.load(std::memory_order_acquire);
  Word w = unpack(seen);
  bool ratio_reached = false;
  if (window_ && w.state == State::kClosed && w.generation == pass && outcome != Outcome::kNothing) {
    const FailureWindow::Sum sum = window_->add(pass, outcome == Outcome::kFailure, now);
    ratio_reached =
        sum.attempts >= settings_.min_requests &&
        static_cast<double>(sum.failures) * 100 >= *settings_.ratio_percent * static_cast<double>(sum.attempts);
  }
  // Of a period that is over: it was let through by a breaker that has opened, or closed, since.
  while (w.generation == pass && w.state != State::kOpen) {
    const Step step = after(w, outcome, ratio_reached, now);
    if (!step.needed) return Change::kNone;
    if (replace(seen, step.word)) {
      note(step.change, now);
      return step.change;
    }
    w = unpack(seen);
  }
  return Change::kNone;
}

Breaker::Change Breaker::open_until(TimePoint until, TimePoint now) {
  uint64_t seen = word_.load(std::memory_order_acquire);
  for (;;) {
    const Word w = unpack(seen);
    if (w.state != State::kClosed || until <= now) return Change::kNone;
    if (!replace(seen, next(w, State::kOpen, milliseconds(until)))) continue;
    note(Change::kOpened, now);
    return Change::kOpened;
  }
}

Duration Breaker::left(TimePoint now) const {
  const Word w = unpack(word_.load(std::memory_order_acquire));
  if (w.state != State::kOpen) return {};
  return std::max(Duration(TimePoint(std::chrono::milliseconds(w.value)) - now), Duration());
}

void Breaker::note(Change change, TimePoint now) {
  if (change == Change::kNone) return;
  since_.store(Duration(now.time_since_epoch()).count(), std::memory_order_relaxed);
  if (change == Change::kOpened) opens_.fetch_add(1, std::memory_order_relaxed);
}

Breaker::Status Breaker::status() const {
  const Word w = unpack(word_.load(std::memory_order_acquire));
  Status out;
  out.state = w.state;
  out.since = TimePoint(Duration(since_.load(std::memory_order_relaxed)));
  out.failures = w.state == State::kClosed ? static_cast<uint32_t>(w.value) : 0;
  out.opens = opens_.load(std::memory_order_relaxed);
  out.refused = refused_.load(std::memory_order_relaxed);
  return out;
}

std::string_view to_string(Breaker::State state) {
  switch (state) {
    case Breaker::State::kClosed:
      return "closed";
    case Breaker::State::kOpen:
      return "open";
    case Breaker::State::kHalfOpen:
      break;
  }
  return "half_open";
}

}  // namespace vg::upstream
