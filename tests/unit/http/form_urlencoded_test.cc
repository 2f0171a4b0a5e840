#include <gtest/gtest.h>

#include "unit/http/form_reading.h"

namespace vg::http {
namespace {

using test::urlencoded;

TEST(FormUrlencoded, NamesAndValuesAreDecodedOnce) {
  EXPECT_EQ(urlencoded("name=Ann+Lee&mail=a%40b.example"), "name=Ann Lee|mail=a@b.example");
  EXPECT_EQ(urlencoded("a%20b=%2541"), "a b=%41");
  EXPECT_EQ(urlencoded("x=%2B+%26%3D%25"), "x=+ &=%");
  EXPECT_EQ(urlencoded("n=%C3%A9&raw=\xC3\xA9"), "n=\xC3\xA9|raw=\xC3\xA9");
  EXPECT_EQ(urlencoded("text=a%0D%0Ab"), "text=a\r\nb");
}

TEST(FormUrlencoded, OrderAndRepeatedNamesStay) { EXPECT_EQ(urlencoded("b=1&a=2&b=3"), "b=1|a=2|b=3"); }

TEST(FormUrlencoded, ANameAloneHasAnEmptyValueAndNothingIsNothing) {
  EXPECT_EQ(urlencoded(""), "");
  EXPECT_EQ(urlencoded("&&"), "");
  EXPECT_EQ(urlencoded("a"), "a=");
  EXPECT_EQ(urlencoded("a=&&b=1&"), "a=|b=1");
  EXPECT_EQ(urlencoded("a=b=c"), "a=b=c");
}

TEST(FormUrlencoded, ASemicolonSeparatesNothing) { EXPECT_EQ(urlencoded("a=1;b=2"), "a=1;b=2"); }

TEST(FormUrlencoded, InvalidEscapesAreRefused) {
  for (const char* body :
       {"a=%", "a=%4", "a=100%", "a=%zz", "a=%4g", "%=1", "%a=1", "a=%%41", "a=%u0041", "ok=1&a=%"}) {
    EXPECT_EQ(urlencoded(body), "malformed") << body;
  }
}

TEST(FormUrlencoded, AFieldNeedsAName) {
  EXPECT_EQ(urlencoded("=1"), "malformed");
  EXPECT_EQ(urlencoded("a=1&="), "malformed");
}

TEST(FormUrlencoded, WhatIsNoUtf8IsRefusedRawOrEscaped) {
  for (const char* body : {"a=\xFF", "a=%FF", "%C3=1", "a=%ED%A0%80", "a=%C0%AF", "a=caf\xE9"}) {
    EXPECT_EQ(urlencoded(body), "not utf-8") << body;
  }
}

TEST(FormUrlencoded, ACharsetFieldMustNameUtf8) {
  EXPECT_EQ(urlencoded("_charset_=UTF-8&a=1"), "_charset_=UTF-8|a=1");
  EXPECT_EQ(urlencoded("_charset_=windows-1252&a=1"), "not utf-8");
}

TEST(FormUrlencoded, AThousandFieldsAreTheMost) {
  std::string body;
  for (size_t i = 0; i < kMaxFormFields; ++i) body += "a=1&";
  std::vector<FormField> fields;
  EXPECT_EQ(read_urlencoded(body, fields), FormError::kNone);
  EXPECT_EQ(fields.size(), kMaxFormFields);
  EXPECT_EQ(read_urlencoded(body + "b", fields), FormError::kTooManyFields);
  EXPECT_EQ(fields.size(), kMaxFormFields);
}

TEST(FormUrlencoded, WhatStoodInTheListBeforeIsGone) {
  std::vector<FormField> fields = {{"old", "1"}};
  EXPECT_EQ(read_urlencoded("a=1", fields), FormError::kNone);
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].name, "a");
}

}  // namespace
}  // namespace vg::http
