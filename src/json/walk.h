// Steps over validated JSON text. None of them goes past `end`, whatever stands there; only on valid text do they stop
// where they say.
#pragma once
#include <cstddef>

#include "json/words.h"

namespace vg::json {

inline const char* skip_blanks(const char* p, const char* end) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
  return p;
}

/// One byte on, if there is one.
inline const char* step(const char* p, const char* end) { return p < end ? p + 1 : end; }

/// The first byte at or behind `p` that `Mask` (a function of json/words.h) marks, or `end`.
template <uint64_t (*Mask)(uint64_t)>
const char* find_marked(const char* p, const char* end) {
  for (; end - p >= 8; p += 8) {
    if (const uint64_t mask = Mask(load_word(p)); mask != 0) return p + first_in(mask);
  }
  // The last few bytes, as a word whose upper bytes are blanks: no mask marks those.
  uint64_t tail = every(' ');
  for (int i = static_cast<int>(end - p) - 1; i >= 0; --i) tail = tail << 8 | static_cast<unsigned char>(p[i]);
  const uint64_t mask = p < end ? Mask(tail) : 0;
  return mask != 0 ? p + first_in(mask) : end;
}

/// From behind the opening quote to the closing one. `escaped` becomes true where a backslash stands between.
inline const char* closing_quote(const char* p, const char* end, bool& escaped) {
  for (;;) {
    p = find_marked<quote_bytes>(p, end);
    if (p == end || *p == '"') return p;
    escaped = true;
    p = step(p + 1, end);
  }
}

/// From the bracket or brace that opens a value to behind the one that closes it.
const char* skip_structure(const char* p, const char* end);

/// From the first byte of a value to behind its last.
inline const char* skip_value(const char* p, const char* end) {
  if (p == end) return end;
  if (*p == '{' || *p == '[') return skip_structure(p, end);
  if (*p == '"') {
    bool escaped = false;
    return step(closing_quote(p + 1, end, escaped), end);
  }
  while (p<end&& static_cast<unsigned char>(*p)> ' ' && *p != ',' && *p != ']' && *p != '}') ++p;
  return p;
}

}  // namespace vg::json
