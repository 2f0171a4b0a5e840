#include "json/form_json.h"

#include <gtest/gtest.h>

#include <vector>

#include "json/scan.h"
#include "json/value.h"

namespace vg::json {
namespace {

std::string form(const std::vector<FormPair>& fields) {
  std::string out;
  append_form(out, fields);
  EXPECT_TRUE(is_json(out)) << out;
  EXPECT_FALSE(has_duplicate_members(out)) << out;
  return out;
}

TEST(FormJson, FieldsBecomeMembersInTheirOrder) {
  EXPECT_EQ(form({}), "{}");
  EXPECT_EQ(form({{"b", "1"}, {"a", ""}}), R"({"b":"1","a":""})");
}

TEST(FormJson, RepeatedNamesBecomeArraysWhereTheyFirstCame) {
  EXPECT_EQ(form({{"tag", "x"}, {"a", "1"}, {"tag", "y"}, {"b", "2"}, {"tag", "x"}, {"b", "3"}}),
            R"({"tag":["x","y","x"],"a":"1","b":["2","3"]})");
}

TEST(FormJson, NamesAndValuesAddNothingToTheStructure) {
  EXPECT_EQ(form({{"a\":1,\"b", "\",\"c\":\"\\"}, {"\n", "\x01"}}), R"({"a\":1,\"b":"\",\"c\":\"\\","\n":"\u0001"})");
}

TEST(FormJson, ManyNamesTakeNoQuadraticTime) {
  std::vector<std::string> names;
  for (int i = 0; i < 40000; ++i) names.push_back("field" + std::to_string(i % 20000));
  std::vector<FormPair> fields;
  for (const std::string& name : names) fields.emplace_back(name, "1");
  const std::string out = form(fields);
  EXPECT_EQ(Value::of(out).size(), 20000U);
  EXPECT_EQ(Value::of(out).member("field19999").text(), R"(["1","1"])");
}

}  // namespace
}  // namespace vg::json
