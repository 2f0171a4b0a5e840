#include "json/flatten.h"

#include <gtest/gtest.h>

#include <string>

namespace vg::json {
namespace {

std::string named(Flat flat, const std::string& text) {
  switch (flat) {
    case Flat::kText:
      return text;
    case Flat::kNull:
      return "<null>";
    case Flat::kStructure:
      return "<structure>";
    default:
      return "<invalid>";
  }
}

/// Of the text and of the value in it: the same.
std::string flat(std::string_view json) {
  std::string out;
  const std::string whole = named(flatten(json, out), out);
  if (whole == "<invalid>") return whole;
  out.clear();
  EXPECT_EQ(named(flatten(Value::of(json), out), out), whole) << json;
  return whole;
}

TEST(Flatten, ScalarsAreTheirText) {
  EXPECT_EQ(flat("1.10"), "1.10");
  EXPECT_EQ(flat("12345678901234567890123"), "12345678901234567890123");
  EXPECT_EQ(flat("\"a\\u0062\""), "ab");
  EXPECT_EQ(flat(" \"\" "), "");
  EXPECT_EQ(flat("false"), "false");
  EXPECT_EQ(flat("\"\\ud800\""), "\xEF\xBF\xBD");
}

TEST(Flatten, ListsOfScalarsAreJoinedByCommas) {
  EXPECT_EQ(flat("[1, \"b\", true]"), "1,b,true");
  EXPECT_EQ(flat("[\"a,b\",\"\"]"), "a,b,");
  EXPECT_EQ(flat("[\"x\"]"), "x");
  EXPECT_EQ(flat("[]"), "");
}

TEST(Flatten, NullAndStructuresHaveNoText) {
  EXPECT_EQ(flat("null"), "<null>");
  for (const char* s : {"{}", "{\"a\":1}", "[[1]]", "[null]", "[1,null]", "[{\"a\":1}]", "[\"a\",[]]"}) {
    EXPECT_EQ(flat(s), "<structure>") << s;
  }
}

TEST(Flatten, WhatIsAbsentIsLikeNull) {
  std::string out;
  EXPECT_EQ(flatten(Value(), out), Flat::kNull);
}

TEST(Flatten, WhatIsNoJsonIsRefused) {
  for (const char* s : {"", "[1", "{\"a\"}", "[1]]", "\"\xFF\""}) EXPECT_EQ(flat(s), "<invalid>") << s;
}

TEST(Flatten, AppendsToWhatIsThere) {
  std::string out = "ids=";
  EXPECT_EQ(flatten("[1,2]", out), Flat::kText);
  EXPECT_EQ(out, "ids=1,2");
}

}  // namespace
}  // namespace vg::json
