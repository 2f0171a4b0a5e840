#include "net/timer.h"

#include <bit>

namespace vg::net {

TimerWheel::TimerWheel(TimePoint start) : origin_(start) {}

TimerWheel::~TimerWheel() {
  for (auto& level : slots_) {
    for (Slot& slot : level) {
      while (slot.first != nullptr) unlink(*slot.first);
    }
  }
}

// The highest group of six bits in which `when` differs from now tells how far away it is.
int TimerWheel::level_of(uint64_t elapsed, uint64_t when) {
  const uint64_t differs = (elapsed ^ when) | (kSlots - 1);
  const int level = (63 - std::countl_zero(differs)) / kBits;
  return level < kLevels ? level : kLevels - 1;
}

void TimerWheel::link(Timer& timer) {
  timer.looked_at_ = timer.when_;
  const int level = level_of(elapsed_, timer.when_);
  const int slot = static_cast<int>((timer.when_ >> (level * kBits)) & (kSlots - 1));
  timer.level_ = static_cast<uint8_t>(level);
  timer.slot_ = static_cast<uint8_t>(slot);
  Slot& s = slots_[level][slot];
  timer.prev_ = nullptr;
  timer.next_ = s.first;
  if (s.first != nullptr) s.first->prev_ = &timer;
  s.first = &timer;
  timer.wheel_ = this;
  occupied_[level] |= uint64_t{1} << slot;
  ++size_;
}

void TimerWheel::unlink(Timer& timer) {
  if (timer.prev_ != nullptr) {
    timer.prev_->next_ = timer.next_;
  } else {
    Slot& s = slots_[timer.level_][timer.slot_];
    s.first = timer.next_;
    if (s.first == nullptr) occupied_[timer.level_] &= ~(uint64_t{1} << timer.slot_);
  }
  if (timer.next_ != nullptr) timer.next_->prev_ = timer.prev_;
  timer.prev_ = timer.next_ = nullptr;
  timer.wheel_ = nullptr;
  timer.running_ = false;
  --size_;
}

void TimerWheel::start(Timer& timer, TimePoint when) {
  const Duration ahead = when - origin_;
  // Rounded up: a timer never fires early.
  uint64_t tick = ahead.count() <= 0 ? 0 : static_cast<uint64_t>((ahead + kTick - Duration(1)) / kTick);
  constexpr uint64_t kHorizon = (uint64_t{1} << (kBits * kLevels)) - 1;
  if (tick <= elapsed_) tick = elapsed_ + 1;
  if (tick > elapsed_ + kHorizon / 2) tick = elapsed_ + kHorizon / 2;
  timer.when_ = tick;
  if (timer.wheel_ != this || timer.looked_at_ > tick) {
    if (timer.wheel_ != nullptr) timer.wheel_->unlink(timer);
    link(timer);
  }
  timer.running_ = true;
}

TimerWheel::Due TimerWheel::next_due() const {
  Due due;
  for (int level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const int shift = level * kBits;
    const int now_slot = static_cast<int>((elapsed_ >> shift) & (kSlots - 1));
    const uint64_t ahead = std::rotr(occupied_[level], now_slot);
    const int distance = std::countr_zero(ahead);
    const uint64_t base = (elapsed_ >> shift) << shift;
    const uint64_t tick = base + (static_cast<uint64_t>(distance) << shift);
    if (tick < due.tick) {
      due.tick = tick;
      due.level = level;
      due.slot = (now_slot + distance) & (kSlots - 1);
    }
  }
  return due;
}

TimePoint TimerWheel::next() const {
  const Due due = next_due();
  if (due.tick == UINT64_MAX) return TimePoint::max();
  return origin_ + kTick * static_cast<int64_t>(due.tick);
}

void TimerWheel::expire(const Due& due) {
  if (due.tick > elapsed_) elapsed_ = due.tick;
  Timer* list = slots_[due.level][due.slot].first;
  slots_[due.level][due.slot].first = nullptr;
  occupied_[due.level] &= ~(uint64_t{1} << due.slot);
  // Kept as a slot's list while it is walked: a callback may stop any timer of it.
  Timer* pending_head = list;
  while (pending_head != nullptr) {
    Timer* timer = pending_head;
    pending_head = timer->next_;
    if (pending_head != nullptr) pending_head->prev_ = nullptr;
    timer->next_ = timer->prev_ = nullptr;
    timer->wheel_ = nullptr;
    --size_;
    if (!timer->running_) continue;
    if (timer->when_ > elapsed_) {
      link(*timer);
      continue;
    }
    timer->running_ = false;
    // The rest goes back to the slot during the callback, so that stop() finds it.
    slots_[due.level][due.slot].first = pending_head;
    if (pending_head != nullptr) occupied_[due.level] |= uint64_t{1} << due.slot;
    timer->on_fire_(timer);
    pending_head = slots_[due.level][due.slot].first;
    slots_[due.level][due.slot].first = nullptr;
    occupied_[due.level] &= ~(uint64_t{1} << due.slot);
  }
}

void TimerWheel::advance(TimePoint now) {
  if (now <= origin_) return;
  const auto target = static_cast<uint64_t>((now - origin_) / kTick);
  for (Due due = next_due(); due.tick <= target && due.tick != UINT64_MAX; due = next_due()) expire(due);
  if (target > elapsed_) elapsed_ = target;
}

}  // namespace vg::net
