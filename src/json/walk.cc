#include "json/walk.h"

namespace vg::json {
namespace {

/// Where one has come to in a structure.
struct Place {
  size_t depth = 0;
  uint64_t inside = 0;  // a string: every(0x80); else 0
};

/// Passes over eight bytes without a branch for each, which is what costs in text made of short strings. False if they
/// need a closer look: a backslash is among them, or the end may be.
bool take_word(uint64_t w, Place& place) {
  const uint64_t backslashes = zero_bytes(w ^ every('\\'));
  uint64_t inside = zero_bytes(w ^ every('"'));
  if (backslashes != 0) return false;
  if (place.inside != 0 && inside == 0) return true;
  // From each quote on the meaning is turned round: an exclusive or over all bytes before.
  inside ^= inside << 8;
  inside ^= inside << 16;
  inside ^= inside << 32;
  inside ^= place.inside;
  const uint64_t lower = w | every(0x20);  // '[' and '{' differ by 0x20, and so do ']' and '}'
  const uint64_t opened = zero_bytes(lower ^ every('{')) & ~inside, closed = zero_bytes(lower ^ every('}')) & ~inside;
  if ((opened | closed) != 0) {
    const size_t count = count_bytes(closed);
    if (count >= place.depth) return false;
    place.depth += count_bytes(opened) - count;
  }
  place.inside = (inside >> 63) * every(0x80);
  return true;
}

/// One byte, or an escape of two. True if it closes the whole.
bool take_byte(const char*& p, const char* end, Place& place) {
  const char c = *p++;
  if (c == '"') {
    place.inside ^= every(0x80);
  } else if (place.inside != 0) {
    if (c == '\\') p = step(p, end);
  } else if (c == '{' || c == '[') {
    ++place.depth;
  } else if (c == '}' || c == ']') {
    return --place.depth == 0;
  }
  return false;
}

}  // namespace

const char* skip_structure(const char* p, const char* end) {
  Place place;
  for (;;) {
    while (end - p >= 8 && take_word(load_word(p), place)) p += 8;
    if (p == end) return end;
    const char* const stop = end - p > 8 ? p + 8 : end;
    while (p < stop) {
      if (take_byte(p, end, place)) return p;
    }
  }
}

}  // namespace vg::json
