// What the call graph makes of the references of its calls: who waits for whom, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/view/route.h"
#include "view/aggregate.h"
#include "view/detail.h"
#include "view/list.h"
#include "view/write_view.h"

namespace vg::view {
namespace {

using test::LoadedRoute;
using testing::HasSubstr;

/// "NAME@WAVE<-WAITS,FOR" of each call, in the order of the plan.
std::string plan_of(const pipeline::View& view) {
  std::string out;
  for (const pipeline::PlannedCall& c : view.plan()) {
    out += (out.empty() ? "" : " ") + c.name + "@" + std::to_string(c.wave);
    for (size_t i = 0; i < c.waits_for.size(); ++i) out += (i == 0 ? "<-" : ",") + c.waits_for[i];
  }
  return out;
}

template <typename Create>
std::string plan(const std::string& route, Create create) {
  LoadedRoute loaded("path: \"/{id}\", " + route);
  const auto view = create(loaded.build());
  EXPECT_EQ(loaded.error_text(), "");
  return plan_of(*view);
}

template <typename Create>
std::string errors(const std::string& route, Create create) {
  LoadedRoute loaded("path: \"/{id}\", " + route);
  const auto view = create(loaded.build());
  return loaded.error_text();
}

TEST(Plan, WhatRefersToNothingStartsAtOnce) {
  EXPECT_EQ(plan("view: detail, source: \"shop/p/{id}\", include: {a: \"shop/a/{id}\", b: shop/b}", create_detail),
            "object@1 a@1 b@1");
}

TEST(Plan, AReferenceWaitsForItsCallAndForNothingElse) {
  EXPECT_EQ(plan("view: detail, source: \"shop/p/{id}\", include: {a: \"shop/a?c={object.c}\", b: shop/b, "
                 "c: {call: shop/c, headers: {X-B: \"{calls.b.x}\"}, when: \"{calls.a}\"}}",
                 create_detail),
            "object@1 b@1 a@2<-object c@3<-b,a");
}

TEST(Plan, TheMainCallMayWaitToo) {
  EXPECT_EQ(plan("view: detail, source: \"shop/p/{calls.user.id}\", include: {user: shop/me}", create_detail),
            "user@1 object@2<-user");
}

TEST(Plan, IncludesOfAListWaitForItsItemsAndContextForNothing) {
  EXPECT_EQ(plan("view: list, source: shop/p, include: {a: {call: \"shop/a?ids={items.a}\", match: {a: id}}, "
                 "s: \"shop/s/{item.id}\"}, context: {c: shop/c}",
                 create_list),
            "object@1 c@1 a@2<-object s@2<-object");
}

TEST(Plan, ASaveWaitsForItsValidationAndWhatFollowsForTheSave) {
  EXPECT_EQ(plan("view: create, source: shop/p, validate: {v: {call: shop/v}}, after: {a: {call: \"shop/a\"}, "
                 "b: {call: \"shop/b/{calls.a.id}\"}, m: {call: \"shop/m\", wait: false}}",
                 create_create),
            "v@1 object@2 a@3 b@4<-a m@5");
}

TEST(Plan, ACycleIsNamed) {
  EXPECT_THAT(errors("view: aggregate, include: {a: \"shop/a/{calls.b.x}\", b: \"shop/b/{calls.c.x}\", "
                     "c: \"shop/c/{calls.a.x}\"}",
                     create_aggregate),
              HasSubstr("a cycle, each waits for the next: a -> b -> c -> a"));
  EXPECT_THAT(errors("view: aggregate, include: {a: \"shop/a/{calls.a.x}\"}", create_aggregate),
              HasSubstr("it waits for itself: a -> a"));
  EXPECT_THAT(
      errors("view: detail, source: \"shop/p/{calls.a.x}\", include: {a: \"shop/a/{object.x}\"}", create_detail),
      HasSubstr("a cycle"));
}

TEST(Plan, WhatIsKnownOnlyLaterIsRefused) {
  EXPECT_THAT(errors("view: create, source: \"shop/p/{calls.a.x}\", after: {a: shop/a}", create_create),
              HasSubstr("{calls.a.x} is known only later: a is called after this"));
  EXPECT_THAT(errors("view: create, source: shop/p, after: {a: \"shop/a/{calls.m.x}\", m: {call: shop/m, wait: false}}",
                     create_create),
              HasSubstr("nobody waits for m"));
  EXPECT_THAT(errors("view: list, source: shop/p, context: {c: \"shop/c/{calls.s.x}\"}, "
                     "include: {s: \"shop/s/{item.id}\"}",
                     create_list),
              HasSubstr("{calls.s.x} has no one value"));
}

}  // namespace
}  // namespace vg::view
