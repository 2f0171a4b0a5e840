#include "template/encode.h"

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "json/writer.h"

namespace vg::tmpl {
namespace {

constexpr std::array<uint8_t, 256> byte_classes() {
  std::array<uint8_t, 256> t{};
  const auto mark = [&t](std::string_view bytes, int classes) {
    for (const char c : bytes) t[static_cast<unsigned char>(c)] |= static_cast<uint8_t>(classes);
  };
  constexpr int kAll = kUnreserved | kSegmentSafe | kPathSafe | kValueSafe | kQuerySafe;
  for (int c = 0; c < 128; ++c) {
    if (is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c)))
      t[static_cast<size_t>(c)] = kAll | kHostSafe | kPathRun;
  }
  mark("-._~", kAll);
  mark("-_~", kPathRun);
  mark("!$&'()*+,;=:@", kPathSafe | kPathRun | kQuerySafe);
  mark("!$&'()*,=:@", kSegmentSafe);
  mark(",:@/", kValueSafe);
  mark("/", kPathSafe | kPathRun | kQuerySafe);
  mark("?", kQuerySafe);
  mark("-._:[]", kHostSafe);
  return t;
}

constexpr std::array<uint8_t, 256> kTable = byte_classes();

/// Where the safe bytes from `at` on end. Four at a time, since most values are safe to their end.
size_t safe_end(std::string_view text, size_t at, uint8_t safe) {
  const auto classes = [&](size_t i) { return kTable[static_cast<unsigned char>(text[i])]; };
  while (text.size() - at >= 4 && (classes(at) & classes(at + 1) & classes(at + 2) & classes(at + 3) & safe)) at += 4;
  while (at < text.size() && (classes(at) & safe)) ++at;
  return at;
}

/// Appends runs of safe bytes at once; `other` gets the place of each byte that is not safe and moves it on.
template <typename Other>
void append_runs(std::string& out, std::string_view text, uint8_t safe, Other other) {
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    at = safe_end(text, at, safe);
    out.append(text, begin, at - begin);
    if (at < text.size()) other(at);
  }
}

void append_encoded(std::string& out, std::string_view text, Coding coding, uint8_t safe) {
  append_runs(out, text, safe, [&](size_t& at) {
    const char c = next_byte(text, coding, at);
    in_class(c, safe) ? out.push_back(c) : append_escape(out, c);
  });
}

bool has_dot_segment(std::string_view path) {
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment == "." || segment == "..") return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

const std::array<uint8_t, 256> kByteClasses = kTable;

void append_escape(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  const char text[3] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  out.append(text, 3);
}

char next_byte(std::string_view text, Coding coding, size_t& at) {
  const char c = text[at++];
  if (coding == Coding::kPlain) return c;
  if (c == '+' && coding == Coding::kForm) return ' ';
  if (c != '%' || text.size() - at < 2) return c;
  const int high = hex_value(text[at]), low = hex_value(text[at + 1]);
  if (high < 0 || low < 0) return c;
  at += 2;
  return static_cast<char>(high * 16 + low);
}

void append_decoded(std::string& out, std::string_view text, Coding coding) {
  for (size_t at = 0; at < text.size();) out.push_back(next_byte(text, coding, at));
}

bool append_segment(std::string& out, std::string_view text, Coding coding) {
  const size_t start = out.size();
  append_encoded(out, text, coding, kSegmentSafe);
  const std::string_view added = std::string_view(out).substr(start);
  if (!added.empty() && added != "." && added != "..") return true;
  out.resize(start);
  return false;
}

bool append_rest(std::string& out, std::string_view text, Coding coding) {
  const size_t start = out.size();
  bool dots = false;  // a segment begins with a dot
  append_runs(out, text, kPathRun, [&](size_t& at) {
    const bool literal = in_class(text[at], kPathSafe);
    const char c = next_byte(text, coding, at);
    if (c == '.') dots |= out.size() == start || out.back() == '/';
    // An escaped delimiter is data and stays escaped; only what never needs an escape loses it (RFC 3986
    // section 6.2.2.2).
    literal || in_class(c, kUnreserved) ? out.push_back(c) : append_escape(out, c);
  });
  if (!dots || !has_dot_segment(std::string_view(out).substr(start))) return true;
  out.resize(start);
  return false;
}

bool append_query_value(std::string& out, std::string_view text, Coding coding) {
  append_encoded(out, text, coding, kValueSafe);
  return true;
}

bool append_header_value(std::string& out, std::string_view text, Coding coding) {
  const size_t start = out.size();
  coding == Coding::kPlain ? void(out.append(text)) : append_decoded(out, text, coding);
  const bool control = std::any_of(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
  if (control) out.resize(start);
  return !control;
}

bool append_json_text(std::string& out, std::string_view text, Coding coding) {
  std::string decoded;
  if (coding != Coding::kPlain) {
    append_decoded(decoded, text, coding);
    text = decoded;
  }
  const size_t start = out.size();
  json::append_string(out, text);
  out.pop_back();
  out.erase(start, 1);
  return true;
}

bool append_host(std::string& out, std::string_view text, Coding coding) {
  const size_t start = out.size();
  append_decoded(out, text, coding);
  const std::string_view added = std::string_view(out).substr(start);
  if (!added.empty() && std::all_of(added.begin(), added.end(), [](char c) { return in_class(c, kHostSafe); }))
    return true;
  out.resize(start);
  return false;
}

}  // namespace vg::tmpl
