#include "cache/tags.h"

#include <gtest/gtest.h>

namespace vg::cache {
namespace {

TEST(TagOf, IsUpstreamAndPathWithoutQueryAndLastSlash) {
  EXPECT_EQ(tag_of("catalog", "/articles/7?x=/y/"), "catalog/articles/7");
  EXPECT_EQ(tag_of("catalog", "/articles/"), "catalog/articles");
  EXPECT_EQ(tag_of("catalog", "/"), "catalog");
}

TEST(PathTag, IsThePathWithoutLastSlash) {
  EXPECT_EQ(path_tag("/articles/7"), "path:/articles/7");
  EXPECT_EQ(path_tag("/articles/"), "path:/articles");
  EXPECT_EQ(path_tag("/a%2Fb"), "path:/a%2Fb");
  EXPECT_EQ(path_tag("/"), "path:");
}

std::string local(std::string_view reference) {
  return local_path(reference, "Example.com:8080", "/a/b").value_or("(none)");
}

TEST(LocalPath, ResolvesWhatIsOfTheSameOrigin_9111_4_4) {
  EXPECT_EQ(local("/x/y?z=1#f"), "/x/y");
  EXPECT_EQ(local("http://example.com:8080/x"), "/x");
  EXPECT_EQ(local("HTTPS://EXAMPLE.COM:8080"), "/");
  EXPECT_EQ(local("//example.com:8080/x/../y"), "/y");
  EXPECT_EQ(local("c"), "/a/c");
  EXPECT_EQ(local("../c/./d/"), "/c/d/");
  EXPECT_EQ(local("../../../c"), "/c");
  EXPECT_EQ(local(".."), "/");
  EXPECT_EQ(local("."), "/a/");
  EXPECT_EQ(local("?q"), "/a/b");
  EXPECT_EQ(local(""), "/a/b");
  EXPECT_EQ(local("/a//b"), "/a//b");
}

TEST(LocalPath, IsNoneOfAnotherOrigin_9111_4_4) {
  EXPECT_EQ(local("http://example.com/x"), "(none)");
  EXPECT_EQ(local("http://evil.com:8080/x"), "(none)");
  EXPECT_EQ(local("//example.com:8080.evil.com/x"), "(none)");
  EXPECT_EQ(local("ftp://example.com:8080/x"), "(none)");
  EXPECT_EQ(local("mailto:x"), "(none)");
  EXPECT_EQ(local("http:x"), "(none)");
  EXPECT_FALSE(local_path("c", "example.com", "*"));
}

}  // namespace
}  // namespace vg::cache
