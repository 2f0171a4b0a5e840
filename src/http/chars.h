// Which bytes may stand where: one table for all grammars of HTTP/1.1 and URIs. Internal to this room's parsers.
// RFC 9110 section 5.6.2, RFC 9112 section 2.2, RFC 3986 sections 2 and 3.
#pragma once
#include <array>
#include <cstdint>

namespace vg::http {

enum CharClass : uint8_t {
  kTokenChar = 1,        // tchar
  kPathChar = 2,         // pchar, '/', '%', and the '[' and ']' that browsers leave as they are
  kQueryChar = 4,        // visible ASCII but # < > and backslash
  kHostChar = 8,         // of a registered name: letters, digits, - . _ ~
  kUnreservedChar = 16,  // RFC 3986 section 2.3
  kSegmentChar = 32,     // pchar without '%': what stays as it is in a path segment
  kFieldChar = 64,       // of a field value: no control but HTAB
  kPlainPathChar = 128,  // of a path, and without a meaning in it: not '/' or '%'
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
  for (unsigned c = 0; c < 256; ++c) {
    if ((t[c] & kPathChar) != 0 && c != '/' && c != '%') t[c] |= kPlainPathChar;
  }
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

/// The end of the run of bytes of that class at p. The memory behind must hold a byte that is not (a line's CR).
inline const char* skip_class(const char* p, CharClass wanted) {
  for (;; p += 4) {
    if (!is_class(p[0], wanted)) return p;
    if (!is_class(p[1], wanted)) return p + 1;
    if (!is_class(p[2], wanted)) return p + 2;
    if (!is_class(p[3], wanted)) return p + 3;
  }
}

}  // namespace vg::http
