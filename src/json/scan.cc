#include "json/scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/strings.h"
#include "json/utf8.h"
#include "json/words.h"

namespace vg::json {
namespace {

/// Goes over the text once. Every step returns false where the grammar ends; `at_` says nothing then.
class Scanner {
 public:
  Scanner(std::string_view text, size_t max_depth)
      : at_(text.data()), end_(at_ + text.size()), most_(std::min(max_depth, kDepthLimit)) {}
  bool run();

 private:
  /// NUL stands for the end: it is no byte of the grammar, so that it is refused wherever it really stands.
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  bool take(char c) { return peek() == c && ++at_ != nullptr; }
  void blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool open(bool object);
  bool in_object() const { return (kinds_[(depth_ - 1) / 64] >> (depth_ - 1) % 64 & 1) != 0; }
  bool begin_value(bool& opened);
  bool end_value(bool& more);
  bool name();
  bool literal(std::string_view word);
  bool digits();
  bool number();
  bool string();
  bool special();
  bool escape();

  const char* at_;
  const char* end_;
  size_t depth_ = 0;
  const size_t most_;
  uint64_t kinds_[kDepthLimit / 64];  // a bit for each that is open: 1 an object; written before it is read
};

bool Scanner::open(bool object) {
  if (depth_ == most_) return false;
  const uint64_t bit = uint64_t{1} << depth_ % 64;
  uint64_t& word = kinds_[depth_ / 64];
  if (depth_ % 64 == 0) word = 0;
  word = object ? word | bit : word & ~bit;
  ++depth_;
  return true;
}

bool Scanner::literal(std::string_view word) {
  if (static_cast<size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) return false;
  at_ += word.size();
  return true;
}

bool Scanner::digits() {
  const char* begin = at_;
  while (at_ < end_ && is_digit(*at_)) ++at_;
  return at_ != begin;
}

bool Scanner::number() {
  take('-');
  if (!take('0') && !digits()) return false;
  if (take('.') && !digits()) return false;
  if (!take('e') && !take('E')) return true;
  if (!take('+')) take('-');
  return digits();
}

/// From behind the backslash.
bool Scanner::escape() {
  switch (peek()) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      ++at_;
      return true;
    case 'u':
      if (end_ - at_ < 5) return false;
      for (int i = 1; i <= 4; ++i) {
        if (hex_value(at_[i]) < 0) return false;
      }
      at_ += 5;
      return true;
    default:
      return false;
  }
}

/// What is not ASCII, as far as it goes; escapes; no controls.
bool Scanner::special() {
  if (*at_ == '\\') return ++at_, escape();
  if (static_cast<unsigned char>(*at_) < 0x20) return false;
  do {
    const size_t size = utf8_size(at_, end_);
    if (size == 0) return false;
    at_ += size;
  } while (at_ < end_ && static_cast<unsigned char>(*at_) >= 0x80);
  return true;
}

/// From behind the opening quote to behind the closing one.
bool Scanner::string() {
  for (;;) {
    uint64_t mask = 0;
    while (end_ - at_ >= 8 && (mask = special_bytes(load_word(at_))) == 0) at_ += 8;
    if (mask != 0) {
      at_ += first_in(mask);
    } else {
      const auto plain = [](unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };
      while (at_ < end_ && plain(static_cast<unsigned char>(*at_))) ++at_;
      if (at_ == end_) return false;
    }
    if (*at_ == '"') return ++at_, true;
    if (!special()) return false;
  }
}

/// A member up to its value.
bool Scanner::name() {
  if (!take('"') || !string()) return false;
  blanks();
  if (!take(':')) return false;
  blanks();
  return true;
}

/// A scalar, an empty array or object, or the beginning of another one: then a value is next.
bool Scanner::begin_value(bool& opened) {
  opened = false;
  const char c = peek();
  switch (c) {
    case '"':
      return ++at_, string();
    case '{':
    case '[':
      ++at_;
      if (!open(c == '{')) return false;
      blanks();
      if (take(c == '{' ? '}' : ']')) return --depth_, true;
      opened = true;
      return c == '[' || name();
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      return number();
  }
}

/// Behind a value: all that ends there, up to a comma and what follows it, or to the end of the whole.
bool Scanner::end_value(bool& more) {
  for (;;) {
    blanks();
    more = depth_ > 0;
    if (!more) return at_ == end_;
    if (take(',')) {
      blanks();
      return !in_object() || name();
    }
    if (!take(in_object() ? '}' : ']')) return false;
    --depth_;
  }
}

bool Scanner::run() {
  blanks();
  for (;;) {
    bool opened = false, more = false;
    if (!begin_value(opened)) return false;
    if (opened) continue;
    if (!end_value(more)) return false;
    if (!more) return true;
  }
}

}  // namespace

bool is_json(std::string_view text, size_t max_depth) { return Scanner(text, max_depth).run(); }

}  // namespace vg::json
