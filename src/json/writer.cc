#include "json/writer.h"

#include <algorithm>

#include "base/strings.h"
#include "json/utf8.h"
#include "json/words.h"

namespace vg::json {
namespace {

size_t digits(std::string_view text, size_t at) {
  const size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at - begin;
}

void append_control(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

/// The first byte from `p` on that does not stand for itself in a string; `end` if there is none.
const char* find_special(const char* p, const char* end) {
  for (; end - p >= 8; p += 8) {
    const uint64_t special = special_bytes(load_word(p));
    if (special != 0) return p + first_in(special);
  }
  const auto is_special = [](char c) { return c < ' ' || c == '"' || c == '\\' || (c & '\x80') != 0; };
  return std::find_if(p, end, is_special);
}

/// Appends the one character that begins at `p`, and says how many bytes it has.
size_t append_special(std::string& out, const char* p, const char* end) {
  if ((*p & '\x80') != 0) {
    const size_t size = utf8_size(p, end);
    size == 0 ? void(out += "\xEF\xBF\xBD") : void(out.append(p, size));
    return size == 0 ? 1 : size;
  }
  if (*p == '"' || *p == '\\') {
    out += '\\';
    out += *p;
  } else {
    append_control(out, *p);
  }
  return 1;
}

}  // namespace

bool is_number(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = digits(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = digits(text, ++at);
    if (fraction == 0) return false;
    at += fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    if (++at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = digits(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

void append_string(std::string& out, std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  out += '"';
  while (p < end) {
    const char* const run = p;
    p = find_special(p, end);
    out.append(run, p);
    if (p < end) p += append_special(out, p, end);
  }
  out += '"';
}

void Writer::comma() {
  if (!first_ && !keyed_) out_ += ',';
  first_ = keyed_ = false;
}
void Writer::open(char c) {
  comma();
  out_ += c;
  first_ = true;
}
void Writer::close(char c) {
  out_ += c;
  first_ = keyed_ = false;
}
void Writer::word(std::string_view text) {
  comma();
  out_ += text;
}
void Writer::key(std::string_view name) {
  comma();
  append_string(out_, name);
  out_ += ':';
  keyed_ = true;
}
void Writer::string(std::string_view text) {
  comma();
  append_string(out_, text);
}
void Writer::number(std::string_view text) { is_number(text) ? word(text) : string(text); }
void Writer::number(int64_t value) { word(std::to_string(value)); }

}  // namespace vg::json
