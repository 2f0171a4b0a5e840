// allOf, anyOf, oneOf, not and $ref; how many errors there are, and how long it takes.
#include <algorithm>

#include "unit/json/schema_reading.h"

namespace vg::json {
namespace {

using test::Checked;
using test::errors_of;
using test::says;

TEST(SchemaAllOf, EveryPartMustHold) {
  const Checked schema(
      R"({"allOf":[{"required":["a"]},{"required":["b"]},{"required":["a"]}],"properties":{"c":{"type":"string"}}})");
  EXPECT_EQ(schema.says(R"({"a":1,"b":2})"), "");
  EXPECT_EQ(schema.says(R"({"c":1})"), "c: must be text\na: is required\nb: is required");
}

TEST(SchemaAnyOf, OnePartIsEnough) {
  const Checked schema(R"({"anyOf":[{"required":["mail"]},{"required":["phone"]}]})");
  EXPECT_EQ(schema.says(R"({"mail":1})"), "");
  EXPECT_EQ(schema.says(R"({"mail":1,"phone":1})"), "");
  EXPECT_EQ(schema.says("{}"), ": does not match any of the allowed forms");
}

TEST(SchemaAnyOf, ThePartForThatTypeSaysWhatIsWrong) {
  const Checked schema(
      R"({"$defs":{"text":{"type":"string","minLength":2}},"anyOf":[{"$ref":"#/$defs/text"},{"type":"null"},
    {"type":"array","items":{"type":"string"}}]})");
  EXPECT_EQ(schema.says(R"("a")"), ": must be at least 2 characters long");
  EXPECT_EQ(schema.says(R"(["a",1])"), "1: must be text");
  EXPECT_EQ(schema.says("1"), ": must be text, a list or null");
  EXPECT_EQ(schema.says("null"), "");
}

TEST(SchemaOneOf, ExactlyOnePartMustHold) {
  const Checked schema(R"({"oneOf":[{"multipleOf":3},{"multipleOf":5}]})");
  EXPECT_EQ(schema.says("9"), "");
  EXPECT_EQ(schema.says("10"), "");
  EXPECT_EQ(schema.says("15"), ": matches more than one of the allowed forms");
  EXPECT_EQ(schema.says("7"), ": does not match any of the allowed forms");
}

TEST(SchemaNot, RefusesWhatItsSchemaTakes) {
  EXPECT_EQ(says(R"({"not":{"const":"admin"}})", R"("ann")"), "");
  EXPECT_EQ(says(R"({"not":{"const":"admin"}})", R"("admin")"), ": is not allowed");
  EXPECT_EQ(says(R"({"properties":{"a":{"not":{}}}})", R"({"a":1})"), "a: is not allowed");
  EXPECT_EQ(says(R"({"not":{"not":{"type":"string"}}})", "1"), ": is not allowed");
  EXPECT_EQ(says(R"({"not":false})", "1"), "");
}

TEST(SchemaRef, LeadsToItsDefinitionBesideOtherKeywords) {
  const Checked schema(R"({"$defs":{"mail":{"format":"email"},"a/b~c %":{"type":"null"}},"properties":{
    "x":{"$ref":"#/$defs/mail","maxLength":6},"y":{"$ref":"#/$defs/a~1b~0c%20%25"}}})");
  EXPECT_EQ(schema.says(R"({"x":"a@b.c","y":null})"), "");
  EXPECT_EQ(schema.says(R"({"x":"abcdefg","y":1})"),
            "x: must be at most 6 characters long\nx: must be an email address\ny: must be null");
}

TEST(SchemaRef, MayRecurseIntoTheValue) {
  const Checked schema(
      R"({"$defs":{"comment":{"type":"object","required":["text"],"properties":{"text":{"type":"string"},
    "replies":{"items":{"$ref":"#/$defs/comment"}}},"additionalProperties":false}},"$ref":"#/$defs/comment"})");
  EXPECT_EQ(schema.says(R"({"text":"a","replies":[{"text":"b","replies":[]},{"text":"c","replies":[{"text":"d"}]}]})"),
            "");
  EXPECT_EQ(
      schema.says(R"({"text":"a","replies":[{"text":1},{"replies":[{"x":1}]}]})"),
      "replies.0.text: must be text\nreplies.1.replies.0.x: is not allowed\nreplies.1.replies.0.text: is required\n"
      "replies.1.text: is required");
}

TEST(SchemaRef, ADefinitionUsedTwiceReportsAtBothPlacesAndOnceAtOne) {
  const Checked schema(
      R"({"$defs":{"n":{"type":"number"}},"properties":{"a":{"$ref":"#/$defs/n"},"b":{"$ref":"#/$defs/n"},
    "c":{"allOf":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n"}]},"d":{"anyOf":[{"$ref":"#/$defs/n"},false],"not":{"$ref":"#/$defs/n"}}}})");
  EXPECT_EQ(schema.says(R"({"a":"x","b":"x","c":"x","d":"x"})"),
            "a: must be a number\nb: must be a number\nc: must be a number\nd: must be a number");
  EXPECT_EQ(schema.says(R"({"d":1})"), "d: is not allowed");
}

TEST(SchemaErrors, AreCollectedOverTheWholeBodyOfAForm) {
  const Checked schema(
      R"({"type":"object","required":["name","email","items"],"additionalProperties":false,"properties":{
    "name":{"type":"string","minLength":1,"maxLength":80},"email":{"type":"string","format":"email"},
    "password":{"type":"string","minLength":8},"status":{"enum":["draft","published"]},
    "address":{"type":"object","required":["city"]},
    "items":{"type":"array","minItems":1,"items":{"type":"object","properties":{"sku":{"pattern":"^[A-Z]+$"}}}}}})");
  EXPECT_EQ(
      schema.says(
          R"({"name":"","email":"x","password":"short","status":"new","address":{},"items":[{"sku":"A"},{"sku":"a"}],"role":1})"),
      "name: must not be empty\nemail: must be an email address\npassword: must be at least 8 characters long\n"
      "status: must be one of: draft, published\naddress.city: is required\n"
      "items.1.sku: does not have the required form\nrole: is not allowed");
  EXPECT_EQ(schema.says("[]"), ": must be an object");
}

TEST(SchemaErrors, OneMessageStandsOnceAtAField) {
  EXPECT_EQ(says(R"({"allOf":[{"minLength":3},{"minLength":3},{"minLength":4}]})", R"("a")"),
            ": must be at least 3 characters long\n: must be at least 4 characters long");
}

TEST(SchemaErrors, EndAtAHundred) {
  const Checked schema(R"({"items":{"type":"string"}})");
  std::string body = "[1";
  for (int i = 0; i < 5000; ++i) body += ",1";
  const std::string said = schema.says(body + "]");
  EXPECT_EQ(static_cast<size_t>(std::count(said.begin(), said.end(), '\n')) + 1, Schema::kMaxErrors);
  EXPECT_TRUE(said.ends_with("99: must be text"));
}

TEST(SchemaErrors, AnAbsentValueIsRequired) {
  std::string said;
  const auto schema = Schema::compile(Value::of("true"), [](std::string_view, const std::string&) {});
  schema->validate(Value(), [&](std::string_view field, const std::string& message) {
    said += std::string(field) + ": " + message;
  });
  EXPECT_EQ(said, ": is required");
}

std::string nested(size_t depth, std::string_view open, std::string_view inner, std::string_view close) {
  std::string out;
  for (size_t i = 0; i < depth; ++i) out += open;
  out += inner;
  for (size_t i = 0; i < depth; ++i) out += close;
  return out;
}

TEST(SchemaWork, AlternativesThatLeadToThemselvesTakeNoExponentialTime) {
  // Without a memory of what was found out, a hundred levels would be 2^100 checks.
  const Checked any(R"({"$defs":{"t":{"anyOf":[{"properties":{"x":{"$ref":"#/$defs/t"}},"required":["y"]},
    {"properties":{"x":{"$ref":"#/$defs/t"}},"required":["z"]}]}},"$ref":"#/$defs/t"})");
  const Checked all(R"({"$defs":{"t":{"allOf":[{"items":{"$ref":"#/$defs/t"}},{"items":{"$ref":"#/$defs/t"}},
    {"not":{"items":{"allOf":[{"$ref":"#/$defs/t"},false]},"minItems":1}}]}},"$ref":"#/$defs/t"})");
  EXPECT_NE(any.says(nested(99, R"({"x":)", "{}", "}")), "");
  EXPECT_EQ(all.says(nested(100, "[", "", "]")), "");
}

TEST(SchemaWork, DefinitionsThatDoubleEachOtherTakeNoExponentialTime) {
  std::string schema = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 28; ++i) {
    const std::string next = "{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"}";
    schema += "\"d" + std::to_string(i) + "\":{\"anyOf\":[" + next + ",{\"not\":{\"not\":" + next + "}}]},";
  }
  // Three schemas a level are more than stand in each other for one value; within the value there is no such end.
  EXPECT_NE(errors_of(schema + R"("d28":{"type":"null"}}})").find("more than 32 schemas"), std::string::npos);
  schema = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 90; ++i) {
    const std::string next = "{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"}";
    schema += "\"d" + std::to_string(i) + "\":{\"anyOf\":[{\"items\":" + next + "},{\"items\":" + next + "}]},";
  }
  EXPECT_NE(says(schema + R"("d90":{"type":"null"}}})", nested(90, "[", "1", "]")), "");
}

TEST(SchemaWork, LargeArraysAreComparedBySorting) {
  // 50,000 items are 1,250,000,000 pairs.
  const Checked schema(R"({"uniqueItems":true})");
  std::string body = "[";
  for (int i = 0; i < 50000; ++i) body += "\"" + std::to_string(i * 7919 % 50021) + "\",";
  EXPECT_TRUE(schema.takes(body + "\"x\"]"));
  EXPECT_FALSE(schema.takes(body + "\"0\"]"));
}

TEST(SchemaWork, ComparingItemsAtEveryDepthHasAnEnd) {
  const Checked schema(R"({"$defs":{"t":{"uniqueItems":true,"items":{"$ref":"#/$defs/t"}}},"$ref":"#/$defs/t"})");
  std::string numbers = "0";
  for (int i = 1; i < 10000; ++i) numbers += "," + std::to_string(i);
  EXPECT_EQ(schema.says(nested(5, "[0,", "[" + numbers + "]", "]")), "");
  const std::string said = schema.says(nested(60, "[0,", "[" + numbers + "]", "]"));
  EXPECT_NE(said.find("is too large to compare its items"), std::string::npos);
}

TEST(SchemaWork, TheDeepestValueOverTheLongestChainFitsTheStack) {
  std::string schema = R"({"$defs":{"t":)" + nested(30, R"({"allOf":[)", R"({"items":{"$ref":"#/$defs/t"}})", "]}") +
                       R"(},"$ref":"#/$defs/t"})";
  EXPECT_EQ(says(schema, nested(100, "[", "", "]")), "");
}

TEST(SchemaWork, AValueNestedTooDeeplyIsRefused) {
  const std::string deep = nested(101, "[", "", "]");
  ASSERT_TRUE(is_json(deep, 200));
  const auto schema = Schema::compile(Value::of("true"), [](std::string_view, const std::string&) {});
  std::string said;
  schema->validate(Value::of(deep), [&](std::string_view, const std::string& message) { said += message; });
  EXPECT_EQ(said, "is too large or nested too deeply");
}

}  // namespace
}  // namespace vg::json
