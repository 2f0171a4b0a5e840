#include "view/header_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/request.h"
#include "unit/view/route.h"

namespace vg::view {
namespace {

using test::LoadedRoute;
using testing::HasSubstr;

class HeaderEditTest : public testing::Test {
 protected:
  /// From `request: EDIT` of a route /{id}.
  HeaderEdit make(const std::string& edit) {
    route_ = std::make_unique<LoadedRoute>("path: \"/{id}\", view: proxy-fetch, source: shop/x, request: " + edit);
    return HeaderEdit::create(config::child(route_->build().settings(), "request"), "request", route_->build());
  }
  void ask(std::string_view target, std::initializer_list<std::string_view> fields = {}) {
    vg::test::parse_get(ctx_.request, target, fields);
    ctx_.params.resize(0);
    ctx_.params.add(ctx_.request.path().substr(1), ctx_.request.path().find('%') != std::string_view::npos);
  }
  std::string appended(const HeaderEdit& edit) {
    std::string out = "A: b\r\n";
    const Result<void> r = edit.append(ctx_, out);
    return r ? out : std::to_string(r.error().status);
  }

  std::unique_ptr<LoadedRoute> route_;
  pipeline::Context ctx_;
};

TEST_F(HeaderEditTest, WithoutSettingsItDoesNothing) {
  const HeaderEdit none =
      HeaderEdit::create(nullptr, "request", LoadedRoute("path: /a, view: respond, text: x").build());
  EXPECT_TRUE(none.empty());
  EXPECT_FALSE(none.drops("a"));
  EXPECT_EQ(appended(none), "A: b\r\n");
}

TEST_F(HeaderEditTest, WhatIsSetOrRemovedIsDroppedInAnyCase) {
  const HeaderEdit edit = make("{set: {X-New: a}, remove: [Cookie, X-Old]}");
  EXPECT_FALSE(edit.empty());
  for (const char* name : {"x-new", "X-NEW", "cookie", "COOKIE", "x-old"}) EXPECT_TRUE(edit.drops(name)) << name;
  for (const char* name : {"x-newer", "x", "", "set-cookie"}) EXPECT_FALSE(edit.drops(name)) << name;
}

TEST_F(HeaderEditTest, ValuesAreTemplates) {
  const HeaderEdit edit = make("{set: {X-Id: \"no {id}\", X-Page: \"{query.page|1}\"}}");
  ask("/a%20b?page=7");
  EXPECT_EQ(appended(edit), "A: b\r\nX-Id: no a b\r\nX-Page: 7\r\n");
  ask("/5");
  EXPECT_EQ(appended(edit), "A: b\r\nX-Id: no 5\r\nX-Page: 1\r\n");
}

TEST_F(HeaderEditTest, AMissingValueLeavesItsFieldOut) {
  const HeaderEdit edit = make("{set: {X-A: \"{query.a}\", X-B: b}}");
  ask("/5");
  EXPECT_EQ(appended(edit), "A: b\r\nX-B: b\r\n");
}

TEST_F(HeaderEditTest, AValueAddsNoLine) {
  const HeaderEdit edit = make("{set: {X-A: \"{id}\"}}");
  for (const char* target : {"/a%0d%0aX-Evil:%201", "/a%0aX", "/a%00b"}) {
    ask(target);
    EXPECT_EQ(appended(edit), "A: b\r\n") << target;
  }
}

TEST_F(HeaderEditTest, AValueOfTheWrongKindIsABadRequest) {
  const HeaderEdit edit = make("{set: {X-Page: \"{query.page:int}\"}}");
  ask("/5?page=x");
  EXPECT_EQ(appended(edit), "400");
  http::ResponseHead head;
  EXPECT_FALSE(edit.apply(ctx_, head).ok());
}

TEST_F(HeaderEditTest, APassingHeadIsEditedInPlace) {
  const HeaderEdit edit = make("{set: {Server: ours, X-A: \"{query.a}\"}, remove: Set-Cookie}");
  ask("/5");
  http::ResponseHead head;
  for (const auto& [name, value] :
       {std::pair("Server", "theirs"), std::pair("set-cookie", "a=b"), std::pair("Set-Cookie", "c=d"),
        std::pair("X-A", "old"), std::pair("ETag", "\"1\"")}) {
    head.add(name, value);
  }
  EXPECT_TRUE(edit.apply(ctx_, head).ok());
  EXPECT_EQ(head.get("server"), "ours");
  EXPECT_FALSE(head.has(http::FieldId::kSetCookie));
  EXPECT_EQ(head.get("x-a"), "") << "what cannot be set is not the upstream's either";
  EXPECT_EQ(head.get("etag"), "\"1\"");
  EXPECT_EQ(head.fields().size(), 2u);
}

TEST_F(HeaderEditTest, FieldsOfTheConnectionAreRefused) {
  for (const char* name :
       {"Connection", "content-length", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade"}) {
    EXPECT_THAT(check_header_name(name), HasSubstr("belongs to the connection")) << name;
    make("{set: {" + std::string(name) + ": x}}");
    EXPECT_THAT(route_->error_text(), HasSubstr("routes[0].request.set." + std::string(name))) << name;
  }
}

TEST(CheckHeaderName, WhatIsNoTokenIsRefused) {
  for (const char* name : {"", "a b", "a:", "a\r\nb", "\xc3\xa4", "(a)"})
    EXPECT_THAT(check_header_name(name), HasSubstr("is not a header name"));
  for (const char* name : {"X-A", "x", "a_b", "1", "!#$%&'*+-.^_`|~"}) EXPECT_EQ(check_header_name(name), "") << name;
}

}  // namespace
}  // namespace vg::view
