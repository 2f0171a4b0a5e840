// A call that may be made twice: where the first attempt has not answered within the hedge's time, a second one is made
// beside it, on another endpoint if there is one, and the first good answer counts. SPEC section 6.
#pragma once
#include "upstream/call.h"

namespace vg::upstream {

/// Call::fetch(), hedged where the request or its upstream says so, the method is safe and nothing is sent. `call` is
/// then the one whose answer counts. The second attempt counts against the retry budget; what loses is cancelled before
/// this ends, and its connection closed. Errors, Cancel: as Call::fetch(); of two failures the first call's.
coro::Task<Result<void>> fetch(CallPtr& call, Pool* pool, Request& request, http::Exchange& ex, CallStats& stats,
                               Duration body_timeout);

}  // namespace vg::upstream
