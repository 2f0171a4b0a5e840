#include "gateway/render_error.h"
#include "http/negotiate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/scan.h"
#include "support/request.h"

namespace vg::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

bool html_for(std::initializer_list<std::string_view> fields) {
  http::RequestHead head;
  test::parse_get(head, "/", fields);
  return http::prefers_html(head);
}

TEST(PrefersHtml, OnlyWhereItIsPreferredToJson) {
  EXPECT_FALSE(html_for({}));
  EXPECT_FALSE(html_for({"Accept: */*"}));
  EXPECT_FALSE(html_for({"Accept:"}));
  EXPECT_TRUE(html_for({"Accept: text/html"}));
  EXPECT_TRUE(html_for({"Accept: TEXT/HTML"}));
  EXPECT_TRUE(html_for({"Accept: text/*"}));
  EXPECT_TRUE(html_for({"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})) << "a browser";
  EXPECT_FALSE(html_for({"Accept: application/json"}));
  EXPECT_FALSE(html_for({"Accept: application/json, text/html"})) << "as good as JSON is not better";
  EXPECT_TRUE(html_for({"Accept: application/json;q=0.5, text/html"}));
  EXPECT_FALSE(html_for({"Accept: application/json, text/html;q=0.9"}));
  EXPECT_FALSE(html_for({"Accept: text/html;q=0"}));
  EXPECT_FALSE(html_for({"Accept: text/html;q=0, */*"}));
  EXPECT_FALSE(html_for({"Accept: application/problem+json, text/html;q=0.9"}));
  EXPECT_FALSE(html_for({"Accept: image/png"}));
}

TEST(PrefersHtml, TheMoreSpecificRangeCounts) {
  EXPECT_TRUE(html_for({"Accept: text/*;q=0.1, text/html;q=0.9, */*;q=0.5"}));
  EXPECT_FALSE(html_for({"Accept: text/html;q=0.3, text/*;q=0.9, */*;q=0.5"}));
  EXPECT_TRUE(html_for({"Accept: */*;q=0.9, application/*;q=0.1"}));
}

TEST(PrefersHtml, SeveralFieldsAreOneList) {
  EXPECT_TRUE(html_for({"Accept: application/json;q=0.1", "Accept: text/html"}));
}

TEST(PrefersHtml, NonsenseIsNeverPreferred) {
  EXPECT_FALSE(html_for({"Accept: text/html;q=2"}) && html_for({"Accept: text/html;q=2, application/json"}));
  EXPECT_FALSE(html_for({"Accept: text/html;q=x"}));
  EXPECT_FALSE(html_for({"Accept: text/html;q=1.0000"}));
  EXPECT_FALSE(html_for({"Accept: text/html;q=-1"}));
  EXPECT_FALSE(html_for({"Accept: ;;,,;q=,/"}));
  EXPECT_TRUE(html_for({"Accept: text/html; level=1 ; q=0.500, application/json;q=0.499"}));
}

class RenderErrorTest : public testing::Test {
 protected:
  RenderErrorTest() {
    test::parse_get(ctx_.request, "/");
    ctx_.set_request_id("id-7");
  }
  void ask(std::string_view target, std::initializer_list<std::string_view> fields = {}) {
    test::parse_get(ctx_.request, target, fields);
  }
  std::string_view field(http::FieldId id) const { return ctx_.response.head->get(id); }

  pipeline::Context ctx_;
};

TEST_F(RenderErrorTest, AProblemHasItsMembers) {
  ask("/a%20b?secret=1");
  render_status(ctx_, 404, "no route");
  EXPECT_EQ(ctx_.response.status, 404);
  EXPECT_EQ(field(http::FieldId::kContentType), "application/problem+json");
  EXPECT_EQ(field(http::FieldId::kCacheControl), "no-store");
  EXPECT_EQ(field(http::FieldId::kVary), "Accept");
  EXPECT_EQ(ctx_.response.content(),
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"no route\","
            "\"instance\":\"/a%20b\",\"request_id\":\"id-7\"}\n");
}

TEST_F(RenderErrorTest, WithoutWordsThereIsNoDetail) {
  render_status(ctx_, 503, "");
  EXPECT_THAT(std::string(ctx_.response.content()), Not(HasSubstr("detail")));
}

TEST_F(RenderErrorTest, TextIsEscapedForItsPlace) {
  const std::string nasty = "<script>alert(\"1\")</script>&\n\x01";
  render_status(ctx_, 400, nasty);
  const std::string problem(ctx_.response.content());
  EXPECT_TRUE(json::is_json(problem)) << problem;
  EXPECT_THAT(problem, HasSubstr("\\\"1\\\""));
  ask("/", {"Accept: text/html"});
  render_status(ctx_, 400, nasty);
  const std::string page(ctx_.response.content());
  EXPECT_EQ(field(http::FieldId::kContentType), "text/html; charset=utf-8");
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr("id-7"));
}

TEST_F(RenderErrorTest, EveryKindHasItsStatus) {
  const std::pair<ErrorKind, int> statuses[] = {
      {ErrorKind::kConnect, 502},      {ErrorKind::kReset, 502},      {ErrorKind::kUpstreamProtocol, 502},
      {ErrorKind::kTimeout, 504},      {ErrorKind::kOverload, 503},   {ErrorKind::kCircuitOpen, 503},
      {ErrorKind::kMissingValue, 400}, {ErrorKind::kBadRequest, 400}, {ErrorKind::kInternal, 500},
  };
  for (const auto& [kind, status] : statuses) {
    EXPECT_EQ(status_of(Error(kind, "")), status) << to_string(kind);
    render_error(ctx_, Error(kind, "words"));
    EXPECT_EQ(ctx_.response.status, status);
    EXPECT_EQ(ctx_.failure, kind);
    const bool later = status == 503;
    EXPECT_EQ(field(http::FieldId::kRetryAfter), later ? "1" : "") << to_string(kind);
  }
}

TEST_F(RenderErrorTest, AnErrorsOwnStatusIsTheStronger) {
  Error e(ErrorKind::kTimeout, "");
  e.status = 408;
  EXPECT_EQ(status_of(e), 408);
}

TEST_F(RenderErrorTest, NothingOfTheInsideShows) {
  Error e(ErrorKind::kConnect, "no connection");
  e.internal = "connect to 10.1.2.3:80: refused";
  render_error(ctx_, e);
  EXPECT_THAT(std::string(ctx_.response.content()), Not(HasSubstr("10.1.2.3")));
  EXPECT_EQ(ctx_.failure_internal, e.internal) << "the log gets it";
}

TEST_F(RenderErrorTest, WhatWasPreparedBeforeIsGone) {
  ctx_.response.own.add("Set-Cookie", "a=b");
  ctx_.response.text = "half an answer";
  ctx_.response.tunnel = true;
  render_error(ctx_, Error(ErrorKind::kInternal, "failed"));
  EXPECT_FALSE(ctx_.response.head->has(http::FieldId::kSetCookie));
  EXPECT_FALSE(ctx_.response.tunnel);
  EXPECT_THAT(std::string(ctx_.response.content()), Not(HasSubstr("half")));
}

TEST_F(RenderErrorTest, AClientThatIsGoneGetsNothing) {
  render_error(ctx_, Error(ErrorKind::kCancelled, ""));
  EXPECT_EQ(ctx_.response.status, 0);
  ctx_.client_gone = true;
  render_error(ctx_, Error(ErrorKind::kConnect, ""));
  EXPECT_EQ(ctx_.response.status, 0);
}

TEST_F(RenderErrorTest, AfterContentThatIsNotReadTheConnectionEnds) {
  Error e(ErrorKind::kStatus, "too large");
  e.status = 413;
  render_error(ctx_, e);
  EXPECT_TRUE(ctx_.response.close);
  render_error(ctx_, Error(ErrorKind::kConnect, ""));
  EXPECT_FALSE(ctx_.response.close);
}

}  // namespace
}  // namespace vg::gateway
