#include "json/escape.h"

#include <algorithm>
#include <cstdint>

#include "base/strings.h"
#include "json/utf8.h"

namespace vg::json {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

constexpr bool is_surrogate(uint32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

/// What an escape stands for, and how many bytes it takes in the text.
struct Escape {
  uint32_t code = 0;
  size_t size = 2;
};

/// The four digits of the `\uXXXX` that `raw` begins with; 0 if it begins with none.
uint32_t unicode_escape(std::string_view raw) {
  if (raw.size() < 6 || raw[0] != '\\' || raw[1] != 'u') return 0;
  uint32_t code = 0;
  for (size_t i = 2; i < 6; ++i) code = code << 4 | static_cast<uint32_t>(hex_value(raw[i]) & 15);
  return code;
}

/// The escape that `raw` begins with. Two halves of a surrogate pair are one.
Escape read_escape(std::string_view raw) {
  switch (raw.size() > 1 ? raw[1] : '\\') {
    case 'b':
      return {'\b'};
    case 'f':
      return {'\f'};
    case 'n':
      return {'\n'};
    case 'r':
      return {'\r'};
    case 't':
      return {'\t'};
    case 'u':
      break;
    default:
      return {raw.size() > 1 ? static_cast<unsigned char>(raw[1]) : uint32_t{'\\'}, raw.size() > 1 ? 2U : 1U};
  }
  const uint32_t high = unicode_escape(raw);
  if (high < 0xD800 || high > 0xDBFF) return {high, 6};
  const uint32_t low = unicode_escape(raw.substr(6));
  if (low < 0xDC00 || low > 0xDFFF) return {high, 6};
  return {0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12};
}

/// The bytes of the decoded text, one by one.
class Bytes {
 public:
  explicit Bytes(std::string_view raw) : raw_(raw) {}
  /// -1 at the end.
  int next() {
    if (used_ < held_) return static_cast<unsigned char>(unit_[used_++]);
    if (raw_.empty()) return -1;
    if (raw_[0] != '\\') {
      const int byte = static_cast<unsigned char>(raw_[0]);
      raw_.remove_prefix(1);
      return byte;
    }
    const Escape escape = read_escape(raw_);
    raw_.remove_prefix(std::min(escape.size, raw_.size()));
    held_ = write_utf8(escape.code, unit_);
    used_ = 1;
    return static_cast<unsigned char>(unit_[0]);
  }

 private:
  std::string_view raw_;
  char unit_[4];
  uint8_t held_ = 0, used_ = 0;
};

bool has_escapes(std::string_view raw) { return raw.find('\\') != std::string_view::npos; }

}  // namespace

void append_unescaped(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    out.append(raw, 0, plain);
    raw.remove_prefix(plain);
    if (raw.empty()) return;
    const Escape escape = read_escape(raw);
    char unit[4];
    out.append(unit, write_utf8(is_surrogate(escape.code) ? kReplacement : escape.code, unit));
    raw.remove_prefix(std::min(escape.size, raw.size()));
  }
}

int compare_unescaped(std::string_view a, std::string_view b) {
  if (!has_escapes(a) && !has_escapes(b)) return a.compare(b);
  Bytes x(a), y(b);
  for (;;) {
    const int left = x.next(), right = y.next();
    if (left != right) return left < right ? -1 : 1;
    if (left < 0) return 0;
  }
}

bool unescaped_is(std::string_view raw, std::string_view text) {
  if (raw.size() < text.size()) return false;  // no escape is shorter than what it stands for
  Bytes bytes(raw);
  for (const char c : text) {
    if (bytes.next() != static_cast<unsigned char>(c)) return false;
  }
  return bytes.next() < 0;
}

}  // namespace vg::json
