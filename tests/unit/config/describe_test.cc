// The lines that `explain` prints of a route, an upstream and the server.
#include "config/describe.h"

#include <gtest/gtest.h>

#include "unit/config/small_schema.h"

namespace vg::config::testing {
namespace {

Schema schema_with_retry() {
  Schema out = small_schema();
  Spec call = call_spec();
  call.keys.push_back(key("retry", retry_spec()));
  call.keys.push_back(key("body", json()));
  call.keys.push_back(key("required", boolean()).fallback("false"));
  out.add_view({"proxy-fetch", {key("source", call).required(), key("include", named(call))}, {}, false});
  return out;
}

class Describe : public ::testing::Test {
 protected:
  // A line a line: "text | place", with its depth as dots.
  static std::string text(const DescribedLines& lines) {
    std::string out;
    for (const DescribedLine& l : lines)
      out += std::string(l.depth, '.') + l.text + (l.place.empty() ? "" : " | " + l.place) + '\n';
    return out;
  }

  LoadResult load(const std::string& yaml) {
    LoadResult out = load_text("v.yaml", yaml, schema_, environment_);
    EXPECT_EQ(out.errors.text(), "");
    return out;
  }

  std::string route(const std::string& yaml) {
    const LoadResult result = load(yaml);
    return text(describe_route(result.routes.at(0), schema_));
  }

  const Schema schema_ = schema_with_retry();
  FakeEnvironment environment_;
};

TEST_F(Describe, EveryLayerIsSeenByItsPlace) {
  EXPECT_EQ(route("defaults: {timeout: 20s}\n"
                  "mixins:\n"
                  "  quick: {timeout: {status: 503}}\n"
                  "views:\n"
                  "  base: {view: respond, status: 202}\n"
                  "routes:\n"
                  "- path: /a\n"
                  "  extends: base\n"
                  "  mixins: [quick]\n"
                  "  methods: [GET, PUT]\n"
                  "  text: |\n"
                  "    one\n"
                  "    two\n"),
            "path: /a | v.yaml:7\n"
            "view: respond | v.yaml:5\n"
            "status: 202 | v.yaml:5\n"
            "timeout:\n"
            ".after: 20s | v.yaml:1\n"
            ".status: 503 | v.yaml:3\n"
            "methods: [GET, PUT] | v.yaml:10\n"
            "text: 'one\\ntwo\\n' | v.yaml:11\n");
}

TEST_F(Describe, RetriesThatARouteDoesNotWriteAreNotItsOwn) {
  EXPECT_EQ(route("routes:\n"
                  "- path: /a\n"
                  "  view: proxy-fetch\n"
                  "  timeout: null\n"
                  "  source: {call: up/a, retry: 2}\n"
                  "  include: {retry: {call: up/b}}\n"),
            "path: /a | v.yaml:2\n"
            "view: proxy-fetch | v.yaml:3\n"
            "source:\n"
            ".call: up/a | v.yaml:5\n"
            ".retry:\n"
            "..attempts: 2 | v.yaml:5\n"
            ".required: false | (built-in)\n"
            "include:\n"
            ".retry:\n"
            "..call: up/b | v.yaml:6\n"
            "..required: false | (built-in)\n");
}

TEST_F(Describe, WhatWasSubstitutedIntoFreeTextIsNotShown) {
  environment_.variables = {{"KEY", "secret"}, {"TIME", "7s"}, {"HOST", "app"}};
  const LoadResult result = load(
      "upstreams:\n"
      "  up: {url: \"http://${HOST}\", timeout: \"${TIME}\", headers: {X-Key: \"${KEY}\", X-Plain: a}}\n"
      "routes:\n"
      "- path: /a\n"
      "  view: proxy-fetch\n"
      "  timeout: \"${TIME}\"\n"
      "  source: {call: up/a, query: {key: \"x${KEY}\"}, body: {a: [\"${KEY}\", b]}}\n");
  EXPECT_EQ(text(describe_route(result.routes.at(0), schema_)),
            "path: /a | v.yaml:4\n"
            "view: proxy-fetch | v.yaml:5\n"
            "timeout:\n"
            ".after: \"7s\" | v.yaml:6\n"
            ".status: 504 | (built-in)\n"
            "source:\n"
            ".call: up/a | v.yaml:7\n"
            ".query:\n"
            "..key: (substituted, not shown) | v.yaml:7\n"
            ".body:\n"
            "..a:\n"
            "...- (substituted, not shown) | v.yaml:7\n"
            "...- b | v.yaml:7\n"
            ".required: false | (built-in)\n");
  const std::string upstream = text(describe_upstream(result.upstreams.at(0), schema_));
  EXPECT_EQ(upstream.find("secret"), std::string::npos);
  EXPECT_TRUE(
      upstream.starts_with("url: \"http://app\" | v.yaml:2\n"
                           "timeout: \"7s\" | v.yaml:2\n"
                           "headers:\n"
                           ".X-Key: (substituted, not shown) | v.yaml:2\n"
                           ".X-Plain: a | v.yaml:2\n"
                           "pool:\n"
                           ".connections: 100 | (built-in)\n"))
      << upstream;
}

TEST_F(Describe, AnUpstreamsRetriesAreCompleteWithoutBeingWritten) {
  const LoadResult result = load("upstreams: {up: {url: \"http://app\", retry: 3}}\nroutes: []\n");
  const std::string got = text(describe_upstream(result.upstreams.at(0), schema_));
  EXPECT_NE(got.find("retry:\n.attempts: 3 | v.yaml:1\n.attempt_timeout: null | (built-in)\n"), std::string::npos)
      << got;
}

TEST_F(Describe, TheServersSettingsArePathsToBePickedFrom) {
  const LoadResult result = load("server: {limits: {body_bytes: 2MiB}}\nroutes: []\n");
  for (const DescribedLine& l : describe_server(result, schema_)) {
    if (l.path != "limits.body_bytes") continue;
    EXPECT_EQ(l.text, "body_bytes: 2MiB");
    EXPECT_EQ(l.place, "v.yaml:1");
    return;
  }
  FAIL() << "limits.body_bytes is not among them";
}

}  // namespace
}  // namespace vg::config::testing
