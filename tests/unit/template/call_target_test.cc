// SPEC section 4: the text form of a call.
#include "template/call_target.h"

#include <gtest/gtest.h>

#include "unit/template/fake_values.h"

namespace vg::tmpl {
namespace {

Scope scope() { return request_scope({{"id", ParamKind::kInt}, {"rest", ParamKind::kRest}}); }

CallTarget parsed(std::string_view text) {
  auto call =
      parse_call(text, scope(), [&](size_t, const std::string& what) { ADD_FAILURE() << text << ": " << what; });
  return call ? *call : CallTarget();
}

FakeValues request() {
  FakeValues v;
  v.params = {"7", "a/b"};
  v.query = "page=2&q=x%26y+z";
  return v;
}

std::string target(std::string_view text, std::string_view base = "", const FakeValues& values = request()) {
  std::string out = "GET ";
  const CallTarget call = parsed(text);
  const Rendered r = call.render(values, base, out);
  if (!r.ok()) {
    EXPECT_EQ(out, "GET ");
    return (r.status == Rendered::Status::kMissing ? "<missing " : "<bad ") + r.reference->text + ">";
  }
  return out.substr(4);
}

TEST(CallTarget, TheFirstSegmentIsTheUpstream) {
  const CallTarget c = parsed("catalog/articles/{id}?a=1");
  EXPECT_EQ(c.upstream, "catalog");
  EXPECT_EQ(c.upstream_at, 0u);
  EXPECT_FALSE(c.method);
  EXPECT_TRUE(c.has_path);
  EXPECT_TRUE(c.has_query);
}

TEST(CallTarget, AMethodMayStandBeforeIt) {
  const CallTarget c = parsed("POST  payments/charges");
  EXPECT_EQ(*c.method, "POST");
  EXPECT_EQ(c.upstream, "payments");
  EXPECT_EQ(c.upstream_at, 6u);
  EXPECT_EQ(*parsed("PROPFIND dav/x").method, "PROPFIND");
}

TEST(CallTarget, ExactlyOneSlashJoinsPathAndUrl) {
  for (const char* base : {"/api/v1", "/api/v1/"}) {
    EXPECT_EQ(target("catalog/articles", base), "/api/v1/articles");
    EXPECT_EQ(target("catalog//articles", base), "/api/v1/articles");
    EXPECT_EQ(target("catalog/", base), "/api/v1/");
  }
  for (const char* base : {"", "/"}) {
    EXPECT_EQ(target("catalog/articles", base), "/articles");
    EXPECT_EQ(target("catalog/", base), "/");
    EXPECT_EQ(target("catalog", base), "/");
  }
  EXPECT_EQ(target("catalog", "/api/v1"), "/api/v1");
}

TEST(CallTarget, ATrailingSlashIsKept) {
  EXPECT_EQ(target("catalog/articles/"), "/articles/");
  EXPECT_EQ(target("catalog/{id}/"), "/7/");
}

TEST(CallTarget, ARestIsPassedOnWithItsSlashesEvenIfEmpty) {
  EXPECT_EQ(target("origin/{rest}"), "/a/b");
  EXPECT_EQ(target("origin/{rest}", "/base"), "/base/a/b");
  FakeValues v = request();
  v.params[1] = "";
  EXPECT_EQ(target("origin/{rest}", "", v), "/");
  EXPECT_EQ(target("origin/f/{rest}", "/base", v), "/base/f/");
}

TEST(CallTarget, QueryParametersAreRenderedOneByOneAndMissingOnesLeftOut) {
  EXPECT_EQ(target("c/x?a=1&p={query.page}&q={query.q}"), "/x?a=1&p=2&q=x%26y%20z");
  EXPECT_EQ(target("c/x?n={query.none}"), "/x");
  EXPECT_EQ(target("c/x?n={query.none}&a=1"), "/x?a=1");
  EXPECT_EQ(target("c/x?n={query.none|0}"), "/x?n=0");
  EXPECT_EQ(target("c/x?"), "/x");
  EXPECT_EQ(target("c?a=1"), "/?a=1");
  EXPECT_EQ(target("c/x?flag&e=&&a=b=c"), "/x?flag&e=&a=b=c");
  EXPECT_EQ(target("c/x?a%5B%5D=1&b[]=2&c d=e+f"), "/x?a%5B%5D=1&b%5B%5D=2&c%20d=e+f");
  EXPECT_EQ(target("c/x?a={query.none|?&=#}"), "/x?a=%3F%26%3D%23");
}

TEST(CallTarget, NamesOfQueryParametersAreKnownDecoded) {
  const CallTarget c = parsed("c/x?a%5B%5D=1&b");
  ASSERT_EQ(c.query.size(), 2u);
  EXPECT_EQ(c.query[0].name, "a[]");
  EXPECT_TRUE(c.query[0].has_value);
  EXPECT_EQ(c.query[1].name, "b");
  EXPECT_FALSE(c.query[1].has_value);
}

TEST(CallTarget, AMissingValueInThePathFailsTheCall) {
  EXPECT_EQ(target("c/{query.none}"), "<missing query.none>");
  EXPECT_EQ(target("c/{id}/{header.none}?a=1", "/base"), "<missing header.none>");
}

TEST(CallTarget, AValueThatIsNotWhatItsConversionAsksForIsABadRequest) {
  EXPECT_EQ(target("c/{query.q:int}"), "<bad query.q>");
  EXPECT_EQ(target("c/x?a=1&p={query.q:int|1}"), "<bad query.q>");
}

struct Bad {
  const char* text;
  size_t offset;
  const char* says;
};
class BadCall : public testing::TestWithParam<Bad> {};
TEST_P(BadCall, IsAnErrorWithItsPlace) {
  std::vector<Mistake> found;
  const auto call = parse_call(GetParam().text, scope(), [&](size_t at, std::string what) {
    found.push_back({at, std::move(what)});
  });
  EXPECT_FALSE(call);
  ASSERT_EQ(found.size(), 1u) << GetParam().text;
  EXPECT_EQ(found[0].offset, GetParam().offset) << found[0].message;
  EXPECT_NE(found[0].message.find(GetParam().says), std::string::npos) << found[0].message;
}
INSTANTIATE_TEST_SUITE_P(
    CallTarget, BadCall,
    testing::Values(Bad{"", 0, "begins with the name"}, Bad{"/x", 0, "begins with the name"},
                    Bad{"GET ", 4, "begins with the name"}, Bad{"http://catalog:8000/x", 0, "absolute URL"},
                    Bad{"GET https://a/x", 4, "absolute URL"}, Bad{"{query.u}/x", 0, "never a template"},
                    Bad{"Catalog/x", 0, "no name of an upstream"}, Bad{"9a/x", 0, "no name of an upstream"},
                    Bad{"a.b/x", 0, "no name of an upstream"}, Bad{"post c/x", 0, "did you mean \"POST\"?"},
                    Bad{"PSOT c/x", 0, "did you mean \"POST\"?"}, Bad{"c/x?{query.n}=1", 4, "never a template"},
                    Bad{"c/{di}", 3, "unknown reference"}, Bad{"GET c/x?a=1&b={di}", 15, "unknown reference"},
                    Bad{"c/../x", 2, "cannot stand as segments"}, Bad{"c/x#y", 3, "cannot stand in a path"},
                    Bad{"c/x?a=%zz", 6, "hexadecimal"}));

TEST(CallTarget, ReportsTheMistakesOfPathAndQueryTogether) {
  size_t n = 0;
  EXPECT_FALSE(parse_call("c/{di}/{x?a={y}&{z}=1", scope(), [&](size_t, const std::string&) { ++n; }));
  EXPECT_GE(n, 2u);
}

}  // namespace
}  // namespace vg::tmpl
