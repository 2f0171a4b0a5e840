#include "cache/structured_field.h"

#include <algorithm>

#include "base/strings.h"
#include "base/utf8.h"

namespace vg::cache {
namespace {

using Kind = StructuredItem::Kind;

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_key_start(char c) { return is_lower(c) || c == '*'; }
constexpr bool is_key_char(char c) {
  return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}
constexpr bool is_token_start(char c) { return is_alpha(c) || c == '*'; }
constexpr bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}
constexpr bool is_base64_char(char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '='; }
constexpr bool is_visible(char c) { return c >= 0x20 && c < 0x7f; }

// The algorithms of section 4.2. Each takes what it reads and is false at a mistake.
class Parser {
 public:
  explicit Parser(std::string_view field) : rest_(field) { skip(" "); }

  bool dictionary(std::vector<StructuredMember>& out) {
    while (!rest_.empty()) {
      StructuredMember member;
      if (!key(&member.key) || !member_value(&member.value)) return false;
      const auto same = std::find_if(out.begin(), out.end(), [&](const auto& m) { return m.key == member.key; });
      if (same != out.end()) {
        same->value = std::move(member.value);
      } else {
        out.push_back(std::move(member));
      }
      if (!next_member()) return false;
    }
    return true;
  }
  bool list() {
    while (!rest_.empty()) {
      StructuredItem ignored;
      if (!item_or_inner_list(&ignored) || !next_member()) return false;
    }
    return true;
  }

 private:
  void skip(std::string_view blanks) { rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size())); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <typename Is>
  std::string_view take_while(Is is) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is);
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Behind a member: the end, or a comma with another member behind it.
  bool next_member() {
    skip(" \t");
    if (rest_.empty()) return true;
    if (!take(',')) return false;
    skip(" \t");
    return !rest_.empty();
  }
  bool key(std::string* out) {
    if (rest_.empty() || !is_key_start(rest_.front())) return false;
    *out = take_while(is_key_char);
    return true;
  }
  bool member_value(StructuredItem* out) {
    if (take('=')) return item_or_inner_list(out);
    *out = StructuredItem();
    return parameters();
  }
  bool item_or_inner_list(StructuredItem* out) {
    if (!take('(')) return bare_item(out) && parameters();
    out->kind = Kind::kInnerList;
    for (;;) {
      skip(" ");
      if (take(')')) return parameters();
      StructuredItem ignored;
      if (!bare_item(&ignored) || !parameters()) return false;
      if (!rest_.starts_with(' ') && !rest_.starts_with(')')) return false;
    }
  }
  bool parameters() {
    while (take(';')) {
      skip(" ");
      std::string ignored_key;
      StructuredItem ignored;
      if (!key(&ignored_key)) return false;
      if (take('=') && !bare_item(&ignored)) return false;
    }
    return true;
  }
  bool bare_item(StructuredItem* out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    if (c == '-' || is_digit(c)) return number(out);
    if (c == '"') return string(out);
    if (c == ':') return bytes(out);
    if (c == '?') return boolean(out);
    if (c == '@') return date(out);
    if (c == '%') return display_string(out);
    if (!is_token_start(c)) return false;
    out->kind = Kind::kToken;
    out->text = take_while(is_token_char);
    return true;
  }
  bool number(StructuredItem* out) {
    const bool negative = take('-');
    const std::string_view whole = take_while(is_digit);
    if (whole.empty() || whole.size() > 15) return false;
    out->kind = Kind::kInteger;
    out->integer = static_cast<int64_t>(*parse_u64(whole)) * (negative ? -1 : 1);
    if (!take('.')) return true;
    out->kind = Kind::kDecimal;
    const size_t fraction = take_while(is_digit).size();
    return whole.size() <= 12 && fraction >= 1 && fraction <= 3;
  }
  bool string(StructuredItem* out) {
    out->kind = Kind::kString;
    take('"');
    while (!rest_.empty()) {
      if (take('"')) return true;
      if (take('\\') && !rest_.starts_with('"') && !rest_.starts_with('\\')) return false;
      if (rest_.empty() || !is_visible(rest_.front())) return false;
      out->text.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    return false;
  }
  bool bytes(StructuredItem* out) {
    out->kind = Kind::kBytes;
    take(':');
    take_while(is_base64_char);
    return take(':');
  }
  bool boolean(StructuredItem* out) {
    out->kind = Kind::kBoolean;
    take('?');
    out->integer = rest_.starts_with('1') ? 1 : 0;
    return take('1') || take('0');
  }
  bool date(StructuredItem* out) {
    take('@');
    if (!number(out) || out->kind != Kind::kInteger) return false;
    out->kind = Kind::kDate;
    return true;
  }
  bool display_string(StructuredItem* out) {
    out->kind = Kind::kDisplayString;
    take('%');
    if (!take('"')) return false;
    std::string decoded;
    while (!rest_.empty() && !rest_.starts_with('"')) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (!is_visible(c)) return false;
      if (c != '%') {
        decoded.push_back(c);
        continue;
      }
      const auto is_lower_hex = [](char h) { return is_digit(h) || (h >= 'a' && h <= 'f'); };
      if (rest_.size() < 2 || !is_lower_hex(rest_[0]) || !is_lower_hex(rest_[1])) return false;
      decoded.push_back(static_cast<char>(hex_value(rest_[0]) * 16 + hex_value(rest_[1])));
      rest_.remove_prefix(2);
    }
    return take('"') && is_utf8(decoded);
  }

  std::string_view rest_;
};

std::string_view without_blanks_behind(std::string_view field) {
  const size_t last = field.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view() : field.substr(0, last + 1);
}

}  // namespace

std::optional<std::vector<StructuredMember>> parse_dictionary(std::string_view field) {
  std::vector<StructuredMember> out;
  if (!Parser(without_blanks_behind(field)).dictionary(out)) return std::nullopt;
  return out;
}

bool is_list(std::string_view field) { return Parser(without_blanks_behind(field)).list(); }

std::string joined_lines(const http::Head& head, http::FieldId id) {
  std::string out;
  bool first = true;
  for (const http::Field& f : head.fields()) {
    if (f.id != id) continue;
    if (!std::exchange(first, false)) out.append(", ");
    out.append(head.value(f));
  }
  return out;
}

void append_token_or_string(std::string& out, std::string_view text) {
  if (!text.empty() && is_token_start(text.front()) && std::all_of(text.begin(), text.end(), is_token_char)) {
    out.append(text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (!is_visible(c)) continue;
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace vg::cache
