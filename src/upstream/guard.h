// The breakers of calls: those of one declaration (an upstream, a route, a call), one for each endpoint, and what one
// attempt passes of them.
#pragma once
#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "upstream/breaker.h"

namespace vg::upstream {

class Breakers;

/// Is told of each opening that was found out here, on whichever loop.
class Openings {
 public:
  virtual void opened(const Breakers& breakers, size_t endpoint, Duration left) = 0;

 protected:
  ~Openings() = default;
};

/// What one declaration's `circuit_breaker` counts: a breaker for each endpoint of the upstream. Its changes are logged
/// here, once each. Thread: any.
class Breakers {
 public:
  /// `scope` says whose it is: "upstream", "route:NAME", "route:NAME/include.reviews".
  Breakers(std::string upstream, std::string scope, const config::BreakerSettings& settings,
           std::vector<std::string> endpoints);
  Breakers(const Breakers&) = delete;

  const std::string& upstream() const { return upstream_; }
  const std::string& scope() const { return scope_; }
  size_t size() const { return breakers_.size(); }
  Breaker& at(size_t endpoint) { return breakers_[endpoint]; }
  const Breaker& at(size_t endpoint) const { return breakers_[endpoint]; }
  const std::string& endpoint(size_t i) const { return endpoints_[i]; }

  /// Logs a change and tells who listens of an opening. `why`: what ended the last attempt.
  void changed(size_t endpoint, Breaker::Change change, std::string_view why, TimePoint now);
  /// `listener` (may be nullptr) outlives all attempts.
  void tell(Openings* listener) { listener_.store(listener, std::memory_order_release); }
  /// Another process found that the endpoint of this label fails: its breaker opens for `left`, but for no longer than
  /// it would by itself, if it is closed. Nobody is told.
  void open_as_told(std::string_view endpoint, Duration left, TimePoint now);

 private:
  void log_change(size_t endpoint, Breaker::Change change, std::string_view why, TimePoint now) const;

  std::string upstream_, scope_;
  config::BreakerSettings settings_;
  std::vector<std::string> endpoints_;
  std::deque<Breaker> breakers_;
  std::atomic<Openings*> listener_{nullptr};
};

/// The breakers that a call's attempts pass, of up to three declarations; one attempt at a time. Thread: one loop.
/// Lifetime: the breakers outlive it, or the last leave().
class Guard {
 public:
  using Declared = std::array<Breakers*, 3>;  ///< the upstream's, the route's, the call's; nullptr: it has none

  void use(const Declared& breakers) { breakers_ = breakers; }
  /// Whether all let an attempt at this endpoint through.
  bool admits(size_t endpoint, TimePoint now) const {
    for (const Breakers* b : breakers_) {
      if (b != nullptr && !b->at(endpoint).admits(now)) return false;
    }
    return true;
  }
  /// Passes all of them, or none. True: leave() must follow.
  bool enter(size_t endpoint, TimePoint now);
  void leave(Breaker::Outcome outcome, std::string_view why, TimePoint now);
  bool inside() const { return inside_; }
  /// How long until one of these lets a trial at the endpoint through; it has refused one.
  Duration left(size_t endpoint, TimePoint now) const;
  void count_refused(size_t endpoint, TimePoint now);

 private:
  Declared breakers_{};
  std::array<Breaker::Pass, 3> passes_{};
  size_t endpoint_ = 0;
  bool inside_ = false;
};

}  // namespace vg::upstream
