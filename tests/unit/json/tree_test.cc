#include "json/tree.h"

#include <gtest/gtest.h>

#include <string>

#include "json/canonical.h"

namespace vg::json {
namespace {

/// Every node on a line: kind, name, text, count, next.
std::string shown(const Tree& tree) {
  std::string out;
  for (uint32_t i = 0; i < tree.size(); ++i) {
    const Tree::Node& n = tree[i];
    out += std::to_string(static_cast<int>(n.kind)) + ' ' + std::string(tree.name(n)) + ' ' +
           std::string(tree.text(n)) + ' ' + std::to_string(n.count) + ' ' + std::to_string(n.next) + '\n';
  }
  return out;
}

std::string laid_out(std::string_view json) {
  Tree tree;
  EXPECT_TRUE(tree.build(Value::of(json)));
  return shown(tree);
}

TEST(Tree, AScalarIsOneNode) {
  EXPECT_EQ(laid_out(" 1.50e3 "), "3  1.50e3 0 1\n");
  EXPECT_EQ(laid_out("null"), "1  null 0 1\n");
  EXPECT_EQ(laid_out("true"), "2  true 0 1\n");
  EXPECT_EQ(laid_out(R"("a\"b")"), "4  \"a\\\"b\" 0 1\n");
}

TEST(Tree, ChildrenStandBehindTheirParentAndKnowTheirNames) {
  EXPECT_EQ(laid_out(R"({ "a" : [ 1 , {"b":"x:y"} ] , "c\"":-2 , "d":{} })"),
            "6  { \"a\" : [ 1 , {\"b\":\"x:y\"} ] , \"c\\\"\":-2 , \"d\":{} } 3 7\n"
            "5 \"a\" [ 1 , {\"b\":\"x:y\"} ] 2 5\n"
            "3  1 0 3\n"
            "6  {\"b\":\"x:y\"} 1 5\n"
            "4 \"b\" \"x:y\" 0 5\n"
            "3 \"c\\\"\" -2 0 6\n"
            "6 \"d\" {} 0 7\n");
}

TEST(Tree, BuildingAgainForgetsWhatWasThere) {
  Tree tree;
  ASSERT_TRUE(tree.build(Value::of("[1,2,3]")));
  ASSERT_TRUE(tree.build(Value::of("[4]")));
  EXPECT_EQ(shown(tree), "5  [4] 1 2\n3  4 0 2\n");
}

TEST(Tree, DeeperThanTheLimitIsRefused) {
  Tree tree;
  EXPECT_TRUE(tree.build(Value::of(std::string(kMaxDepth, '[') + std::string(kMaxDepth, ']'))));
  EXPECT_FALSE(tree.build(Value::of(std::string(kMaxDepth + 1, '[') + std::string(kMaxDepth + 1, ']'))));
}

std::string canonical(std::string_view json) {
  Tree tree;
  EXPECT_TRUE(tree.build(Value::of(json)));
  std::string out;
  append_canonical(out, tree, 0);
  return out;
}

TEST(Canonical, IsTheSameForEqualValuesAndForNoOthers) {
  const std::string_view values[] = {"0",
                                     "-0",
                                     "0.0e7",
                                     "1",
                                     "1.0",
                                     "10e-1",
                                     "1e1",
                                     "10",
                                     "-1",
                                     "0.1",
                                     "1e-1",
                                     "1e400",
                                     "10e399",
                                     "true",
                                     "false",
                                     "null",
                                     "\"1\"",
                                     "\"\"",
                                     R"("a")",
                                     R"("\u0061")",
                                     R"("\"")",
                                     R"("\u0022")",
                                     "[]",
                                     "[ ]",
                                     "[1]",
                                     "[1.0]",
                                     "[[1]]",
                                     "[1,2]",
                                     "[2,1]",
                                     "{}",
                                     R"({"a":1})",
                                     R"({"\u0061":1.0})",
                                     R"({"a":1,"b":2})",
                                     R"({"b":2,"a":1})",
                                     R"({"a":9,"a":1})",
                                     R"({"a":[]})",
                                     R"(["a",1])",
                                     R"(["a\",1"])"};
  for (const auto a : values) {
    for (const auto b : values) {
      EXPECT_EQ(canonical(a) == canonical(b), equal(Value::of(a), Value::of(b))) << a << " " << b;
    }
  }
}

}  // namespace
}  // namespace vg::json
