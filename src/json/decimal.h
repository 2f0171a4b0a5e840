// A number of JSON taken apart into its digits, whatever its size: what multipleOf divides and what equal numbers have
// in common. 0.1, 1e400 and integers of thousands of digits are exact, there is no double in between. Comparing is the
// business of json/number.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vg::json {

/// 0.DIGITS × 10^magnitude, with no zero at either end of the digits. Exponents beyond ±10^17 count as that.
/// Lifetime: that of the text. Thread: any.
class Decimal {
 public:
  /// The most digits that a step of is_multiple_of() may have.
  static constexpr size_t kStepDigits = 18;

  /// Precondition: is_number(number).
  explicit Decimal(std::string_view number);
  bool is_zero() const { return size() == 0; }
  bool is_negative() const { return negative_; }  ///< -0 is not
  /// Significant digits.
  size_t size() const { return whole_.size() + fraction_.size(); }
  /// Precondition: step is not 0 and has at most kStepDigits digits.
  bool is_multiple_of(const Decimal& step) const;
  /// Appends a text that is the same for equal numbers and for no others. It is a number of JSON.
  void append_canonical(std::string& out) const;

 private:
  char digit(size_t i) const { return i < whole_.size() ? whole_[i] : fraction_[i - whole_.size()]; }
  /// Of the last digit: the number is an integer of size() digits × 10^exponent().
  int64_t exponent() const { return magnitude_ - static_cast<int64_t>(size()); }
  uint64_t remainder(uint64_t divisor) const;

  std::string_view whole_, fraction_;  // the digits: those before the point, then those behind it
  int64_t magnitude_ = 0;
  bool negative_ = false;
};

}  // namespace vg::json
