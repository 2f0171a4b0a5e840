#include "json/decimal.h"

#include <algorithm>

#include "base/strings.h"

namespace vg::json {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int64_t kMaxExponent = 100'000'000'000'000'000;

std::string_view take_digits(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

/// Of "e-12", "E5" or nothing.
int64_t exponent_of(std::string_view text) {
  if (text.empty()) return 0;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  for (const char c : text) value = std::min(value * 10 + (c - '0'), kMaxExponent);
  return negative ? -value : value;
}

size_t strip_front(std::string_view& digits) {
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.remove_prefix(zeros);
  return zeros;
}

void strip_back(std::string_view& digits) { digits = digits.substr(0, digits.find_last_not_of('0') + 1); }

/// value × 10^exponent, modulo divisor, which is below 10^18.
uint64_t shift_modulo(uint64_t value, int64_t exponent, uint64_t divisor) {
  uint64_t factor = 10 % divisor;
  for (; exponent > 0 && value != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) value = static_cast<uint64_t>(Wide{value} * factor % divisor);
    factor = static_cast<uint64_t>(Wide{factor} * factor % divisor);
  }
  return value;
}

}  // namespace

Decimal::Decimal(std::string_view number) {
  negative_ = number.starts_with('-');
  if (negative_) number.remove_prefix(1);
  whole_ = take_digits(number);
  if (number.starts_with('.')) {
    number.remove_prefix(1);
    fraction_ = take_digits(number);
  }
  magnitude_ = static_cast<int64_t>(whole_.size()) + exponent_of(number);
  magnitude_ -= static_cast<int64_t>(strip_front(whole_));
  if (whole_.empty()) magnitude_ -= static_cast<int64_t>(strip_front(fraction_));
  strip_back(fraction_);
  if (fraction_.empty()) strip_back(whole_);
  if (!is_zero()) return;
  magnitude_ = 0;
  negative_ = false;
}

uint64_t Decimal::remainder(uint64_t divisor) const {
  uint64_t rest = 0;
  for (size_t i = 0; i < size(); ++i) rest = (rest * 10 + static_cast<uint64_t>(digit(i) - '0')) % divisor;
  return rest;
}

bool Decimal::is_multiple_of(const Decimal& step) const {
  if (is_zero()) return true;
  // The last digit of either is not 0: a smaller exponent here leaves a digit that the step can't reach.
  if (exponent() < step.exponent()) return false;
  uint64_t divisor = 0;
  for (size_t i = 0; i < step.size(); ++i) divisor = divisor * 10 + static_cast<uint64_t>(step.digit(i) - '0');
  return shift_modulo(remainder(divisor), exponent() - step.exponent(), divisor) == 0;
}

void Decimal::append_canonical(std::string& out) const {
  if (is_zero()) {
    out += '0';
    return;
  }
  if (negative_) out += '-';
  out.append(whole_).append(fraction_);
  if (exponent() != 0) out.append("e").append(std::to_string(exponent()));
}

}  // namespace vg::json
