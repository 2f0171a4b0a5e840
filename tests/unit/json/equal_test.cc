#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace vg::json {
namespace {

/// Asked both ways round.
bool same(std::string_view a, std::string_view b) {
  const Value x = Value::of(a), y = Value::of(b);
  EXPECT_EQ(equal(x, y), equal(y, x)) << a << " " << b;
  return equal(x, y);
}

TEST(Equal, ValuesOfOneKindAlone) {
  const std::vector<std::string> all = {"null", "true",  "false",    "0",   "\"\"",     "[]",
                                        "{}",   "\"0\"", "\"null\"", "[0]", "{\"0\":0}"};
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < all.size(); ++j) EXPECT_EQ(same(all[i], all[j]), i == j) << all[i] << " " << all[j];
  }
  EXPECT_TRUE(equal(Value(), Value()));
  EXPECT_FALSE(equal(Value(), Value::of("null")));
}

TEST(Equal, NumbersByTheirValue) {
  const std::vector<std::vector<std::string>> groups = {
      {"0", "-0", "0.0", "0e5", "-0.000e-10", "0e99999999999999999999999"},
      {"1", "1.0", "1e0", "10e-1", "0.1e1", "0.01E+2", "1.000", "100e-2", "1E-0", "1e+000"},
      {"-1", "-1.0", "-10e-1"},
      {"10", "1e1", "1.0e1", "100e-1"},
      {"1.5", "15e-1", "0.15e1", "1.50"},
      {"0.05", "5e-2", "0.5e-1", "0.0500"},
      {"9007199254740993", "9007199254740993.0", "9.007199254740993e15"},
      {"9007199254740992"},
      {"123456789012345678901234567890", "1.2345678901234567890123456789e29", "123456789012345678901234567890.000"},
      {"123456789012345678901234567891"},
      {"1e400", "10e399", "0.1e401"},
      {"1e-400", "10e-401"},
      {"1e401"},
      {"1.01"},
      {"101"},
  };
  for (size_t i = 0; i < groups.size(); ++i) {
    for (size_t j = 0; j < groups.size(); ++j) {
      for (const std::string& a : groups[i]) {
        for (const std::string& b : groups[j]) EXPECT_EQ(same(a, b), i == j) << a << " " << b;
      }
    }
  }
}

TEST(Equal, NumbersOfManyDigits) {
  const std::string nines(100000, '9'), zeros(100000, '0');
  EXPECT_TRUE(same(nines, nines + ".0"));
  EXPECT_TRUE(same("1" + zeros, "1e100000"));
  EXPECT_TRUE(same("0." + zeros + "1", "1e-100001"));
  EXPECT_FALSE(same("1" + zeros, "1e100001"));
  EXPECT_FALSE(same(nines, nines.substr(1) + "8"));
}

TEST(Equal, StringsDecoded) {
  EXPECT_TRUE(same(R"("a\u0062c")", R"("abc")"));
  EXPECT_TRUE(same(R"("\/")", R"("/")"));
  EXPECT_TRUE(same(R"("\u00E9")", "\"\xC3\xA9\""));
  EXPECT_TRUE(same(R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""));
  EXPECT_TRUE(same(R"("\n")", R"("\u000a")"));
  EXPECT_FALSE(same(R"("a\u0062")", R"("abc")"));
  EXPECT_FALSE(same(R"("\\n")", R"("\n")"));
  EXPECT_FALSE(same(R"("a")", R"("A")"));
}

TEST(Equal, HalvesOfSurrogatePairsAreThemselves) {
  EXPECT_TRUE(same(R"("\ud800")", R"("\uD800")"));
  EXPECT_FALSE(same(R"("\ud800")", R"("\ud801")"));
  EXPECT_FALSE(same(R"("\ud800")", R"("\ufffd")"));
  EXPECT_FALSE(same(R"("\ud800\ude00")", R"("\ude00\ud800")"));
}

TEST(Equal, ArraysInOrder) {
  EXPECT_TRUE(same("[1,2.0,[\"a\"]]", "[ 1.0 , 2 , [ \"\\u0061\" ] ]"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
  EXPECT_FALSE(same("[1,2]", "[1,2,3]"));
  EXPECT_FALSE(same("[]", "[null]"));
}

TEST(Equal, ObjectsInAnyOrder) {
  EXPECT_TRUE(same(R"({"a":1,"b":{"c":[1],"d":2}})", R"({ "b":{"d":2.0,"c":[1e0]},"\u0061":1})"));
  EXPECT_FALSE(same(R"({"a":1})", R"({"a":2})"));
  EXPECT_FALSE(same(R"({"a":1})", R"({"b":1})"));
  EXPECT_FALSE(same(R"({"a":1})", R"({"a":1,"b":null})"));
  EXPECT_FALSE(same("{}", R"({"":null})"));
  EXPECT_TRUE(same(R"({"\ud800":1,"\ud801":2})", R"({"\ud801":2,"\ud800":1})"));
}

TEST(Equal, OfSeveralMembersOfOneNameTheLastCounts) {
  EXPECT_TRUE(same(R"({"a":1,"a":2})", R"({"a":2})"));
  EXPECT_TRUE(same(R"({"a":1,"b":0,"\u0061":2})", R"({"b":0,"a":3,"a":2})"));
  EXPECT_FALSE(same(R"({"a":1,"a":2})", R"({"a":1})"));
}

TEST(Equal, ManyMembersAreSortedNotSearched) {
  std::string forwards = "{", backwards = "{";
  const int count = 20000;
  for (int i = 0; i < count; ++i) {
    forwards += (i > 0 ? ",\"n" : "\"n") + std::to_string(i) + "\":" + std::to_string(i);
    backwards +=
        (i > 0 ? ",\"n" : "\"n") + std::to_string(count - 1 - i) + "\":" + std::to_string(count - 1 - i) + ".0";
  }
  EXPECT_TRUE(same(forwards + "}", backwards + "}"));
  EXPECT_FALSE(has_duplicate_members(forwards + "}"));
  EXPECT_TRUE(has_duplicate_members(forwards + ",\"n7\":0}"));
}

TEST(DuplicateMembers, AreFoundAtAnyDepthAndByDecodedName) {
  for (const char* yes : {R"({"a":1,"a":1})", R"({"a":1,"b":2,"\u0061":3})", R"([1,{"x":{"y":[{"b":0,"c":0,"b":0}]}}])",
                          R"({"":0,"":0})", R"({"a":{"x":1},"b":[{}],"a":[]})", R"({ "a" : 1 , "a" : 2 })",
                          R"({"\ud800":1,"\uD800":2})", R"({"a\/":1,"a/":2})"}) {
    EXPECT_TRUE(has_duplicate_members(yes)) << yes;
  }
  for (const char* no :
       {"1", "\"a\"", "[]", "{}", R"({"a":1})", R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]})", R"({"a":"a","b":"a"})",
        R"(["a","a"])", R"({"a":"b","b":"a"})", R"({"a":"\"a\":1,\"a\":1"})", R"({"a":1,"A":1})",
        R"({"\ud800":1,"\ud801":2,"\ufffd":3})", R"({"a":["a","a","b"],"b":[":",":"]})", R"({"\\u0061":1,"a":2})"}) {
    EXPECT_FALSE(has_duplicate_members(no)) << no;
  }
}

TEST(DuplicateMembers, NamesThatDifferAtTheirEndAloneStayCheap) {
  const std::string stem(200, 'x');
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += (i > 0 ? ",\"" : "\"") + stem + std::to_string(i) + "\":0";
  EXPECT_FALSE(has_duplicate_members(text + "}"));
  EXPECT_TRUE(has_duplicate_members(text + ",\"" + stem + "17\":0}"));
}

}  // namespace
}  // namespace vg::json
