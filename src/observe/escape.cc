#include "observe/escape.h"

#include <array>
#include <cstdint>

namespace vg::observe {
namespace {

constexpr char kHex[] = "0123456789abcdef";

using ByteSet = std::array<bool, 256>;

constexpr ByteSet printable_but(std::string_view excluded) {
  ByteSet set{};
  for (size_t c = 0x20; c < 0x7f; ++c) set[c] = excluded.find(static_cast<char>(c)) == std::string_view::npos;
  return set;
}

constexpr ByteSet word_bytes() {
  ByteSet set{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+@~")) {
    set[static_cast<uint8_t>(c)] = true;
  }
  return set;
}

constexpr ByteSet kQuotable = printable_but("\"\\");
constexpr ByteSet kMessage = printable_but("");
constexpr ByteSet kWord = word_bytes();

/// The length of the run that begins at `at` and stays in `set`.
size_t run_length(std::string_view s, size_t at, const ByteSet& set) {
  size_t end = at;
  while (end < s.size() && set[static_cast<uint8_t>(s[end])]) ++end;
  return end - at;
}

void append_hex(std::string& out, char c) {
  const auto byte = static_cast<uint8_t>(c);
  const char text[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  out.append(text, sizeof text);
}

bool is_continuation(std::string_view s, size_t at) {
  return at < s.size() && (static_cast<uint8_t>(s[at]) & 0xc0) == 0x80;
}

/// The length of the valid multi-byte UTF-8 sequence at `at` (RFC 3629: no overlong form, no surrogate), else 0.
size_t utf8_length(std::string_view s, size_t at) {
  const auto lead = static_cast<uint8_t>(s[at]);
  const auto next = at + 1 < s.size() ? static_cast<uint8_t>(s[at + 1]) : uint8_t{0};
  if (!is_continuation(s, at + 1)) return 0;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (!is_continuation(s, at + 2)) return 0;
  if (lead == 0xe0) return next >= 0xa0 ? 3 : 0;
  if (lead == 0xed) return next <= 0x9f ? 3 : 0;
  if (lead >= 0xe1 && lead <= 0xef) return 3;
  if (!is_continuation(s, at + 3)) return 0;
  if (lead == 0xf0) return next >= 0x90 ? 4 : 0;
  if (lead == 0xf4) return next <= 0x8f ? 4 : 0;
  return lead >= 0xf1 && lead <= 0xf3 ? 4 : 0;
}

bool is_c1_control(std::string_view s, size_t at) { return s[at] == '\xc2' && static_cast<uint8_t>(s[at + 1]) < 0xa0; }

void append_short_escape(std::string& out, char c) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    append_hex(out, c);
  }
}

void append_json_escape(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n' || c == '\r' || c == '\t') {
    append_short_escape(out, c);
  } else {
    const auto byte = static_cast<uint8_t>(c);
    const char text[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    out.append(text, sizeof text);
  }
}

}  // namespace

void append_quoted_text(std::string& out, std::string_view s) {
  for (size_t at = 0; at < s.size(); ++at) {
    const size_t run = run_length(s, at, kQuotable);
    out.append(s, at, run);
    at += run;
    if (at == s.size()) return;
    if (s[at] == '"' || s[at] == '\\') {
      out += '\\';
      out += s[at];
    } else {
      append_hex(out, s[at]);
    }
  }
}

void append_value(std::string& out, std::string_view s) {
  if (!s.empty() && run_length(s, 0, kWord) == s.size()) {
    out += s;
    return;
  }
  out += '"';
  append_quoted_text(out, s);
  out += '"';
}

void append_message(std::string& out, std::string_view s) {
  for (size_t at = 0; at < s.size();) {
    const size_t run = run_length(s, at, kMessage);
    out.append(s, at, run);
    at += run;
    if (at == s.size()) return;
    const size_t length = utf8_length(s, at);
    if (length != 0 && !is_c1_control(s, at)) {
      out.append(s, at, length);
      at += length;
    } else {
      append_short_escape(out, s[at++]);
    }
  }
}

void append_json(std::string& out, std::string_view s) {
  for (size_t at = 0; at < s.size();) {
    const size_t run = run_length(s, at, kQuotable);
    out.append(s, at, run);
    at += run;
    if (at == s.size()) return;
    const size_t length = utf8_length(s, at);
    if (length != 0) {
      out.append(s, at, length);
      at += length;
    } else if (static_cast<uint8_t>(s[at]) < 0x80) {
      append_json_escape(out, s[at++]);
    } else {
      out += "\xef\xbf\xbd";
      ++at;
    }
  }
}

}  // namespace vg::observe
