#include "http/media_type.h"

#include <gtest/gtest.h>

namespace vg::http {
namespace {

std::string parameter(std::string_view text, std::string_view name) {
  const auto type = MediaType::parse(text);
  const std::string* value = type ? type->parameter(name) : nullptr;
  return value == nullptr ? "none" : *value;
}

TEST(MediaType, TypesAndNamesAreInLowerCaseAndValuesStay) {
  const auto type = MediaType::parse(" Application/JSON ; Charset=UTF-8;Profile=\"A b\"");
  ASSERT_TRUE(type);
  EXPECT_TRUE(type->is("application/json"));
  EXPECT_EQ(type->type(), "application/json");
  EXPECT_EQ(parameter("a/b; Charset=UTF-8", "charset"), "UTF-8");
  EXPECT_EQ(parameter("a/b; x=\"A b\"", "x"), "A b");
  EXPECT_EQ(parameter("a/b; x=1", "y"), "none");
}

TEST(MediaType, QuotedValuesMayHoldEverythingAVisibleFieldMay) {
  EXPECT_EQ(parameter("a/b; x=\"a;b=c\"; y=2", "x"), "a;b=c");
  EXPECT_EQ(parameter("a/b; x=\"a\\\"b\\\\c\"", "x"), "a\"b\\c");
  EXPECT_EQ(parameter("a/b; x=\"\"", "x"), "");
}

TEST(MediaType, EmptyParametersAreNothing) {
  for (const char* text : {"a/b;", "a/b;;", "a/b; ; x=1;", "a/b ;\t; "}) EXPECT_TRUE(MediaType::parse(text)) << text;
}

TEST(MediaType, WhatBreaksTheGrammarIsNone) {
  for (const char* text : {"",
                           "a",
                           "a/",
                           "/b",
                           "a/b/c",
                           "a b/c",
                           "a/b c",
                           "a/b x=1",
                           "a/b; x",
                           "a/b; x=",
                           "a/b; =1",
                           "a/b; x =1",
                           "a/b; x= 1",
                           "a/b; x=\"1",
                           "a/b; x=\"1\\",
                           "a/b; x=\"1\"2",
                           "a/b; x=1; X=2",
                           "a/b, c/d",
                           "a/b; x=\"\n\"",
                           "a/b; x=\"\\\n\""}) {
    EXPECT_FALSE(MediaType::parse(text)) << text;
  }
}

TEST(MediaType, WithoutACharsetItIsUtf8) {
  for (const char* text : {"a/b", "a/b; charset=utf-8", "a/b; CHARSET=\"Us-Ascii\""}) {
    ASSERT_TRUE(MediaType::parse(text)) << text;
    EXPECT_TRUE(MediaType::parse(text)->is_utf8()) << text;
  }
  for (const char* text : {"a/b; charset=latin1", "a/b; charset=\"\"", "a/b; charset=utf8", "a/b; charset=utf-16"}) {
    ASSERT_TRUE(MediaType::parse(text)) << text;
    EXPECT_FALSE(MediaType::parse(text)->is_utf8()) << text;
  }
}

TEST(Parameters, OfFormsTakeABackslashForItself) {
  Parameters http, form;
  ASSERT_TRUE(http.parse("; name=\"a\\b%22\"", Parameters::Quotes::kHttp));
  ASSERT_TRUE(form.parse("; name=\"a\\b%22\"", Parameters::Quotes::kForm));
  EXPECT_EQ(*http.find("name"), "ab%22");
  EXPECT_EQ(*form.find("name"), "a\\b\"");
  EXPECT_EQ(form.find("Name"), nullptr);
}

}  // namespace
}  // namespace vg::http
