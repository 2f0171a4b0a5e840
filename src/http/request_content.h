// What a failure to read a request's content is answered with: the same for content that is streamed and content that
// is collected.
#pragma once
#include "base/error.h"

namespace vg::http {

/// `error` is StreamBody::error() of a request. 408 for a client that is too slow, 413 for too much, 400 for broken
/// framing; kCancelled for a client that has gone.
Error content_error(Error error);

}  // namespace vg::http
