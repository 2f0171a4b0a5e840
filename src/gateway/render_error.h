// The one place where an Error becomes an HTTP response: problem details (RFC 9457), a plain page for those who prefer
// HTML, or the status that calls by gRPC have for it. Nothing of the inside shows: no addresses, no configuration. SPEC
// section 7.
#pragma once
#include "pipeline/context.h"

namespace vg::gateway {

/// Fills ctx.response. A client that is gone gets none (status 0).
void render_error(pipeline::Context& ctx, const Error& error);
/// The same for a status of the gateway's own, with words for people.
void render_status(pipeline::Context& ctx, uint16_t status, std::string_view detail);
/// The status that an error is answered with; 0 for one that nobody waits for.
uint16_t status_of(const Error& error);

}  // namespace vg::gateway
