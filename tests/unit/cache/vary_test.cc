// Variants: RFC 9110 section 12.5.5, RFC 9111 section 4.1.
#include "cache/vary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

using test::request;
using test::response;
using testing::ElementsAre;
using testing::IsEmpty;

std::string variant(std::string_view lines, const std::vector<std::string>& names) {
  std::string out;
  append_variant(out, names, request(lines));
  return out;
}

TEST(VaryField, IsReadOverSeveralLines_9111_4_1) {
  const Vary v = vary_of(response("Vary: Accept-Language , ,X-B\nVary: accept\nVary: Accept\n"));
  EXPECT_FALSE(v.star);
  EXPECT_THAT(v.names, ElementsAre("accept", "accept-language", "x-b"));
  EXPECT_EQ(to_string(v), "accept, accept-language, x-b");
}

TEST(VaryField, AStarAnywhereIsAStar_9111_4_1) {
  for (const char* lines :
       {"Vary: *\n", "Vary: Accept, *\n", "Vary: Accept\nVary: *, X\n", "Vary: Acc ept\n", "Vary: **, \"x\"\n"}) {
    EXPECT_TRUE(vary_of(response(lines)).star) << lines;
    EXPECT_THAT(vary_of(response(lines)).names, IsEmpty()) << lines;
  }
  EXPECT_EQ(vary_of(response("")), Vary());
  EXPECT_EQ(vary_of(response("Vary:\n")), Vary());
  EXPECT_EQ(to_string(vary_of(response("Vary: *\n"))), "*");
}

TEST(VaryField, OfTwoAnswersIsTheirUnion) {
  Vary v = vary_of(response("Vary: b, a\n"));
  join(v, vary_of(response("Vary: c, B\n")));
  EXPECT_THAT(v.names, ElementsAre("a", "b", "c"));
  join(v, vary_of(response("Vary: *\n")));
  EXPECT_TRUE(v.star);
  EXPECT_THAT(v.names, IsEmpty());
}

TEST(Variant, IsTheSameForTheSameValues_9111_4_1) {
  const std::vector<std::string> names = {"accept-language", "x-a"};
  EXPECT_EQ(variant("Accept-Language: en\nX-A: 1\nX-B: 2\n", names),
            variant("x-a: 1\nX-B: 3\nACCEPT-LANGUAGE: en\n", names));
  EXPECT_NE(variant("Accept-Language: en\nX-A: 1\n", names), variant("Accept-Language: de\nX-A: 1\n", names));
}

TEST(Variant, AnAbsentFieldIsNotAnEmptyOne_9111_4_1) {
  EXPECT_NE(variant("", {"x-a"}), variant("X-A:\n", {"x-a"}));
  EXPECT_EQ(variant("", {"x-a"}), variant("X-B: 1\n", {"x-a"}));
}

TEST(Variant, LinesAreJoined_9111_4_1) {
  EXPECT_EQ(variant("X-A: 1\nX-A: 2\n", {"x-a"}), variant("X-A: 1, 2\n", {"x-a"}));
  EXPECT_NE(variant("X-A: 1\nX-A: 2\n", {"x-a"}), variant("X-A: 2, 1\n", {"x-a"}));
}

TEST(Variant, ListsAreNormalisedWhereTheyMeanTheSame_9111_4_1) {
  EXPECT_EQ(variant("Accept-Encoding: gzip,  br;q=0.5\n", {"accept-encoding"}),
            variant("Accept-Encoding: BR;q=0.5 ,gzip\n", {"accept-encoding"}));
  EXPECT_EQ(variant("Accept-Language: en-GB, de;q=0.5,\n", {"accept-language"}),
            variant("Accept-Language: en-gb,de; q=0.5\n", {"accept-language"}));
  EXPECT_NE(variant("Accept-Language: en, de\n", {"accept-language"}),
            variant("Accept-Language: de, en\n", {"accept-language"}));
  EXPECT_NE(variant("Accept: text/html;x=\"a b\"\n", {"accept"}), variant("Accept: text/html;x=\"ab\"\n", {"accept"}));
}

TEST(Variant, OtherFieldsAreComparedAsTheyAre) {
  EXPECT_NE(variant("User-Agent: a, b\n", {"user-agent"}), variant("User-Agent: a,b\n", {"user-agent"}));
  EXPECT_NE(variant("Cookie: a=B\n", {"cookie"}), variant("Cookie: a=b\n", {"cookie"}));
}

TEST(Variant, AValueCannotPoseAsAnotherField) {
  EXPECT_NE(variant("X-A: 1\nX-B: 2\n", {"x-a", "x-b"}), variant("X-A: 1 x-b=1:2\n", {"x-a", "x-b"}));
  EXPECT_NE(variant("X-A: ab\n", {"x-a", "x-b"}), variant("X-A: a\nX-B: b\n", {"x-a", "x-b"}));
}

}  // namespace
}  // namespace vg::cache
