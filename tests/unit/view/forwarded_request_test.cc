#include "view/forwarded_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "support/request.h"
#include "unit/http/serving.h"
#include "unit/view/route.h"

namespace vg::view {
namespace {

using test::LoadedRoute;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ForwardedRequestTest : public http::test::ServingTest {
 protected:
  ForwardedRequestTest() {
    serve(vg::test::tcp_wire(loop_.get()));
    ctx_.connection = connection_;
    ctx_.set_client_ip("192.0.2.7");
    ctx_.set_request_id("id-7");
    endpoint_.settings.authority = "shop.test:8000";
    endpoint_.settings.base_path = "/api";
    source("shop/items");
  }
  void source(std::string_view call) {
    target_ = *tmpl::parse_call(call, tmpl::request_scope({{"id", tmpl::ParamKind::kPlain}}),
                                [](size_t, const std::string& message) { ADD_FAILURE() << message; });
    settings_.method = target_.method;
  }
  void edit(const std::string& what) {
    route_ = std::make_unique<LoadedRoute>("path: \"/{id}\", view: proxy-fetch, source: shop/x, request: " + what);
    settings_.edit =
        HeaderEdit::create(config::child(route_->build().settings(), "request"), "request", route_->build());
  }
  void ask(std::string_view target, std::initializer_list<std::string_view> fields = {}) {
    vg::test::parse_get(ctx_.request, target, fields);
  }
  std::string head() {
    ForwardedRequest request(ctx_, target_, settings_);
    std::string out;
    const Result<void> r = request.append_head(endpoint_, out);
    return r ? out : std::string(to_string(r.error().kind));
  }

  pipeline::Context ctx_;
  tmpl::CallTarget target_;
  ForwardSettings settings_;
  upstream::Endpoint endpoint_;
  std::unique_ptr<LoadedRoute> route_;
};

TEST_F(ForwardedRequestTest, TargetHostAndFieldsAreThoseOfTheUpstream) {
  ask("/anything?a=1&b=%20", {"Accept: */*", "X-Custom: kept"});
  const std::string out = head();
  EXPECT_THAT(out, StartsWith("GET /api/items?a=1&b=%20 HTTP/1.1\r\nHost: shop.test:8000\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\nAccept: */*\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\nX-Custom: kept\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\nX-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\nX-Forwarded-Proto: http\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\nX-Forwarded-Host: a\r\n"));
  EXPECT_THAT(out, HasSubstr("\r\nX-Request-Id: id-7\r\n"));
  EXPECT_THAT(out, HasSubstr("Via: 1.1 viewgate\r\n"));
  EXPECT_TRUE(out.ends_with("\r\n") && !out.ends_with("\r\n\r\n")) << "the empty line is the call's";
}

TEST_F(ForwardedRequestTest, FieldsOfTheHopStayBehind) {
  vg::test::parse_head(
      ctx_.request,
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Secret\r\nKeep-Alive: timeout=5\r\n"
      "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nTE: trailers\r\nExpect: 100-continue\r\n"
      "Content-Length: 3\r\nX-Secret: 1\r\nX-Other: 2\r\n\r\n");
  const std::string out = lower(head());
  for (const char* name :
       {"connection:", "keep-alive", "proxy-", "\r\nte:", "expect:", "content-length:", "x-secret"}) {
    EXPECT_THAT(out, Not(HasSubstr(name))) << name;
  }
  EXPECT_THAT(out, HasSubstr("x-other: 2"));
}

TEST_F(ForwardedRequestTest, WhatAStrangerSaysOfItsClientIsReplaced) {
  ask("/", {"X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
            "Forwarded: for=10.0.0.1", "X-Request-Id: forged"});
  const std::string out = head();
  for (const char* text : {"10.0.0.1", "https", "evil", "Forwarded: ", "forged"}) {
    EXPECT_EQ(out.find(std::string("\r\n") + text), std::string::npos) << text;
  }
  EXPECT_THAT(out, HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("evil")));
  EXPECT_THAT(out, Not(HasSubstr("10.0.0.1")));
}

TEST_F(ForwardedRequestTest, ATrustedPeersChainIsContinued) {
  ctx_.trusted_peer = true;
  ask("/", {"X-Forwarded-For: 192.0.2.7, 10.0.0.1", "X-Forwarded-For: 10.0.0.2", "X-Forwarded-Proto: https",
            "X-Forwarded-Host: www.example.com", "Forwarded: for=192.0.2.7"});
  const std::string out = head();
  EXPECT_THAT(out, HasSubstr("X-Forwarded-For: 192.0.2.7, 10.0.0.1, 10.0.0.2, 127.0.0.1\r\n"));
  EXPECT_THAT(out, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(out, HasSubstr("X-Forwarded-Host: www.example.com\r\n"));
  EXPECT_THAT(out, HasSubstr("Forwarded: for=192.0.2.7\r\n"));
}

TEST_F(ForwardedRequestTest, ASecureClientIsToldOf) {
  ctx_.secure = true;
  ask("/");
  EXPECT_THAT(head(), HasSubstr("X-Forwarded-Proto: https\r\n"));
}

TEST_F(ForwardedRequestTest, TheClientsHostIsKeptOnRequest) {
  settings_.preserve_host = true;
  ask("/");
  EXPECT_THAT(head(), HasSubstr("\r\nHost: a\r\n"));
  vg::test::parse_head(ctx_.request, "GET / HTTP/1.0\r\n\r\n");
  const std::string out = head();
  EXPECT_THAT(out, HasSubstr("\r\nHost: shop.test:8000\r\n")) << "HTTP/1.0 may have none";
  EXPECT_THAT(out, HasSubstr("Via: 1.0 viewgate\r\n"));
}

TEST_F(ForwardedRequestTest, ASourcesOwnMethodAndQueryAreTheStronger) {
  source("POST shop/items?fixed=1");
  ask("/x?a=1");
  EXPECT_THAT(head(), StartsWith("POST /api/items?fixed=1 HTTP/1.1\r\n"));
}

TEST_F(ForwardedRequestTest, APathValueIsOneSegment) {
  source("shop/items/{id}");
  for (const auto& [raw, sent] : {std::pair("a%2Fb", "a%2Fb"), std::pair("%3Fx=1", "%3Fx=1"), std::pair("5", "5")}) {
    ask("/" + std::string(raw));
    ctx_.params.resize(0);
    ctx_.params.add(ctx_.request.path().substr(1), true);
    EXPECT_THAT(head(), StartsWith("GET /api/items/" + std::string(sent) + " HTTP/1.1\r\n")) << raw;
  }
  ask("/%2e%2e");
  ctx_.params.resize(0);
  ctx_.params.add(ctx_.request.path().substr(1), true);
  EXPECT_EQ(head(), to_string(ErrorKind::kMissingValue)) << "no step upwards";
}

TEST_F(ForwardedRequestTest, EditsReplaceTheClientsFieldsAndOurs) {
  edit("{set: {X-Custom: ours, Via: us}, remove: [Cookie, X-Forwarded-Host]}");
  ask("/", {"X-Custom: theirs", "Cookie: a=b", "Accept: */*"});
  const std::string out = head();
  EXPECT_THAT(out, HasSubstr("X-Custom: ours\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("theirs")));
  EXPECT_THAT(out, Not(HasSubstr("Cookie")));
  EXPECT_THAT(out, Not(HasSubstr("X-Forwarded-Host")));
  EXPECT_THAT(out, HasSubstr("Via: us\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("viewgate")));
}

}  // namespace
}  // namespace vg::view
