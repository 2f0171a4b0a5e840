#include "json/number.h"

#include <algorithm>
#include <cstdint>

#include "base/strings.h"

namespace vg::json {
namespace {

constexpr int64_t kBeyond = 2'000'000'000'000'000'000;

/// A number in one of its many forms.
struct Decimal {
  std::string_view digits;  // from the first to the last that is not 0, perhaps with a point between; empty: zero
  int64_t power = 0;        // of ten: that of the first digit
  bool negative = false;
  bool exact = true;  // the exponent could be read
};

/// Sets the power of `d` to that of an exponent (what follows the e), which may be absurd.
void read_exponent(std::string_view text, Decimal& d) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  d.exact = text.size() <= 18;
  for (const char c : d.exact ? text : std::string_view()) d.power = d.power * 10 + (c - '0');
  if (!d.exact) d.power = kBeyond;
  if (negative) d.power = -d.power;
}

Decimal read(std::string_view text) {
  Decimal d;
  d.negative = text.starts_with('-');
  if (d.negative) text.remove_prefix(1);
  const size_t size = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, size);
  const size_t first = mantissa.find_first_not_of("0.");
  if (first == std::string_view::npos) return {};
  d.digits = mantissa.substr(first, mantissa.find_last_not_of("0.") - first + 1);
  if (size < text.size()) read_exponent(text.substr(size + 1), d);
  const auto whole = static_cast<int64_t>(std::min(mantissa.find('.'), mantissa.size()));
  const auto at = static_cast<int64_t>(first);
  if (d.exact) d.power += at < whole ? whole - 1 - at : whole - at;
  return d;
}

size_t behind_point(std::string_view digits, size_t at) {
  return at < digits.size() && digits[at] == '.' ? at + 1 : at;
}

/// As if both stood behind "0.".
int compare_digits(std::string_view a, std::string_view b) {
  for (size_t i = 0, j = 0;; ++i, ++j) {
    i = behind_point(a, i);
    j = behind_point(b, j);
    if (i == a.size() || j == b.size()) return (i < a.size() ? 1 : 0) - (j < b.size() ? 1 : 0);
    if (a[i] != b[j]) return a[i] < b[j] ? -1 : 1;
  }
}

int sign(const Decimal& d) { return d.digits.empty() ? 0 : d.negative ? -1 : 1; }

int compare(const Decimal& a, const Decimal& b) {
  if (sign(a) != sign(b)) return sign(a) < sign(b) ? -1 : 1;
  if (a.power != b.power) return a.power < b.power ? -sign(a) : sign(a);
  return compare_digits(a.digits, b.digits) * sign(a);
}

}  // namespace

int compare_numbers(std::string_view a, std::string_view b) { return compare(read(a), read(b)); }

bool equal_numbers(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const Decimal x = read(a), y = read(b);
  return x.exact && y.exact && compare(x, y) == 0;
}

bool is_integer(std::string_view number) {
  const Decimal d = read(number);
  const auto count = static_cast<int64_t>(d.digits.size() - (d.digits.find('.') != std::string_view::npos ? 1 : 0));
  return d.digits.empty() || d.power >= count - 1;
}

}  // namespace vg::json
