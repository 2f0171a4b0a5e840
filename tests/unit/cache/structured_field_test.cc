// Structured fields: RFC 9651.
#include "cache/structured_field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

using Kind = StructuredItem::Kind;

StructuredItem only(std::string_view field) {
  const auto members = parse_dictionary(field);
  EXPECT_TRUE(members && members->size() == 1) << field;
  return members && members->size() == 1 ? members->front().value : StructuredItem();
}

TEST(Dictionary, HasEveryKindOfItem_9651_3_3) {
  EXPECT_EQ(only("a").kind, Kind::kBoolean);
  EXPECT_EQ(only("a").integer, 1);
  EXPECT_EQ(only("a=?0").integer, 0);
  EXPECT_EQ(only("a=-42").integer, -42);
  EXPECT_EQ(only("a=999999999999999").integer, 999'999'999'999'999);
  EXPECT_EQ(only("a=1.5").kind, Kind::kDecimal);
  EXPECT_EQ(only("a=x/y:z*").text, "x/y:z*");
  EXPECT_EQ(only(R"(a="q\"\\ x")").text, R"(q"\ x)");
  EXPECT_EQ(only("a=:aGVsbG8=:").kind, Kind::kBytes);
  EXPECT_EQ(only("a=@1659578233").integer, 1659578233);
  EXPECT_EQ(only("a=@1659578233").kind, Kind::kDate);
  EXPECT_EQ(only("a=%\"f%c3%bc\"").kind, Kind::kDisplayString);
  EXPECT_EQ(only("a=(1 \"b\" c;d=1)").kind, Kind::kInnerList);
  EXPECT_EQ(only("a=( )").kind, Kind::kInnerList);
}

TEST(Dictionary, ParametersArePassedOver_9651_3_1_2) {
  EXPECT_EQ(only("a=60; b; c=\"d\";e=?1").integer, 60);
  EXPECT_EQ(only("a;b").kind, Kind::kBoolean);
}

TEST(Dictionary, BlanksMayStandAroundCommas_9651_4_2_2) {
  const auto members = parse_dictionary("  a=1 \t,\t b  ");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ((*members)[1].key, "b");
}

TEST(Dictionary, TheLastValueOfAKeyStands_9651_4_2_2) {
  const auto members = parse_dictionary("a=1, b, a=2");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ((*members)[0].key, "a");
  EXPECT_EQ((*members)[0].value.integer, 2);
}

TEST(Dictionary, EmptyIsEmpty) {
  EXPECT_TRUE(parse_dictionary("")->empty());
  EXPECT_TRUE(parse_dictionary("   ")->empty());
}

class NoDictionary : public testing::TestWithParam<const char*> {};

TEST_P(NoDictionary, AMistakeIsNoField_9651_4_2) { EXPECT_FALSE(parse_dictionary(GetParam())) << GetParam(); }

INSTANTIATE_TEST_SUITE_P(All, NoDictionary,
                         testing::Values("A=1", "a,", ",a", "a,,b", "a b", "a =1", "a= 1", "a=", "a=1.", "a=.5", "a=-",
                                         "a=1.2345", "a=1234567890123456", "a=1234567890123.1", "a=\"x", "a=\"\\x\"",
                                         "a='x'", "a=?2", "a=?", "a=:x", "a=:?:", "a=(1", "a=(1)2", "a=(1\t2)",
                                         "a=(1,2)", "a=1;", "a=1;B", "a=1;b=", "a=@1.5", "a=@x", "a=%\"%zz\"",
                                         "a=%\"%C3\"", "a=%\"%c3\"", "a=%\"x", "a=\"\x7f\"", "a=1 b=2", "=1", "1=a"));

TEST(List, IsChecked_9651_4_2_1) {
  EXPECT_TRUE(is_list("Origin; hit; ttl=30, \"CDN 1\"; fwd=uri-miss"));
  EXPECT_TRUE(is_list("(a b);c, 1.5"));
  EXPECT_TRUE(is_list(""));
  EXPECT_FALSE(is_list("Origin hit"));
  EXPECT_FALSE(is_list("a,"));
  EXPECT_FALSE(is_list("a; B"));
}

TEST(JoinedLines, AreOne_9651_4_2) {
  const auto head = test::response("Cache-Status: a\nX: y\ncache-status: b; hit\n");
  EXPECT_EQ(joined_lines(head, http::FieldId::kCacheStatus), "a, b; hit");
}

TEST(TokenOrString, IsAlwaysValid) {
  const auto text = [](std::string_view s) {
    std::string out;
    append_token_or_string(out, s);
    EXPECT_TRUE(is_list(out)) << out;
    return out;
  };
  EXPECT_EQ(text("no-store"), "no-store");
  EXPECT_EQ(text("two words"), "\"two words\"");
  EXPECT_EQ(text("9"), "\"9\"");
  EXPECT_EQ(text(""), "\"\"");
  EXPECT_EQ(text("a\"b\\c\x01"), R"("a\"b\\c")");
}

}  // namespace
}  // namespace vg::cache
