// Waiting for a stream's pending write, as long as its peer takes something of it.
#pragma once
#include "coro/task.h"
#include "net/stream.h"

namespace vg::net {

/// Waits until what was written has gone. Each step of progress is granted the whole `timeout`; without any, the stream
/// is reset and closed. False: it is broken or closed. Thread: stream's loop. Lifetime: `stream` outlives it.
coro::Task<bool> flush_out(Stream* stream, Duration timeout);

}  // namespace vg::net
