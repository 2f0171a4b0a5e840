// Cache-Status: RFC 9211.
#include "cache/cache_status.h"

#include <gtest/gtest.h>

#include "cache/structured_field.h"
#include "unit/cache/heads.h"

namespace vg::cache {
namespace {

std::string text(const CacheStatus& status) {
  std::string out;
  append_cache_status(out, status);
  EXPECT_TRUE(is_list(out)) << out;
  return out;
}

TEST(CacheStatusMember, SaysHitsWithWhatIsLeft_9211_2_1_and_2_4) {
  CacheStatus s;
  s.hit = true;
  s.ttl = std::chrono::milliseconds(280'900);
  EXPECT_EQ(text(s), "viewgate; hit; ttl=280");
  s.ttl = std::chrono::milliseconds(-1500);
  EXPECT_EQ(text(s), "viewgate; hit; ttl=-2");
}

TEST(CacheStatusMember, SaysWhyItWentOn_9211_2_2) {
  CacheStatus s;
  s.forward = Forward::kUriMiss;
  s.stored = true;
  EXPECT_EQ(text(s), "viewgate; fwd=uri-miss; stored");
  s.collapsed = true;
  EXPECT_EQ(text(s), "viewgate; fwd=uri-miss; stored; collapsed");
  s = CacheStatus();
  s.forward = Forward::kStale;
  s.forward_status = 304;
  s.ttl = std::chrono::seconds(60);
  s.stored = true;
  EXPECT_EQ(text(s), "viewgate; fwd=stale; fwd-status=304; ttl=60; stored");
  for (const Forward f :
       {Forward::kBypass, Forward::kMethod, Forward::kVaryMiss, Forward::kMiss, Forward::kRequest, Forward::kPartial}) {
    s = CacheStatus();
    s.forward = f;
    EXPECT_EQ(text(s), "viewgate; fwd=" + std::string(to_string(f)));
  }
}

TEST(CacheStatusMember, HasItsDetailAsTokenOrString_9211_2_8) {
  CacheStatus s;
  s.forward = Forward::kMiss;
  s.detail = "no-store";
  EXPECT_EQ(text(s), "viewgate; fwd=miss; detail=no-store");
  s.detail = "it \"was\" so";
  EXPECT_EQ(text(s), R"(viewgate; fwd=miss; detail="it \"was\" so")");
}

TEST(CacheStatusField, IsAppendedBehindThoseNearerToTheOrigin_9211_2) {
  CacheStatus s;
  s.hit = true;
  auto head = test::response("Cache-Status: origin; hit\nX: y\nCache-Status: \"cdn\"; fwd=miss\n");
  add_cache_status(head, s);
  EXPECT_EQ(joined_lines(head, http::FieldId::kCacheStatus), "origin; hit, \"cdn\"; fwd=miss, viewgate; hit");
  EXPECT_EQ(head.get("cache-status"), "origin; hit, \"cdn\"; fwd=miss, viewgate; hit");
  auto none = test::response("");
  add_cache_status(none, s);
  EXPECT_EQ(none.get("cache-status"), "viewgate; hit");
}

TEST(CacheStatusField, WhatIsNoListGoes_9651_4_2) {
  CacheStatus s;
  s.hit = true;
  auto head = test::response("Cache-Status: HIT from proxy\n");
  add_cache_status(head, s);
  EXPECT_EQ(joined_lines(head, http::FieldId::kCacheStatus), "viewgate; hit");
}

}  // namespace
}  // namespace vg::cache
