// Every keyword: what it takes, what it refuses, and in which words.
#include "unit/json/schema_reading.h"

namespace vg::json {
namespace {

using test::Checked;
using test::says;

TEST(SchemaType, EachTypeTakesItsOwnValues) {
  const struct {
    const char *type, *good, *words;
  } cases[] = {{"string", R"("a")", "text"},      {"number", "1.5", "a number"}, {"boolean", "true", "true or false"},
               {"array", "[]", "a list"},         {"object", "{}", "an object"}, {"null", "null", "null"},
               {"integer", "7", "a whole number"}};
  for (const auto& c : cases) {
    const Checked schema(std::string(R"({"type":")") + c.type + "\"}");
    for (const auto& other : cases) {
      const bool whole = std::string_view(c.type) == "number" && std::string_view(other.type) == "integer";
      const std::string expected = &c == &other || whole ? "" : std::string(": must be ") + c.words;
      EXPECT_EQ(schema.says(other.good), expected) << c.type << " " << other.good;
    }
  }
}

TEST(SchemaType, AWholeNumberIsOneByItsValue) {
  const Checked integer(R"({"type":"integer"})");
  for (const char* yes :
       {"0", "-0", "5.0", "5e0", "50e-1", "1.50e1", "1e400", "123456789012345678901234567890", "0e-9"}) {
    EXPECT_TRUE(integer.takes(yes)) << yes;
  }
  for (const char* no : {"0.5", "5.1", "1e-1", "123456789012345678901234567890.5", "1e-400"}) {
    EXPECT_EQ(integer.says(no), ": must be a whole number") << no;
  }
}

TEST(SchemaType, AListOfTypesTakesAnyOfThem) {
  const Checked schema(R"({"type":["string","null","number","integer"]})");
  for (const char* yes : {"\"\"", "null", "1.5", "1"}) EXPECT_TRUE(schema.takes(yes)) << yes;
  EXPECT_EQ(schema.says("[]"), ": must be text, a number or null");
  EXPECT_EQ(says(R"({"type":["integer","null"]})", "1.5"), ": must be a whole number or null");
}

TEST(SchemaEnum, ComparesByMeaning) {
  const Checked schema(R"({"enum":["draft",1,null,true,{"a":[1,2],"b":"x"}]})");
  for (const char* yes :
       {"\"draft\"", R"("dr\u0061ft")", "1", "1.0", "10e-1", "null", "true", R"({"b":"x","a":[1.0,2]})"}) {
    EXPECT_TRUE(schema.takes(yes)) << yes;
  }
  for (const char* no :
       {"\"Draft\"", "\"\"", "2", "false", "0", "\"1\"", "[]", R"({"a":[2,1],"b":"x"})", R"({"a":[1,2]})"}) {
    EXPECT_EQ(schema.says(no), ": is not one of the allowed values") << no;
  }
}

TEST(SchemaEnum, ListsWhatIsAllowedAsFarAsItIsReadable) {
  EXPECT_EQ(says(R"({"enum":["draft","published"]})", "1"), ": must be one of: draft, published");
  EXPECT_EQ(says(R"({"enum":["",1.50,null,true]})", "2"), ": must be one of: \"\", 1.50, null, true");
  EXPECT_EQ(says(R"({"enum":["yes"]})", "2"), ": must be yes");
  EXPECT_EQ(says(R"({"enum":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]})", "0"),
            ": is not one of the allowed values");
  EXPECT_EQ(says(R"({"enum":[")" + std::string(150, 'x') + R"(",")" + std::string(150, 'y') + R"("]})", "0"),
            ": is not one of the allowed values");
}

TEST(SchemaConst, TakesOneValueAlone) {
  EXPECT_EQ(says(R"({"const":true})", "true"), "");
  EXPECT_EQ(says(R"({"const":true})", "false"), ": must be true");
  EXPECT_EQ(says(R"({"const":{"a":1}})", R"({"a":1.0})"), "");
  EXPECT_EQ(says(R"({"const":{"a":1}})", R"({"a":2})"), ": is not the value that is allowed");
  EXPECT_EQ(says(R"({"const":null})", "0"), ": must be null");
}

TEST(SchemaNumbers, BoundsAreExact) {
  EXPECT_EQ(says(R"({"minimum":5})", "5"), "");
  EXPECT_EQ(says(R"({"minimum":5})", "4.999999999999999999999"), ": must be at least 5");
  EXPECT_EQ(says(R"({"maximum":5})", "5.0"), "");
  EXPECT_EQ(says(R"({"maximum":5})", "5.000000000000000000001"), ": must be at most 5");
  EXPECT_EQ(says(R"({"exclusiveMinimum":5})", "5"), ": must be more than 5");
  EXPECT_EQ(says(R"({"exclusiveMinimum":5})", "5.0000000000000000000001"), "");
  EXPECT_EQ(says(R"({"exclusiveMaximum":0.1})", "0.10"), ": must be less than 0.1");
  EXPECT_EQ(says(R"({"exclusiveMaximum":0.1})", "0.09999999999999999999999"), "");
  EXPECT_EQ(says(R"({"minimum":-2})", "-2.5"), ": must be at least -2");
  EXPECT_EQ(says(R"({"minimum":1,"maximum":3})", "0"), ": must be at least 1");
}

TEST(SchemaNumbers, IntegersBeyondDoublesKeepTheirLastDigit) {
  const Checked schema(R"({"maximum":9007199254740993,"minimum":-123456789012345678901234567890})");
  EXPECT_TRUE(schema.takes("9007199254740993"));
  EXPECT_EQ(schema.says("9007199254740994"), ": must be at most 9007199254740993");
  EXPECT_TRUE(schema.takes("-123456789012345678901234567890"));
  EXPECT_FALSE(schema.takes("-123456789012345678901234567891"));
  EXPECT_FALSE(schema.takes("1e400"));
  EXPECT_TRUE(schema.takes("1e-400"));
}

TEST(SchemaNumbers, MultiplesAreExact) {
  const Checked cents(R"({"multipleOf":0.01})");
  for (const char* yes :
       {"0", "0.07", "19.99", "1e10", "-4.35", "1.10", "123456789012345678901234567890.12", "1e400", "0e5"}) {
    EXPECT_TRUE(cents.takes(yes)) << yes;
  }
  for (const char* no : {"0.001", "19.995", "1e-3", "123456789012345678901234567890.123", "1e-400"}) {
    EXPECT_EQ(cents.says(no), ": must be a multiple of 0.01") << no;
  }
  const Checked seven(R"({"multipleOf":7})");
  EXPECT_TRUE(seven.takes("700000000000000000000000000000000000000007"));
  EXPECT_FALSE(seven.takes("700000000000000000000000000000000000000008"));
  EXPECT_TRUE(seven.takes("7e99999999999999999999"));
  EXPECT_FALSE(seven.takes("1e300"));
  EXPECT_TRUE(Checked(R"({"multipleOf":2.5e1})").takes("75"));
  EXPECT_FALSE(Checked(R"({"multipleOf":2.5e1})").takes("80"));
  EXPECT_TRUE(Checked(R"({"multipleOf":123456789012345678})").takes("246913578024691356"));
  EXPECT_FALSE(Checked(R"({"multipleOf":123456789012345678})").takes("246913578024691357"));
  EXPECT_TRUE(Checked(R"({"multipleOf":1000000000000000000000})").takes("3e21"));
}

TEST(SchemaStrings, LengthsCountCodePoints) {
  EXPECT_EQ(says(R"({"minLength":8})", R"("abcdefgh")"), "");
  EXPECT_EQ(says(R"({"minLength":8})", R"("abcdefg")"), ": must be at least 8 characters long");
  EXPECT_EQ(says(R"({"minLength":8})", R"("")"), ": must not be empty");
  EXPECT_EQ(says(R"({"minLength":1})", R"("")"), ": must not be empty");
  EXPECT_EQ(says(R"({"maxLength":3})", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""), "");
  EXPECT_EQ(says(R"({"maxLength":3})", R"("\u00e9\u20ac\ud83d\ude00")"), "");
  EXPECT_EQ(says(R"({"maxLength":3})", R"("\n\"\\\t")"), ": must be at most 3 characters long");
  EXPECT_EQ(says(R"({"maxLength":1})", R"("ab")"), ": must be at most 1 character long");
  EXPECT_EQ(says(R"({"maxLength":2.0})", R"("ab")"), "");
  EXPECT_EQ(says(R"({"minLength":1e1})", R"("ab")"), ": must be at least 10 characters long");
}

TEST(SchemaStrings, APatternIsSearchedForAnywhere) {
  EXPECT_EQ(says(R"({"pattern":"b+"})", R"("abbc")"), "");
  EXPECT_EQ(says(R"({"pattern":"^b"})", R"("abbc")"), ": does not have the required form");
  EXPECT_EQ(says(R"({"pattern":"^[A-Z]{2}-\\d+$"})", R"("AB-12")"), "");
  EXPECT_EQ(says(R"({"pattern":"^[A-Z]{2}-\\d+$"})", R"("AB-12\n")"), ": does not have the required form");
  EXPECT_EQ(says(R"({"pattern":"^.$"})", R"("\u00e9")"), "");
  EXPECT_EQ(says(R"({"pattern":"^\\p{L}+$"})", "\"\xC3\xA9t\xC3\xA9\""), "");
  EXPECT_EQ(says(R"({"pattern":""})", R"("")"), "");
  EXPECT_EQ(says(R"({"pattern":"a"})", "1"), "");
}

TEST(SchemaStrings, EveryErrorOfATextIsReported) {
  EXPECT_EQ(says(R"({"maxLength":2,"pattern":"^a","format":"email"})", R"("xyz")"),
            ": must be at most 2 characters long\n: does not have the required form\n: must be an email address");
}

TEST(SchemaArrays, ItemsAreCheckedEachAtItsPlace) {
  const Checked schema(R"({"items":{"type":"integer","minimum":0}})");
  EXPECT_EQ(schema.says("[]"), "");
  EXPECT_EQ(schema.says("[1,2,3]"), "");
  EXPECT_EQ(schema.says(R"([1,"a",-1, [ ] ])"),
            "1: must be a whole number\n2: must be at least 0\n3: must be a whole number");
  EXPECT_EQ(schema.says(R"({"0":"a"})"), "");
}

TEST(SchemaArrays, ItemsAreCounted) {
  const Checked schema(R"({"minItems":1,"maxItems":2})");
  EXPECT_EQ(schema.says("[]"), ": must have at least 1 item");
  EXPECT_EQ(schema.says("[[1,2,3]]"), "");
  EXPECT_EQ(schema.says("[1,2]"), "");
  EXPECT_EQ(schema.says("[1,2,3]"), ": must have at most 2 items");
}

TEST(SchemaArrays, UniqueItemsAreSoByMeaning) {
  const Checked schema(R"({"uniqueItems":true})");
  for (const char* yes :
       {"[]", "[1]", "[1,2]", R"(["1",1])", "[0,false,null,\"\",[],{}]", R"([{"a":1},{"a":2}])", "[[1,2],[2,1]]",
        R"([{"a":1,"b":2},{"a":1}])", "[1,[1],[[1]]]", R"(["a","b","a b"])", R"([["a,b"],["a","b"]])"}) {
    EXPECT_TRUE(schema.takes(yes)) << yes;
  }
  for (const char* no :
       {"[1,2,1]", "[1,1.0]", "[100,1e2]", "[0,-0.0]", R"(["a","\u0061"])", R"([{"a":1,"b":2},{"b":2.0,"a":1}])",
        "[[1,2],[1,2]]", "[null,null]", "[true,false,true]", R"([{"a":2},{"a":1,"a":2}])", "[[],[ ]]"}) {
    EXPECT_EQ(schema.says(no), ": must not have the same item twice") << no;
  }
  EXPECT_EQ(says(R"({"uniqueItems":false})", "[1,1]"), "");
}

TEST(SchemaObjects, PropertiesAreCheckedEachAtItsName) {
  const Checked schema(
      R"({"properties":{"address":{"properties":{"city":{"type":"string"}}},"x.y":{"type":"null"},"":{"type":"null"}}})");
  EXPECT_EQ(schema.says("{}"), "");
  EXPECT_EQ(schema.says(R"({"address":{"city":"Ulm"},"other":1})"), "");
  EXPECT_EQ(schema.says(R"({"address":{"city":1}})"), "address.city: must be text");
  EXPECT_EQ(schema.says(R"({"\u0061ddress":{"c\u0069ty":1}})"), "address.city: must be text");
  EXPECT_EQ(schema.says(R"({"x.y":1,"":1})"), "x.y: must be null\n: must be null");
}

TEST(SchemaObjects, EveryMemberOfOneNameIsChecked) {
  EXPECT_EQ(says(R"({"properties":{"a":{"type":"string"}}})", R"({"a":1,"a":"x"})"), "a: must be text");
  EXPECT_EQ(says(R"({"properties":{"a":{"type":"string"}}})", R"({"a":"x","\u0061":1})"), "a: must be text");
}

TEST(SchemaObjects, WhatIsRequiredIsReportedAtItsName) {
  const Checked schema(
      R"({"required":["name","mail"],"properties":{"name":{"type":"string"},"address":{"required":["city"]}}})");
  EXPECT_EQ(schema.says(R"({"name":"a","mail":null})"), "");
  EXPECT_EQ(schema.says("{}"), "mail: is required\nname: is required");
  EXPECT_EQ(schema.says(R"({"n\u0061me":"","mail":1,"address":{}})"), "address.city: is required");
  EXPECT_EQ(schema.says("[]"), "");
}

TEST(SchemaObjects, OtherMembersAreForbiddenOrHaveTheirSchema) {
  const Checked none(R"({"properties":{"a":true,"b":false},"additionalProperties":false})");
  EXPECT_EQ(none.says(R"({"a":1})"), "");
  EXPECT_EQ(none.says(R"({"a":1,"z":1,"y\"":[1]})"), "z: is not allowed\ny\": is not allowed");
  EXPECT_EQ(none.says(R"({"b":1})"), "b: is not allowed");
  const Checked numbers(R"({"required":["c"],"properties":{"a":{}},"additionalProperties":{"type":"number"}})");
  EXPECT_EQ(numbers.says(R"({"a":"x","b":1,"c":2})"), "");
  EXPECT_EQ(numbers.says(R"({"a":"x","b":"x","c":"x"})"), "b: must be a number\nc: must be a number");
  EXPECT_EQ(says(R"({"additionalProperties":true})", R"({"a":1})"), "");
}

TEST(SchemaObjects, MembersAreCounted) {
  const Checked schema(R"({"minProperties":1,"maxProperties":2})");
  EXPECT_EQ(schema.says("{}"), ": must have at least 1 member");
  EXPECT_EQ(schema.says(R"({"a":{"b":1,"c":2}})"), "");
  EXPECT_EQ(schema.says(R"({"a":1,"b":2,"c":3})"), ": must have at most 2 members");
}

TEST(SchemaKeywords, LookAtTheirOwnTypeAlone) {
  const Checked schema(
      R"({"minimum":5,"multipleOf":5,"minLength":5,"pattern":"x","format":"email","minItems":5,"uniqueItems":true,
    "items":false,"minProperties":5,"required":["a"],"properties":{"b":false}})");
  for (const char* value : {"null", "true", "false"}) EXPECT_TRUE(schema.takes(value)) << value;
  EXPECT_TRUE(Checked(R"({"minimum":5,"minItems":5,"required":["a"]})").takes("\"\""));
  EXPECT_TRUE(Checked(R"({"minLength":5,"minItems":5,"required":["a"]})").takes("1"));
}

TEST(SchemaKeywords, AnnotationsCheckNothing) {
  EXPECT_EQ(
      says(
          R"({"title":"t","description":"d","default":{"a":1},"examples":[1],"$schema":"https://json-schema.org/draft/2020-12/schema",
    "$id":"https://example.com/a","$comment":"c","deprecated":true,"readOnly":false,"writeOnly":true})",
          "[1]"),
      "");
}

TEST(SchemaKeywords, TrueTakesEverythingAndFalseNothing) {
  EXPECT_EQ(says("true", "[1]"), "");
  EXPECT_EQ(says("{}", "[1]"), "");
  EXPECT_EQ(says("false", "[1]"), ": is not allowed");
}

}  // namespace
}  // namespace vg::json
