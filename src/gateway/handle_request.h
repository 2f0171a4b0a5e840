// The way of a request, from its head to its response.
#pragma once
#include "gateway/route_table.h"
#include "pipeline/context.h"

namespace vg::gateway {

/// Identifies the client, finds the route, runs its chain, and makes an answer of whatever comes back: ctx.response is
/// filled when it returns, unless the client is gone. Thread: ctx's loop. Cancel: honours ctx.cancel.
coro::Task<void> handle_request(pipeline::Context& ctx, const RouteTable& table);

/// Fills client address, trust and request id: also for requests that could not be read.
void identify(pipeline::Context& ctx, const RouteTable& table);

}  // namespace vg::gateway
