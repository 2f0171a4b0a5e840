#include "store/limit_count.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vg::store {

namespace {

// Tokens are counted in fractions: what is missing to a whole one by rounding alone is not missing.
constexpr double kRounding = 1e-6;

Duration micros(int64_t us) { return std::chrono::microseconds(us); }

void append_double(std::string& out, double number) {
  const auto bits = std::bit_cast<uint64_t>(number);
  for (unsigned i = 0; i < 8; ++i) out.push_back(static_cast<char>(bits >> (8 * i) & 0xff));
}

}  // namespace

std::string_view to_string(LimitAlgorithm algorithm) {
  switch (algorithm) {
    case LimitAlgorithm::kSlidingWindow:
      return "sliding_window";
    case LimitAlgorithm::kTokenBucket:
      return "token_bucket";
    case LimitAlgorithm::kFixedWindow:
      return "fixed_window";
  }
  return {};
}

LimitCounter::LimitCounter(std::string name, const LimitRule& rule)
    : id_(std::move(name)),
      rule_(rule),
      window_us_(std::chrono::duration_cast<std::chrono::microseconds>(rule.window).count()),
      burst_(rule.burst != 0 ? rule.burst : rule.limit),
      per_us_(static_cast<double>(rule.limit) / static_cast<double>(window_us_)) {
  id_.append(":").append(to_string(rule.algorithm)).append(":");
  id_.append(std::to_string(window_us_ / 1'000'000));
  hash_ = keyed_hash(id_);
  for (const bool advisory : {false, true}) {
    std::string& word = packed_[advisory ? 1 : 0];
    for (const double number : {static_cast<double>(rule.limit), static_cast<double>(window_us_), burst_})
      append_double(word, number);
    word.push_back(static_cast<char>(rule.algorithm));
    word.push_back(advisory ? '\1' : '\0');
  }
}

void LimitCount::move_to(int64_t part) {
  if (part - window_.part >= kKept) {
    window_ = Window{};
    window_.part = part;
  }
  while (window_.part < part) {
    uint32_t& oldest = window_.counts[static_cast<size_t>(++window_.part % kKept)];
    window_.total -= oldest;
    oldest = 0;
  }
}

bool LimitCount::admits(const LimitCounter& counter, int64_t now_us) {
  switch (counter.rule().algorithm) {
    case LimitAlgorithm::kSlidingWindow:
      move_to(now_us / part_us(counter));
      return window_.total < counter.rule().limit;
    case LimitAlgorithm::kFixedWindow: {
      const int64_t part = now_us / counter.window_us();
      if (part > window_.part) {
        window_.part = part;
        window_.total = 0;
      }
      return window_.total < counter.rule().limit;
    }
    case LimitAlgorithm::kTokenBucket: {
      const int64_t passed = std::max<int64_t>(0, now_us - bucket_.at_us);
      bucket_.taken = std::max(0.0, bucket_.taken - static_cast<double>(passed) * counter.per_us());
      bucket_.at_us += passed;
      return bucket_.taken + 1 <= counter.burst() + kRounding;
    }
  }
  return true;
}

void LimitCount::add(const LimitCounter& counter) {
  if (counter.rule().algorithm == LimitAlgorithm::kTokenBucket) {
    bucket_.taken += 1;
    return;
  }
  ++window_.total;
  if (counter.rule().algorithm == LimitAlgorithm::kSlidingWindow)
    ++window_.counts[static_cast<size_t>(window_.part % kKept)];
}

// What an old sixteenth holds is free again when its number is kKept behind.
void LimitCount::tell_sliding(const LimitCounter& counter, int64_t now_us, LimitState& state) const {
  const uint32_t limit = counter.rule().limit;
  state.remaining = limit - std::min(limit, window_.total);
  const uint32_t too_many = window_.total >= limit ? window_.total - limit + 1 : 1;
  uint32_t gone = 0;
  int64_t oldest = 0, enough = window_.part;
  for (int64_t part = std::max<int64_t>(0, window_.part - kParts); part <= window_.part; ++part) {
    const uint32_t count = window_.counts[static_cast<size_t>(part % kKept)];
    if (count == 0) continue;
    if (gone == 0) oldest = part;
    gone += count;
    enough = part;
    if (gone >= too_many) break;
  }
  if (gone == 0) return;  // nothing is counted
  state.reset = micros((oldest + kKept) * part_us(counter) - now_us);
  if (!state.admits) state.retry_after = state.reset = micros((enough + kKept) * part_us(counter) - now_us);
}

void LimitCount::tell(const LimitCounter& counter, int64_t now_us, LimitState& state) const {
  const uint32_t limit = counter.rule().limit;
  switch (counter.rule().algorithm) {
    case LimitAlgorithm::kSlidingWindow:
      return tell_sliding(counter, now_us, state);
    case LimitAlgorithm::kFixedWindow:
      state.remaining = limit - std::min(limit, window_.total);
      state.reset = micros((window_.part + 1) * counter.window_us() - now_us);
      if (!state.admits) state.retry_after = state.reset;
      return;
    case LimitAlgorithm::kTokenBucket:
      state.remaining = static_cast<uint32_t>(std::max(0.0, std::floor(counter.burst() - bucket_.taken + kRounding)));
      state.reset = micros(static_cast<int64_t>(std::ceil(bucket_.taken / counter.per_us())));
      if (!state.admits) {
        const double missing = bucket_.taken + 1 - counter.burst();
        state.retry_after = micros(static_cast<int64_t>(std::ceil(missing / counter.per_us())));
      }
      return;
  }
}

int64_t LimitCount::empty_at_us(const LimitCounter& counter, int64_t now_us) const {
  switch (counter.rule().algorithm) {
    case LimitAlgorithm::kSlidingWindow:
      return (window_.part + kKept) * part_us(counter);
    case LimitAlgorithm::kFixedWindow:
      return (window_.part + 1) * counter.window_us();
    case LimitAlgorithm::kTokenBucket:
      return now_us + static_cast<int64_t>(bucket_.taken / counter.per_us()) + 1;
  }
  return now_us;
}

}  // namespace vg::store
