// What a configuration becomes, and what only its compilation finds wrong.
#include "gateway/route_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vg::gateway {
namespace {

using testing::HasSubstr;

constexpr std::string_view kHead =
    "server: {listen: [\"127.0.0.1:0\", {address: \"127.0.0.1:0\", name: inside}]}\n"
    "upstreams: {shop: {url: \"http://127.0.0.1:9/api\"}, search: {url: \"http://127.0.0.1:9\"}}\n"
    "routes:\n";

struct Built {
  config::LoadResult loaded;
  std::shared_ptr<RouteTable> table;
};

Built build(std::string_view routes, const RouteTable* previous = nullptr) {
  Built out{config::load_text("viewgate.yaml", std::string(kHead).append(routes), schema()), nullptr};
  out.table = build_route_table(out.loaded, previous);
  return out;
}

std::string errors(std::string_view routes) {
  Built built = build(routes);
  EXPECT_EQ(built.table == nullptr, !built.loaded.ok());
  return built.loaded.errors.text();
}

TEST(RouteTable, HoldsWhatTheConfigurationSays) {
  const Built built = build(
      "- {name: items, path: \"/items/{id:int}\", view: proxy-fetch, source: \"shop/items/{id}\", methods: [GET]}\n"
      "- {path: /hello, view: respond, text: hello, timeout: 3s}\n");
  ASSERT_TRUE(built.table) << built.loaded.errors.text();
  ASSERT_EQ(built.table->routes.size(), 2u);
  EXPECT_EQ(built.table->routes[0].name, "items");
  EXPECT_EQ(built.table->routes[0].view_name, "proxy-fetch");
  EXPECT_EQ(built.table->routes[1].name, "/hello") << "a route without a name is called by its path";
  EXPECT_EQ(built.table->upstreams.size(), 2u);
  Match match;
  built.table->router.match("a", "GET", "/items/7", "", &match);
  EXPECT_EQ(match.outcome, Match::Outcome::kRoute);
  EXPECT_EQ(match.route, 0u);
  built.table->router.match("a", "GET", "/items/x", "", &match);
  EXPECT_EQ(match.outcome, Match::Outcome::kNotFound);
}

TEST(RouteTable, UnknownUpstreamsAreToldWithTheNearest) {
  EXPECT_THAT(
      errors("- {path: /a, view: proxy-fetch, source: shpo/x}\n"),
      HasSubstr("viewgate.yaml:4:41: routes[0].source: no upstream is called \"shpo\", did you mean \"shop\"?"));
  EXPECT_THAT(errors("- {path: /a, view: proxy-fetch, source: warehouse/x}\n"),
              HasSubstr("declare it under upstreams"));
}

TEST(RouteTable, ATemplateMayOnlyReferToWhatThePathHas) {
  const std::string text = errors("- {path: \"/a/{id}\", view: proxy-fetch, source: \"shop/{ident}\"}\n");
  EXPECT_THAT(text, HasSubstr("routes[0].source: "));
  EXPECT_THAT(text, HasSubstr("ident"));
}

TEST(RouteTable, RoutesThatMatchTheSameAreTold) {
  const std::string text = errors(
      "- {path: \"/a/{id}\", view: respond, text: x}\n"
      "- {path: \"/a/{other}\", view: respond, text: y}\n");
  EXPECT_THAT(text, HasSubstr("routes[1].path: "));
  EXPECT_THAT(text, HasSubstr("routes[0], viewgate.yaml:4:"));
}

TEST(RouteTable, TheSamePathOnAnotherHostMethodOrListenerIsNoCollision) {
  EXPECT_EQ(errors("- {path: /a, view: respond, text: x}\n"
                   "- {path: /a, view: respond, text: y, host: api.example.com}\n"
                   "- {path: /a, view: respond, text: z, listener: inside}\n"
                   "- {path: /b, view: respond, text: x, methods: [GET]}\n"
                   "- {path: /b, view: respond, text: y, methods: [POST]}\n"),
            "");
}

TEST(RouteTable, APathsMistakeIsToldAtItsColumn) {
  EXPECT_THAT(errors("- {path: \"/a/{id:word}\", view: respond, text: x}\n"), HasSubstr("viewgate.yaml:4:"));
  EXPECT_THAT(errors("- {path: a, view: respond, text: x}\n"), HasSubstr("routes[0].path: "));
}

TEST(RouteTable, UnknownListenersAreToldWithTheNearest) {
  EXPECT_THAT(errors("- {path: /a, view: respond, text: x, listener: insid}\n"), HasSubstr("did you mean \"inside\"?"));
}

TEST(RouteTable, FramingFieldsAreNotARoutesToSet) {
  EXPECT_THAT(errors("- {path: /a, view: proxy-fetch, source: shop/x, request: {set: {Content-Length: 3}}}\n"),
              HasSubstr("belongs to the connection"));
}

TEST(RouteTable, AllMistakesAreToldAtOnce) {
  const std::string text = errors(
      "- {path: a, view: respond, text: x}\n"
      "- {path: /b, view: proxy-fetch, source: shpo/x}\n"
      "- {path: /c, view: respond, text: x, listener: nowhere}\n");
  EXPECT_THAT(text, HasSubstr("routes[0].path"));
  EXPECT_THAT(text, HasSubstr("routes[1].source"));
  EXPECT_THAT(text, HasSubstr("routes[2].listener"));
}

TEST(RouteTable, AnUpstreamThatDidNotChangeIsShared) {
  const std::string_view routes = "- {path: /a, view: proxy-fetch, source: shop/x}\n";
  const Built before = build(routes);
  ASSERT_TRUE(before.table);
  const Built after = build(routes, before.table.get());
  ASSERT_TRUE(after.table);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(after.table->upstreams[i], before.table->upstreams[i]);
}

}  // namespace
}  // namespace vg::gateway
