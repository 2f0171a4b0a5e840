// Answering a request with what was kept: whole, or as its conditions and its Range ask for. RFC 9111 section 4,
// RFC 9110 sections 13 and 14.
#pragma once
#include "cache/cache_status.h"
#include "cache/entry.h"
#include "pipeline/context.h"

namespace vg::policy {

/// Fills ctx.response, whatever it was before. Thread: the request's loop.
void answer_with(pipeline::Context& ctx, const cache::Entry& entry, WallTime now, const cache::CacheStatus& status);

}  // namespace vg::policy
