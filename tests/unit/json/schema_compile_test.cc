// What is wrong with a schema is said when it is compiled, all of it, each at its place.
#include <gmock/gmock.h>

#include "unit/json/schema_reading.h"

namespace vg::json {
namespace {

using test::errors_of;
using testing::HasSubstr;

TEST(SchemaCompile, ASchemaIsAnObjectOrTrueOrFalse) {
  for (const char* schema : {"1", "null", "\"a\"", "[]"})
    EXPECT_EQ(errors_of(schema), ": a schema is an object, true or false");
  EXPECT_EQ(errors_of(R"({"properties":{"a":1},"items":[],"not":null,"additionalProperties":"x","$defs":{"d":2}})"),
            "/properties/a: a schema is an object, true or false\n/items: a schema is an object, true or false\n"
            "/not: a schema is an object, true or false\n/additionalProperties: a schema is an object, true or false\n"
            "/$defs/d: a schema is an object, true or false");
}

TEST(SchemaCompile, UnknownKeywordsAreNamedWithTheNearest) {
  EXPECT_EQ(errors_of(R"({"minLenght":1})"), "/minLenght: unknown keyword \"minLenght\", did you mean \"minLength\"?");
  EXPECT_EQ(errors_of(R"({"x-internal":1})"), "/x-internal: unknown keyword \"x-internal\"");
  EXPECT_EQ(errors_of(R"({"properties":{"a/b~":{"requird":[]}}})"),
            "/properties/a~1b~0/requird: unknown keyword \"requird\", did you mean \"required\"?");
}

TEST(SchemaCompile, KeywordsOfJsonSchemaThatAreNotTakenAreNamedAsSuch) {
  for (const std::string keyword :
       {"if", "then", "else", "patternProperties", "prefixItems", "contains", "dependentRequired", "propertyNames",
        "unevaluatedProperties", "$anchor", "$dynamicRef", "contentEncoding"}) {
    EXPECT_EQ(errors_of("{\"" + keyword + "\":{}}"),
              "/" + keyword + ": the keyword \"" + keyword + "\" of JSON Schema is not supported");
  }
  EXPECT_EQ(errors_of(R"({"definitions":{}})"), "/definitions: \"definitions\" is not supported; write \"$defs\"");
}

TEST(SchemaCompile, AllErrorsAreReportedAtOnce) {
  EXPECT_EQ(
      errors_of(
          R"({"type":"strin","minLength":-1,"properties":{"a":{"format":"mail"}},"allOf":[true,{"$ref":"#/x"}]})"),
      "/type: \"strin\" is not a type; there are string, number, integer, boolean, array, object or null, did you mean "
      "\"string\"?\n"
      "/minLength: must be a whole number, 0 or more\n"
      "/properties/a/format: \"mail\" is not a format; there are email, uri, date, time, date-time, uuid, ipv4, ipv6 "
      "or hostname, "
      "did you mean \"email\"?\n"
      "/allOf/1/$ref: must be \"#/$defs/NAME\": only what stands under $defs of the same schema can be referred to");
}

TEST(SchemaCompile, ValuesOfKeywordsMustFitThem) {
  const struct {
    const char *schema, *error;
  } cases[] = {
      {R"({"type":1})", "/type: must be text"},
      {R"({"type":[]})", "/type: must name at least one type"},
      {R"({"type":["string",1]})", "/type: must be text"},
      {R"({"type":["string","string"]})", "/type: \"string\" stands here twice"},
      {R"({"enum":[]})", "/enum: must be a list of at least one value"},
      {R"({"enum":"a"})", "/enum: must be a list of at least one value"},
      {R"({"minimum":"1"})", "/minimum: must be a number"},
      {R"({"exclusiveMaximum":true})", "/exclusiveMaximum: must be a number"},
      {R"({"multipleOf":0})", "/multipleOf: must be more than 0"},
      {R"({"multipleOf":0.0e5})", "/multipleOf: must be more than 0"},
      {R"({"multipleOf":-1})", "/multipleOf: must be more than 0"},
      {R"({"multipleOf":"1"})", "/multipleOf: must be a number"},
      {R"({"multipleOf":1.000000000000000001})", "/multipleOf: must have at most 18 digits"},
      {R"({"maxLength":1.5})", "/maxLength: must be a whole number, 0 or more"},
      {R"({"maxItems":"1"})", "/maxItems: must be a whole number, 0 or more"},
      {R"({"minProperties":-1})", "/minProperties: must be a whole number, 0 or more"},
      {R"({"maxProperties":1e16})", "/maxProperties: must be at most 9007199254740992"},
      {R"({"minItems":1e999})", "/minItems: must be at most 9007199254740992"},
      {R"({"pattern":1})", "/pattern: must be text"},
      {R"({"format":1})", "/format: must be text"},
      {R"({"uniqueItems":1})", "/uniqueItems: must be true or false"},
      {R"({"properties":[]})", "/properties: must be an object"},
      {R"({"required":"a"})", "/required: must be a list of names"},
      {R"({"required":["a",1]})", "/required: must be text"},
      {R"({"required":["a","\u0061"]})", "/required: \"a\" stands here twice"},
      {R"({"allOf":{}})", "/allOf: must be a list of at least one schema"},
      {R"({"anyOf":[]})", "/anyOf: must be a list of at least one schema"},
      {R"({"oneOf":[1]})", "/oneOf/0: a schema is an object, true or false"},
      {R"({"$ref":1})", "/$ref: must be text"},
      {R"({"$defs":[]})", "/$defs: must be an object"},
      {R"({"title":1})", "/title: must be text"},
      {R"({"$schema":1})", "/$schema: must be text"},
      {R"({"deprecated":"no"})", "/deprecated: must be true or false"},
      {R"({"examples":1})", "/examples: must be a list"},
  };
  for (const auto& c : cases) EXPECT_EQ(errors_of(c.schema), c.error) << c.schema;
}

TEST(SchemaCompile, APatternMustBeOneOfRe2) {
  EXPECT_THAT(errors_of(R"({"pattern":"a("})"),
              HasSubstr("/pattern: is not a regular expression of RE2's syntax: missing )"));
  for (const char* schema : {R"x({"pattern":"(?=a)"})x", R"x({"pattern":"(a)\\1"})x", R"x({"pattern":"[z-a]"})x"}) {
    EXPECT_THAT(errors_of(schema), HasSubstr("/pattern: is not a regular expression of RE2's syntax: "));
  }
}

TEST(SchemaCompile, MembersThatStandTwiceAreRefused) {
  EXPECT_EQ(errors_of(R"({"type":"string","type":"number"})"), "/type: stands here twice");
  EXPECT_EQ(errors_of(R"({"properties":{"a":true,"\u0061":true}})"), "/properties/a: stands here twice");
  EXPECT_EQ(errors_of(R"({"$defs":{"a":true,"a":true}})"), "/$defs/a: stands here twice");
  EXPECT_EQ(errors_of(R"({"$defs":{"a":true},"$defs":{"b":true}})"), "/$defs: stands here twice");
}

TEST(SchemaCompile, WhatNothingCanMeetIsRefused) {
  EXPECT_EQ(errors_of(R"({"minLength":3,"maxLength":2})"), "/minLength: is more than maxLength: nothing can be valid");
  EXPECT_EQ(errors_of(R"({"minItems":3,"maxItems":2})"), "/minItems: is more than maxItems: nothing can be valid");
  EXPECT_EQ(errors_of(R"({"minProperties":3,"maxProperties":2})"),
            "/minProperties: is more than maxProperties: nothing can be valid");
  EXPECT_EQ(errors_of(R"({"minimum":3,"maximum":2})"), "/minimum: leaves nothing below maximum: nothing can be valid");
  EXPECT_EQ(errors_of(R"({"exclusiveMinimum":2,"maximum":2.0})"),
            "/exclusiveMinimum: leaves nothing below maximum: nothing can be valid");
  EXPECT_EQ(errors_of(R"({"minimum":2,"maximum":2,"minLength":2,"maxLength":2})"), "");
  EXPECT_EQ(errors_of(R"({"required":["emial"],"properties":{"email":true},"additionalProperties":false})"),
            "/required: \"emial\" is not among the properties, and others are not allowed, did you mean \"email\"?");
  EXPECT_EQ(errors_of(R"({"required":["emial"],"properties":{"email":true}})"), "");
}

TEST(SchemaCompile, ReferencesLeadToDefinitionsOfTheSameSchema) {
  EXPECT_EQ(errors_of(R"({"$defs":{"address":true},"$ref":"#/$defs/adress"})"),
            "/$ref: there is no \"adress\" under $defs, did you mean \"address\"?");
  EXPECT_EQ(errors_of(R"({"$ref":"#/$defs/a"})"), "/$ref: there is no \"a\" under $defs");
  for (const char* ref :
       {"#", "", "a", "#/$defs", "#/$defs/a/properties/b", "#/definitions/a", "https://example.com/a", "#/$defs/%zz"}) {
    EXPECT_THAT(errors_of(std::string(R"({"$defs":{"a":true},"$ref":")") + ref + "\"}"),
                HasSubstr("/$ref: must be \"#/$defs/NAME\""))
        << ref;
  }
  EXPECT_EQ(errors_of(R"({"properties":{"a":{"$defs":{"b":true}}}})"),
            "/properties/a/$defs: belongs at the top of the schema");
}

TEST(SchemaCompile, ACycleThatNeverGoesIntoTheValueIsNamed) {
  EXPECT_EQ(errors_of(R"({"$defs":{"a":{"$ref":"#/$defs/a"}}})"),
            "/$defs/a: refers to itself for one and the same value: a -> a");
  EXPECT_EQ(
      errors_of(
          R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[true,{"not":{"$ref":"#/$defs/b"}}]},"b":{"oneOf":[{"$ref":"#/$defs/a"}]}}})"),
      "/$defs/a: refers to itself for one and the same value: a -> b -> a");
  EXPECT_EQ(errors_of(R"({"$defs":{"a":{"items":{"$ref":"#/$defs/b"}},"b":{"$ref":"#/$defs/a"}}})"), "");
}

TEST(SchemaCompile, SchemasForOneValueDoNotStandInEachOtherWithoutEnd) {
  const auto chain = [](int length) {
    std::string schema = "true";
    for (int i = 1; i < length; ++i) schema = "{\"allOf\":[" + schema + "]}";
    return errors_of(schema);
  };
  EXPECT_EQ(chain(32), "");
  EXPECT_EQ(chain(33), ": more than 32 schemas stand in each other here for the same value");
  std::string schema = R"({"$defs":{)";
  for (int i = 0; i < 5000; ++i)
    schema += "\"d" + std::to_string(i) + "\":{\"$ref\":\"#/$defs/d" + std::to_string(i + 1) + "\"},";
  EXPECT_THAT(errors_of(schema + R"("d5000":true}})"), HasSubstr("more than 32 schemas stand in each other"));
}

}  // namespace
}  // namespace vg::json
