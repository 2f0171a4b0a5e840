// SPEC section 3, sentence by sentence.
#include "gateway/router.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vg::gateway {
namespace {

using Outcome = Match::Outcome;
using Methods = std::vector<std::string>;

struct Fixture {
  std::vector<RoutePattern> patterns;
  std::vector<RouteError> errors;
  Router router;
  Match match;

  explicit Fixture(std::vector<RoutePattern> p, TrailingSlash mode = TrailingSlash::kStrict) : patterns(std::move(p)) {
    for (size_t i = 0; i < patterns.size(); ++i) patterns[i].route = static_cast<uint32_t>(i);
    router = Router::build(patterns, mode, [this](RouteError e) { errors.push_back(std::move(e)); });
  }
  const Match& get(std::string_view path, std::string_view method = "GET", std::string_view host = "h",
                   std::string_view listener = "") {
    router.match(host, method, path, listener, &match);
    return match;
  }
  /// The path of the route that was found, or what was found instead.
  std::string found(std::string_view path, std::string_view method = "GET", std::string_view host = "h",
                    std::string_view listener = "") {
    get(path, method, host, listener);
    if (match.outcome == Outcome::kNotFound) return "404";
    if (match.outcome == Outcome::kMethodNotAllowed) return "405 " + allow();
    const std::string where = patterns[match.route].host + patterns[match.route].path;
    return match.outcome == Outcome::kRedirectSlash ? "308 " + where : where;
  }
  std::string allow() const {
    std::string out;
    router.append_allow(match.allow, out);
    return out;
  }
};

RoutePattern on(std::string path, Methods methods = {}, std::string host = "", std::string listener = "") {
  RoutePattern p;
  p.path = std::move(path);
  p.methods = std::move(methods);
  p.host = std::move(host);
  p.listener = std::move(listener);
  return p;
}
std::vector<RoutePattern> paths(const std::vector<std::string>& list) {
  std::vector<RoutePattern> out;
  for (const auto& p : list) out.push_back(on(p));
  return out;
}
std::vector<std::string> messages(const std::vector<RoutePattern>& p, TrailingSlash mode = TrailingSlash::kStrict) {
  Fixture f(p, mode);
  std::vector<std::string> out;
  for (const RouteError& e : f.errors) out.push_back(e.message);
  return out;
}

constexpr const char* kUuid = "/01234567-89ab-CDEF-0123-456789abcdef";

TEST(Router, AnEmptyTableFindsNothing) {
  Fixture f({});
  EXPECT_EQ(f.found("/"), "404");
  Match m;
  Router().match("h", "GET", "/", "", &m);
  EXPECT_EQ(m.outcome, Outcome::kNotFound);
}

TEST(Router, LiteralSegmentsMatchThemselvesAlone) {
  Fixture f(paths({"/", "/a", "/a/b", "/a/b/c"}));
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.found("/"), "/");
  EXPECT_EQ(f.found("/a"), "/a");
  EXPECT_EQ(f.found("/a/b"), "/a/b");
  EXPECT_EQ(f.found("/a/b/c"), "/a/b/c");
  for (const char* no : {"/A", "/ab", "/a/", "/a/c", "/a/b/c/", "/a//b", "//a", "/a/b/c/d", "a", "", "*"})
    EXPECT_EQ(f.found(no), "404") << no;
}

TEST(Router, AParameterTakesOneSegmentThatIsNotEmpty) {
  Fixture f(paths({"/a/{id}/c"}));
  ASSERT_EQ(f.found("/a/b/c"), "/a/{id}/c");
  ASSERT_EQ(f.match.params.size(), 1u);
  EXPECT_EQ(f.match.params[0].raw, "b");
  EXPECT_FALSE(f.match.params[0].encoded);
  EXPECT_EQ(f.found("/a//c"), "404");
  EXPECT_EQ(f.found("/a/b/b/c"), "404");
  EXPECT_EQ(f.found("/a/b"), "404");
}

TEST(Router, AnIntIsOneToEighteenDigits) {
  Fixture f(paths({"/{id:int}"}));
  for (const char* yes : {"/0", "/007", "/999999999999999999", "/%31%32"}) EXPECT_EQ(f.found(yes), "/{id:int}") << yes;
  for (const char* no : {"/", "/-1", "/+1", "/1a", "/1.0", "/1234567890123456789", "/%2D1", "/1%00"})
    EXPECT_EQ(f.found(no), "404") << no;
}

TEST(Router, ASlugIsLettersDigitsHyphensAndUnderscores) {
  Fixture f(paths({"/{s:slug}"}));
  for (const char* yes : {"/a", "/A-b_9", "/-", "/%61"}) EXPECT_EQ(f.found(yes), "/{s:slug}") << yes;
  for (const char* no : {"/", "/a.b", "/a%20b", "/caf%C3%A9", "/a%2Fb"}) EXPECT_EQ(f.found(no), "404") << no;
}

TEST(Router, AUuidHasItsFormInAnyCase) {
  Fixture f(paths({"/{k:uuid}"}));
  EXPECT_EQ(f.found(kUuid), "/{k:uuid}");
  EXPECT_EQ(f.found("/%30123456789ab"), "404");
  EXPECT_EQ(f.found("/%301234567-89ab-CDEF-0123-456789abcdef"), "/{k:uuid}");
  for (const char* no : {"/0123456789abCDEF0123456789abcdef0000", "/01234567-89ab-CDEF-0123-456789abcde",
                         "/01234567-89ab-CDEF-0123-456789abcdeff", "/g1234567-89ab-CDEF-0123-456789abcdef",
                         "/{01234567-89ab-CDEF-0123-456789abcd}"}) {
    EXPECT_EQ(f.found(no), "404") << no;
  }
}

TEST(Router, RestTakesWhatIsLeftAndMayBeEmptyBehindItsSlash) {
  Fixture f(paths({"/f/{rest...}"}));
  EXPECT_EQ(f.found("/f"), "404");
  ASSERT_EQ(f.found("/f/"), "/f/{rest...}");
  EXPECT_EQ(f.match.params[0].raw, "");
  ASSERT_EQ(f.found("/f/a/b%2Fc//d/"), "/f/{rest...}");
  EXPECT_EQ(f.match.params[0].raw, "a/b%2Fc//d/");
  EXPECT_TRUE(f.match.params[0].encoded);
}

TEST(Router, RestAtTheRootTakesEveryPath) {
  Fixture f(paths({"/{rest...}"}));
  for (const char* path : {"/", "/a", "/a/b/", "//", "//a"}) {
    EXPECT_EQ(f.found(path), "/{rest...}") << path;
    EXPECT_EQ(f.match.params[0].raw, std::string_view(path).substr(1));
  }
}

TEST(Router, RanksByFormWhateverThePlaceInTheFile) {
  std::vector<std::string> all = {"/x/{r...}", "/x/{p}", "/x/{s:slug}", "/x/{u:uuid}", "/x/{i:int}", "/x/lit"};
  for (int order = 0; order < 2; ++order) {
    Fixture f(paths(all));
    EXPECT_EQ(f.errors.size(), 0u);
    EXPECT_EQ(f.found("/x/lit"), "/x/lit");
    EXPECT_EQ(f.found("/x/5"), "/x/{i:int}");
    EXPECT_EQ(f.found("/x" + std::string(kUuid)), "/x/{u:uuid}");
    EXPECT_EQ(f.found("/x/ab-c"), "/x/{s:slug}");
    EXPECT_EQ(f.found("/x/a.b"), "/x/{p}");
    EXPECT_EQ(f.found("/x/a/b"), "/x/{r...}");
    EXPECT_EQ(f.found("/x/"), "/x/{r...}");
    std::reverse(all.begin(), all.end());
  }
}

TEST(Router, ALiteralThatLooksLikeANumberBeatsInt) {
  Fixture f(paths({"/{id:int}", "/7"}));
  EXPECT_EQ(f.found("/7"), "/7");
  EXPECT_EQ(f.found("/%37"), "/7");
  EXPECT_EQ(f.found("/8"), "/{id:int}");
}

TEST(Router, TheLeftmostDifferenceDecides) {
  Fixture f(paths({"/{a}/lit/lit", "/lit/{b}/{c}"}));
  EXPECT_EQ(f.found("/lit/lit/lit"), "/lit/{b}/{c}");
  EXPECT_EQ(f.found("/z/lit/lit"), "/{a}/lit/lit");
}

TEST(Router, GoesBackWhereTheBetterWayEndsBlind) {
  Fixture f(paths({"/a/{id:int}/x", "/a/{s:slug}/y", "/{p}/7/z", "/{r...}"}));
  EXPECT_EQ(f.found("/a/7/x"), "/a/{id:int}/x");
  ASSERT_EQ(f.found("/a/7/y"), "/a/{s:slug}/y");
  ASSERT_EQ(f.match.params.size(), 1u);
  ASSERT_EQ(f.found("/a/7/z"), "/{p}/7/z");
  ASSERT_EQ(f.match.params.size(), 1u);
  EXPECT_EQ(f.match.params[0].raw, "a");
  ASSERT_EQ(f.found("/a/7/w"), "/{r...}");
  ASSERT_EQ(f.match.params.size(), 1u);
  EXPECT_EQ(f.match.params[0].raw, "a/7/w");
}

TEST(Router, SegmentsAreComparedDecodedAndAnEncodedSlashStaysInside) {
  Fixture f(paths({"/caf%C3%A9", "/a b/{x}", "/a%2fb"}));
  EXPECT_EQ(f.found("/caf%c3%a9"), "/caf%C3%A9");
  EXPECT_EQ(f.found("/%63af%C3%A9"), "/caf%C3%A9");
  ASSERT_EQ(f.found("/a%20b/c%2Fd"), "/a b/{x}");
  EXPECT_EQ(f.match.params[0].raw, "c%2Fd");
  EXPECT_TRUE(f.match.params[0].encoded);
  EXPECT_EQ(f.found("/a%2Fb"), "/a%2fb");
  EXPECT_EQ(f.found("/a/b"), "404");
  EXPECT_EQ(f.found("/%2561"), "404") << "decoded once";
}

TEST(Router, ALongEscapedSegmentIsNoLiteralButAParameter) {
  Fixture f(paths({"/a", "/{x}"}));
  std::string path = "/";
  for (int i = 0; i < 3000; ++i) path += "%61";
  EXPECT_EQ(f.found(path), "/{x}");
}

TEST(Router, LiteralsOfEveryLengthAreFoundAloneAndAmongSiblings) {
  for (const bool siblings : {false, true}) {
    std::vector<std::string> list;
    for (size_t n = 1; n <= 255; ++n) {
      const std::string literal(n, 'a');
      list.push_back("/" + std::to_string(n) + "/" + literal);
      if (siblings) list.push_back("/" + std::to_string(n) + "/" + literal.substr(1) + "b");
    }
    Fixture f(paths(list));
    for (const std::string& path : list) EXPECT_EQ(f.found(path), path);
    for (const std::string& path : list) EXPECT_EQ(f.found(path.substr(0, path.size() - 1) + "c"), "404");
    for (const std::string& path : list) EXPECT_EQ(f.found(path + "x"), "404");
  }
}

TEST(Router, HostDecidesFirst) {
  Fixture f({on("/{r...}"), on("/{r...}", {}, "*.example.com"), on("/{r...}", {}, "*.b.example.com"),
             on("/{r...}", {}, "a.b.example.com"), on("/lit")});
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.found("/lit", "GET", "a.b.example.com"), "a.b.example.com/{r...}");
  EXPECT_EQ(f.found("/lit", "GET", "x.b.example.com"), "*.b.example.com/{r...}");
  EXPECT_EQ(f.found("/lit", "GET", "y.x.b.example.com"), "*.b.example.com/{r...}");
  EXPECT_EQ(f.found("/lit", "GET", "b.example.com"), "*.example.com/{r...}");
  EXPECT_EQ(f.found("/lit", "GET", "example.com"), "/lit") << "a wildcard stands for one label at least";
  EXPECT_EQ(f.found("/lit", "GET", "xexample.com"), "/lit");
  EXPECT_EQ(f.found("/lit", "GET", ""), "/lit");
  EXPECT_EQ(f.found("/lit", "GET", ".example.com"), "/lit");
  EXPECT_EQ(f.found("/lit", "GET", "a.b.example.com."), "a.b.example.com/{r...}") << "a fully qualified name";
}

TEST(Router, FallsBackToALessSpecificHostWhereTheBetterOneHasNoRoute) {
  Fixture f(
      {on("/only", {}, "a.example.com"), on("/wild", {"GET"}, "*.example.com"), on("/wild", {"POST"}), on("/any")});
  EXPECT_EQ(f.found("/only", "GET", "a.example.com"), "a.example.com/only");
  EXPECT_EQ(f.found("/wild", "GET", "a.example.com"), "*.example.com/wild");
  EXPECT_EQ(f.found("/wild", "POST", "a.example.com"), "/wild");
  EXPECT_EQ(f.found("/any", "GET", "a.example.com"), "/any");
  EXPECT_EQ(f.found("/wild", "PUT", "a.example.com"), "405 GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(f.found("/none", "GET", "a.example.com"), "404");
}

TEST(Router, HostsOfConfigurationsAreOfAnyCase) {
  Fixture f({on("/", {}, "API.Example.Com."), on("/", {}, "*.EXAMPLE.org"), on("/", {}, "[::1]")});
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.get("/", "GET", "api.example.com").route, 0u);
  EXPECT_EQ(f.get("/", "GET", "a.example.org").route, 1u);
  EXPECT_EQ(f.get("/", "GET", "[::1]").route, 2u);
  EXPECT_EQ(f.found("/", "GET", "other"), "404");
}

TEST(Router, AHostOfManyLabelsIsCheap) {
  Fixture f({on("/", {}, "*.example.com")});
  std::string host;
  for (int i = 0; i < 8000; ++i) host += "a.";
  EXPECT_EQ(f.found("/", "GET", host + "example.com"), "*.example.com/");
  EXPECT_EQ(f.found("/", "GET", host + "example.org"), "404");
}

TEST(Router, RoutesOfAnotherMethodArePassedOver) {
  Fixture f({on("/a/lit", {"POST"}), on("/a/{x}", {"GET"}), on("/{r...}", {"DELETE"})});
  EXPECT_EQ(f.found("/a/lit", "POST"), "/a/lit");
  EXPECT_EQ(f.found("/a/lit", "GET"), "/a/{x}");
  EXPECT_EQ(f.found("/a/lit", "DELETE"), "/{r...}");
  EXPECT_EQ(f.found("/a/lit", "PUT"), "405 GET, HEAD, POST, DELETE, OPTIONS");
  EXPECT_EQ(f.found("/a/x/y", "PUT"), "405 DELETE, OPTIONS");
}

TEST(Router, DifferentMethodsShareOnePath) {
  Fixture f({on("/a/{x}", {"GET"}), on("/a/{y}", {"PUT", "PATCH"}), on("/a/{z}", {"PURGE"})});
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.get("/a/1").route, 0u);
  EXPECT_EQ(f.get("/a/1", "PATCH").route, 1u);
  EXPECT_EQ(f.get("/a/1", "PURGE").route, 2u);
  EXPECT_EQ(f.found("/a/1", "BREW"), "405 GET, HEAD, PUT, PATCH, OPTIONS, PURGE");
  EXPECT_EQ(f.found("/a/1", "get"), "405 GET, HEAD, PUT, PATCH, OPTIONS, PURGE") << "methods are case-sensitive";
}

TEST(Router, EveryRouteMayTakeItsOwnSetOfMethods) {
  const Methods all = {"GET", "POST", "PUT", "PATCH", "DELETE", "A", "B", "C"};
  const auto takes = [](size_t set, size_t i) { return (set >> i & 1) != 0; };
  std::vector<RoutePattern> patterns;
  for (size_t set = 1; set < 256; ++set) {
    RoutePattern p = on("/" + std::to_string(set));
    for (size_t i = 0; i < all.size(); ++i) {
      if (takes(set, i)) p.methods.push_back(all[i]);
    }
    patterns.push_back(p);
    p.path += "/{rest...}";
    patterns.push_back(p);
  }
  Fixture f(patterns);
  for (size_t set = 1; set < 256; ++set) {
    const std::string path = "/" + std::to_string(set);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(f.found(path, all[i]).starts_with("405"), !takes(set, i)) << path << ' ' << all[i];
      EXPECT_EQ(f.found(path + "/x", all[i]).starts_with("405"), !takes(set, i)) << path << ' ' << all[i];
    }
    EXPECT_EQ(f.found(path, "HEAD").starts_with("405"), !takes(set, 0)) << path;
  }
}

TEST(Router, HeadWorksWhereverGetDoes) {
  Fixture f(
      {on("/a", {"GET"}), on("/b", {"POST"}), on("/c", {"GET"}), on("/c", {"HEAD"}), on("/d", {"HEAD"}), on("/e")});
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.get("/a", "HEAD").route, 0u);
  EXPECT_EQ(f.get("/a", "HEAD").outcome, Outcome::kRoute);
  EXPECT_EQ(f.found("/b", "HEAD"), "405 POST, OPTIONS");
  EXPECT_EQ(f.get("/c", "HEAD").route, 3u) << "a route that names HEAD has it";
  EXPECT_EQ(f.get("/c", "GET").route, 2u);
  EXPECT_EQ(f.found("/d", "GET"), "405 HEAD, OPTIONS");
  EXPECT_EQ(f.get("/e", "HEAD").route, 5u);
}

TEST(Router, OptionsGoesToRoutesThatTakeItAndIsElseLeftToTheCaller) {
  Fixture f({on("/a", {"GET"}), on("/b", {"GET", "OPTIONS"}), on("/c"), on("/d"), on("/e"), on("/e", {"OPTIONS"})});
  f.patterns[3].any_has_options = f.patterns[4].any_has_options = false;
  std::vector<RouteError> errors;
  f.router = Router::build(f.patterns, TrailingSlash::kStrict, [&](RouteError e) { errors.push_back(e); });
  EXPECT_EQ(errors.size(), 0u);
  EXPECT_EQ(f.found("/a", "OPTIONS"), "405 GET, HEAD, OPTIONS");
  EXPECT_EQ(f.found("/b", "OPTIONS"), "/b");
  EXPECT_EQ(f.found("/c", "OPTIONS"), "/c");
  EXPECT_EQ(f.found("/d", "OPTIONS"), "405 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(f.get("/e", "OPTIONS").route, 5u);
  EXPECT_EQ(f.get("/e", "BREW").route, 4u);
}

TEST(Router, AListenersOwnRoutesAreServedThereAloneAndTheOthersWhereNoNameIs) {
  Fixture f({on("/a"), on("/a", {}, "", "internal"), on("/b", {}, "", "internal")});
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.get("/a").route, 0u);
  EXPECT_EQ(f.get("/a", "GET", "h", "internal").route, 1u);
  EXPECT_EQ(f.found("/b"), "404");
  EXPECT_EQ(f.found("/b", "GET", "h", "internal"), "/b");
  EXPECT_EQ(f.found("/a", "GET", "h", "unknown"), "404");
}

TEST(Router, StrictKeepsThePathsWithAndWithoutSlashApart) {
  Fixture f(paths({"/a", "/b/", "/c", "/c/"}));
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.found("/a/"), "404");
  EXPECT_EQ(f.found("/b"), "404");
  EXPECT_EQ(f.found("/b/"), "/b/");
  EXPECT_EQ(f.found("/c"), "/c");
  EXPECT_EQ(f.found("/c/"), "/c/");
}

TEST(Router, RedirectGoesToTheFormThatIsDeclared) {
  Fixture f({on("/a"), on("/b/"), on("/c/{r...}"), on("/d", {"POST"}), on("/d/", {"GET"}), on("/{id:int}/")},
            TrailingSlash::kRedirect);
  EXPECT_EQ(f.errors.size(), 0u);
  EXPECT_EQ(f.found("/a"), "/a");
  EXPECT_EQ(f.found("/a/"), "308 /a");
  EXPECT_EQ(f.found("/b"), "308 /b/");
  EXPECT_EQ(f.found("/b/"), "/b/");
  EXPECT_EQ(f.found("/c"), "308 /c/{r...}");
  EXPECT_EQ(f.found("/c/"), "/c/{r...}");
  EXPECT_EQ(f.found("/d", "GET"), "308 /d/");
  EXPECT_EQ(f.found("/d", "POST"), "/d");
  EXPECT_EQ(f.found("/d", "PUT"), "405 POST, OPTIONS");
  EXPECT_EQ(f.found("/7"), "308 /{id:int}/");
  EXPECT_EQ(f.found("/7/"), "/{id:int}/");
  EXPECT_EQ(f.match.params[0].raw, "7");
  EXPECT_EQ(f.found("/a//"), "404");
  EXPECT_EQ(f.found("/none"), "404");
  EXPECT_EQ(f.found("/"), "404");
}

TEST(Router, ARedirectNeverLeadsToAnotherHost) {
  Fixture f({on("/{x}/"), on("/f/{x}/"), on("/{r...}", {"POST"})}, TrailingSlash::kRedirect);
  EXPECT_EQ(f.found("/a"), "308 /{x}/");
  EXPECT_EQ(f.found("/\\evil.example"), "405 POST, OPTIONS");
  EXPECT_EQ(f.found("//evil.example"), "405 POST, OPTIONS");
  EXPECT_EQ(f.found("/%5Cevil.example"), "308 /{x}/");
}

TEST(Router, IgnoreTakesBothFormsByRank) {
  Fixture f(paths({"/a", "/b/", "/c/{r...}", "/d/{x}", "/{r...}", "/"}), TrailingSlash::kIgnore);
  EXPECT_EQ(f.errors.size(), 0u);
  for (const char* path : {"/a", "/a/"}) EXPECT_EQ(f.found(path), "/a");
  for (const char* path : {"/b", "/b/"}) EXPECT_EQ(f.found(path), "/b/");
  for (const char* path : {"/c", "/c/"}) {
    EXPECT_EQ(f.found(path), "/c/{r...}");
    EXPECT_EQ(f.match.params[0].raw, "");
  }
  EXPECT_EQ(f.found("/c/x/y/"), "/c/{r...}");
  EXPECT_EQ(f.match.params[0].raw, "x/y/");
  EXPECT_EQ(f.found("/d/1/"), "/d/{x}");
  EXPECT_EQ(f.match.params[0].raw, "1");
  EXPECT_EQ(f.found("/d/"), "/{r...}");
  EXPECT_EQ(f.found("/a//"), "/{r...}");
  EXPECT_EQ(f.found("/"), "/");
}

TEST(Router, IgnoreRefusesTwoRoutesThatDifferInTheSlashAlone) {
  EXPECT_EQ(messages(paths({"/a", "/a/"}), TrailingSlash::kIgnore).size(), 1u);
  EXPECT_EQ(messages(paths({"/a", "/a/"}), TrailingSlash::kRedirect).size(), 0u);
}

TEST(Router, TwoRoutesOfTheSameRankAreAnErrorThatNamesBoth) {
  Fixture f({on("/a/{x:int}", {"GET", "PUT"}), on("/a/{y}", {"GET"}), on("/a/{z:int}", {"POST", "PUT"}),
             on("/a/{r...}"), on("/a/{s...}", {"GET"})});
  ASSERT_EQ(f.errors.size(), 2u);
  EXPECT_EQ(f.errors[0].pattern, 2u);
  EXPECT_EQ(f.errors[0].other, 0u);
  EXPECT_EQ(f.errors[1].pattern, 4u);
  EXPECT_EQ(f.errors[1].other, 3u);
}

TEST(Router, AnotherHostOrListenerIsAnotherRank) {
  EXPECT_EQ(messages({on("/a"), on("/a", {}, "h"), on("/a", {}, "*.h"), on("/a", {}, "", "l"), on("/a", {}, "h", "l")})
                .size(),
            0u);
  EXPECT_EQ(messages({on("/a", {}, "H"), on("/a", {}, "h.")}).size(), 1u);
  EXPECT_EQ(messages({on("/caf%C3%A9"), on("/caf\xC3\xA9")}).size(), 1u);
}

struct Bad {
  const char* path;
  const char* says;
  size_t offset;
};
class BadPath : public testing::TestWithParam<Bad> {};
TEST_P(BadPath, IsRefusedWithItsPlace) {
  Fixture f(paths({GetParam().path}));
  ASSERT_GE(f.errors.size(), 1u);
  EXPECT_NE(f.errors[0].message.find(GetParam().says), std::string::npos) << f.errors[0].message;
  EXPECT_EQ(f.errors[0].in, RouteError::In::kPath);
  EXPECT_EQ(f.errors[0].offset, GetParam().offset);
  EXPECT_EQ(f.errors.size(), 1u);
}
INSTANTIATE_TEST_SUITE_P(Router, BadPath,
                         testing::Values(Bad{"", "begins with", 0}, Bad{"a/b", "begins with", 0},
                                         Bad{"/a?b", "no \"?\"", 2}, Bad{"/a#b", "no \"#\"", 2},
                                         Bad{"/a//b", "empty segment", 3}, Bad{"/a/../b", "dot segment", 3},
                                         Bad{"/a/%2e", "dot segment", 3}, Bad{"/a/%00", "NUL", 3},
                                         Bad{"/a/b%zz", "two hexadecimal", 4}, Bad{"/a\tb", "control character", 2},
                                         Bad{"/{a}/{a}", "two parameters", 6}, Bad{"/{}", "needs a name", 1},
                                         Bad{"/{:int}", "needs a name", 1}, Bad{"/{...}", "needs a name", 1},
                                         Bad{"/{r...}/x", "stands last", 1}, Bad{"/{r...}/", "stands last", 1},
                                         Bad{"/x-{id}", "whole segment", 1}, Bad{"/{id", "whole segment", 1},
                                         Bad{"/id}", "whole segment", 1}, Bad{"/{{a}}", "whole segment", 1},
                                         Bad{"/{a:itn}", "did you mean \"int\"", 4}, Bad{"/{a:}", "unknown form", 4},
                                         Bad{"/{1a}", "is no name", 2}, Bad{"/{a.b}", "is no name", 2},
                                         Bad{"/{query}", "cannot be called", 2}, Bad{"/<int:id>", "in braces", 1}));

TEST(Router, ReportsAllMistakesOfAllPaths) { EXPECT_EQ(messages(paths({"/a//{x}/{x}", "b", "/c"})).size(), 3u); }

TEST(Router, LimitsPathsInSegmentsParametersAndBytes) {
  std::string long_path;
  for (int i = 0; i < 64; ++i) long_path += "/a";
  EXPECT_EQ(messages(paths({long_path})).size(), 0u);
  EXPECT_EQ(messages(paths({long_path + "/a"})).size(), 1u);
  std::string params;
  for (int i = 0; i < 32; ++i) params += "/{p" + std::to_string(i) + "}";
  EXPECT_EQ(messages(paths({params})).size(), 0u);
  EXPECT_EQ(messages(paths({params + "/{q}"})).size(), 1u);
  EXPECT_EQ(messages(paths({"/" + std::string(255, 'x')})).size(), 0u);
  EXPECT_EQ(messages(paths({"/" + std::string(256, 'x')})).size(), 1u);
}

TEST(Router, RefusesHostsAndMethodsThatAreNone) {
  for (const char* host :
       {"*", "a.*", "*a.b", "a..b", "http://a", "a:80", "a b", "a/b", "[x]", ".", "*.", "\xC3\xA9.fr"}) {
    Fixture f({on("/", {}, host)});
    ASSERT_EQ(f.errors.size(), 1u) << host;
    EXPECT_EQ(f.errors[0].in, RouteError::In::kHost);
  }
  EXPECT_EQ(messages({on("/", {}, std::string(254, 'a'))}).size(), 1u);
  for (const char* method : {"", "get", "Get", "GET ", "G(T"}) {
    Fixture f({on("/", {method})});
    ASSERT_EQ(f.errors.size(), 1u) << method;
    EXPECT_EQ(f.errors[0].in, RouteError::In::kMethods);
  }
  Methods many;
  for (int i = 0; i < 54; ++i) many.push_back("M" + std::to_string(i));
  EXPECT_EQ(messages({on("/", many)}).size(), 0u);
  many.push_back("ONE-MORE");
  EXPECT_EQ(messages({on("/", many)}).size(), 1u);
}

TEST(Router, ARouteWithAMistakeIsLeftOutAndTheOthersStay) {
  Fixture f(paths({"/a/{x", "/b"}));
  EXPECT_EQ(f.found("/b"), "/b");
  EXPECT_EQ(f.found("/a/{x"), "404");
}

}  // namespace
}  // namespace vg::gateway
