// Collects the client's content, for whoever needs all of it before it goes on. Thread: the request's loop.
#pragma once
#include <string>

#include "pipeline/context.h"

namespace vg::pipeline {

/// Appends the content to `text`, until all of it has arrived. A client that waits for 100 (Continue) gets it.
/// Errors: 400 (broken framing), 408, 413 (more than the route takes); kCancelled. Cancel: ctx.cancel.
coro::Task<Result<void>> read_content(Context& ctx, std::string* text);

}  // namespace vg::pipeline
