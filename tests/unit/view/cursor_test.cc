#include "view/steps/cursor.h"

#include <gtest/gtest.h>

#include "support/request.h"
#include "view/steps/client_query.h"

namespace vg::view {
namespace {

http::ResponseHead with_links(std::initializer_list<std::string_view> values) {
  http::ResponseHead head;
  for (const std::string_view v : values) head.add("Link", v);
  return head;
}

std::string next_of(std::initializer_list<std::string_view> values) {
  const http::ResponseHead head = with_links(values);
  return std::string(find_link(head, "next").value_or("none"));
}

TEST(FindLink, FindsTheRelationAmongOthers) {
  EXPECT_EQ(next_of({R"(</a?p=1>; rel="prev", </a?p=3>; rel="next")"}), "/a?p=3");
  EXPECT_EQ(next_of({"</a>; rel=last", "</b>; rel=next"}), "/b");
  EXPECT_EQ(next_of({R"(</a>; title="x, y; rel=next"; rel="first next")"}), "/a");
  EXPECT_EQ(next_of({R"(</a>; REL="NEXT")"}), "/a");
  EXPECT_EQ(next_of({R"(</a,b;c>;rel=next)"}), "/a,b;c");
}

TEST(FindLink, FindsNothingWhereThereIsNone) {
  for (const char* text : {"", "</a>", "</a>; rel=prev", "</a>; rel=\"prev\"; rel=next", "/a; rel=next",
                           "</a; rel=next", "</a>; xrel=next", "</a>; rel=\"nextish\""})
    EXPECT_EQ(next_of({text}), "none") << text;
}

TEST(QueryOfLink, IsAllThatIsTakenOfALink) {
  EXPECT_EQ(query_of_link("/items?cursor=c1&x=%20", "up:80"), "cursor=c1&x=%20");
  EXPECT_EQ(query_of_link("?page=2#top", "up"), "page=2");
  EXPECT_EQ(query_of_link("http://up/other?page=2", "up"), "page=2");
  EXPECT_EQ(query_of_link("http://UP:80/other?page=2", "up"), "page=2");
  EXPECT_EQ(query_of_link("/items?to=http://elsewhere/?x", "up"), "to=http://elsewhere/?x");
}

TEST(QueryOfLink, IsEmptyForOtherHostsAndForBytesThatNoTargetHas) {
  for (const char* link : {"http://evil/items?c=1", "//evil/items?c=1", "https://up:8443/items?c=1", "/items",
                           "/items?", "/items?a=\r\nX: y", "/items?a b"})
    EXPECT_EQ(query_of_link(link, "up"), "") << link;
}

TEST(CursorKey, GivesBackWhatItWasGivenForTheSameList) {
  const CursorKey key("secret");
  for (const std::string& query : {std::string("c=1"), std::string("a=%20&b"), std::string(3000, 'x')}) {
    const std::string cursor = key.encode(query, "/items?status=new");
    EXPECT_EQ(cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_EQ(key.decode(cursor, "/items?status=new"), query);
    EXPECT_EQ(key.decode(cursor, "/items?status=old"), std::nullopt);
    EXPECT_EQ(CursorKey("another").decode(cursor, "/items?status=new"), std::nullopt);
  }
}

TEST(CursorKey, TakesNothingThatWasChanged) {
  const CursorKey key("secret");
  const std::string cursor = key.encode("c=1", "/items");
  for (size_t i = 0; i < cursor.size(); ++i) {
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto decoded = key.decode(changed, "/items");
    // The last digit has bits to spare.
    EXPECT_TRUE(!decoded || (i + 1 == cursor.size() && *decoded == "c=1")) << i;
  }
  for (const char* text : {"", "A", "AAAA", "AAAAAAAAAAAAAAAA", "not base64!", "%41"})
    EXPECT_EQ(key.decode(text, "/items"), std::nullopt) << text;
}

TEST(WithParameter, ReplacesTheParameterWhereItStandsAndKeepsTheOthersAsTheyCame) {
  EXPECT_EQ(with_parameter("/a", "x=%41&page=1&y", "page", "2"), "/a?x=%41&page=2&y");
  EXPECT_EQ(with_parameter("/a", "pa%67e=1&page=7&x=1", "page", "2"), "/a?page=2&x=1");
  EXPECT_EQ(with_parameter("/a", "", "page", "2"), "/a?page=2");
  EXPECT_EQ(with_parameter("/a", "&&x=1&", "p g", "a&b"), "/a?x=1&p%20g=a%26b");
}

TEST(WithParameter, NeverLeadsToAnotherHost) {
  EXPECT_EQ(with_parameter("//evil/x", "", "page", "2"), "/.//evil/x?page=2");
}

}  // namespace
}  // namespace vg::view
