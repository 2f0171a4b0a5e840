// Small text tools that the standard library lacks. ASCII alone, independent of locale.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vg {

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }
/// -1 if `c` is no hexadecimal digit.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = ascii_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool iequals(std::string_view a, std::string_view b);
std::string_view trim(std::string_view s);  ///< spaces and tabs at both ends
std::string lower(std::string_view s);
std::vector<std::string_view> split(std::string_view s, char sep);
/// Decimal digits alone, the whole text, no overflow; nullopt otherwise.
std::optional<uint64_t> parse_u64(std::string_view s);
void append_u64(std::string& out, uint64_t v);
/// Appends one behind another, with one step to make room for all.
void append_all(std::string& out, std::initializer_list<std::string_view> parts);
/// Decodes %XX. nullopt on an invalid escape.
std::optional<std::string> percent_decode(std::string_view s);
/// The candidate nearest to `word` by edit distance, if near enough to be meant; empty otherwise.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace vg
