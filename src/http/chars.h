// Which bytes may stand where: one table for all grammars of HTTP/1.1 and URIs, and the scan for bytes that may stand
// nowhere. Internal to this room's parsers. RFC 9110 section 5.6.2, RFC 9112 section 2.2, RFC 3986 sections 2 and 3.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace vg::http {

enum CharClass : uint8_t {
  kTokenChar = 1,        // tchar
  kPathChar = 2,         // pchar, '/', '%', and the '[' and ']' that browsers leave as they are
  kQueryChar = 4,        // visible ASCII but # < > and backslash
  kHostChar = 8,         // of a registered name: letters, digits, - . _ ~
  kUnreservedChar = 16,  // RFC 3986 section 2.3
  kSegmentChar = 32,     // pchar without '%': what stays as it is in a path segment
  kFieldChar = 64,       // of a field value: no control but HTAB
};

constexpr std::array<uint8_t, 256> make_char_classes() {
  std::array<uint8_t, 256> t{};
  auto add = [&t](const char* chars, int c) {
    for (; *chars != '\0'; ++chars) t[static_cast<unsigned char>(*chars)] |= static_cast<uint8_t>(c);
  };
  const char* alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  add(alnum, kTokenChar | kPathChar | kHostChar | kUnreservedChar | kSegmentChar);
  add("-._~", kPathChar | kHostChar | kUnreservedChar | kSegmentChar);
  add("!$&'()*+,;=:@", kPathChar | kSegmentChar);
  add("/%[]", kPathChar);
  add("!#$%&'*+-.^_`|~", kTokenChar);
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) t[c] |= kFieldChar;
    if (c > 0x20 && c < 0x7f && c != '#' && c != '<' && c != '>' && c != '\\') t[c] |= kQueryChar;
  }
  return t;
}
inline constexpr std::array<uint8_t, 256> kCharClasses = make_char_classes();

constexpr bool is_class(char c, CharClass wanted) {
  return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

/// The first control character other than HTAB (CR, LF, NUL, DEL and the rest) in [p, end), 8 bytes a step; `end` if
/// there is none. Portable; find_control() is the one to call.
inline const char* find_control_portable(const char* p, const char* end) {
  constexpr uint64_t kOnes = 0x0101010101010101U, kHighs = kOnes * 0x80;
  for (; end - p >= 8; p += 8) {
    uint64_t w = 0;
    std::memcpy(&w, p, 8);
    const uint64_t low = (w - kOnes * 0x20) & ~w & kHighs;  // some byte < 0x20 (HTAB too)
    const uint64_t x = w ^ (kOnes * 0x7f);
    if ((low | ((x - kOnes) & ~x & kHighs)) == 0) continue;  // nor any DEL
    for (int i = 0; i < 8; ++i) {
      if (!is_class(p[i], kFieldChar)) return p + i;
    }
  }
  for (; p < end; ++p) {
    if (!is_class(*p, kFieldChar)) return p;
  }
  return end;
}

#if defined(__SSE2__)
inline unsigned control_mask(const char* p) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(tab, _mm_or_si128(low, del))));
}

/// As find_control_portable(), 16 bytes a step. `begin` is where the readable memory starts: the last step reads back
/// to it.
inline const char* find_control(const char* begin, const char* p, const char* end) {
  for (; end - p >= 16; p += 16) {
    if (const unsigned mask = control_mask(p); mask != 0) return p + std::countr_zero(mask);
  }
  if (p == end) return end;
  if (end - begin < 16) return find_control_portable(p, end);
  const char* last = end - 16;
  const unsigned mask = control_mask(last) >> (p - last);
  return mask != 0 ? p + std::countr_zero(mask) : end;
}
#else
inline const char* find_control(const char*, const char* p, const char* end) { return find_control_portable(p, end); }
#endif

}  // namespace vg::http
