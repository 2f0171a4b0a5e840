// The router against a reference that tries every route, and against configurations and requests made to be slow.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "base/strings.h"
#include "gateway/router.h"

namespace vg::gateway {
namespace {

using Outcome = Match::Outcome;

// ---- The reference: every route is tried, and ranks are compared as lists. ----

struct Candidate {
  std::vector<int> rank;  // host, then each segment, then whether HEAD is only implied
  uint32_t route;
  std::vector<std::string> params;
  bool operator<(const Candidate& o) const { return rank < o.rank; }
};

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  for (const auto s : split(path.substr(1), '/')) out.emplace_back(s);
  return out;
}

bool form_matches(const std::string& form, const std::string& raw) {
  static const std::regex kInt("[0-9]{1,18}"), kSlug("[A-Za-z0-9_-]+");
  static const std::regex kUuid("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}");
  const std::string decoded = *percent_decode(raw);
  if (form == "int") return std::regex_match(decoded, kInt);
  if (form == "uuid") return std::regex_match(decoded, kUuid);
  if (form == "slug") return std::regex_match(decoded, kSlug);
  return !raw.empty();
}

std::optional<Candidate> match_path(const std::string& pattern, std::string path, bool ignore_slash) {
  std::vector<std::string> want = segments_of(pattern);
  const bool rest = want.back().ends_with("...}");
  const std::string whole = path;
  if (ignore_slash && path.ends_with('/')) path.pop_back();
  std::vector<std::string> have = path.empty() ? std::vector<std::string>{} : segments_of(path);
  if (ignore_slash && want.back().empty()) want.pop_back();
  Candidate c{};
  for (size_t i = 0; i < want.size(); ++i) {
    if (rest && i + 1 == want.size()) {
      if (i >= have.size() && !(ignore_slash && i == have.size())) return std::nullopt;
      size_t at = 1;
      for (size_t k = 0; k < i; ++k) at += have[k].size() + 1;
      c.params.push_back(at <= whole.size() ? whole.substr(at) : "");
      c.rank.push_back(5);
      return c;
    }
    if (i >= have.size()) return std::nullopt;
    if (!want[i].starts_with('{')) {
      if (*percent_decode(want[i]) != *percent_decode(have[i])) return std::nullopt;
      c.rank.push_back(0);
      continue;
    }
    const size_t colon = want[i].find(':');
    const std::string form = colon == std::string::npos ? "" : want[i].substr(colon + 1, want[i].size() - colon - 2);
    if (!form_matches(form, have[i])) return std::nullopt;
    c.params.push_back(have[i]);
    c.rank.push_back(form == "int" ? 1 : form == "uuid" ? 2 : form == "slug" ? 3 : 4);
  }
  if (have.size() != want.size()) return std::nullopt;
  // A path that ends ranks before one whose rest is empty.
  c.rank.push_back(0);
  return c;
}

std::optional<int> host_rank(const std::string& pattern, const std::string& host) {
  if (pattern.empty()) return 1000;
  if (!pattern.starts_with("*.")) return pattern == host ? std::optional<int>(0) : std::nullopt;
  const std::string suffix = pattern.substr(1);
  if (host.size() <= suffix.size() || !host.ends_with(suffix)) return std::nullopt;
  return 999 - static_cast<int>(suffix.size());
}

struct Expected {
  Outcome outcome = Outcome::kNotFound;
  uint32_t route = 0;
  std::vector<std::string> params;
  std::vector<std::string> allow;
};

std::optional<Candidate> best(const std::vector<RoutePattern>& routes, bool ignore, const std::string& host,
                              const std::string& method, const std::string& path, const std::string& listener,
                              std::vector<std::string>* allow) {
  std::optional<Candidate> winner;
  for (const RoutePattern& r : routes) {
    if (r.listener != listener) continue;
    const auto rank = host_rank(r.host, host);
    if (!rank) continue;
    auto c = match_path(r.path, path, ignore);
    if (!c) continue;
    const auto has = [&](const char* m) { return std::find(r.methods.begin(), r.methods.end(), m) != r.methods.end(); };
    const bool direct = r.methods.empty() || has(method.c_str());
    if (!direct && !(method == "HEAD" && has("GET"))) {
      allow->insert(allow->end(), r.methods.begin(), r.methods.end());
      continue;
    }
    c->rank.insert(c->rank.begin(), *rank);
    c->rank.push_back(direct ? 0 : 1);
    c->route = r.route;
    if (!winner || *c < *winner) winner = *c;
  }
  return winner;
}

Expected reference(const std::vector<RoutePattern>& routes, TrailingSlash mode, const std::string& host,
                   const std::string& method, const std::string& path, const std::string& listener) {
  Expected e;
  const bool ignore = mode == TrailingSlash::kIgnore;
  if (auto c = best(routes, ignore, host, method, path, listener, &e.allow))
    return {Outcome::kRoute, c->route, c->params, {}};
  if (mode == TrailingSlash::kRedirect && path.size() > 1 && path[1] != '/') {
    const std::string other = path.ends_with('/') ? path.substr(0, path.size() - 1) : path + "/";
    std::vector<std::string> unused;
    if (auto c = best(routes, false, host, method, other, listener, &unused))
      return {Outcome::kRedirectSlash, c->route, {}, {}};
  }
  if (!e.allow.empty()) e.outcome = Outcome::kMethodNotAllowed;
  return e;
}

std::string allow_of(std::vector<std::string> methods) {
  methods.emplace_back("OPTIONS");
  if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.emplace_back("HEAD");
  std::string out;
  for (const char* m : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    if (std::find(methods.begin(), methods.end(), m) == methods.end()) continue;
    out += (out.empty() ? "" : ", ") + std::string(m);
  }
  return out;
}

// ---- Random configurations and requests out of a small alphabet, so that everything meets everything. ----

class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}
  template <size_t N>
  std::string pick(const std::array<const char*, N>& a) {
    return a[random_() % N];
  }

  std::string pattern() {
    static constexpr std::array<const char*, 12> kSegments = {"a",      "b",       "7",       "%61b", "a%2Fb", "{:int}",
                                                              "{:int}", "{:slug}", "{:uuid}", "{}",   "{}",    "c"};
    std::string out;
    const size_t n = random_() % 4;
    for (size_t i = 0; i < n; ++i) {
      std::string s = pick(kSegments);
      if (s.starts_with('{')) s.insert(1, "p" + std::to_string(i));
      out += "/" + s;
    }
    const auto end = random_() % 6;
    if (end == 0) return out + "/{rest...}";
    return out.empty() || end == 1 ? out + "/" : out;
  }
  std::string path() {
    static constexpr std::array<const char*, 12> kSegments = {
        "a", "b", "7", "ab", "a%2fb", "%37", "x-y", "a.b", "01234567-89ab-cdef-0123-456789abcdef", "", "%C3%A9", "c"};
    std::string out;
    const size_t n = 1 + random_() % 4;
    for (size_t i = 0; i < n; ++i) out += "/" + pick(kSegments);
    return random_() % 4 == 0 ? out + "/" : out;
  }
  RoutePattern route(uint32_t index) {
    RoutePattern r;
    r.path = pattern();
    static constexpr std::array<const char*, 6> kHosts = {"", "", "", "x.h", "*.h", "*.x.h"};
    r.host = pick(kHosts);
    r.listener = random_() % 8 == 0 ? "l" : "";
    static constexpr std::array<const char*, 7> kMethods = {"GET", "HEAD", "POST", "PUT", "OPTIONS", "GET", "DELETE"};
    for (size_t n = random_() % 3; n > 0; --n) r.methods.push_back(pick(kMethods));
    r.route = index;
    return r;
  }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
};

TEST(RouterProperty, AgreesWithTryingEveryRoute) {
  static constexpr std::array<const char*, 5> kHosts = {"x.h", "y.h", "z.x.h", "h", ""};
  static constexpr std::array<const char*, 6> kMethods = {"GET", "HEAD", "POST", "OPTIONS", "PATCH", "GET"};
  std::map<Outcome, size_t> seen;
  for (uint32_t seed = 0; seed < 600; ++seed) {
    Maker make(seed);
    std::vector<RoutePattern> routes;
    const size_t n = 1 + make.random()() % 40;
    for (uint32_t i = 0; i < n; ++i) routes.push_back(make.route(i));
    const auto mode = static_cast<TrailingSlash>(make.random()() % 3);
    std::vector<bool> refused(n);
    const Router router = Router::build(routes, mode, [&](RouteError e) {
      ASSERT_NE(e.other, RouteError::kNoOther) << e.message;
      refused[e.pattern] = true;
    });
    std::vector<RoutePattern> kept;
    for (size_t i = 0; i < n; ++i) {
      if (!refused[i]) kept.push_back(routes[i]);
    }
    for (int i = 0; i < 60; ++i) {
      const std::string path = make.path(), host = make.pick(kHosts), method = make.pick(kMethods);
      const std::string listener = make.random()() % 8 == 0 ? "l" : "";
      Match m;
      router.match(host, method, path, listener, &m);
      const Expected want = reference(kept, mode, host, method, path, listener);
      ++seen[want.outcome];
      const std::string what = "seed " + std::to_string(seed) + ": " + method + " " + host + " " + path;
      ASSERT_EQ(m.outcome, want.outcome) << what;
      if (want.outcome == Outcome::kMethodNotAllowed) {
        std::string allow;
        router.append_allow(m.allow, allow);
        ASSERT_EQ(allow, allow_of(want.allow)) << what;
      }
      if (want.outcome != Outcome::kRoute) continue;
      ASSERT_EQ(m.route, want.route) << what << " got " << routes[m.route].path << " wants " << routes[want.route].path;
      ASSERT_EQ(m.params.size(), want.params.size()) << what;
      for (size_t k = 0; k < want.params.size(); ++k) {
        EXPECT_EQ(m.params[k].raw, want.params[k]) << what;
        EXPECT_EQ(m.params[k].encoded, want.params[k].find('%') != std::string::npos) << what;
      }
    }
  }
  EXPECT_GT(seen[Outcome::kRoute], 3000u);
  EXPECT_GT(seen[Outcome::kNotFound], 3000u);
  EXPECT_GT(seen[Outcome::kMethodNotAllowed], 1000u);
  EXPECT_GT(seen[Outcome::kRedirectSlash], 200u);
}

TEST(RouterProperty, ThePlaceInTheFileChangesNothing) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Maker make(seed);
    std::vector<RoutePattern> routes;
    for (uint32_t i = 0; i < 20; ++i) routes.push_back(make.route(i));
    std::vector<bool> refused(routes.size());
    Router::build(routes, TrailingSlash::kStrict, [&](RouteError e) { refused[e.pattern] = true; });
    std::vector<RoutePattern> kept;
    for (size_t i = 0; i < routes.size(); ++i) {
      if (!refused[i]) kept.push_back(routes[i]);
    }
    const Router one = Router::build(kept, TrailingSlash::kStrict, [](RouteError) { ADD_FAILURE(); });
    std::shuffle(kept.begin(), kept.end(), make.random());
    const Router other = Router::build(kept, TrailingSlash::kStrict, [](RouteError) { ADD_FAILURE(); });
    for (int i = 0; i < 50; ++i) {
      const std::string path = make.path();
      Match a, b;
      one.match("x.h", "GET", path, "", &a);
      other.match("x.h", "GET", path, "", &b);
      ASSERT_EQ(a.outcome, b.outcome);
      if (a.outcome == Outcome::kRoute) {
        ASSERT_EQ(a.route, b.route);
      }
    }
  }
}

// ---- Cost. Times are not asserted: a hundred thousand lookups that took exponential time would never end. ----

TEST(RouterCost, GoingBackVisitsEachNodeOnce) {
  // Every combination of two forms in ten segments, each ending in a literal that no request has: 2^10 patterns.
  std::vector<RoutePattern> routes;
  for (uint32_t bits = 0; bits < 1024; ++bits) {
    RoutePattern r;
    for (uint32_t i = 0; i < 10; ++i) r.path += "/{p" + std::to_string(i) + (bits >> i & 1 ? ":int}" : "}");
    r.path += "/end";
    r.route = bits;
    routes.push_back(r);
  }
  const Router router =
      Router::build(routes, TrailingSlash::kRedirect, [](RouteError e) { ADD_FAILURE() << e.message; });
  EXPECT_LT(router.node_count(), 4000u);
  Match m;
  for (int i = 0; i < 2000; ++i) {
    router.match("h", "GET", "/1/2/3/4/5/6/7/8/9/10/no", "", &m);
    ASSERT_EQ(m.outcome, Outcome::kNotFound);
  }
  router.match("h", "GET", "/1/x/3/x/5/x/7/x/9/x/end", "", &m);
  EXPECT_EQ(m.route, 0b0101010101u);
}

TEST(RouterCost, DeepParametersDoNotMultiply) {
  // One pattern of 32 parameters beside 63 literals that share its beginning: each way ends blind at the last segment.
  std::vector<RoutePattern> routes(2);
  for (int i = 0; i < 31; ++i) {
    routes[0].path += "/{p" + std::to_string(i) + "}";
    routes[1].path += "/a";
  }
  routes[0].path += "/x";
  routes[1].path += "/y";
  const Router router = Router::build(routes, TrailingSlash::kStrict, [](RouteError e) { ADD_FAILURE() << e.message; });
  std::string path;
  for (int i = 0; i < 31; ++i) path += "/a";
  Match m;
  for (int i = 0; i < 100000; ++i) {
    router.match("h", "GET", path + "/z", "", &m);
    ASSERT_EQ(m.outcome, Outcome::kNotFound);
  }
}

TEST(RouterCost, PathsOfThousandsOfSegmentsAreCheap) {
  std::vector<RoutePattern> routes(3);
  routes[0].path = "/a/a/a/a/{x}";
  routes[1].path = "/{p}/{q}/{r:slug}";
  routes[2].path = "/b/{rest...}";
  routes[2].route = 2;
  const Router router =
      Router::build(routes, TrailingSlash::kRedirect, [](RouteError e) { ADD_FAILURE() << e.message; });
  std::string path;
  for (int i = 0; i < 4000; ++i) path += "/a";
  Match m;
  for (int i = 0; i < 100000; ++i) {
    router.match("h", "GET", path, "", &m);
    ASSERT_EQ(m.outcome, Outcome::kNotFound);
  }
  router.match("h", "GET", "/b" + path, "", &m);
  EXPECT_EQ(m.route, 2u);
}

TEST(RouterCost, TenThousandRoutesTakeLessThanThreeMebibytes) {
  std::vector<RoutePattern> routes(10000);
  for (uint32_t i = 0; i < routes.size(); ++i) {
    char path[64];
    snprintf(path, sizeof path, "/api/v1/svc%05u/items/{rest...}", i);
    routes[i].path = path;
    routes[i].route = i;
  }
  const Router router = Router::build(routes, TrailingSlash::kStrict, [](RouteError e) { ADD_FAILURE() << e.message; });
  EXPECT_LT(router.memory_bytes(), 3u << 20);
  Match m;
  for (uint32_t i = 0; i < routes.size(); ++i) {
    const std::string path = "/api/v1/" + routes[i].path.substr(8, 8) + "/items/x/y";
    router.match("h", "GET", path, "", &m);
    ASSERT_EQ(m.outcome, Outcome::kRoute);
    ASSERT_EQ(m.route, i);
    ASSERT_EQ(m.params[0].raw, "x/y");
  }
}

}  // namespace
}  // namespace vg::gateway
