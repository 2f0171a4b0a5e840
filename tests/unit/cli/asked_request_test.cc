// How the arguments of `explain` are read.
#include "cli/asked_request.h"

#include <gtest/gtest.h>

namespace vg::cli {
namespace {

std::string wrong(const std::string& method, const std::string& target, const std::string& host = "") {
  std::string error;
  EXPECT_FALSE(asked_request(method, target, host, "", &error));
  return error;
}

AskedRequest right(const std::string& target, const std::string& host = "") {
  std::string error;
  const auto asked = asked_request("GET", target, host, "", &error);
  EXPECT_TRUE(asked) << error;
  return asked.value_or(AskedRequest());
}

TEST(AskedRequest, APathKeepsItsQuery) {
  const AskedRequest asked = right("/a/b?x=1?y");
  EXPECT_EQ(asked.target, "/a/b?x=1?y");
  EXPECT_EQ(asked.path(), "/a/b");
  EXPECT_EQ(asked.host, "");
}

TEST(AskedRequest, AUrlNamesTheHost) {
  const AskedRequest asked = right("HTTP://Shop.Example.com:8080/a?x#there");
  EXPECT_EQ(asked.host, "shop.example.com");
  EXPECT_EQ(asked.target, "/a?x");
  EXPECT_EQ(right("https://a").target, "/");
  EXPECT_EQ(right("http://a?x=1").target, "/?x=1");
  EXPECT_EQ(right("http://a#x").target, "/");
  EXPECT_EQ(right("http://[::1]:80/a").host, "[::1]");
}

TEST(AskedRequest, AHostLosesItsPort) { EXPECT_EQ(right("/a", "Example.com:80").host, "example.com"); }

TEST(AskedRequest, WrongArgumentsAreToldInWords) {
  EXPECT_EQ(wrong("get", "/a"), "\"get\" is not a method; write for example GET");
  EXPECT_EQ(wrong("G T", "/a"), "\"G T\" is not a method; write for example GET");
  EXPECT_EQ(wrong("GET", "a/b"), "\"a/b\" is not a path; write for example /products/5, or http://HOST/products/5");
  EXPECT_EQ(wrong("GET", "http:///a"), "\"http:///a\" names no host");
  EXPECT_EQ(wrong("GET", "http://a b/"), "\"a b\" is not a host");
  EXPECT_EQ(wrong("GET", "/a", "user@host"), "\"user@host\" is not a host");
  EXPECT_EQ(wrong("GET", "http://a/", "b"), "the host stands in the URL and in --host; write it in one place");
}

}  // namespace
}  // namespace vg::cli
