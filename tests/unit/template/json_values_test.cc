// SPEC section 4: bodies, objects, items and answers of calls in paths, queries and headers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "json/scan.h"
#include "template/call_target.h"
#include "template/distinct.h"

#include "unit/template/fake_values.h"

namespace {
size_t allocations = 0;
}  // namespace
#ifndef VG_SANITIZED  // sanitizers have their own, and ThreadSanitizer's can't be replaced
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }
#endif

namespace vg::tmpl {
namespace {

Scope scope() { return scope_of_views({{"id", ParamKind::kInt}}, {"user", "orders", "stock-level"}); }

FakeValues request() {
  FakeValues v;
  v.params = {"7"};
  v.query = "page=2";
  v.roots[Root::kBody] =
      R"( {"name":"Ann \u0026 Bob","n":5,"price":1.10,"big":12345678901234567890,"yes":true,"nil":null,
    "empty":"","dot":".","up":"..","slash":"a/b","tags":["x","y/z",3,false],"mixed":[1,[2]],"nulls":[1,null],"none":[],
    "objs":[{"id":8},{"id":9}],"deep":{"a.b":1,"list":[[4,5],[6]]},"text":"[1,2]","num":"42","line":"a\r\nX: y","e":1e+2}
)";
  v.roots[Root::kObject] = R"({"id":42,"slug":"caf\u00e9 au lait","category":{"id":"toys"}})";
  v.roots[Root::kItem] = R"({"id":"i-1"})";
  v.roots[Root::kItems] = R"([{"id":3,"p":{"k":"b"}},{"id":1,"p":{"k":"a"}},{"id":3},{"id":"3"},{"id":null},{"x":1},
    {"id":[1,2,null]},{"id":{"a":1}},7])";
  v.calls = {R"({"id":17,"roles":["admin","staff"]})", "[10,20]", "\"plenty\""};
  return v;
}

std::string render(std::string_view text, Place place = Place::kQuery, const FakeValues& values = request()) {
  const Template t = Template::compile(text, place, scope(),
                                       [&](size_t, const std::string& what) { ADD_FAILURE() << text << ": " << what; });
  std::string out = "kept:";
  const Rendered r = t.render(values, out);
  if (r.ok()) return out.substr(5);
  EXPECT_EQ(out, "kept:") << "nothing is appended on failure";
  return (r.status == Rendered::Status::kMissing ? "<missing " : "<bad ") + r.reference->text + ">";
}

std::vector<Mistake> mistakes(std::string_view text, const Scope& s = scope()) {
  std::vector<Mistake> out;
  (void)Template::compile(text, Place::kQuery, s, [&](size_t at, std::string what) { out.push_back({at, what}); });
  return out;
}

TEST(JsonValues, ScalarsAreTheirText) {
  EXPECT_EQ(render("{body.name}", Place::kHeader), "Ann & Bob");
  EXPECT_EQ(render("{body.name}"), "Ann%20%26%20Bob");
  EXPECT_EQ(render("{body.name}", Place::kPath), "Ann%20&%20Bob");
  EXPECT_EQ(render("{object.slug}", Place::kPath), "caf%C3%A9%20au%20lait");
  EXPECT_EQ(render("{body.n}"), "5");
  EXPECT_EQ(render("{body.price}/{body.big}", Place::kPath), "1.10/12345678901234567890");
  EXPECT_EQ(render("{body.e}", Place::kHeader), "1e+2");
  EXPECT_EQ(render("{body.e}"), "1e%2B2");
  EXPECT_EQ(render("{body.yes}"), "true");
}

TEST(JsonValues, EveryRootHasItsValue) {
  EXPECT_EQ(render("{object.id}/{item.id}/{object.category.id}", Place::kPath), "42/i-1/toys");
  EXPECT_EQ(render("{calls.user.id}-{calls.orders.1}-{calls.stock-level}", Place::kHeader), "17-20-plenty");
  EXPECT_EQ(render("{calls.orders}"), "10,20");
  EXPECT_EQ(render("/orders/{object.id}?c={object.category.id}#{item.id}", Place::kUrl), "/orders/42?c=toys#i-1");
}

TEST(JsonValues, AnIndexPicksAnElement) {
  EXPECT_EQ(render("{body.tags.1}"), "y/z");
  EXPECT_EQ(render("{body.objs.1.id}"), "9");
  EXPECT_EQ(render("{body.deep.list.0.1}"), "5");
  EXPECT_EQ(render("{body.tags.4}"), "<missing body.tags.4>");
  EXPECT_EQ(render("{body.tags.01}"), "<missing body.tags.01>");
  EXPECT_EQ(render("{body.n.0}"), "<missing body.n.0>");
}

TEST(JsonValues, AnArrayOfScalarsIsJoinedByCommas) {
  EXPECT_EQ(render("{body.tags}"), "x,y/z,3,false");
  EXPECT_EQ(render("{body.tags}", Place::kPath), "x,y%2Fz,3,false") << "an element stays in the segment";
  EXPECT_EQ(render("{body.tags}", Place::kHeader), "x,y/z,3,false");
  EXPECT_EQ(render("{calls.user.roles}", Place::kPath), "admin,staff");
  EXPECT_EQ(render("{body.none}"), "");
  EXPECT_EQ(render("{body.none}", Place::kPath), "<missing body.none>");
}

TEST(JsonValues, OtherStructureNullAndNothingAreMissing) {
  for (const char* ref : {"body", "body.nil", "body.mixed", "body.nulls", "body.objs", "body.deep", "body.absent",
                          "body.n.x", "calls.user", "object.id.x"}) {
    const std::string text = "{" + std::string(ref) + "}", missing = "<missing " + std::string(ref) + ">";
    for (const Place place : {Place::kPath, Place::kQuery, Place::kHeader}) EXPECT_EQ(render(text, place), missing);
    EXPECT_EQ(render("{" + std::string(ref) + "|0}"), "0");
  }
  FakeValues nothing = request();
  nothing.roots.clear();
  EXPECT_EQ(render("{body.n}", Place::kQuery, nothing), "<missing body.n>");
  EXPECT_EQ(render("{items.id}", Place::kQuery, nothing), "<missing items.id>");
}

TEST(JsonValues, EmptyAndDotsAreMissingInAPathAlone) {
  for (const char* name : {"empty", "dot", "up"}) {
    const std::string ref = "body." + std::string(name);
    EXPECT_EQ(render("a/{" + ref + "}", Place::kPath), "<missing " + ref + ">");
    EXPECT_EQ(render("a/{" + ref + "|x}", Place::kPath), "a/x");
  }
  EXPECT_EQ(render("{body.up}"), "..");
  EXPECT_EQ(render("{body.empty}"), "");
  FakeValues v = request();
  v.roots[Root::kBody] = R"({"a":[".."],"b":["",""],"c":[""]})";
  EXPECT_EQ(render("{body.a}", Place::kPath, v), "<missing body.a>");
  EXPECT_EQ(render("{body.b}", Place::kPath, v), ",");
  EXPECT_EQ(render("{body.c}", Place::kPath, v), "<missing body.c>");
}

TEST(JsonValues, ALineBreakNeverReachesAHeader) {
  EXPECT_EQ(render("{body.line}", Place::kHeader), "<missing body.line>");
  EXPECT_EQ(render("{body.line}"), "a%0D%0AX:%20y");
}

TEST(JsonValues, AConversionTakesTheText) {
  EXPECT_EQ(render("{body.n:int}"), "5");
  EXPECT_EQ(render("{body.num:int}"), "42");
  EXPECT_EQ(render("{body.price:number}"), "1.10");
  EXPECT_EQ(render("{body.yes:bool}"), "true");
  EXPECT_EQ(render("{body.price:int}"), "<bad body.price>");
  EXPECT_EQ(render("{body.name:int|1}"), "<bad body.name>");
  EXPECT_EQ(render("{body.nil:int|1}"), "1");
  EXPECT_EQ(render("{body.nil:int}"), "<missing body.nil>");
  EXPECT_EQ(render("{body.absent:int}"), "<missing body.absent>");
}

TEST(JsonValues, AStructureIsABadValueForAConversion) {
  EXPECT_EQ(render("{body.deep:int}"), "<bad body.deep>");
  EXPECT_EQ(render("{body.mixed:number|1}"), "<bad body.mixed>");
}

TEST(JsonValues, TheJsonConversionReadsStringsAndTakesTheRestAsItIs) {
  EXPECT_EQ(render("{body.text:json}"), "1,2");
  EXPECT_EQ(render("{body.tags:json}"), "x,y/z,3,false");
  EXPECT_EQ(render("{body.n:json}"), "5");
  EXPECT_EQ(render("{body.deep:json}"), "<missing body.deep>");
  EXPECT_EQ(render("{body.name:json}"), "<bad body.name>");
}

TEST(JsonValues, ItemsAreTheDistinctValuesOfAMember) {
  EXPECT_EQ(render("{items.id}"), "3,1,2") << "by text, in order of first occurrence, arrays by their elements";
  EXPECT_EQ(render("{items.p.k}", Place::kPath), "b,a");
  EXPECT_EQ(render("{items.none}"), "<missing items.none>");
  EXPECT_EQ(render("{items.none|0}"), "0");
  EXPECT_EQ(render("{items.id:json}"), "3,1,2");
  EXPECT_EQ(render("{items.id:int}"), "<bad items.id>");
  FakeValues v = request();
  v.roots[Root::kItems] = R"([{"a":"\u0061"},{"a":"a"},{"a":"x,y"},{"a":"\n"},{"a":true},{"a":"true"}])";
  EXPECT_EQ(render("{items.a}", Place::kQuery, v), "a,x,y,%0A,true");
  v.roots[Root::kItems] = "[]";
  EXPECT_EQ(render("{items.a}", Place::kQuery, v), "<missing items.a>");
}

TEST(DistinctValues, KeepTheFirstFormAndTheOrder) {
  const std::vector<std::string> path = {"k"};
  std::string items = "[", expected;
  for (int i = 0; i < 3000; ++i) items += (i > 0 ? ",{\"k\":" : "{\"k\":") + std::to_string((i * 7) % 1000) + "}";
  const DistinctValues many(json::Value::of(items += "]"), path);
  ASSERT_EQ(many.entries().size(), 1000u);
  for (size_t i = 0; i < 1000; ++i) EXPECT_EQ(many.entries()[i].text, std::to_string(i * 7 % 1000));

  const std::string few = R"([{"k":"\u0041"},{"k":"A"},{"k":1.0},{"k":1}])";
  const DistinctValues distinct(json::Value::of(few), path);
  std::string array;
  distinct.append_array(array);
  EXPECT_EQ(array, R"(["\u0041",1.0,1])");
}

TEST(JsonReferences, AnUnknownCallIsAnErrorAtItsName) {
  for (const auto& [text, offset, says] : std::vector<std::tuple<const char*, size_t, const char*>>{
           {"{calls.usr.id}", 7, "no call is named \"usr\" here, did you mean \"user\"? (what is: user, orders, "},
           {"x{calls.zzzzzzz}", 8, "no call is named \"zzzzzzz\" here (what is: user, orders, stock-level)"},
           {"{calls}", 1, "is written {calls.NAME.a}"},
           {"{calls.user..a}", 1, "is written"},
           {"{items}", 1, "is written {items.a}"},
           {"{bdy.a}", 1, "did you mean \"body.a\"?"},
           {"{body.a:itn}", 8, "unknown conversion"}}) {
    const auto found = mistakes(text);
    ASSERT_EQ(found.size(), 1u) << text;
    EXPECT_EQ(found[0].offset, offset) << text;
    EXPECT_NE(found[0].message.find(says), std::string::npos) << found[0].message;
  }
  Scope none = scope();
  none.calls.clear();
  ASSERT_EQ(mistakes("{calls.user}", none).size(), 1u);
  EXPECT_EQ(mistakes("{calls.user}", none)[0].message, "no call is named \"user\" here");
}

TEST(JsonReferences, AreEnumeratedForTheCallGraph) {
  const auto call = parse_call("c/{object.id}/{id}?u={calls.user.id}&o={calls.orders}&i={items.a.b}&b={body}", scope(),
                               [](size_t, const std::string& what) { ADD_FAILURE() << what; });
  ASSERT_TRUE(call);
  std::vector<Reference> seen;
  call->for_each_reference([&](const Reference& r) { seen.push_back(r); });
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_EQ(seen[0].root, Root::kObject);
  EXPECT_EQ(seen[1].root, Root::kParam);
  EXPECT_EQ(seen[2].root, Root::kCalls);
  EXPECT_EQ(seen[2].call, 0u);
  EXPECT_EQ(seen[2].path, (std::vector<std::string>{"id"}));
  EXPECT_EQ(seen[3].call, 1u);
  EXPECT_TRUE(seen[3].path.empty());
  EXPECT_EQ(seen[4].path, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(seen[5].root, Root::kBody);
}

TEST(JsonValues, RenderingAMemberAllocatesNothing) {
  const auto call = parse_call("c/products/{object.category.id}/{object.id}?n={body.price}&u={calls.user.id}", scope(),
                               [](size_t, const std::string& what) { ADD_FAILURE() << what; });
  ASSERT_TRUE(call);
  const FakeValues values = request();
  std::string out;
  out.reserve(1000);
  const size_t before = allocations;
  const Rendered r = call->render(values, "/api", out);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(out, "/api/products/toys/42?n=1.10&u=17");
}

}  // namespace
}  // namespace vg::tmpl
