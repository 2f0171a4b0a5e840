// How a call is made, as far as its route or itself says more than its upstream does: retries, a hedge, breakers of its
// own. Made at load, immutable; what its breakers count lives on over reloads.
#pragma once
#include <memory>

#include "upstream/call.h"

namespace vg::upstream {

struct CallPolicy {
  config::RetrySettings retry;
  Duration hedge{};  ///< 0: none
  std::shared_ptr<Breakers> of_route, of_call;

  /// Lifetime: the policy outlives the call.
  void apply(Request& request) const {
    request.retry = &retry;
    request.hedge = hedge;
    request.breakers = {of_route.get(), of_call.get()};
  }
};

}  // namespace vg::upstream
