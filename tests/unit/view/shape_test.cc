#include "view/steps/shape.h"

#include <gtest/gtest.h>

#include "json/scan.h"

namespace vg::view {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string shaped(const Shape& shape, std::string_view object, const Pairs& extras = {},
                   const std::vector<std::string_view>& only = {}) {
  std::deque<Name> names;
  std::vector<Extra> added;
  for (const auto& [name, value] : extras)
    added.push_back(names.emplace_back(name).extra(value.empty() ? json::Value() : json::Value::of(value)));
  std::string out;
  shape.append(json::Value::of(object), added, only, out);
  EXPECT_TRUE(json::is_json(out)) << out;
  return out;
}

TEST(Shape, WithoutSettingsNothingChanges) {
  const Shape plain;
  EXPECT_TRUE(plain.plain());
  for (const char* text : {R"({"a" : 1.10,  "b":"é","a":2})", "[1, 2]", "\"x\"", "null", "12345678901234567890.10"})
    EXPECT_EQ(shaped(plain, text), text);
}

TEST(Shape, ExtrasStandBehindTheObjectsOwnMembersWhichStayAsTheyCame) {
  EXPECT_EQ(shaped({}, R"({"a" : 1.10})", {{"b", "[]"}, {"c", "null"}}), R"({"a" : 1.10,"b":[],"c":null})");
  EXPECT_EQ(shaped({}, "{}", {{"b", "1"}}), R"({"b":1})");
  EXPECT_EQ(shaped({}, "{ }", {{"b", "1"}, {"c", "2"}}), R"({ "b":1,"c":2})");
}

TEST(Shape, AnExtraWithoutAValueIsLeftOutAndItsNameStaysTaken) {
  EXPECT_EQ(shaped({}, R"({"a":1,"b":2})", {{"b", ""}}), R"({"a":1})");
  EXPECT_EQ(shaped({}, R"({"a":1})", {{"b", ""}}), R"({"a":1})");
}

TEST(Shape, AnExtraTakesThePlaceOfTheObjectsOwnMemberHoweverThatIsEscaped) {
  EXPECT_EQ(shaped({}, R"({"\u0062":2,"a":1,"b":3})", {{"b", "9"}}), R"({"a":1,"b":9})");
}

TEST(Shape, NamesOfExtrasAreEscaped) { EXPECT_EQ(shaped({}, "{}", {{"a\"b\n", "1"}}), R"({"a\"b\n":1})"); }

TEST(Shape, WhatIsNoObjectTakesNoExtras) { EXPECT_EQ(shaped({}, "[1]", {{"b", "1"}}), "[1]"); }

TEST(Shape, FieldsKeepTheNamedMembersInTheirOrder) {
  const Shape shape({"c", "a", "missing", "extra"}, {});
  EXPECT_EQ(shaped(shape, R"({"a":1,"b":2,"c":3.0})", {{"extra", "true"}, {"other", "1"}}),
            R"({"c":3.0,"a":1,"extra":true})");
}

TEST(Shape, OfTwoMembersOfOneNameFieldsTakeTheLast) {
  EXPECT_EQ(shaped(Shape({"a"}, {}), R"({"a":1,"a":2})"), R"({"a":2})");
}

TEST(Shape, RenameKeepsThePlaceAndTheValue) {
  const Shape shape({}, {{"old", "new"}});
  EXPECT_EQ(shaped(shape, R"({"a":1,"old":[1, 2],"b":2})"), R"({"a":1,"new":[1, 2],"b":2})");
}

TEST(Shape, AMemberOfTheNewNameGivesWayOnlyIfThereIsAnOldOne) {
  const Shape shape({}, {{"old", "new"}});
  EXPECT_EQ(shaped(shape, R"({"new":1,"old":2})"), R"({"new":2})");
  EXPECT_EQ(shaped(shape, R"({"new":1})"), R"({"new":1})");
}

TEST(Shape, TwoNamesCanBeExchanged) {
  EXPECT_EQ(shaped(Shape({}, {{"a", "b"}, {"b", "a"}}), R"({"a":1,"b":2})"), R"({"b":1,"a":2})");
}

TEST(Shape, FieldsMayUseEitherNameOfARenamedMember) {
  EXPECT_EQ(shaped(Shape({"new"}, {{"old", "new"}}), R"({"old":1,"b":2})"), R"({"new":1})");
  EXPECT_EQ(shaped(Shape({"old"}, {{"old", "new"}}), R"({"old":1,"b":2})"), R"({"new":1})");
}

TEST(Shape, ExtrasAreRenamedToo) {
  EXPECT_EQ(shaped(Shape({}, {{"x", "y"}}), R"({"a":1})", {{"x", "2"}}), R"({"a":1,"y":2})");
}

TEST(Shape, OnlyNarrowsWhatWouldBeWrittenByTheNamesThatClientsSee) {
  EXPECT_EQ(shaped({}, R"({"a":1,"b":2})", {{"c", "3"}}, {"b", "c"}), R"({"b":2,"c":3})");
  EXPECT_EQ(shaped(Shape({"a", "b"}, {{"b", "z"}}), R"({"a":1,"b":2,"c":3})", {}, {"z", "c"}), R"({"z":2})");
}

}  // namespace
}  // namespace vg::view
