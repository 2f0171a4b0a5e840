// Writes invalidate: what was kept of an object goes when it is changed through the gateway, before the client learns
// that it was. SPEC section 6, "cache"; RFC 9111 section 4.4. Thread: the request's loop.
#pragma once
#include <string>
#include <string_view>

#include "pipeline/context.h"

namespace vg::pipeline {

/// A write that an upstream answered with 2xx or 3xx.
struct Write {
  const upstream::Upstream* upstream = nullptr;
  const upstream::Endpoint* endpoint = nullptr;  ///< that answered; may be nullptr
  std::string target;                            ///< path and query below the upstream's url
  bool ends_in_value = false;  ///< its last segment came from a template: the lists that it stands in go too
  const http::ResponseHead* answer = nullptr;  ///< Location and Content-Location name what changed beside it
};

/// True if an answer with this status to this method changed something.
bool is_write(http::Method method, uint16_t status);

/// Drops what depends on it. Errors: none: a store that can't be asked is told of it by its own ways.
/// Lifetime: `write` until the task ends. Cancel: none, it is bounded by the store's own timeout.
coro::Task<void> invalidate(Context& ctx, const Write& write);
/// Drops what was kept for requests with the path of this one, which was answered with a success, and what its Location
/// and Content-Location name. RFC 9111 section 4.4.
coro::Task<void> invalidate_own_path(Context& ctx);

}  // namespace vg::pipeline
