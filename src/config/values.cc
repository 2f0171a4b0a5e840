#include "config/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/strings.h"

namespace vg::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr std::array<Unit, 5> kDurations = {{{"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000}}};
constexpr std::array<Unit, 5> kSizes = {
    {{"TiB", int64_t{1} << 40}, {"GiB", int64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};

// "1.5s" is 1.5 and "s". Digits, at most one point with digits on both sides, then letters.
std::optional<std::pair<std::string_view, std::string_view>> split_unit(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) ++at;
  if (at == 0 || at == text.size()) return std::nullopt;
  return std::pair(text.substr(0, at), text.substr(at));
}

// number * factor without rounding errors and without overflow: whole part and fraction apart.
std::optional<int64_t> scale(std::string_view number, int64_t factor) {
  const size_t point = number.find('.');
  const auto whole = parse_u64(number.substr(0, point));
  if (!whole || *whole > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / factor)) return std::nullopt;
  int64_t value = static_cast<int64_t>(*whole) * factor;
  if (point == std::string_view::npos) return value;
  const std::string_view digits = number.substr(point + 1);
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  int64_t part = 0;
  int64_t unit = factor;
  for (const char c : digits) {
    if (!is_digit(c) || unit % 10 != 0) return std::nullopt;
    unit /= 10;
    part += (c - '0') * unit;
  }
  if (value > std::numeric_limits<int64_t>::max() - part) return std::nullopt;
  return value + part;
}

template <size_t N>
std::optional<int64_t> parse_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto parts = split_unit(text);
  if (!parts) return std::nullopt;
  for (const Unit& u : units) {
    if (u.name == parts->second) return scale(parts->first, u.factor);
  }
  return std::nullopt;
}

template <size_t N>
std::string format_unit(int64_t value, const std::array<Unit, N>& units, std::string_view smallest) {
  if (value == 0) return std::string("0").append(smallest);
  for (const Unit& u : units) {
    if (value % u.factor == 0) return std::to_string(value / u.factor) + std::string(u.name);
  }
  return std::to_string(value) + "ns";
}

}  // namespace

std::optional<Nanoseconds> parse_duration(std::string_view text) {
  const auto value = parse_unit(text, kDurations);
  if (!value) return std::nullopt;
  return Nanoseconds(*value);
}

std::optional<uint64_t> parse_size(std::string_view text) {
  const auto value = parse_unit(text, kSizes);
  if (!value) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<Rate> parse_rate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_u64(text.substr(0, slash));
  const std::string_view unit = text.substr(slash + 1);
  if (!count || unit.size() != 1) return std::nullopt;
  for (const Unit& u : kDurations) {
    if (u.name == unit) return Rate{*count, Nanoseconds(u.factor)};
  }
  return std::nullopt;
}

std::optional<double> parse_number(std::string_view text) {
  if (text.empty() || (text[0] != '-' && !is_digit(text[0])) || !is_digit(text.back())) return std::nullopt;
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> parse_percent(std::string_view text) {
  if (text.size() < 2 || text.back() != '%' || !is_digit(text[0])) return std::nullopt;
  return parse_number(text.substr(0, text.size() - 1));
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const std::string_view digits = text[0] == '-' ? text.substr(1) : text;
  if (digits.size() > 1 && digits[0] == '0') return std::nullopt;  // 010 is eight to some, ten to others
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::string format_duration(Nanoseconds value) { return format_unit(value.count(), kDurations, "s"); }
std::string format_size(uint64_t bytes) { return format_unit(static_cast<int64_t>(bytes), kSizes, "B"); }

bool is_name(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  for (const char c : text) {
    if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '_' && c != '-') return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_alpha(c) && !is_digit(c) && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)
      return false;
  }
  return !text.empty();
}

size_t invalid_utf8_at(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
    const unsigned b = byte(i);
    if (b < 0x80) {
      ++i;
      continue;
    }
    const size_t size = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
    if (b < 0xc2 || b > 0xf4) return i;
    for (size_t k = 1; k < size; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return i;
    }
    const unsigned second = byte(i + 1);  // overlong forms, surrogates, beyond U+10FFFF
    if ((b == 0xe0 && second < 0xa0) || (b == 0xed && second > 0x9f) || (b == 0xf0 && second < 0x90) ||
        (b == 0xf4 && second > 0x8f)) {
      return i;
    }
    i += size;
  }
  return std::string_view::npos;
}

}  // namespace vg::config
