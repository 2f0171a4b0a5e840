// Conditions, ranges and validation: RFC 9110 sections 13 and 14, RFC 9111 sections 3.2 and 4.3.
#include "cache/validators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

using As = Selection::As;
using test::request;
using test::response;

constexpr const char* kStored =
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\nLast-Modified: Sat, 05 Nov 1994 08:00:00 GMT\nETag: \"v1\"\n";

Selection selected(std::string_view lines, std::string_view stored_lines = kStored, int status = 200,
                   std::string_view start = "GET /a HTTP/1.1", uint64_t length = 1000) {
  const auto head = response(stored_lines, status);
  StoredAnswer stored;
  stored.status = static_cast<uint16_t>(status);
  stored.head = &head;
  stored.length = length;
  stored.received_at = test::at(test::kThen);
  return select(request(lines, start), stored);
}

As as(std::string_view lines, std::string_view stored_lines = kStored, int status = 200,
      std::string_view start = "GET /a HTTP/1.1") {
  return selected(lines, stored_lines, status, start).as;
}

TEST(Conditions, IfNoneMatchIsComparedWeakly_9111_4_3_2) {
  EXPECT_EQ(as("If-None-Match: \"v1\"\n"), As::kNotModified);
  EXPECT_EQ(as("If-None-Match: W/\"v1\"\n"), As::kNotModified);
  EXPECT_EQ(as("If-None-Match: \"v0\", \"v1\"\n"), As::kNotModified);
  EXPECT_EQ(as("If-None-Match: *\n"), As::kNotModified);
  EXPECT_EQ(as("If-None-Match: \"v0\"\n"), As::kWhole);
  EXPECT_EQ(as("If-None-Match: \"v1\"\n", "X: y\n"), As::kWhole);
  EXPECT_EQ(as("If-None-Match: \"v1\"\n", kStored, 200, "HEAD /a HTTP/1.1"), As::kNotModified);
}

TEST(Conditions, IfModifiedSinceCountsWithoutIfNoneMatchAlone_9110_13_2_2) {
  EXPECT_EQ(as("If-Modified-Since: Sat, 05 Nov 1994 08:00:00 GMT\n"), As::kNotModified);
  EXPECT_EQ(as("If-Modified-Since: Sat, 05 Nov 1994 08:00:01 GMT\n"), As::kNotModified);
  EXPECT_EQ(as("If-Modified-Since: Sat, 05 Nov 1994 07:59:59 GMT\n"), As::kWhole);
  EXPECT_EQ(as("If-Modified-Since: Saturday, 05-Nov-94 08:00:00 GMT\n"), As::kNotModified);
  EXPECT_EQ(as("If-None-Match: \"v0\"\nIf-Modified-Since: Sat, 05 Nov 1994 08:00:00 GMT\n"), As::kWhole);
  EXPECT_EQ(as("If-None-Match: \"v1\"\nIf-Modified-Since: Sat, 05 Nov 1994 07:00:00 GMT\n"), As::kNotModified);
}

TEST(Conditions, AnInvalidDateIsIgnored_9110_13_1_3) {
  EXPECT_EQ(as("If-Modified-Since: yesterday\n"), As::kWhole);
  EXPECT_EQ(as("If-Modified-Since: Sat, 05 Nov 1994 08:00:00 GMT\nIf-Modified-Since: x\n"), As::kWhole);
}

TEST(Conditions, WithoutLastModifiedDateStands_9111_4_3_2) {
  const char* dated = "Date: Sun, 06 Nov 1994 08:49:37 GMT\n";
  EXPECT_EQ(as("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\n", dated), As::kNotModified);
  EXPECT_EQ(as("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\n", dated), As::kWhole);
  EXPECT_EQ(as("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\n", "X: y\n"), As::kNotModified);
  EXPECT_EQ(as("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\n", "X: y\n"), As::kWhole);
}

TEST(Conditions, CountForSuccessAlone_9110_13_2_1) {
  EXPECT_EQ(as("If-None-Match: *\n", kStored, 404), As::kWhole);
  EXPECT_EQ(as("If-None-Match: \"v1\"\n", kStored, 301), As::kWhole);
  EXPECT_EQ(as("If-None-Match: \"v1\"\n", kStored, 203), As::kNotModified);
}

TEST(Conditions, SomeAreTheOriginsToJudge_9111_4_3_2) {
  EXPECT_TRUE(is_for_origin(request("If-Match: \"v1\"\n")));
  EXPECT_TRUE(is_for_origin(request("If-Unmodified-Since: Sat, 05 Nov 1994 08:00:00 GMT\n")));
  EXPECT_FALSE(is_for_origin(request("If-None-Match: \"v1\"\nRange: bytes=0-1\n")));
  EXPECT_TRUE(is_conditional(request("Range: bytes=0-1\n")));
  EXPECT_TRUE(is_conditional(request("If-None-Match: *\n")));
  EXPECT_TRUE(is_conditional(request("If-Match: *\n")));
  EXPECT_FALSE(is_conditional(request("Accept: */*\n")));
}

struct RangeCase {
  const char* range;
  As as;
  uint64_t first, last;
};
class Ranges : public testing::TestWithParam<RangeCase> {};
TEST_P(Ranges, OneIsAnsweredFromWhatIsStored_9110_14_1_2) {
  const Selection s = selected("Range: " + std::string(GetParam().range));
  EXPECT_EQ(s.as, GetParam().as) << GetParam().range;
  if (GetParam().as != As::kPart) return;
  EXPECT_EQ(s.first, GetParam().first) << GetParam().range;
  EXPECT_EQ(s.last, GetParam().last) << GetParam().range;
}
INSTANTIATE_TEST_SUITE_P(
    All, Ranges,
    testing::Values(RangeCase{"bytes=0-99", As::kPart, 0, 99}, RangeCase{"bytes=0-0", As::kPart, 0, 0},
                    RangeCase{"bytes=990-", As::kPart, 990, 999}, RangeCase{"bytes=-10", As::kPart, 990, 999},
                    RangeCase{"bytes=0-99999", As::kPart, 0, 999}, RangeCase{"bytes=-99999", As::kPart, 0, 999},
                    RangeCase{"BYTES=0-1", As::kPart, 0, 1}, RangeCase{"bytes= 0-1 ,", As::kPart, 0, 1},
                    RangeCase{"bytes=999-1500", As::kPart, 999, 999},
                    RangeCase{"bytes=1000-", As::kNotSatisfiable, 0, 0},
                    RangeCase{"bytes=1000-2000", As::kNotSatisfiable, 0, 0},
                    RangeCase{"bytes=-0", As::kNotSatisfiable, 0, 0}, RangeCase{"bytes=0-1,5-6", As::kWhole, 0, 0},
                    RangeCase{"bytes=5-4", As::kWhole, 0, 0}, RangeCase{"bytes=-", As::kWhole, 0, 0},
                    RangeCase{"bytes=a-b", As::kWhole, 0, 0}, RangeCase{"bytes=0-1x", As::kWhole, 0, 0},
                    RangeCase{"bytes=", As::kWhole, 0, 0}, RangeCase{"bytes", As::kWhole, 0, 0},
                    RangeCase{"lines=0-1", As::kWhole, 0, 0}, RangeCase{"bytes=5", As::kWhole, 0, 0},
                    RangeCase{"bytes=99999999999999999999-", As::kWhole, 0, 0},
                    RangeCase{"bytes=0-1\nRange: bytes=2-3", As::kWhole, 0, 0}));

TEST(Range, IsForGetsAndCompleteAnswersAlone_9110_14_2) {
  EXPECT_EQ(as("Range: bytes=0-1\n", kStored, 200, "HEAD /a HTTP/1.1"), As::kWhole);
  EXPECT_EQ(as("Range: bytes=0-1\n", kStored, 404), As::kWhole);
  EXPECT_EQ(as("Range: bytes=0-1\nIf-None-Match: \"v1\"\n"), As::kNotModified);
}

TEST(Range, OfNothingIsTheWhole) {
  EXPECT_EQ(selected("Range: bytes=-5\n", kStored, 200, "GET /a HTTP/1.1", 0).as, As::kWhole);
  EXPECT_EQ(selected("Range: bytes=0-\n", kStored, 200, "GET /a HTTP/1.1", 0).as, As::kNotSatisfiable);
}

TEST(IfRange, IsComparedStrongly_9110_13_1_5) {
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: \"v1\"\n"), As::kPart);
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: \"v2\"\n"), As::kWhole);
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: W/\"v1\"\n", "ETag: W/\"v1\"\n"), As::kWhole);
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: nonsense\n"), As::kWhole);
  EXPECT_EQ(as("If-Range: \"v1\"\n"), As::kWhole);
}

TEST(IfRange, ADateMustBeExactAndStrong_9110_13_1_5) {
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: Sat, 05 Nov 1994 08:00:00 GMT\n"), As::kPart);
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: Sat, 05 Nov 1994 08:00:01 GMT\n"), As::kWhole);
  const char* same_second = "Date: Sat, 05 Nov 1994 08:00:00 GMT\nLast-Modified: Sat, 05 Nov 1994 08:00:00 GMT\n";
  EXPECT_EQ(as("Range: bytes=0-1\nIf-Range: Sat, 05 Nov 1994 08:00:00 GMT\n", same_second), As::kWhole);
}

TEST(ContentRange, IsOfAPartOrOfNone_9110_14_4) {
  EXPECT_EQ(content_range({As::kPart, 5, 9}, 1000), "bytes 5-9/1000");
  EXPECT_EQ(content_range({As::kNotSatisfiable, 0, 0}, 1000), "bytes */1000");
}

TEST(NotModified, HasNoFieldsOfTheContent_9110_15_4_5) {
  auto head = response(
      "Content-Type: a/b\nContent-Length: 5\nContent-Encoding: gzip\nContent-Language: en\nContent-Location: /a\n"
      "ETag: \"1\"\nVary: Accept\nCache-Control: max-age=1\nExpires: 0\nDate: x\n");
  remove_content_fields(head);
  for (const char* gone : {"content-type", "content-length", "content-encoding", "content-language"}) {
    EXPECT_EQ(head.get(gone), "") << gone;
  }
  for (const char* kept : {"content-location", "etag", "vary", "cache-control", "expires", "date"}) {
    EXPECT_NE(head.get(kept), "") << kept;
  }
}

TEST(Validation, AsksWithTheStoredValidators_9111_4_3_1) {
  std::string out;
  EXPECT_TRUE(append_conditions(out, response(kStored)));
  EXPECT_EQ(out, "If-None-Match: \"v1\"\r\nIf-Modified-Since: Sat, 05 Nov 1994 08:00:00 GMT\r\n");
  out.clear();
  EXPECT_TRUE(append_conditions(out, response("ETag: W/\"v1\"\n")));
  EXPECT_EQ(out, "If-None-Match: W/\"v1\"\r\n");
  out.clear();
  EXPECT_FALSE(append_conditions(out, response("Date: Sun, 06 Nov 1994 08:49:37 GMT\n")));
  EXPECT_EQ(out, "");
}

TEST(Freshening, A304MustBeAboutWhatIsStored_9111_4_3_4) {
  EXPECT_TRUE(is_about(response("ETag: \"v1\"\n", 304), response(kStored)));
  EXPECT_TRUE(is_about(response("ETag: W/\"v1\"\n", 304), response(kStored)));
  EXPECT_TRUE(is_about(response("", 304), response(kStored)));
  EXPECT_FALSE(is_about(response("ETag: \"v2\"\n", 304), response(kStored)));
  EXPECT_FALSE(is_about(response("ETag: \"v1\"\n", 304), response("Last-Modified: Sat, 05 Nov 1994 08:00:00 GMT\n")));
  EXPECT_TRUE(is_about(response("Last-Modified: Sat, 05 Nov 1994 08:00:00 GMT\n", 304), response(kStored)));
  EXPECT_FALSE(is_about(response("Last-Modified: Sat, 05 Nov 1994 08:00:01 GMT\n", 304), response(kStored)));
}

TEST(Freshening, FieldsOfA304ReplaceThoseStored_9111_3_2) {
  auto stored = response(
      "Cache-Control: max-age=1\nExpires: 0\nX-A: old\nX-A: older\nX-B: kept\nAge: 9\nContent-Length: 5\n"
      "Content-Encoding: gzip\nContent-Type: a/b\nCache-Status: origin; hit\n");
  update(stored, response("Cache-Control: max-age=60\nX-A: new\nX-A: newer\nX-C: added\nContent-Length: 0\n"
                          "Content-Encoding: br\nContent-Range: bytes 0-1/5\nConnection: close, X-Hop\nX-Hop: 1\n"
                          "Keep-Alive: timeout=5\nContent-Type: a/c\n",
                          304));
  EXPECT_EQ(stored.get("cache-control"), "max-age=60");
  EXPECT_EQ(stored.get("expires"), "0");
  EXPECT_EQ(stored.get("x-b"), "kept");
  EXPECT_EQ(stored.get("x-c"), "added");
  EXPECT_EQ(stored.get("content-length"), "5");
  EXPECT_EQ(stored.get("content-encoding"), "gzip");
  EXPECT_EQ(stored.get("content-type"), "a/c");
  for (const char* gone : {"age", "cache-status", "connection", "keep-alive", "x-hop", "content-range"}) {
    EXPECT_EQ(stored.get(gone), "") << gone;
  }
  std::string lines;
  for (const http::Field& f : stored.fields()) {
    if (stored.name(f) == "X-A") lines.append(stored.value(f)).append(";");
  }
  EXPECT_EQ(lines, "new;newer;");
}

TEST(HeadAnswers, MustAgreeWithWhatIsStored_9111_4_3_5) {
  EXPECT_TRUE(agrees(response("ETag: \"v1\"\nContent-Length: 5\n"), response(kStored), 5));
  EXPECT_TRUE(agrees(response(""), response(kStored), 5));
  EXPECT_FALSE(agrees(response("ETag: \"v2\"\n"), response(kStored), 5));
  EXPECT_FALSE(agrees(response("Content-Length: 6\n"), response(kStored), 5));
  EXPECT_FALSE(agrees(response("Last-Modified: Sat, 05 Nov 1994 08:00:01 GMT\n"), response(kStored), 5));
}

}  // namespace
}  // namespace vg::cache
