#include "json/select.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace vg::json {
namespace {

constexpr std::string_view kAnswer =
    R"({"data":{"items":[{"id":1},{"id":2}],"":{"":5}},"a/b":1,"m~n":2,"a.b":3,"c%d":4,"":0,"~1":6,"0":7,"x y":8})";

std::string find(std::string_view selector) {
  std::string error;
  const auto s = Selector::parse(selector, &error);
  if (!s) return "error: " + error;
  EXPECT_EQ(error, "");
  return std::string(s->find(Value::of(kAnswer)).text());
}

TEST(Selector, FollowsDots) {
  EXPECT_EQ(find("data.items"), R"([{"id":1},{"id":2}])");
  EXPECT_EQ(find("data.items.1.id"), "2");
  EXPECT_EQ(find("0"), "7");
  EXPECT_EQ(find("x y"), "8");
  EXPECT_EQ(find("a/b"), "1");
  EXPECT_EQ(find("m~n"), "2");
  for (const char* nothing : {"nothing", "data.nothing", "data.items.2", "data.items.01", "data.items.id", "0.0"})
    EXPECT_EQ(find(nothing), "") << nothing;
}

TEST(Selector, FollowsPointers) {
  EXPECT_EQ(find("/data/items/0/id"), "1");
  EXPECT_EQ(find("/"), "0");
  EXPECT_EQ(find("/a~1b"), "1");
  EXPECT_EQ(find("/m~0n"), "2");
  EXPECT_EQ(find("/a.b"), "3");
  EXPECT_EQ(find("/c%d"), "4");
  EXPECT_EQ(find("/data//"), "5");
  EXPECT_EQ(find("/~01"), "6");
  EXPECT_EQ(find("/0"), "7");
  for (const char* nothing : {"/data/items/-", "/data/items/02", "/data/items/2", "/a/b", "//"})
    EXPECT_EQ(find(nothing), "") << nothing;
}

TEST(Selector, AnEmptyOneTakesTheWhole) {
  EXPECT_EQ(find(""), kAnswer);
  EXPECT_TRUE(Selector().empty());
  EXPECT_TRUE(Selector::parse("")->empty());
  EXPECT_FALSE(Selector::parse("a")->empty());
  EXPECT_FALSE(Selector::parse("/")->empty());
}

TEST(Selector, KeepsItsStepsDecoded) {
  const auto s = Selector::parse("/a~1b/~0/0");
  ASSERT_TRUE(s);
  EXPECT_EQ((std::vector<std::string>(s->steps().begin(), s->steps().end())),
            (std::vector<std::string>{"a/b", "~", "0"}));
}

TEST(Selector, SaysWhatIsWrong) {
  for (const char* text : {".", "a.", ".a", "a..b"}) {
    EXPECT_EQ(find(text), "error: \"" + std::string(text) +
                              "\" has an empty step: write data.items, or a JSON Pointer such as /data/items");
  }
  for (const char* text : {"/~", "/~2", "/a~/b", "/a/b~x"}) {
    EXPECT_EQ(find(text), "error: \"" + std::string(text) + "\" has a ~ that is neither ~0 (for ~) nor ~1 (for /)");
  }
  EXPECT_FALSE(Selector::parse("a..b"));
}

}  // namespace
}  // namespace vg::json
