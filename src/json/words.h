// Eight bytes at once in a 64-bit word: where the next byte stands that matters. A mask has the top bit of a byte set
// where it matters. Those of special_bytes(), quote_bytes() and structure_bytes() may say too much above the first one
// set (a borrow runs upwards): there only the first counts.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vg::json {

constexpr uint64_t every(uint8_t byte) { return 0x0101010101010101U * byte; }

/// The eight bytes at `p`, the first of them lowest.
inline uint64_t load_word(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// How many bytes stand before the first one that is set in `mask`, which is not 0.
inline int first_in(uint64_t mask) { return std::countr_zero(mask) / 8; }

/// Bytes of a string that are more than themselves: quote, backslash, controls, and all that is not ASCII.
inline uint64_t special_bytes(uint64_t w) {
  const uint64_t quote = (w ^ every('"')) - every(1), backslash = (w ^ every('\\')) - every(1);
  return (quote | backslash | (w - every(0x20)) | w) & every(0x80);
}

/// Quotes and backslashes.
inline uint64_t quote_bytes(uint64_t w) {
  const uint64_t quote = (w ^ every('"')) - every(1), backslash = (w ^ every('\\')) - every(1);
  return (quote | backslash) & ~w & every(0x80);
}

/// Quotes, brackets and braces, where no string is: '[' and '{' differ by 0x20, and so do ']' and '}'.
inline uint64_t structure_bytes(uint64_t w) {
  const uint64_t lower = w | every(0x20);
  const uint64_t open = (lower ^ every('{')) - every(1), close = (lower ^ every('}')) - every(1);
  return (open | close | ((lower ^ every('"')) - every(1))) & ~w & every(0x80);
}

/// The bytes that are 0, all of them exactly.
inline uint64_t zero_bytes(uint64_t w) { return ~(((w & every(0x7F)) + every(0x7F)) | w | every(0x7F)); }

/// How many bytes are set in `mask`.
inline size_t count_bytes(uint64_t mask) { return (mask >> 7) * every(1) >> 56; }

}  // namespace vg::json
