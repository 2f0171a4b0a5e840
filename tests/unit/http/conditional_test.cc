// Validators compared: RFC 9110 sections 8.8.3.2 and 13.1.
#include "http/conditional.h"

#include <gtest/gtest.h>

#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

RequestHead request(std::string_view lines) {
  RequestHead head;
  EXPECT_EQ(test::feed_request(test::with_fields(lines), test::whole(), {}, &head).status, ParseStatus::kDone);
  return head;
}

TEST(Validators, CompareStronglyAndWeakly_9110_8_8_3_2) {
  EXPECT_TRUE(strongly_equal("\"1\"", "\"1\""));
  EXPECT_FALSE(strongly_equal("W/\"1\"", "W/\"1\""));
  EXPECT_FALSE(strongly_equal("W/\"1\"", "\"1\""));
  EXPECT_FALSE(strongly_equal("", ""));
  EXPECT_TRUE(weakly_equal("W/\"1\"", "W/\"1\""));
  EXPECT_TRUE(weakly_equal("W/\"1\"", "\"1\""));
  EXPECT_FALSE(weakly_equal("W/\"1\"", "W/\"2\""));
  EXPECT_FALSE(weakly_equal("\"w/1\"", "\"W/1\""));
  EXPECT_FALSE(weakly_equal("", ""));
}

TEST(IfNoneMatch, FindsTheValidatorInListsAndLines_9110_13_1_2) {
  EXPECT_TRUE(is_not_modified(request("If-None-Match: \"a\", W/\"b\"\r\n"), "\"b\""));
  EXPECT_TRUE(is_not_modified(request("If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n"), "\"b\""));
  EXPECT_TRUE(is_not_modified(request("If-None-Match: \"a,b\" ,\"c\"\r\n"), "\"a,b\""));
  EXPECT_FALSE(is_not_modified(request("If-None-Match: \"a,b\"\r\n"), "b\""));
  EXPECT_FALSE(is_not_modified(request("If-None-Match: b\r\n"), "\"b\""));
  EXPECT_FALSE(is_not_modified(request(""), "\"b\""));
}

TEST(IfNoneMatch, AStarMatchesWhateverIsThere_9110_13_1_2) {
  EXPECT_TRUE(is_not_modified(request("If-None-Match: *\r\n"), "\"b\""));
  EXPECT_TRUE(is_not_modified(request("If-None-Match: *\r\n"), ""));
  EXPECT_FALSE(is_not_modified(request("If-None-Match: \"*\"\r\n"), ""));
}

TEST(IfMatch, ComparesStrongly_9110_13_1_1) {
  EXPECT_TRUE(is_match(request("If-Match: \"a\", \"b\"\r\n"), "\"b\""));
  EXPECT_FALSE(is_match(request("If-Match: W/\"b\"\r\n"), "W/\"b\""));
  EXPECT_TRUE(is_match(request("If-Match: *\r\n"), "W/\"b\""));
}

}  // namespace
}  // namespace vg::http
