// What may be kept, and for how long: RFC 9111 sections 3 and 4.2.4, RFC 5861.
#include "cache/storing.h"

#include <gtest/gtest.h>

#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

using std::chrono::minutes;
using test::received;
using test::response;
using test::seconds;

struct Judged {
  StoreRequest request;
  StoreSettings settings;
  int status = 200;
  Received when = received();
  Verdict of(std::string_view lines) const {
    const auto head = response(lines, status);
    return judge(request, static_cast<uint16_t>(status), head, response_directives(head), when, settings);
  }
};

Storing storing(std::string_view lines, int status = 200) {
  Judged j;
  j.status = status;
  return j.of(lines).storing;
}

TEST(Storing, NeedsALifetimeOrAValidator_9111_3) {
  EXPECT_EQ(storing("Cache-Control: max-age=60\n"), Storing::kStored);
  EXPECT_EQ(storing("Cache-Control: s-maxage=60\n"), Storing::kStored);
  EXPECT_EQ(storing("Expires: Sun, 06 Nov 1994 08:50:07 GMT\n"), Storing::kStored);
  EXPECT_EQ(storing(""), Storing::kNoLifetime);
  EXPECT_EQ(storing("Cache-Control: public\n"), Storing::kNoLifetime);
  EXPECT_EQ(storing("Cache-Control: max-age=0\n"), Storing::kNoLifetime);
  EXPECT_EQ(storing("Cache-Control: max-age=x\n"), Storing::kNoLifetime);
  EXPECT_EQ(storing("ETag: \"1\"\n"), Storing::kStored);
  EXPECT_EQ(storing("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n"), Storing::kStored);
}

TEST(Storing, AnAnswerThatCameStaleIsKeptForWhatMayUseIt) {
  EXPECT_EQ(storing("Age: 61\nCache-Control: max-age=60\n"), Storing::kNoLifetime);
  EXPECT_EQ(storing("Age: 61\nCache-Control: max-age=60, stale-while-revalidate=9\n"), Storing::kStored);
  EXPECT_EQ(storing("Age: 61\nCache-Control: max-age=60, stale-if-error=9\n"), Storing::kStored);
  EXPECT_EQ(storing("Age: 61\nCache-Control: max-age=60\nETag: \"1\"\n"), Storing::kStored);
}

TEST(Storing, OnlyWhatIsUnderstood_9111_3) {
  for (const int status : {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}) {
    EXPECT_EQ(storing("Cache-Control: max-age=60\n", status), Storing::kStored) << status;
  }
  for (const int status : {201, 202, 205, 206, 207, 226, 302, 303, 304, 307, 400, 401,
                           403, 406, 412, 416, 418, 429, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(storing("Cache-Control: max-age=60, public, must-understand\n", status), Storing::kStatus) << status;
  }
}

TEST(Storing, ErrorsNeedALifetimeOfTheirOwn) {
  EXPECT_EQ(storing("", 404), Storing::kError);
  EXPECT_EQ(storing("ETag: \"1\"\n", 404), Storing::kError);
  Judged j;
  j.status = 404;
  j.settings.ttl = minutes(5);
  EXPECT_EQ(j.of("").storing, Storing::kError);
  EXPECT_EQ(j.of("Cache-Control: max-age=60\n").fresh_for, seconds(60));
  j.settings.errors_ttl = seconds(7);
  EXPECT_EQ(j.of("").storing, Storing::kStored);
  EXPECT_EQ(j.of("Cache-Control: max-age=60\n").fresh_for, seconds(7));
  EXPECT_EQ(j.of("Cache-Control: no-store\n").storing, Storing::kNoStore);
  j.status = 503;
  EXPECT_EQ(j.of("").storing, Storing::kStatus);
}

TEST(Storing, GetAlone_9111_3) {
  Judged j;
  j.request.is_get = false;
  EXPECT_EQ(j.of("Cache-Control: max-age=60\n").storing, Storing::kMethod);
}

TEST(Storing, NotWhatTheClientForbids_9111_5_2_1_5) {
  Judged j;
  j.request.no_store = true;
  EXPECT_EQ(j.of("Cache-Control: max-age=60\n").storing, Storing::kRequestNoStore);
}

TEST(Storing, NotWhatTheUpstreamForbids_9111_5_2_2_5_and_7) {
  EXPECT_EQ(storing("Cache-Control: no-store, max-age=60\n"), Storing::kNoStore);
  EXPECT_EQ(storing("Cache-Control: private, max-age=60\n"), Storing::kPrivate);
  EXPECT_EQ(storing("Cache-Control: private=\"x-a\", max-age=60\n"), Storing::kStored);
  EXPECT_EQ(storing("Cache-Control: max-age=60\nVary: Accept, *\n"), Storing::kVaryStar);
}

TEST(Storing, MustUnderstandTakesThePlaceOfNoStore_9111_5_2_2_3) {
  EXPECT_EQ(storing("Cache-Control: no-store, must-understand, max-age=60\n"), Storing::kStored);
  EXPECT_EQ(storing("Cache-Control: no-store, must-understand, max-age=60\n", 418), Storing::kStatus);
}

TEST(Storing, CookiesAreSomebodys) {
  EXPECT_EQ(storing("Cache-Control: public, max-age=60\nSet-Cookie: a=b\n"), Storing::kSetCookie);
  // Who names the field lets the rest be kept (5.2.2.4).
  EXPECT_EQ(storing("Cache-Control: max-age=60, no-cache=\"set-cookie\"\nSet-Cookie: a=b\n"), Storing::kStored);
  EXPECT_EQ(storing("Cache-Control: max-age=60, private=\"Set-Cookie\"\nSet-Cookie: a=b\n"), Storing::kStored);
}

TEST(Storing, CredentialsNeedLeave_9111_3_5) {
  Judged j;
  j.request.credential = true;
  EXPECT_EQ(j.of("Cache-Control: max-age=60\n").storing, Storing::kAuthorization);
  EXPECT_EQ(j.of("Cache-Control: max-age=60, public\n").storing, Storing::kStored);
  EXPECT_EQ(j.of("Cache-Control: max-age=60, must-revalidate\n").storing, Storing::kStored);
  EXPECT_EQ(j.of("Cache-Control: s-maxage=60\n").storing, Storing::kStored);
  EXPECT_EQ(j.of("Cache-Control: s-maxage=x, max-age=60\n").storing, Storing::kAuthorization);
  EXPECT_EQ(j.of("Cache-Control: proxy-revalidate, max-age=60\n").storing, Storing::kAuthorization);
  j.settings.ttl = minutes(5);
  EXPECT_EQ(j.of("").storing, Storing::kAuthorization);
}

TEST(Storing, TheUsersTtlReplacesFreshnessAndNothingElse) {
  Judged j;
  j.settings.ttl = minutes(5);
  for (const char* lines :
       {"", "Cache-Control: max-age=0\n", "Cache-Control: no-cache\n", "Expires: 0\n", "Cache-Control: s-maxage=1\n",
        "Age: 1000\nCache-Control: max-age=60\n", "Cache-Control: must-revalidate, max-age=1\n"}) {
    EXPECT_EQ(j.of(lines).storing, Storing::kStored) << lines;
    EXPECT_EQ(j.of(lines).fresh_for, minutes(5)) << lines;
    EXPECT_FALSE(j.of(lines).always_revalidate) << lines;
  }
  EXPECT_EQ(j.of("Age: 1000\n").age, seconds(1000));
  EXPECT_EQ(j.of("Cache-Control: no-store\n").storing, Storing::kNoStore);
  EXPECT_EQ(j.of("Cache-Control: private\n").storing, Storing::kPrivate);
  EXPECT_EQ(j.of("Vary: *\n").storing, Storing::kVaryStar);
  EXPECT_EQ(j.of("Set-Cookie: a=b\n").storing, Storing::kSetCookie);
}

TEST(Freshness, IsWhatIsLeftOfTheLifetime_9111_4_2) {
  Judged j;
  EXPECT_EQ(j.of("Age: 10\nCache-Control: max-age=60\n").fresh_for, seconds(50));
  EXPECT_EQ(j.of("Age: 10\nCache-Control: max-age=60\n").age, seconds(10));
  EXPECT_EQ(j.of("Age: 61\nCache-Control: max-age=60\nETag: \"1\"\n").fresh_for, seconds(-1));
}

TEST(Freshness, NoCacheIsNeverUsedUnvalidated_9111_5_2_2_4) {
  const Verdict v = Judged().of("Cache-Control: no-cache, max-age=60, stale-if-error=60\nETag: \"1\"\n");
  EXPECT_EQ(v.storing, Storing::kStored);
  EXPECT_TRUE(v.always_revalidate);
  EXPECT_EQ(v.fresh_for, seconds(0));
  EXPECT_EQ(v.stale_if_error, seconds(0));
  EXPECT_EQ(storing("Cache-Control: no-cache, max-age=60\n"), Storing::kNoLifetime);
}

TEST(Staleness, IsTheUpstreamsOrTheUsers_5861) {
  Judged j;
  Verdict v = j.of("Cache-Control: max-age=60, stale-while-revalidate=10, stale-if-error=20\n");
  EXPECT_EQ(v.stale_while_revalidate, seconds(10));
  EXPECT_EQ(v.stale_if_error, seconds(20));
  j.settings.stale_while_revalidate = seconds(1);
  j.settings.stale_if_error = seconds(0);
  v = j.of("Cache-Control: max-age=60, stale-while-revalidate=10, stale-if-error=20\n");
  EXPECT_EQ(v.stale_while_revalidate, seconds(1));
  EXPECT_EQ(v.stale_if_error, seconds(0));
}

TEST(Staleness, IsForbiddenByDirectives_9111_4_2_4) {
  Judged j;
  j.settings.stale_while_revalidate = j.settings.stale_if_error = minutes(1);
  for (const char* lines : {"Cache-Control: max-age=60, must-revalidate, stale-if-error=60\n",
                            "Cache-Control: max-age=60, proxy-revalidate, stale-while-revalidate=60\n",
                            "Cache-Control: s-maxage=60\n", "Cache-Control: no-cache\nETag: \"1\"\n"}) {
    EXPECT_EQ(j.of(lines).stale_while_revalidate, seconds(0)) << lines;
    EXPECT_EQ(j.of(lines).stale_if_error, seconds(0)) << lines;
  }
  EXPECT_EQ(j.of("Cache-Control: max-age=60\n").stale_if_error, minutes(1));
  // An upstream that grants it beside s-maxage means it, and a ttl takes the place of s-maxage.
  EXPECT_EQ(Judged().of("Cache-Control: s-maxage=60, stale-while-revalidate=9\n").stale_while_revalidate, seconds(9));
  j.settings.ttl = minutes(5);
  EXPECT_EQ(j.of("Cache-Control: s-maxage=60\n").stale_if_error, minutes(1));
  EXPECT_EQ(j.of("Cache-Control: must-revalidate\n").stale_if_error, seconds(0));
}

TEST(Staleness, CountsFromTheEndOfTheLifetime_5861) {
  const Verdict v = Judged().of("Age: 90\nCache-Control: max-age=60, stale-if-error=20\n");
  EXPECT_EQ(v.storing, Storing::kNoLifetime);
  EXPECT_EQ(v.keep_for(minutes(10)), seconds(0));
  const Verdict longer = Judged().of("Age: 90\nCache-Control: max-age=60, stale-if-error=40\nETag: \"1\"\n");
  EXPECT_EQ(longer.storing, Storing::kStored);
  EXPECT_EQ(longer.fresh_for + longer.stale_if_error, seconds(10));
  EXPECT_EQ(longer.keep_for(minutes(10)), minutes(10));
  EXPECT_EQ(longer.keep_for(seconds(1)), seconds(10));
}

TEST(Keeping, LastsAsLongAsSomethingMayUseIt) {
  const Verdict v = Judged().of("Cache-Control: max-age=60, stale-while-revalidate=10, stale-if-error=20\n");
  EXPECT_EQ(v.keep_for(minutes(10)), seconds(80));
  const Verdict validated = Judged().of("ETag: \"1\"\nCache-Control: max-age=60, stale-if-error=20\n");
  EXPECT_EQ(validated.keep_for(minutes(10)), seconds(660));
}

TEST(Joined, IsAsLongAsTheShorterAndAsOldAsTheOlder) {
  Verdict a = Judged().of("Age: 5\nCache-Control: max-age=65, stale-if-error=10\nETag: \"1\"\n");
  const Verdict b = Judged().of("Age: 2\nCache-Control: max-age=32, stale-if-error=100\n");
  join(a, b);
  EXPECT_EQ(a.storing, Storing::kStored);
  EXPECT_EQ(a.age, seconds(5));
  EXPECT_EQ(a.fresh_for, seconds(30));
  EXPECT_EQ(a.stale_if_error, seconds(40));         // a may be used until 70, b until 130
  EXPECT_EQ(a.stale_while_revalidate, seconds(0));  // b may not
  EXPECT_FALSE(a.has_validator);
}

TEST(Joined, IsRefusedIfEitherIs) {
  Verdict a = Judged().of("Cache-Control: max-age=60\n");
  join(a, Judged().of("Cache-Control: no-store\n"));
  EXPECT_EQ(a.storing, Storing::kNoStore);
  join(a, Judged().of("Cache-Control: private\n"));
  EXPECT_EQ(a.storing, Storing::kNoStore);
  Verdict c = Judged().of("Cache-Control: max-age=60\n");
  join(c, Judged().of("Cache-Control: no-cache\nETag: \"1\"\n"));
  EXPECT_TRUE(c.always_revalidate);
}

TEST(StoringWords, AreTokens) {
  EXPECT_EQ(to_string(Storing::kStored), "stored");
  EXPECT_EQ(to_string(Storing::kSetCookie), "set-cookie");
  EXPECT_EQ(to_string(Storing::kNoLifetime), "no-lifetime");
}

}  // namespace
}  // namespace vg::cache
