// What a client would rather have. RFC 9110 section 12.5.1.
#pragma once
#include "http/head.h"

namespace vg::http {

/// True if all Accept fields of a request together give text/html a higher quality than JSON; not at a tie, for */*, or
/// without any.
bool prefers_html(const Head& request);

}  // namespace vg::http
