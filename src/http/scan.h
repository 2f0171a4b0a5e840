// Finds line ends and bytes that no line may have: 64 bytes a step, each looked at once, whatever the number of lines.
// Internal to the head parsers.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "http/chars.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace vg::http {

/// A bit for each of the 16 bytes at p that is a control character other than HTAB.
inline uint64_t control_mask(const char* p) {
#if defined(__SSE2__)
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(tab, _mm_or_si128(low, del))));
#else
  uint64_t mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= static_cast<uint64_t>(!is_class(p[i], kFieldChar)) << i;
  return mask;
#endif
}

/// The first `c` in [p, end); `end` if there is none.
inline const char* find_near(const char* p, const char* end, char c) {
#if defined(__SSE2__)
  for (; end - p >= 16; p += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c))));
    if (mask != 0) return p + std::countr_zero(mask);
  }
#endif
  return std::find(p, end, c);
}

/// Walks over the control characters (HTAB apart) of a piece of memory.
class ControlScan {
 public:
  /// `begin`: where the readable memory starts; the scan starts at `at`.
  void start(const char* begin, const char* at, const char* end) {
    begin_ = begin;
    block_ = at;
    end_ = end;
    mask_ = load();
  }
  /// The next control character; `end` if there is none.
  const char* next() {
    if (mask_ == 0 && !advance()) return end_;
    const char* hit = block_ + std::countr_zero(mask_);
    mask_ &= mask_ - 1;
    return hit;
  }

 private:
  // To the next block that has one. Once in several lines, and long: not where each line is looked for.
  [[gnu::noinline]] bool advance() {
    while (mask_ == 0) {
      if (end_ - block_ <= 64) return false;
      block_ += 64;
      mask_ = load();
    }
    return true;
  }
  uint64_t load() const {
    if (end_ - block_ < 64) return load_tail();
    return control_mask(block_) | control_mask(block_ + 16) << 16 | control_mask(block_ + 32) << 32 |
           control_mask(block_ + 48) << 48;
  }
  // The last bytes: where fewer than 16 are left, the last 16 of the memory are read and those seen already shifted
  // out.
  uint64_t load_tail() const {
    const auto size = static_cast<unsigned>(end_ - block_);
    uint64_t mask = 0;
    unsigned i = 0;
    for (; i + 16 <= size; i += 16) mask |= control_mask(block_ + i) << i;
    if (i == size) return mask;
    if (end_ - begin_ >= 16) return mask | control_mask(end_ - 16) >> (16 - (size - i)) << i;
    for (; i < size; ++i) mask |= static_cast<uint64_t>(!is_class(block_[i], kFieldChar)) << i;
    return mask;
  }

  const char* begin_ = nullptr;
  const char* block_ = nullptr;
  const char* end_ = nullptr;
  uint64_t mask_ = 0;  // controls of the block at block_ that next() has not given yet
};

}  // namespace vg::http
