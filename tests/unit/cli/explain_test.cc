// What `explain` says of calls, policies and places; tests/integration/test_explain.py has whole answers.
#include "cli/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vg::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class FakeView final : public pipeline::View {
 public:
  explicit FakeView(std::vector<pipeline::PlannedCall> calls) : calls_(std::move(calls)) {}
  coro::Task<Result<void>> run(pipeline::Context&) const override { co_return Result<void>(); }
  std::vector<pipeline::PlannedCall> plan() const override { return calls_; }

 private:
  std::vector<pipeline::PlannedCall> calls_;
};

class Explain : public ::testing::Test {
 protected:
  void configure(const std::string& routes, const std::string& server = "listen: \"127.0.0.1:0\"") {
    checked_.loaded = config::load_text("v.yaml",
                                        "server: {" + server +
                                            "}\nupstreams:\n  catalog: {url: \"http://127.0.0.1:9\"}\n"
                                            "  reviews: {url: \"http://127.0.0.1:9\"}\nroutes:\n" +
                                            routes,
                                        gateway::schema());
    checked_.table = gateway::build_route_table(checked_.loaded, nullptr);
    ASSERT_TRUE(checked_.table) << checked_.loaded.errors.text();
  }

  std::string text(const std::string& method, const std::string& target, const std::string& host = "") const {
    std::string error;
    const auto asked = asked_request(method, target, host, "", &error);
    EXPECT_TRUE(asked) << error;
    return asked ? explain(checked_, *asked).text : std::string();
  }

  gateway::Checked checked_;
};

TEST_F(Explain, CallsAreShownInTheirWaves) {
  configure("- {name: product, path: \"/products/{id}\", view: respond, text: x}\n");
  checked_.table->routes[0].view = std::make_unique<FakeView>(std::vector<pipeline::PlannedCall>{
      {"object", "GET catalog/products/{id}", {}, 1, {}},
      {"related", "GET catalog/products?category={object.category}", {"object"}, 2, {}},
      {"reviews", "GET reviews/products/{id}/reviews", {}, 1, "default [] when it fails"},
      {"sellers", "GET catalog/sellers?ids={items.seller}", {"object", "related"}, 3, "required"}});
  const std::string got = text("GET", "/products/5");
  EXPECT_THAT(got, EndsWith("\ncalls\n"
                            "  wave 1  object   GET catalog/products/{id}\n"
                            "          reviews  GET reviews/products/{id}/reviews                default [] when it "
                            "fails\n"
                            "  wave 2  related  GET catalog/products?category={object.category}  waits for object\n"
                            "  wave 3  sellers  GET catalog/sellers?ids={items.seller}           waits for object, "
                            "related; required\n"));
  EXPECT_LT(got.find("\nupstream catalog\n"), got.find("\nupstream reviews\n"));
  EXPECT_EQ(got.find("\nupstream catalog\n"), got.rfind("\nupstream catalog\n")) << "each upstream once";
}

TEST_F(Explain, AnUpstreamIsFoundInEveryFormOfACall) {
  configure("- {name: product, path: /a, view: respond, text: x}\n");
  for (const char* call : {"catalog", "catalog/", "GET catalog?x={query.a|b c}", "POST catalog/a b"}) {
    checked_.table->routes[0].view =
        std::make_unique<FakeView>(std::vector<pipeline::PlannedCall>{{"object", call, {}, 1, {}}});
    EXPECT_THAT(text("GET", "/a"), HasSubstr("\nupstream catalog\n")) << call;
  }
}

TEST_F(Explain, AViewWithoutCallsHasNone) {
  configure("- {name: hello, path: /a, view: respond, text: x}\n");
  EXPECT_THAT(text("GET", "/a"), Not(HasSubstr("calls")));
}

TEST_F(Explain, ASlashThatIsRedirectedNamesTheRouteOfTheOtherForm) {
  configure("- {name: hello, path: /a/, view: respond, text: x}\n",
            "listen: \"127.0.0.1:0\", trailing_slash: redirect");
  EXPECT_EQ(text("GET", "/a?b=1"),
            "request  GET /a?b=1\n"
            "answer   308, to /a/?b=1\n"
            "\n"
            "route of that path\n"
            "  hello  /a/  v.yaml:6\n");
}

TEST_F(Explain, AValueThatNoTerminalTakesIsShownAsItCame) {
  configure("- {name: hello, path: \"/a/{x}\", view: respond, text: x}\n");
  EXPECT_THAT(text("GET", "/a/%1b%5B2J"), HasSubstr("\n  x  plain  %1b%5B2J\n"));
  EXPECT_THAT(text("GET", "/a/%C3%A9"), HasSubstr("\n  x  plain  é  sent as %C3%A9\n"));
  EXPECT_THAT(text("GET", "/a/%ff"), HasSubstr("\n  x  plain  %ff\n"));
}

TEST_F(Explain, ATargetWithControlCharactersIsNotPrinted) {
  configure("- {name: hello, path: /a, view: respond, text: x}\n");
  EXPECT_THAT(text("GET", "/a\x1b[2J"), StartsWith("request  GET …\nanswer   400, "));
}

TEST_F(Explain, AListOfTheRouteStandsOnOneLine) {
  configure("- {name: hello, path: /a, view: respond, text: x, methods: [GET, PUT]}\n");
  EXPECT_THAT(text("PUT", "/a"), HasSubstr("\n  methods: [GET, PUT]  v.yaml:6\n"));
}

TEST_F(Explain, AnUnknownListenerIsToldWithTheNearest) {
  configure("- {name: hello, path: /a, view: respond, text: x}\n",
            "listen: [{address: \"127.0.0.1:0\", name: inside}, \"127.0.0.1:0\"]");
  EXPECT_EQ(unknown_listener(checked_, ""), "");
  EXPECT_EQ(unknown_listener(checked_, "inside"), "");
  EXPECT_EQ(unknown_listener(checked_, "insde"), "no listener is called \"insde\", did you mean \"inside\"?");
  EXPECT_EQ(unknown_listener(checked_, "public"), "no listener is called \"public\"");
}

}  // namespace
}  // namespace vg::cli
