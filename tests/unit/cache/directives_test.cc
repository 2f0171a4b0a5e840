// Cache-Control and its relatives: RFC 9111 section 5.2, RFC 9213, RFC 5861.
#include "cache/directives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

using test::said;
using testing::ElementsAre;
using testing::IsEmpty;

RequestDirectives asked(std::string_view lines) { return request_directives(test::request(lines)); }

struct MaxAge {
  const char* field;
  int64_t seconds;  // -1: stale, for it is invalid; -2: there is none
};

class MaxAgeOf : public testing::TestWithParam<MaxAge> {};

TEST_P(MaxAgeOf, IsReadAsItIsWritten_9111_1_2_2_and_4_2_1) {
  const Seconds found = said("Cache-Control: " + std::string(GetParam().field)).max_age;
  EXPECT_EQ(found.present, GetParam().seconds != -2) << GetParam().field;
  EXPECT_EQ(found.valid, GetParam().seconds >= 0) << GetParam().field;
  EXPECT_EQ(found.count, std::max<int64_t>(GetParam().seconds, 0)) << GetParam().field;
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, MaxAgeOf,
    testing::Values(MaxAge{"max-age=3600", 3600}, MaxAge{"max-age=0", 0}, MaxAge{"max-age=\"3600\"", 3600},
                    MaxAge{"MAX-AGE=3600", 3600}, MaxAge{"mAx-aGe=3600", 3600}, MaxAge{"max-age=003600", 3600},
                    MaxAge{"max-age=2147483647", 2147483647}, MaxAge{"max-age=2147483648", 2147483648},
                    MaxAge{"max-age=2147483649", 2147483648}, MaxAge{"max-age=99999999999999999999999", 2147483648},
                    MaxAge{"max-age=-1", -1}, MaxAge{"max-age=+1", -1}, MaxAge{"max-age=1.5", -1},
                    MaxAge{"max-age=3600s", -1}, MaxAge{"max-age=a3600", -1}, MaxAge{"max-age='3600'", -1},
                    MaxAge{"max-age", -1}, MaxAge{"max-age=", -1}, MaxAge{"max-age=\"\"", -1},
                    MaxAge{"max-age =3600", -1}, MaxAge{"max-age= 3600", -1}, MaxAge{"max-age=36 00", -1},
                    MaxAge{"max-age=\"3600", -1}, MaxAge{"max-age=0x10", -1}, MaxAge{"max-age=1e3", -1}));
INSTANTIATE_TEST_SUITE_P(
    Lists, MaxAgeOf,
    testing::Values(MaxAge{"max-age=60, max-age=60", 60}, MaxAge{"max-age=60, max-age=61", -1},
                    MaxAge{"max-age=60\nCache-Control: max-age=1", -1}, MaxAge{"max-age=60, max-age=x", -1},
                    MaxAge{"public\nCache-Control: max-age=60", 60}, MaxAge{",,max-age=60,, ,", 60},
                    MaxAge{"foo=\"max-age=1\", max-age=60", 60}, MaxAge{"max-age=60, foo=\"a, max-age=1\"", 60},
                    MaxAge{"foo=\"a\\\", max-age=1\", max-age=60", 60}, MaxAge{"foo=\"max-age=1\"", -2},
                    MaxAge{"xmax-age=60", -2}, MaxAge{"max-age2=60", -2}, MaxAge{"foo=\"bar, max-age=60", -1},
                    MaxAge{"\"max-age=60\"", -2}, MaxAge{"{max-age=60", -2}, MaxAge{"", -2}, MaxAge{"=60", -2}));

TEST(ResponseDirectives, EveryDirectiveIsKnownInAnyCase_9111_5_2_2) {
  const auto d = said(
      "Cache-Control: No-Store, NO-CACHE, Private, PUBLIC, Must-Revalidate, proxy-REVALIDATE, must-understand\n"
      "Cache-Control: s-maxage=1, Stale-While-Revalidate=2, stale-if-error=3, immutable, no-transform, x=y\n");
  EXPECT_TRUE(d.no_store && d.no_cache && d.is_private && d.is_public && d.must_revalidate && d.proxy_revalidate &&
              d.must_understand);
  EXPECT_EQ(d.s_maxage.count, 1u);
  EXPECT_EQ(d.stale_while_revalidate.count, 2u);
  EXPECT_EQ(d.stale_if_error.count, 3u);
  EXPECT_FALSE(d.max_age.present);
  EXPECT_FALSE(d.targeted);
}

TEST(ResponseDirectives, NothingIsSaidByNothing) {
  const auto d = said("");
  EXPECT_FALSE(d.no_store || d.no_cache || d.is_private || d.is_public || d.must_revalidate || d.proxy_revalidate ||
               d.must_understand || d.max_age.present || d.s_maxage.present || d.targeted);
}

TEST(ResponseDirectives, NoCacheAndPrivateMayNameFields_9111_5_2_2_4_and_5_2_2_7) {
  const auto d = said("Cache-Control: no-cache=\"Set-Cookie, X-A\", private=\" x-b ,\"\n");
  EXPECT_FALSE(d.no_cache);
  EXPECT_FALSE(d.is_private);
  EXPECT_THAT(d.unkept_fields, ElementsAre("set-cookie", "x-a", "x-b"));
  EXPECT_THAT(said("Cache-Control: no-cache=X-A\n").unkept_fields, ElementsAre("x-a"));
}

TEST(ResponseDirectives, FieldsThatAreNoneMeanTheWhole_9111_5_2_2_4) {
  for (const char* text : {"no-cache", "no-cache=", "no-cache=\"\"", "no-cache=\",\"", "no-cache=\"a b\"",
                           "no-cache=\"x", "no-cache=x y", "no-cache, no-cache=\"x\""}) {
    EXPECT_TRUE(said("Cache-Control: " + std::string(text)).no_cache) << text;
  }
  EXPECT_TRUE(said("Cache-Control: private=\"a b\"").is_private);
}

TEST(ResponseDirectives, WhatIsMalformedRestrictsAndAllowsNothing) {
  EXPECT_TRUE(said("Cache-Control: no-store=1").no_store);
  EXPECT_TRUE(said("Cache-Control: no-store nonsense").no_store);
  EXPECT_TRUE(said("Cache-Control: foo=\"bar, no-store").no_store);
  EXPECT_TRUE(said("Cache-Control: must-revalidate x").must_revalidate);
  EXPECT_FALSE(said("Cache-Control: public nonsense").is_public);
  EXPECT_FALSE(said("Cache-Control: must-understand nonsense").must_understand);
  EXPECT_FALSE(said("Cache-Control: foo=\"no-store\"").no_store);
  EXPECT_FALSE(said("Cache-Control: no-store-at-all").no_store);
}

TEST(TargetedDirectives, StandAloneForCacheControl_9213_2_2) {
  const auto d = said("Cache-Control: no-store, max-age=1\nCDN-Cache-Control: max-age=60, must-revalidate\n");
  EXPECT_TRUE(d.targeted);
  EXPECT_FALSE(d.no_store);
  EXPECT_TRUE(d.must_revalidate);
  EXPECT_EQ(d.max_age.count, 60u);
}

TEST(TargetedDirectives, MayStandOnSeveralLines_9213_2_1) {
  const auto d = said("CDN-Cache-Control: max-age=60\nCDN-Cache-Control: no-store;x=y, private=\"x-a, x-b\"\n");
  EXPECT_EQ(d.max_age.count, 60u);
  EXPECT_TRUE(d.no_store);
  EXPECT_FALSE(d.is_private);
  EXPECT_THAT(d.unkept_fields, ElementsAre("x-a", "x-b"));
}

TEST(TargetedDirectives, AreNoneIfEmptyOrInvalid_9213_2_2) {
  for (const char* text : {"", " ", "max-age=60,", "MAX-AGE=60", "max-age =60", "max-age=60 no-store", "max-age=\"60",
                           "max-age=60, foo='bar'"}) {
    const auto d = said("Cache-Control: max-age=1\nCDN-Cache-Control: " + std::string(text));
    EXPECT_FALSE(d.targeted) << text;
    EXPECT_EQ(d.max_age.count, 1u) << text;
  }
}

TEST(TargetedDirectives, ValuesHaveTheirKind_9213_2_1) {
  EXPECT_FALSE(said("CDN-Cache-Control: max-age=\"60\"").max_age.valid);
  EXPECT_FALSE(said("CDN-Cache-Control: max-age=60.5").max_age.valid);
  EXPECT_FALSE(said("CDN-Cache-Control: max-age").max_age.valid);
  EXPECT_FALSE(said("CDN-Cache-Control: max-age=-1").max_age.valid);
  EXPECT_EQ(said("CDN-Cache-Control: max-age=60;x").max_age.count, 60u);
  EXPECT_EQ(said("CDN-Cache-Control: max-age=1, max-age=60").max_age.count, 60u);
  EXPECT_FALSE(said("CDN-Cache-Control: no-store=?0").no_store);
  EXPECT_TRUE(said("CDN-Cache-Control: no-store=?1").no_store);
  EXPECT_TRUE(said("CDN-Cache-Control: none").targeted);
}

TEST(RequestDirectives, EveryDirectiveIsKnown_9111_5_2_1) {
  const auto d = asked(
      "Cache-Control: No-Cache, no-store, max-age=1, min-fresh=2, max-stale=3, only-if-cached, no-transform\n"
      "Cache-Control: stale-if-error=4\n");
  EXPECT_TRUE(d.no_cache && d.no_store && d.only_if_cached && d.no_transform && d.max_stale);
  EXPECT_EQ(d.max_age.count, 1u);
  EXPECT_EQ(d.min_fresh.count, 2u);
  EXPECT_EQ(d.max_stale_for.count, 3u);
  EXPECT_EQ(d.stale_if_error.count, 4u);
}

TEST(RequestDirectives, MaxStaleWithoutNumberIsAnyAge_9111_5_2_1_2) {
  const auto d = asked("Cache-Control: max-stale\n");
  EXPECT_TRUE(d.max_stale);
  EXPECT_FALSE(d.max_stale_for.present);
  EXPECT_FALSE(asked("Cache-Control: max-stale=x\n").max_stale_for.valid);
}

TEST(RequestDirectives, PragmaCountsWithoutCacheControlAlone_9111_5_4) {
  EXPECT_TRUE(asked("Pragma: no-cache\n").no_cache);
  EXPECT_TRUE(asked("Pragma: foo, No-Cache\n").no_cache);
  EXPECT_FALSE(asked("Pragma: foo\n").no_cache);
  EXPECT_FALSE(asked("Pragma: no-cache\nCache-Control: max-age=60\n").no_cache);
}

}  // namespace
}  // namespace vg::cache
