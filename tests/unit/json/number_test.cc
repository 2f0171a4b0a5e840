#include "json/number.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vg::json {
namespace {

TEST(CompareNumbers, OrdersByExactValue) {
  const std::string nines(50, '9');
  const std::vector<std::string> ascending = {
      "-1e99999999999999999999",
      "-1e400",
      "-" + nines,
      "-10",
      "-9.5",
      "-1.01",
      "-1",
      "-0.5",
      "-1e-400",
      "-1e-99999999999999999999",
      "0",
      "1e-99999999999999999999",
      "1e-400",
      "0.00099",
      "0.001",
      "0.5",
      "1",
      "1.0000000000000000000000000000001",
      "1.01",
      "2",
      "9.5",
      "10",
      "9007199254740992",
      "9007199254740993",
      nines,
      "1" + std::string(50, '0'),
      "1e400",
      "2e400",
      "1e99999999999999999999",
  };
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      const int order = compare_numbers(ascending[i], ascending[j]);
      EXPECT_EQ(order < 0, i < j) << ascending[i] << " " << ascending[j];
      EXPECT_EQ(order > 0, i > j) << ascending[i] << " " << ascending[j];
    }
  }
}

TEST(CompareNumbers, FormsOfOneValueAreEqual) {
  EXPECT_EQ(compare_numbers("-0", "0.0e7"), 0);
  EXPECT_EQ(compare_numbers("1.50", "15e-1"), 0);
  EXPECT_EQ(compare_numbers("100", "1E+0002"), 0);
  EXPECT_EQ(compare_numbers("-0.010", "-1e-2"), 0);
}

TEST(CompareNumbers, AgreesWithDoublesOnShortNumbers) {
  std::vector<std::string> numbers;
  for (const char* sign : {"", "-"}) {
    for (const char* mantissa :
         {"0", "1", "10", "12", "9", "90", "0.1", "0.10", "0.01", "0.09", "1.0", "1.1", "10.01", "99.9"}) {
      for (const char* exponent : {"", "e0", "e1", "E+2", "e-1", "e-02"})
        numbers.push_back(std::string(sign) + mantissa + exponent);
    }
  }
  for (const std::string& a : numbers) {
    for (const std::string& b : numbers) {
      // Where they differ, they are further apart than rounding.
      const double difference = std::stod(a) - std::stod(b);
      const int expected = difference > 1e-9 ? 1 : difference < -1e-9 ? -1 : 0;
      const int order = compare_numbers(a, b);
      ASSERT_EQ((order > 0) - (order < 0), expected) << a << " " << b;
      ASSERT_EQ(equal_numbers(a, b), expected == 0) << a << " " << b;
    }
  }
}

TEST(EqualNumbers, WithAbsurdExponentsTheSameTextAlone) {
  EXPECT_TRUE(equal_numbers("1e1000000000000000000", "1e1000000000000000000"));
  EXPECT_FALSE(equal_numbers("1e1000000000000000000", "1e1000000000000000001"));
  EXPECT_FALSE(equal_numbers("1e1000000000000000000", "1.0e1000000000000000000"));
  EXPECT_TRUE(equal_numbers("1e999999999999999999", "10e999999999999999998"));
  EXPECT_TRUE(equal_numbers("1e0000000000000000000001", "10"));
  EXPECT_TRUE(equal_numbers("0e1000000000000000000", "0"));
}

TEST(IsInteger, AsksForTheValueNotTheForm) {
  for (const char* yes : {"0", "-0.0", "1", "-5", "1.0", "1.50e1", "10e-1", "1e400", "0e-9", "0.0001e4",
                          "123456789012345678901234567890.0", "1e99999999999999999999"}) {
    EXPECT_TRUE(is_integer(yes)) << yes;
  }
  for (const char* no : {"0.5", "1.5", "-1.01", "1e-1", "15e-1", "1.55e1", "0.0001e3", "1e-99999999999999999999",
                         "123456789012345678901234567890.5"}) {
    EXPECT_FALSE(is_integer(no)) << no;
  }
}

}  // namespace
}  // namespace vg::json
