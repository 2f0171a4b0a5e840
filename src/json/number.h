// Numbers as JSON writes them, compared by their exact value: no floating point, so that integers of any length keep
// all their digits. The text is that of a validated number (RFC 8259 section 6).
#pragma once
#include <string_view>

namespace vg::json {

/// Below, at or above 0 as the value of `a` is less than, equal to or greater than that of `b`. -0 is 0. Exponents of
/// more than 18 digits are all taken for the same very large (or small) one.
int compare_numbers(std::string_view a, std::string_view b);

/// The same value: 1, 1.0, 10e-1. With an exponent of more than 18 digits only the same text is the same number.
bool equal_numbers(std::string_view a, std::string_view b);

/// No fraction: 1, 1.0, 10e-1 and 1e400, not 1.5.
bool is_integer(std::string_view number);

}  // namespace vg::json
