// What is said of the routes that nearly matched.
#include "gateway/near_routes.h"

#include <gtest/gtest.h>

#include "http/target.h"

namespace vg::gateway {
namespace {

class NearRoutes : public ::testing::Test {
 protected:
  void configure(const std::string& routes, const std::string& server = "") {
    loaded_ =
        config::load_text("v.yaml",
                          "server: {listen: [\"127.0.0.1:0\", {address: \"127.0.0.1:0\", name: inside}]" + server +
                              "}\n" + "upstreams: {up: {url: \"http://127.0.0.1:9\"}}\nroutes:\n" + routes,
                          schema());
    table_ = build_route_table(loaded_, nullptr);
    ASSERT_TRUE(table_) << loaded_.errors.text();
  }

  // A line a route: "name distance: why".
  std::string near(const Sought& sought, size_t most = 5) const {
    EXPECT_TRUE(http::check_path(sought.path).ok());
    std::string out;
    for (const NearRoute& n : near_routes(*table_, sought, most))
      out += table_->routes[n.route].name + ' ' + std::to_string(n.distance) + ": " + n.why + '\n';
    return out;
  }
  std::string near(std::string_view path) const { return near({{}, "GET", path, {}}); }

  bool matches(const Sought& s) const {
    Match match;
    table_->router.match(s.host, s.method, s.path, s.listener, &match);
    return match.outcome == Match::Outcome::kRoute;
  }

  config::LoadResult loaded_;
  std::shared_ptr<RouteTable> table_;
};

std::string respond(const std::string& name, const std::string& path, const std::string& more = "") {
  return "- {name: " + name + ", path: \"" + path + "\", view: respond, text: x" + more + "}\n";
}

TEST_F(NearRoutes, AWordThatIsMistyped) {
  configure(respond("products", "/products/{id:int}"));
  EXPECT_EQ(near("/product/5"), "products 1: has \"products\" where the path has \"product\"\n");
  EXPECT_EQ(near("/Products/5"), "products 1: has \"products\" where the path has \"Products\"\n");
  EXPECT_EQ(near("/nothing/5"), "");
}

TEST_F(NearRoutes, AValueOfAnotherForm) {
  configure(respond("by-int", "/a/{id:int}") + respond("by-slug", "/b/{s:slug}") + respond("by-uuid", "/c/{u:uuid}") +
            respond("plain", "/d/{p}/x"));
  EXPECT_EQ(near("/a/abc"), "by-int 2: asks for an int where the path has \"abc\"\n");
  EXPECT_EQ(near("/b/a.b"), "by-slug 2: asks for a slug where the path has \"a.b\"\n");
  EXPECT_EQ(near("/c/7"), "by-uuid 2: asks for a uuid where the path has \"7\"\n");
  EXPECT_EQ(near("/d//x"), "plain 2: asks for a value where the path has \"\"\n");
}

TEST_F(NearRoutes, ASegmentTooManyOrTooFew) {
  configure(respond("item", "/shop/items/{id}"));
  EXPECT_EQ(near("/shop/items"), "item 2: goes on with \"/{id}\"\n");
  EXPECT_EQ(near("/shop/items/"), "item 2: goes on with \"/{id}\"\n");
  EXPECT_EQ(near("/shop/items/5/reviews"), "item 2: ends before \"/reviews\"\n");
  EXPECT_EQ(near("/shop/items/5/reviews/1"), "item 4: ends before \"/reviews/1\"\n");
}

TEST_F(NearRoutes, ASlashAtTheEnd) {
  configure(respond("without", "/a/b") + respond("with", "/c/d/"));
  EXPECT_EQ(near("/a/b/"), "without 1: has no slash at its end\n");
  EXPECT_EQ(near("/c/d"), "with 1: has a slash at its end\n");
}

TEST_F(NearRoutes, TheRestOfAPathNeedsItsSlash) {
  configure(respond("files", "/f/{rest...}"));
  EXPECT_EQ(near("/f"), "files 2: goes on with \"/{rest...}\"\n");
  EXPECT_EQ(near("/ff/a/b"), "files 1: has \"f\" where the path has \"ff\"\n");
}

TEST_F(NearRoutes, SlashesThatAreIgnoredAreNoDifference) {
  configure(respond("inside", "/a/b", ", listener: inside"), ", trailing_slash: ignore");
  EXPECT_EQ(near("/a/b/"), "inside 1: is served on listener \"inside\" alone\n");
}

TEST_F(NearRoutes, AnotherHostOrListener) {
  configure(respond("wild", "/a", ", host: \"*.Example.com\"") + respond("exact", "/b", ", host: example.com") +
            respond("inside", "/c", ", listener: inside"));
  EXPECT_EQ(near("/a"), "wild 1: is for host *.Example.com alone\n");
  EXPECT_EQ(near({"example.com", "GET", "/a", {}}), "wild 1: is for host *.Example.com alone\n");
  EXPECT_EQ(near({"www.example.com", "GET", "/b", {}}), "exact 1: is for host example.com alone\n");
  EXPECT_EQ(near("/c"), "inside 1: is served on listener \"inside\" alone\n");
  EXPECT_EQ(near({"example.com", "GET", "/b", "inside"}), "exact 1: is served on listeners without a name alone\n");
}

TEST_F(NearRoutes, AnotherMethod) {
  configure(respond("get", "/a", ", methods: [GET, PUT]") + respond("any", "/b"));
  const std::vector<NearRoute> found = near_routes(*table_, {{}, "POST", "/a", {}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].by_method_alone);
  EXPECT_EQ(found[0].why, "takes GET, PUT");
  EXPECT_EQ(near({{}, "OPTIONS", "/b", {}}), "any 1: leaves OPTIONS to the gateway\n");
  EXPECT_EQ(near({{}, "HEAD", "/a", {}}), "") << "HEAD goes where GET does: it matches";
}

TEST_F(NearRoutes, TheNearestComeFirstAndOthersAreLeftOut) {
  configure(respond("far", "/shop/other/things/{id}/x") + respond("two", "/shop/items/{id}/reviws") +
            respond("one", "/shop/items/{id}/review"));
  EXPECT_EQ(near("/shop/items/5/reviw"),
            "two 1: has \"reviws\" where the path has \"reviw\"\n"
            "one 1: has \"review\" where the path has \"reviw\"\n");
  EXPECT_EQ(near({{}, "GET", "/shop/items/5/reviw", {}}, 1), "two 1: has \"reviws\" where the path has \"reviw\"\n");
}

TEST_F(NearRoutes, ARouteThatMatchesIsNotNear) {
  configure(respond("home", "/") + respond("a", "/a") + respond("a-slash", "/a/") + respond("n", "/n/{n:int}") +
            respond("rest", "/r/{rest...}") + respond("host", "/h", ", host: \"*.example.com\"") +
            respond("esc", "/e/%C3%A9"));
  for (const Sought& s : std::vector<Sought>{{{}, "GET", "/", {}},
                                             {{}, "GET", "/a", {}},
                                             {{}, "GET", "/a/", {}},
                                             {{}, "GET", "/n/%35", {}},
                                             {{}, "GET", "/r/", {}},
                                             {{}, "GET", "/r/a/b", {}},
                                             {"x.y.example.com", "GET", "/h", {}},
                                             {{}, "HEAD", "/e/%c3%a9", {}}}) {
    ASSERT_TRUE(matches(s)) << s.path;
    Match match;
    table_->router.match(s.host, s.method, s.path, s.listener, &match);
    for (const NearRoute& n : near_routes(*table_, s, 100)) EXPECT_NE(n.route, match.route) << s.path << ' ' << n.why;
  }
}

}  // namespace
}  // namespace vg::gateway
