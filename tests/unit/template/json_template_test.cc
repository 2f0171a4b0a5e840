// SPEC section 4: `body:` of a call, a JSON value with templates in it.
#include "template/json_template.h"

#include <gtest/gtest.h>

#include "json/value.h"
#include "template/plain_json.h"

#include "unit/template/fake_values.h"
#include "unit/template/yaml.h"

namespace vg::tmpl {
namespace {

Scope scope() {
  return scope_of_views({{"id", ParamKind::kInt}, {"slug", ParamKind::kSlug}, {"rest", ParamKind::kRest}}, {"user"});
}

FakeValues request() {
  FakeValues v;
  v.params = {"007", "a-b", "x%2Fy/z"};
  v.query = "page=3&q=a+%22b%22&ff=%FF&list=%5B1,%202%5D&empty=&bad=%7B";
  v.headers = {{"x-tenant", "acme"}};
  v.cookies = {{"sid", "s1"}};
  v.roots[Root::kBody] = R"({"total":1.10,"big":123456789012345678901,"name":"\u0041\/b","tags":["x","y"],"nil":null,
    "obj":{"z":1,"a":[{}]},"yes":true,"text":"{\"k\": 1}","n":"12","line":"a\nb"})";
  v.roots[Root::kObject] = R"({"id":42})";
  v.roots[Root::kItems] = R"([{"id":2},{"id":"b"},{"id":2}])";
  v.calls = {R"({"id":17})"};
  return v;
}

JsonTemplate compiled(std::string_view yaml) {
  return JsonTemplate::compile(*Yaml(yaml).root, scope(), [&](const config::Node&, size_t, const std::string& what) {
    ADD_FAILURE() << yaml << ": " << what;
  });
}

std::string render(std::string_view yaml, const FakeValues& values = request()) {
  std::string out = "{";  // what stands before is no business of the template's
  const JsonTemplate t = compiled(yaml);
  const Rendered r = t.render(values, out);
  EXPECT_EQ(out[0], '{');
  if (!r.ok()) {
    EXPECT_EQ(out, "{") << "nothing is appended on failure";
    return (r.status == Rendered::Status::kMissing ? "<missing " : "<bad ") + r.reference->text + ">";
  }
  out.erase(0, 1);
  EXPECT_TRUE(json::is_json(out)) << out;
  return out;
}

TEST(JsonTemplate, WithoutReferencesItIsConstant) {
  const JsonTemplate t = compiled("{a: 1, b: [true, null, \"x\", 1.10, 1e5, no, 0x1], c: {}, d: []}");
  EXPECT_TRUE(t.constant());
  EXPECT_FALSE(t.empty());
  EXPECT_TRUE(JsonTemplate().empty());
  EXPECT_EQ(render("{a: 1, b: [true, null, \"x\", 1.10, 1e5, no, 0x1], c: {}, d: []}"),
            R"({"a":1,"b":[true,null,"x",1.10,1e5,"no","0x1"],"c":{},"d":[]})");
  EXPECT_EQ(render("'5'"), "\"5\"");
  EXPECT_EQ(render("5"), "5");
  EXPECT_EQ(render("{}"), "{}");
  EXPECT_EQ(render("[]"), "[]");
  EXPECT_EQ(render("a \"b\" \\"), R"("a \"b\" \\")");
}

TEST(JsonTemplate, PlainJsonIsTheSameWithoutTemplates) {
  std::string out;
  append_plain_json(*Yaml("{a: '{b}', c: [1, '1', ~, true, 'true'], '': x}").root, out);
  EXPECT_EQ(out, R"({"a":"{b}","c":[1,"1",null,true,"true"],"":"x"})");
}

TEST(JsonTemplate, AReferenceAloneKeepsItsType) {
  EXPECT_EQ(render("{order: '{object.id}', total: '{body.total}'}"), R"({"order":42,"total":1.10})");
  EXPECT_EQ(render("'{body.big}'"), "123456789012345678901");
  EXPECT_EQ(render("'{body.name}'"), R"("\u0041\/b")") << "escapes as they came";
  EXPECT_EQ(render("'{body.tags}'"), R"(["x","y"])");
  EXPECT_EQ(render("['{body.obj}', '{body.nil}', '{body.yes}']"), R"([{"z":1,"a":[{}]},null,true])");
  EXPECT_EQ(render("'{calls.user}'"), R"({"id":17})");
  EXPECT_EQ(render("{u: '{calls.user.id}'}"), R"({"u":17})");
}

TEST(JsonTemplate, ADeclaredIntIsANumberAndOtherValuesOfTheRequestAreStrings) {
  EXPECT_EQ(render("['{id}', '{slug}', '{rest}']"), R"([7,"a-b","x/y/z"])");
  EXPECT_EQ(render("['{query.page}', '{query.q}', '{query.empty}']"), R"(["3","a \"b\"",""])");
  EXPECT_EQ(render("['{header.x-tenant}', '{cookie.sid}', '{client_ip}']"), R"(["acme","s1","192.0.2.7"])");
  EXPECT_EQ(render("'{query.ff}'"), "\"\xEF\xBF\xBD\"");
}

TEST(JsonTemplate, AConversionSaysTheType) {
  EXPECT_EQ(render("['{query.page:int}', '{query.page:number}', '{query.list:json}', '{body.text:json}']"),
            R"([3,3,[1, 2],{"k": 1}])");
  EXPECT_EQ(render("['{body.n:int}', '{body.yes:bool}', '{body.obj:json}', '{body.nil:json}']"),
            R"([12,true,{"z":1,"a":[{}]},null])");
  EXPECT_EQ(render("{a: '{query.q:int}'}"), "<bad query.q>");
  EXPECT_EQ(render("{a: 1, b: ['{query.bad:json}']}"), "<bad query.bad>");
  EXPECT_EQ(render("{a: '{body.obj:int}'}"), "<bad body.obj>");
  EXPECT_EQ(render("{a: '{body.total:int}'}"), "<bad body.total>");
}

TEST(JsonTemplate, AFallbackIsAStringOrWhatTheConversionMakesOfIt) {
  EXPECT_EQ(render("['{query.none|1}', '{query.none:int|01}', '{body.none:json|[1]}', '{body.none:bool|0}']"),
            R"(["1",1,[1],false])");
  EXPECT_EQ(render("['{body.nil|x}', '{query.none:json|null}']"), "[null,null]") << "null is a value here";
  EXPECT_EQ(render("'{body.none|say \"no\"}'"), R"("say \"no\"")");
}

TEST(JsonTemplate, TextAroundAReferenceMakesAString) {
  EXPECT_EQ(render("'{id}.'"), "\"007.\"");
  EXPECT_EQ(render("'{object.id}{body.total}'"), "\"421.10\"");
  EXPECT_EQ(render("'\"{query.q}\" by {body.name}: {body.tags}'"), R"("\"a \"b\"\" by A/b: x,y")");
  EXPECT_EQ(render("\"a\\n{body.line}\\t\\u00e9\""), "\"a\\na\\nb\\t\xC3\xA9\"");
  EXPECT_EQ(render("'x {body.none|y}'"), "\"x y\"");
  EXPECT_EQ(render("'x {query.q:int}'"), "<bad query.q>");
}

TEST(JsonTemplate, LiteralBracesAreDoubled) {
  EXPECT_EQ(render("'{{id}}'"), "\"{id}\"");
  EXPECT_EQ(render("{a: '{{{object.id}}}', b: '{{'}"), R"({"a":"{42}","b":"{"})");
}

TEST(JsonTemplate, KeysAreDataWhateverTheirBytes) {
  EXPECT_EQ(render("{'{id}': 1, 'a\"b': '{id}', '{{': 2, '': 3}"), R"({"{id}":1,"a\"b":7,"{{":2,"":3})");
}

TEST(JsonTemplate, WhatIsMissingIsLeftOut) {
  EXPECT_EQ(render("{a: '{body.none}', b: 1}"), R"({"b":1})");
  EXPECT_EQ(render("{b: 1, a: '{body.none}'}"), R"({"b":1})");
  EXPECT_EQ(render("{a: '{body.none}'}"), "{}");
  EXPECT_EQ(render("['{body.none}', '{query.none}', 1, '{id}', '{body.none}']"), "[1,7]");
  EXPECT_EQ(render("{a: {b: '{body.none}', c: ['{body.none}']}, d: 'x {body.nil}', e: '{id}'}"),
            R"({"a":{"c":[]},"e":7})");
  EXPECT_EQ(render("'{body.none}'"), "<missing body.none>");
  EXPECT_EQ(render("'no {body.none}'"), "<missing body.none>");
}

TEST(JsonTemplate, CommasStandBetweenWhatIsThere) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    std::string yaml = "{", expected = "{";
    for (unsigned i = 0; i < 6; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      const bool there = bits >> i & 1;
      yaml += (i > 0 ? ", " : "") + name + ": " +
              (i % 2   ? there ? "1" : "'{query.none}'"
               : there ? "[{}, '{id}']"
                       : "'{body.none}'");
      if (there) expected += (expected.size() > 1 ? ",\"" : "\"") + name + "\":" + (i % 2 ? "1" : "[{},7]");
    }
    EXPECT_EQ(render(yaml + "}"), expected + "}");
  }
}

TEST(JsonTemplate, ItemsAreAnArrayOfTheDistinctValues) {
  EXPECT_EQ(render("{ids: '{items.id}', none: '{items.none}', text: 'of {items.id}'}"),
            R"({"ids":[2,"b"],"text":"of 2,b"})");
}

TEST(JsonTemplate, MistakesAreToldAtTheirNodeAndOffset) {
  const Yaml yaml("{a: '{di}', b: [1, 'x{qurey.a} {calls.usr}'], '{key}': 1, c: {object.id}, d: {id: }}");
  std::vector<std::string> found;
  (void)JsonTemplate::compile(*yaml.root, scope(), [&](const config::Node& at, size_t offset, const std::string& what) {
    found.push_back(std::to_string(at.mark().column) + "+" + std::to_string(offset) + " " + what);
  });
  ASSERT_EQ(found.size(), 4u);
  EXPECT_TRUE(found[0].starts_with("5+1 unknown reference \"di\"")) << found[0];
  EXPECT_TRUE(found[1].starts_with("20+2 unknown reference \"qurey.a\", did you mean \"query.a\"?")) << found[1];
  EXPECT_TRUE(found[2].starts_with("20+18 no call is named \"usr\" here, did you mean \"user\"?")) << found[2];
  EXPECT_NE(found[3].find("write \"{object.id}\", in quotes"), std::string::npos) << found[3];
}

TEST(JsonTemplate, SubstitutedBracesAreText) {
  config::Document document;
  const config::Mark mark;
  const config::Node* node = document.substituted(mark, "{id} {id}", "{{id}} {id}", true);
  const JsonTemplate t = JsonTemplate::compile(
      *node, scope(), [](const config::Node&, size_t, const std::string& what) { ADD_FAILURE() << what; });
  std::string out;
  EXPECT_TRUE(t.render(request(), out).ok());
  EXPECT_EQ(out, "\"{id} 007\"");
}

TEST(JsonTemplate, ReferencesAreEnumeratedForTheCallGraph) {
  std::string seen;
  compiled("{a: '{object.id}', b: [1, {c: 'x {calls.user} {body.a}'}]}").for_each_reference([&](const Reference& r) {
    seen += r.text + " ";
  });
  EXPECT_EQ(seen, "object.id calls.user body.a ");
}

TEST(JsonTemplate, ItNeedsNeitherItsNodesNorItsScope) {
  std::optional<JsonTemplate> t;
  {
    const std::string yaml = "{a-long-name-that-is-allocated: 'a long text before {object.id} and behind it'}";
    t = compiled(yaml);
  }
  std::string out;
  EXPECT_TRUE(t->render(request(), out).ok());
  EXPECT_EQ(out, R"({"a-long-name-that-is-allocated":"a long text before 42 and behind it"})");
}

}  // namespace
}  // namespace vg::tmpl
