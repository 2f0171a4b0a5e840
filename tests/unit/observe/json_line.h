// Reads a log line as strictly as RFC 8259 does, for the little that such lines are: one flat object of strings and
// numbers. (RapidJSON 1.1 would do, but UndefinedBehaviorSanitizer stops in it.)
#pragma once
#include <iconv.h>

#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vg::observe {

/// By iconv, which shares no code with the escaping under test.
inline bool is_utf8(std::string text) {
  const iconv_t converter = ::iconv_open("UTF-32LE", "UTF-8");
  std::string out(text.size() * 4 + 4, '\0');
  char* from = text.data();
  char* to = out.data();
  size_t from_left = text.size();
  size_t to_left = out.size();
  const bool ok = ::iconv(converter, &from, &from_left, &to, &to_left) != static_cast<size_t>(-1);
  ::iconv_close(converter);
  return ok;
}

class JsonLine {
 public:
  /// nullopt: not valid. Numbers are kept as their text; \u escapes below U+0080 are decoded, others are not expected.
  static std::optional<std::map<std::string, std::string>> parse(std::string_view line) {
    JsonLine reader(line);
    if (!is_utf8(std::string(line)) || !reader.object() || !reader.rest_.empty()) return std::nullopt;
    return reader.members_;
  }

 private:
  explicit JsonLine(std::string_view line) : rest_(line) {}

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool object() {
    if (!take('{')) return false;
    do {
      std::string key;
      std::string value;
      if (!string(key) || !take(':') || !(string(value) || number(value))) return false;
      if (!members_.emplace(key, value).second) return false;
    } while (take(','));
    return take('}');
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return take('"');
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    constexpr std::string_view kShort = "\"\\/bfnrt";
    constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
    const size_t at = kShort.find(rest_.front());
    if (at != std::string_view::npos) {
      out += kMeaning[at];
      rest_.remove_prefix(1);
      return true;
    }
    if (!take('u') || rest_.size() < 4) return false;
    for (size_t i = 0; i < 4; ++i) {
      if (std::isxdigit(static_cast<unsigned char>(rest_[i])) == 0) return false;
    }
    const long code = std::strtol(std::string(rest_.substr(0, 4)).c_str(), nullptr, 16);
    rest_.remove_prefix(4);
    out += static_cast<char>(code);
    return code < 0x80;
  }

  bool number(std::string& out) {
    const size_t end = std::min(rest_.find_first_not_of("0123456789."), rest_.size());
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    const bool leading_zero = out.size() > 1 && out[0] == '0' && out[1] != '.';
    return !out.empty() && out.front() != '.' && out.back() != '.' && !leading_zero;
  }

  std::string_view rest_;
  std::map<std::string, std::string> members_;
};

}  // namespace vg::observe
