#include "upstream/guard.h"

#include <algorithm>

#include "config/values.h"
#include "observe/log.h"

namespace vg::upstream {

Breakers::Breakers(std::string upstream, std::string scope, const config::BreakerSettings& settings,
                   std::vector<std::string> endpoints)
    : upstream_(std::move(upstream)), scope_(std::move(scope)), settings_(settings), endpoints_(std::move(endpoints)) {
  for (size_t i = 0; i < endpoints_.size(); ++i) breakers_.emplace_back(settings_);
}

void Breakers::open_as_told(std::string_view endpoint, Duration left, TimePoint now) {
  for (size_t i = 0; i < size(); ++i) {
    if (endpoints_[i] != endpoint) continue;
    const Breaker::Change change = breakers_[i].open_until(now + std::min(left, Duration(settings_.open_for)), now);
    log_change(i, change, "as another process found out", now);
  }
}

void Breakers::changed(size_t endpoint, Breaker::Change change, std::string_view why, TimePoint now) {
  log_change(endpoint, change, why, now);
  if (change != Breaker::Change::kOpened) return;
  if (Openings* listener = listener_.load(std::memory_order_acquire))
    listener->opened(*this, endpoint, breakers_[endpoint].left(now));
}

void Breakers::log_change(size_t endpoint, Breaker::Change change, std::string_view why, TimePoint now) const {
  if (change == Breaker::Change::kNone) return;
  const std::string who = log::cat("circuit breaker upstream=", upstream_, " endpoint=", endpoints_[endpoint],
                                   scope_ == "upstream" ? std::string() : " scope=" + scope_, ": ");
  switch (change) {
    case Breaker::Change::kOpened: {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(breakers_[endpoint].left(now));
      return log::warn(who, "open for ", config::format_duration(left), ", ", why);
    }
    case Breaker::Change::kHalfOpened:
      return log::info(who, "half open, a request tries it");
    case Breaker::Change::kClosed:
      return log::info(who, "closed, a request succeeded");
    case Breaker::Change::kNone:
      break;
  }
}

bool Guard::enter(size_t endpoint, TimePoint now) {
  for (size_t i = 0; i < breakers_.size(); ++i) {
    if (breakers_[i] == nullptr) continue;
    Breaker::Change change = Breaker::Change::kNone;
    const bool passed = breakers_[i]->at(endpoint).enter(now, &passes_[i], &change);
    if (change != Breaker::Change::kNone) breakers_[i]->changed(endpoint, change, {}, now);
    if (passed) continue;
    // A trial that one of them let through does not take place.
    while (i-- > 0) {
      if (breakers_[i] != nullptr) breakers_[i]->at(endpoint).leave(passes_[i], Breaker::Outcome::kNothing, now);
    }
    return false;
  }
  endpoint_ = endpoint;
  inside_ = true;
  return true;
}

void Guard::leave(Breaker::Outcome outcome, std::string_view why, TimePoint now) {
  if (!inside_) return;
  inside_ = false;
  for (size_t i = 0; i < breakers_.size(); ++i) {
    if (breakers_[i] == nullptr) continue;
    const Breaker::Change change = breakers_[i]->at(endpoint_).leave(passes_[i], outcome, now);
    if (change != Breaker::Change::kNone) breakers_[i]->changed(endpoint_, change, why, now);
  }
}

Duration Guard::left(size_t endpoint, TimePoint now) const {
  Duration longest{};
  for (const Breakers* b : breakers_) {
    if (b != nullptr && !b->at(endpoint).admits(now)) longest = std::max(longest, b->at(endpoint).left(now));
  }
  return longest;
}

void Guard::count_refused(size_t endpoint, TimePoint now) {
  for (Breakers* b : breakers_) {
    if (b != nullptr && !b->at(endpoint).admits(now)) b->at(endpoint).count_refused();
  }
}

}  // namespace vg::upstream
