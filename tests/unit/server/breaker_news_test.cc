#include "server/breaker_news.h"

#include <gtest/gtest.h>

namespace vg::server {
namespace {

using namespace std::chrono_literals;

BreakerNewsItem item() {
  BreakerNewsItem out;
  out.from = "0123456789abcdef0123456789abcdef";
  out.scope = "route:a/include.reviews";
  out.upstream = "catalog";
  out.endpoint = "[::1]:8000";
  out.left = 59'999ms;
  return out;
}

TEST(BreakerNews, AnItemComesBackAsItWasWritten) {
  const auto read = read_news(write_news(item()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->from, item().from);
  EXPECT_EQ(read->scope, item().scope);
  EXPECT_EQ(read->upstream, item().upstream);
  EXPECT_EQ(read->endpoint, item().endpoint);
  EXPECT_EQ(read->left, item().left);
}

TEST(BreakerNews, WhatIsNoItemIsNone) {
  const std::string good = write_news(item());
  std::string longer = good;
  longer.insert(longer.find("catalog"), std::string(5000, 'x'));
  const std::string head = good.substr(0, good.rfind('\n') + 1);
  for (const std::string& wrong :
       std::vector<std::string>{"", "1", "2" + good.substr(1), good + "\n", good + "x", head, head + "0", head + "-1",
                                head + "86400001", head + "99999999999999999999999", good.substr(0, good.size() / 2),
                                std::string("\0\n\n\n\n\n1", 7), longer}) {
    EXPECT_FALSE(read_news(wrong)) << wrong.substr(0, 100);
  }
  EXPECT_TRUE(read_news(head + "86400000"));
}

}  // namespace
}  // namespace vg::server
