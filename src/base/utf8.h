// Whether bytes are UTF-8 (RFC 3629 section 4).
#pragma once
#include <string_view>

namespace vg {

/// True if all of it is: no overlong forms, no surrogates, nothing beyond U+10FFFF, nothing cut off.
bool is_utf8(std::string_view text);

}  // namespace vg
