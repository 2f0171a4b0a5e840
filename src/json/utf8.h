// UTF-8, one sequence at a time (RFC 3629 section 4): shared by what checks text, what writes it and what decodes it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace vg::json {

/// The bytes of the sequence of two to four that begins at `p`, before `end`; 0 if there is none: overlong forms,
/// surrogates, what is beyond U+10FFFF and what is cut off are none. Precondition: p < end.
inline size_t utf8_size(const char* p, const char* end) {
  const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
  const auto follows = [&](int i) { return (byte(i) & 0xC0) == 0x80; };
  const auto left = end - p;
  const unsigned a = byte(0);
  if (a < 0xE0) return a >= 0xC2 && left >= 2 && follows(1) ? 2 : 0;
  if (a < 0xF0) {
    if (left < 3 || !follows(1) || !follows(2)) return 0;
    const bool overlong = a == 0xE0 && byte(1) < 0xA0, surrogate = a == 0xED && byte(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (a > 0xF4 || left < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
  const bool overlong = a == 0xF0 && byte(1) < 0x90, beyond = a == 0xF4 && byte(1) > 0x8F;
  return overlong || beyond ? 0 : 4;
}

/// Writes `code` to `to`, which has room for four bytes, and returns how many it took. Surrogates are written like any
/// other code point: the caller decides what becomes of them.
inline uint8_t write_utf8(uint32_t code, char* to) {
  const auto put = [to](int i, uint32_t bits) { to[i] = static_cast<char>(bits); };
  if (code < 0x80) {
    put(0, code);
    return 1;
  }
  if (code < 0x800) {
    put(0, 0xC0 | code >> 6);
    put(1, 0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    put(0, 0xE0 | code >> 12);
    put(1, 0x80 | (code >> 6 & 0x3F));
    put(2, 0x80 | (code & 0x3F));
    return 3;
  }
  put(0, 0xF0 | code >> 18);
  put(1, 0x80 | (code >> 12 & 0x3F));
  put(2, 0x80 | (code >> 6 & 0x3F));
  put(3, 0x80 | (code & 0x3F));
  return 4;
}

}  // namespace vg::json
