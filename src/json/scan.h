// Says whether bytes are JSON: one pass, no recursion, no allocation, eight bytes a step inside strings. Everything
// that comes from an upstream or a client passes here once; behind it the other files of this room trust the text
// (json/value.h), and what passes through is spliced as it came.
#pragma once
#include <cstddef>
#include <string_view>

namespace vg::json {

/// Arrays and objects that may stand in each other where nothing else is said.
constexpr size_t kMaxDepth = 100;
/// More than this is never taken, whatever is asked for: what walks over a value may recurse.
constexpr size_t kDepthLimit = 1024;

/// True if `text` is one JSON text: the grammar of RFC 8259 and nothing beside it, in valid UTF-8 (RFC 3629), nested at
/// most `max_depth` deep (a scalar is 0 deep). No byte order mark, and no NUL anywhere. `\uD800` without its other half
/// is grammar and is taken: it passes through as it came, and where text is asked for it is U+FFFD. Thread: any.
bool is_json(std::string_view text, size_t max_depth = kMaxDepth);

}  // namespace vg::json
