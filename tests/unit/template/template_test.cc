// SPEC section 4, "Templates": what is accepted at load, and what comes out.
#include "template/template.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"

#include "unit/template/fake_values.h"

namespace vg::tmpl {
namespace {

Scope scope() {
  return request_scope(
      {{"id", ParamKind::kInt}, {"slug", ParamKind::kSlug}, {"name", ParamKind::kPlain}, {"rest", ParamKind::kRest}});
}

FakeValues request() {
  FakeValues v;
  v.params = {"42", "a-b", "caf%C3%A9%2F1", "x/y%20z/"};
  v.query = "page=3&q=a+b%26c&empty=&flag&n=01&list=%5B1,%22x%22,true%5D&obj=%7B%7D&nil=null&bad=%5B&na%6De=v";
  v.headers = {
      {"x-tenant", "acme"}, {"host", "shop.example:8080"}, {"evil", "a\r\nX: y"}, {"slash", "a/b"}, {"dots", ".."}};
  v.cookies = {{"sid", "s1"}};
  return v;
}

std::vector<Mistake> mistakes(std::string_view text, Place place = Place::kPath, const Scope& s = scope()) {
  std::vector<Mistake> out;
  (void)Template::compile(text, place, s, [&](size_t at, std::string what) { out.push_back({at, std::move(what)}); });
  return out;
}

Template compiled(std::string_view text, Place place) {
  return Template::compile(text, place, scope(),
                           [&](size_t, const std::string& what) { ADD_FAILURE() << text << ": " << what; });
}

/// What is rendered; "<missing id>" or "<bad id>" for what is not.
std::string render(std::string_view text, Place place = Place::kPath, const FakeValues& values = request()) {
  std::string out = "kept:";
  const Template t = compiled(text, place);
  const Rendered r = t.render(values, out);
  EXPECT_EQ(out.substr(0, 5), "kept:");
  if (r.ok()) return out.substr(5);
  EXPECT_EQ(out, "kept:") << "nothing is appended on failure";
  return (r.status == Rendered::Status::kMissing ? "<missing " : "<bad ") + r.reference->text + ">";
}

TEST(Template, ATextWithoutReferencesIsConstant) {
  const Template t = compiled("articles/7/", Place::kPath);
  EXPECT_TRUE(t.constant());
  EXPECT_EQ(render("articles/7/"), "articles/7/");
  EXPECT_TRUE(compiled("", Place::kPath).empty());
}

TEST(Template, ReferencesTakeTheRequestsValues) {
  EXPECT_EQ(render("a/{id}/{slug}"), "a/42/a-b");
  EXPECT_EQ(render("{query.page}-{header.x-tenant}-{cookie.sid}", Place::kHeader), "3-acme-s1");
  EXPECT_EQ(render("{client_ip} {request_id}", Place::kHeader), "192.0.2.7 0af7651916cd43dd");
}

TEST(Template, HeaderNamesAreOfAnyCase) { EXPECT_EQ(render("{header.X-Tenant}", Place::kHeader), "acme"); }

TEST(Template, DoubledBracesAreLiteral) {
  EXPECT_EQ(render("{{id}} {id}", Place::kHeader), "{id} 42");
  EXPECT_EQ(render("{{{id}}}", Place::kHeader), "{42}");
  EXPECT_EQ(render("a{{b}}", Place::kPath), "a%7Bb%7D");
}

TEST(Template, AValueIsDecodedOnceAndEncodedForItsPlace) {
  EXPECT_EQ(render("{name}"), "caf%C3%A9%2F1");
  EXPECT_EQ(render("{name}", Place::kQuery), "caf%C3%A9/1");
  EXPECT_EQ(render("{name}", Place::kHeader), "caf\xC3\xA9/1");
  EXPECT_EQ(render("{query.q}"), "a%20b&c");
  EXPECT_EQ(render("{query.q}", Place::kQuery), "a%20b%26c");
  EXPECT_EQ(render("{query.q}", Place::kHeader), "a b&c");
  EXPECT_EQ(render("{header.slash}"), "a%2Fb");
}

TEST(Template, OnlyARestKeepsItsSlashes) {
  EXPECT_EQ(render("f/{rest}"), "f/x/y%20z/");
  FakeValues v = request();
  v.params[3] = "a%2fb/c;d=1/%7e%2b+";
  EXPECT_EQ(render("{rest}", Place::kPath, v), "a%2Fb/c;d=1/~%2B+");
  v.params[3] = "";
  EXPECT_EQ(render("f/{rest}", Place::kPath, v), "f/");
  EXPECT_EQ(render("f/{rest|index.html}", Place::kPath, v), "f/index.html");
}

TEST(Template, ARestWithDotSegmentsIsMissing) {
  for (const char* rest : {"..", "a/../b", "a/.", "./a", "%2e%2E/a", "a/%2e"}) {
    FakeValues v = request();
    v.params[3] = rest;
    EXPECT_EQ(render("{rest}", Place::kPath, v), "<missing rest>") << rest;
  }
  FakeValues v = request();
  v.params[3] = "..a/.b/c..d/...";
  EXPECT_EQ(render("{rest}", Place::kPath, v), "..a/.b/c..d/...");
}

TEST(Template, EmptyAndDotsAreMissingInAPathAndNowhereElse) {
  EXPECT_EQ(render("a/{query.empty}"), "<missing query.empty>");
  EXPECT_EQ(render("a/{query.flag}"), "<missing query.flag>");
  EXPECT_EQ(render("a/{header.dots}"), "<missing header.dots>");
  EXPECT_EQ(render("{query.empty}", Place::kQuery), "");
  EXPECT_EQ(render("{header.dots}", Place::kQuery), "..");
  EXPECT_EQ(render("{query.flag}", Place::kHeader), "");
}

TEST(Template, WhatTheRequestDoesNotHaveIsMissing) {
  EXPECT_EQ(render("{query.none}", Place::kQuery), "<missing query.none>");
  EXPECT_EQ(render("{header.none}", Place::kHeader), "<missing header.none>");
  EXPECT_EQ(render("{cookie.none}", Place::kHeader), "<missing cookie.none>");
  EXPECT_EQ(render("x{id}{query.none}", Place::kQuery), "<missing query.none>")
      << "one that is missing takes the whole with it";
}

TEST(Template, AFallbackStandsForWhatIsMissing) {
  EXPECT_EQ(render("{query.none|a/b}"), "a%2Fb");
  EXPECT_EQ(render("{query.empty|x}"), "x");
  EXPECT_EQ(render("{query.none|}", Place::kQuery), "");
  EXPECT_EQ(render("{query.none|}"), "<missing query.none>");
  EXPECT_EQ(render("{query.none|..}"), "<missing query.none>");
  EXPECT_EQ(render("{query.page|9}"), "3");
  EXPECT_EQ(render("{header.evil|clean}", Place::kHeader), "clean");
}

TEST(Template, ConversionsCheckAndElseItIsABadRequest) {
  EXPECT_EQ(render("{query.page:int}"), "3");
  EXPECT_EQ(render("{query.n:int}"), "1");
  EXPECT_EQ(render("{query.n:number}"), "<bad query.n>");
  EXPECT_EQ(render("{query.q:int|1}"), "<bad query.q>");
  EXPECT_EQ(render("{query.empty:int|1}"), "<bad query.empty>");
  EXPECT_EQ(render("{query.none:int|1}"), "1");
  EXPECT_EQ(render("{query.none:int}"), "<missing query.none>");
  EXPECT_EQ(render("{query.n:bool}"), "<bad query.n>");
  EXPECT_EQ(render("{query.none:bool|1}"), "true");
  EXPECT_EQ(render("{id:number}"), "42");
}

TEST(Template, JsonIsTextWhereItIsAScalarOrAListOfThem) {
  EXPECT_EQ(render("{query.list:json}"), "1,x,true");
  EXPECT_EQ(render("{query.page:json}", Place::kQuery), "3");
  EXPECT_EQ(render("{query.obj:json}", Place::kQuery), "<missing query.obj>");
  EXPECT_EQ(render("{query.nil:json}", Place::kQuery), "<missing query.nil>");
  EXPECT_EQ(render("{query.bad:json}", Place::kQuery), "<bad query.bad>");
  EXPECT_EQ(render("{query.none:json|[1,2]}"), "1,2");
}

TEST(Template, AHeaderValueWithControlCharactersIsMissing) {
  EXPECT_EQ(render("{header.evil}", Place::kHeader), "<missing header.evil>");
  FakeValues v = request();
  v.query = "q=a%0D%0AX:y";
  EXPECT_EQ(render("{query.q}", Place::kHeader, v), "<missing query.q>");
  EXPECT_EQ(render("{query.q}", Place::kQuery, v), "a%0D%0AX:y");
}

TEST(Template, LiteralsAreEncodedForTheirPlace) {
  EXPECT_EQ(render("a b/caf\xC3\xA9/%2f"), "a%20b/caf%C3%A9/%2f");
  EXPECT_EQ(render("a&b=c%20+", Place::kQuery), "a%26b%3Dc%2520%2B") << "on its own a query value is data";
  EXPECT_EQ(render("a%20b+c=d e", Place::kQueryText), "a%20b+c=d%20e") << "inside a URL it is text";
  EXPECT_EQ(render("100% \"sure\"", Place::kHeader), "100% \"sure\"");
}

TEST(Template, ARedirectsTargetIsEncodedPartByPart) {
  EXPECT_EQ(render("/new/{name}/{rest}?q={query.q}&n={id}#{slug}", Place::kUrl),
            "/new/caf%C3%A9%2F1/x/y%20z/?q=a%20b%26c&n=42#a-b");
  EXPECT_EQ(render("https://www.example.com/{rest}", Place::kUrl), "https://www.example.com/x/y%20z/");
  EXPECT_EQ(render("https://{header.host}/{rest}", Place::kUrl), "https://shop.example:8080/x/y%20z/");
  EXPECT_EQ(render("https://{header.host}:8443/", Place::kUrl), "https://shop.example:8443/");
  EXPECT_EQ(render("https://{header.x-tenant}.example.com", Place::kUrl), "https://acme.example.com");
  EXPECT_EQ(render("/{query.none}", Place::kUrl), "<missing query.none>");
}

TEST(Template, ARedirectStaysOnTheHostThatIsDeclared) {
  FakeValues v = request();
  v.params[3] = "/evil.example/";
  EXPECT_EQ(render("/{rest}", Place::kUrl, v), "/%2Fevil.example/");
  v.params[3] = "\\evil.example";
  EXPECT_EQ(render("/{rest}", Place::kUrl, v), "/%5Cevil.example");
  for (const char* host : {"evil.example/", "a@evil.example", "evil.example?", "a\r\nb", "a%2fb", "", "a b", "[::1]"}) {
    v.headers["host"] = host;
    const std::string got = render("https://{header.host}/x", Place::kUrl, v);
    EXPECT_EQ(got, host == std::string("[::1]") ? "https://[::1]/x" : "<missing header.host>") << host;
  }
  v.headers["host"] = "[::1]:80";
  EXPECT_EQ(render("https://{header.host}:8443/", Place::kUrl, v), "https://[::1]:8443/");
}

struct Bad {
  const char* text;
  size_t offset;
  const char* says;
  Place place = Place::kPath;
};
class BadTemplate : public testing::TestWithParam<Bad> {};
TEST_P(BadTemplate, IsAnErrorWithItsPlace) {
  const auto found = mistakes(GetParam().text, GetParam().place);
  ASSERT_EQ(found.size(), 1u) << GetParam().text;
  EXPECT_EQ(found[0].offset, GetParam().offset) << found[0].message;
  EXPECT_NE(found[0].message.find(GetParam().says), std::string::npos) << found[0].message;
}
INSTANTIATE_TEST_SUITE_P(
    Template, BadTemplate,
    testing::Values(
        Bad{"a/{id", 2, "never closed"}, Bad{"a/id}", 4, "without \"{\""}, Bad{"{a{id}", 0, "never closed"},
        Bad{"a/{}", 3, "an empty reference"}, Bad{"{:int}", 1, "an empty reference"},
        Bad{"{|x}", 1, "an empty reference"}, Bad{"a/{di}", 3, "unknown reference \"di\""},
        Bad{"a/{sulg}", 3, "did you mean \"slug\"?"}, Bad{"{qurey.page}", 1, "did you mean \"query.page\"?"},
        Bad{"{zzzzzzzz}", 1, "query.NAME"}, Bad{"{id:itn}", 4, "did you mean \"int\"?"},
        Bad{"{id:}", 4, "unknown conversion"}, Bad{"{query.page:int|one}", 16, "the fallback \"one\""},
        Bad{"{query.x:json|[}", 14, "the fallback"}, Bad{"{query}", 1, "is written {query.NAME}"},
        Bad{"{query.}", 1, "is written {query.NAME}"}, Bad{"{header.a b}", 8, "no name of a header"},
        Bad{"{client_ip.x}", 1, "is written {client_ip}"}, Bad{"{id.x}", 3, "has no members"},
        Bad{"{rest...}", 1, "is written {rest}"}, Bad{"a/../b", 0, "cannot stand as segments"},
        Bad{"%2e%2E/{id}", 0, "cannot stand as segments"}, Bad{"a?b", 1, "cannot stand in a path"},
        Bad{"a#b", 1, "cannot stand in a path"}, Bad{"a%zz", 1, "hexadecimal"}, Bad{"a%2", 1, "hexadecimal"},
        Bad{"a\nb", 1, "a control character"}, Bad{"a\nb", 1, "a control character", Place::kHeader},
        Bad{"a#b", 1, "query", Place::kQueryText}, Bad{"a{rest}", 1, "between slashes"},
        Bad{"{rest}.html", 0, "between slashes"}, Bad{"{body.a}", 1, "\"body.a\" is not offered here"},
        Bad{"{object}", 1, "is not offered here"}, Bad{"{item.a}", 1, "is not offered here"},
        Bad{"{items.a}", 1, "is not offered here"}, Bad{"{calls.u.id}", 1, "is not offered here"},
        Bad{"{claims.sub}", 1, "is not offered here"}, Bad{"{tls.client.name}", 1, "is written {tls.client.subject}"},
        Bad{"", 0, "begins with \"/\"", Place::kUrl}, Bad{"{header.host}/x", 0, "begins with", Place::kUrl},
        Bad{"//evil.example", 0, "begins with", Place::kUrl}, Bad{"javascript:x", 0, "begins with", Place::kUrl},
        Bad{"https://{query.h}/", 8, "choose the host", Place::kUrl},
        Bad{"https://a{slug}/", 9, "choose the host", Place::kUrl},
        Bad{"https://a.example{rest}", 17, "choose the host", Place::kUrl},
        Bad{"https://u@a/", 9, "cannot stand in a host", Place::kUrl}));

TEST(Template, ReportsEveryMistakeOfAText) { EXPECT_EQ(mistakes("{di}/{query}/{id:x}/%zz").size(), 4u); }

TEST(Template, AScopeOffersMoreRootsWhereAViewHasThem) {
  Scope s = scope();
  for (const Root r : {Root::kBody, Root::kCalls, Root::kTlsClientSubject}) s.offer(r);
  s.calls = {"user"};
  EXPECT_EQ(mistakes("{body.a.0.b}{body}{calls.user.id}{tls.client.subject}", Place::kQuery, s).size(), 0u);
  EXPECT_EQ(mistakes("{calls}", Place::kQuery, s).size(), 1u);
  EXPECT_EQ(mistakes("{tls.client.name}", Place::kQuery, s).size(), 1u);
  EXPECT_EQ(mistakes("{body..a}", Place::kQuery, s).size(), 1u);
  const Template t = Template::compile("{body.a.0.b}", Place::kQuery, s, [](size_t, std::string) { ADD_FAILURE(); });
  EXPECT_EQ(t.references()[0].path, (std::vector<std::string>{"a", "0", "b"}));
}

TEST(Template, ReservedRootsAreNoNamesForParameters) {
  EXPECT_TRUE(is_reserved_root("query"));
  EXPECT_TRUE(is_reserved_root("tls"));
  EXPECT_FALSE(is_reserved_root("id"));
}

// ---- No value, whatever its bytes, adds a path segment, a query parameter or a header line. ----

std::string escaped(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::vector<std::string> all_values() {
  std::vector<std::string> out;
  for (int a = 0; a < 256; ++a) {
    const char c = static_cast<char>(a);
    out.push_back({c});
    out.push_back({'a', c, 'b'});
    out.push_back({c, c});
    out.push_back({'.', c});
    out.push_back({'.', '.', c});
    out.push_back({'%', '2', c});
    out.push_back({c, '2', 'f'});
  }
  for (const char* s : {"",
                        "..",
                        "../x",
                        "a/../../b",
                        "..;/x",
                        "a?b=c",
                        "a&b=c",
                        "a#b",
                        "\r\nX: y",
                        "%2e%2e",
                        "%2F..%2f",
                        "\xC0\xAE\xC0\xAE/",
                        "\xE2\x80\xA8",
                        "\xF0\x9F\x98\x80",
                        "a;b",
                        "+",
                        "%",
                        "%%",
                        "%a",
                        "{id}",
                        "${X}",
                        "\xFF\xFE",
                        "http://x/",
                        "//x"}) {
    out.emplace_back(s);
  }
  return out;
}

/// The value as each kind of source would carry it.
std::vector<FakeValues> carriers(const std::string& value) {
  FakeValues raw = request(), coded = request();
  raw.params[2] = value;
  coded.params[2] = escaped(value);
  raw.query = "v=" + value;
  coded.query = "v=" + escaped(value);
  raw.headers["v"] = coded.headers["v"] = value;
  raw.cookies["v"] = coded.cookies["v"] = value;
  return {raw, coded};
}

TEST(TemplateInjection, NoValueLeavesItsPathSegment) {
  for (const std::string& value : all_values()) {
    for (const FakeValues& v : carriers(value)) {
      for (const char* ref : {"{name}", "{query.v}", "{header.v}", "{cookie.v}"}) {
        const std::string got = render("pre/" + std::string(ref) + "/post", Place::kPath, v);
        if (got.starts_with("<missing")) continue;
        ASSERT_TRUE(got.starts_with("pre/") && got.ends_with("/post")) << got;
        const std::string segment = got.substr(4, got.size() - 9);
        ASSERT_FALSE(segment.empty() || segment == "." || segment == "..") << got;
        ASSERT_EQ(
            segment.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*,=:@%"),
            std::string::npos)
            << got;
        for (size_t at = segment.find('%'); at != std::string::npos; at = segment.find('%', at + 1)) {
          ASSERT_TRUE(at + 2 < segment.size() && isxdigit(segment[at + 1]) && isxdigit(segment[at + 2])) << got;
        }
      }
    }
  }
}

TEST(TemplateInjection, WhatComesOutDecodesToWhatWentIn) {
  for (const std::string& value : all_values()) {
    if (value.empty() || value == "." || value == "..") continue;
    FakeValues v = request();
    v.params[2] = escaped(value);
    EXPECT_EQ(*percent_decode(render("{name}", Place::kPath, v)), value);
    EXPECT_EQ(*percent_decode(render("{name}", Place::kQuery, v)), value);
    v.query = "v=" + escaped(value);
    EXPECT_EQ(*percent_decode(render("{query.v}", Place::kQuery, v)), value);
  }
}

TEST(TemplateInjection, NoValueAddsAQueryParameter) {
  for (const std::string& value : all_values()) {
    for (const FakeValues& v : carriers(value)) {
      for (const char* ref : {"{name}", "{query.v}", "{header.v}", "{cookie.v}"}) {
        for (const Place place : {Place::kQuery, Place::kQueryText}) {
          const std::string got = render(ref, place, v);
          ASSERT_EQ(got.find_first_of("&=#;+? \r\n\t\\\"<>{}|^`"), std::string::npos) << got;
          for (const char c : got)
            ASSERT_TRUE(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f) << got;
        }
      }
    }
  }
}

TEST(TemplateInjection, NoValueAddsAHeaderLine) {
  size_t missing = 0;
  for (const std::string& value : all_values()) {
    for (const FakeValues& v : carriers(value)) {
      for (const char* ref : {"{name}", "{rest}", "{query.v}", "{header.v}", "{cookie.v}"}) {
        const std::string got = render("a " + std::string(ref) + " b", Place::kHeader, v);
        missing += got.starts_with("<missing");
        for (const char c : got) ASSERT_TRUE(c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)) << got;
      }
    }
  }
  EXPECT_GT(missing, 500u);
}

TEST(TemplateInjection, ARestAddsNoQueryAndLeavesNoSegmentUpwards) {
  for (const std::string& value : all_values()) {
    for (const std::string& rest : {value, escaped(value), "a/" + value + "/b", "a/" + escaped(value)}) {
      FakeValues v = request();
      v.params[3] = rest;
      const std::string got = render("pre/{rest}", Place::kPath, v);
      if (got.starts_with("<missing")) continue;
      ASSERT_EQ(got.find_first_of("?# \r\n\\"), std::string::npos) << got;
      ASSERT_EQ(("/" + got + "/").find("/../"), std::string::npos) << got;
      ASSERT_EQ(("/" + got + "/").find("/./"), std::string::npos) << got;
      ASSERT_EQ(std::count(got.begin(), got.end(), '/'), 1 + std::count(rest.begin(), rest.end(), '/')) << got;
    }
  }
}

}  // namespace
}  // namespace vg::tmpl
