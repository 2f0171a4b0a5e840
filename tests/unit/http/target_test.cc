#include "http/target.h"

#include <gtest/gtest.h>

#include <random>

#include "http/chars.h"

namespace vg::http {
namespace {

TEST(CheckPath, PlainPathsAreGoodAndTellWhetherTheyHaveEscapes) {
  for (const char* path : {"/", "/a", "/a/b/", "//", "/a//b", "/.a", "/..a", "/...", "/a.", "/a..", "/a/.../b", "/;.",
                           "/[a]", "/a:b@c!$&'()*+,;=-._~"}) {
    EXPECT_TRUE(check_path(path).ok()) << path << check_path(path).reason;
    EXPECT_FALSE(check_path(path).has_escapes) << path;
  }
  for (const char* path : {"/%20", "/a%2Fb", "/%2f", "/%e2%82%ac", "/%25", "/%2e%2e%2e", "/%2ea", "/a%2e", "/%5c",
                           "/..%2f", "/%2e%2e%2fa"}) {
    EXPECT_TRUE(check_path(path).ok()) << path;
    EXPECT_TRUE(check_path(path).has_escapes) << path;
  }
}

TEST(CheckPath, DotSegmentsAreRefusedHoweverTheyAreWritten) {
  for (const char* path : {"/.",        "/..",       "/./",    "/../",     "/a/.",      "/a/..", "/a/./b",
                           "/a/../b",   "/%2e",      "/%2E",   "/%2e%2e",  "/%2E%2e/a", "/.%2e", "/%2e.",
                           "/a/%2e%2E", "/a/.%2e/b", "/..;/a", "/.;x=y/a", "/%2e%2e;a", "//..",  "/a/b/../../c"}) {
    EXPECT_STREQ(check_path(path).reason, "dot segment in the path") << path;
  }
}

TEST(CheckPath, NulAndBrokenEscapesAndForeignBytesAreRefused) {
  for (const char* path : {"/%00", "/a%00b", "/a/%00/"})
    EXPECT_STREQ(check_path(path).reason, "NUL in the path") << path;
  for (const char* path : {"/%", "/%2", "/%g0", "/%0g", "/a%", "/%%20", "/%u0041", "/%2/", "/% 20"}) {
    EXPECT_STREQ(check_path(path).reason, "invalid percent escape in the path") << path;
  }
  for (const char* path : {"", "a", "*", "a/b", "%2fa", "?"}) EXPECT_FALSE(check_path(path).ok()) << path;
  for (unsigned c = 0; c < 256; ++c) {
    const char b = static_cast<char>(c);
    const bool good = is_class(b, kPathChar) && b != '%';
    EXPECT_EQ(check_path(std::string("/a") + b + "xy").ok(), good) << c;
  }
}

std::string decoded(std::string_view raw) {
  std::string out = "old";
  EXPECT_TRUE(decode_segment(raw, out)) << raw;
  return out;
}

TEST(DecodeSegment, DecodesOnceAndReplacesWhatWasThere) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("abc"), "abc");
  EXPECT_EQ(decoded("a%20b"), "a b");
  EXPECT_EQ(decoded("%2F%2f"), "//");
  EXPECT_EQ(decoded("%252F"), "%2F");
  EXPECT_EQ(decoded("a+b"), "a+b");
  EXPECT_EQ(decoded("%e2%82%AC"), "\xe2\x82\xac");
  EXPECT_EQ(decoded("%00"), std::string(1, '\0'));
}

TEST(DecodeSegment, RefusesBrokenEscapes) {
  std::string out;
  for (const char* raw : {"%", "%1", "a%", "a%z1", "%1z", "%%41"}) EXPECT_FALSE(decode_segment(raw, out)) << raw;
}

TEST(EncodeSegment, WhatHasAMeaningInAUrlIsEscaped) {
  std::string out = "/x/";
  append_encoded_segment(out, "a b/c?d#e%f:@!$&'()*+,;=-._~\"<>[\\]^`{|}\x7f\xc3\xa9");
  EXPECT_EQ(out, "/x/a%20b%2Fc%3Fd%23e%25f:@!$&'()*+,;=-._~%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D%7F%C3%A9");
}

TEST(EncodeQueryValue, OnlyUnreservedBytesStay) {
  std::string out = "q=";
  append_encoded_query_value(out, "a b&c=d+e/f?-._~%\xff");
  EXPECT_EQ(out, "q=a%20b%26c%3Dd%2Be%2Ff%3F-._~%25%FF");
}

TEST(EncodeSegment, DecodingGivesBackEveryByteAndTheCheckPasses) {
  std::mt19937 random(3986);
  for (int round = 0; round < 3000; ++round) {
    std::string value(random() % 12, ' ');
    for (char& c : value) c = static_cast<char>(1 + random() % 255);
    if (value == "." || value == "..") continue;
    std::string path = "/a/", query;
    append_encoded_segment(path, value);
    append_encoded_query_value(query, value);
    EXPECT_EQ(decoded(std::string_view(path).substr(3)), value);
    EXPECT_EQ(decoded(query), value);
    const bool dots_before_semicolon = value.starts_with(".;") || value.starts_with("..;");
    EXPECT_EQ(check_path(path).ok(), !dots_before_semicolon) << path;
    EXPECT_EQ(path.find('/', 3), std::string::npos);
    EXPECT_EQ(path.find('?'), std::string::npos);
  }
}

TEST(SplitAuthority, SplitsHostAndPort) {
  const struct {
    const char *text, *host, *port;
  } cases[] = {
      {"a", "a", ""},
      {"a:80", "a", "80"},
      {"a:", "a", ""},
      {"a.b.", "a.b", ""},
      {"a.b.:443", "a.b", "443"},
      {"[::1]", "[::1]", ""},
      {"[::1]:8", "[::1]", "8"},
      {"1.2.3.4:5", "1.2.3.4", "5"},
      {"A_b-c~d", "A_b-c~d", ""},
  };
  for (const auto& c : cases) {
    std::string_view host, port;
    EXPECT_TRUE(split_authority(c.text, host, port)) << c.text;
    EXPECT_EQ(host, c.host);
    EXPECT_EQ(port, c.port);
  }
}

TEST(SplitAuthority, RefusesWhatNoHostHas) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           ".",
                           "a..",
                           "..",
                           ".a",
                           "a:b",
                           "a:99999",
                           "a:65536",
                           "a:123456",
                           "a:80:",
                           "[",
                           "]",
                           "[]",
                           "[:::]",
                           "[::1",
                           "[::1]x",
                           "[::1]:x",
                           "[g::]",
                           "a b",
                           "u@a",
                           "a/b",
                           "a%41",
                           "a,b",
                           "a\tb",
                           "\xc3\xa9",
                           "[1::2::3]",
                           "[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1]"}) {
    std::string_view host, port;
    EXPECT_FALSE(split_authority(text, host, port)) << text;
  }
  std::string_view host, port;
  EXPECT_FALSE(split_authority(std::string_view("[::1\0]", 6), host, port));
}

TEST(LowerHost, CopiesOnlyWhatHasCapitals) {
  std::string scratch;
  const std::string_view small = "example.com";
  EXPECT_EQ(lower_host(small, scratch).data(), small.data());
  EXPECT_EQ(lower_host("EXAMPLE.Com", scratch), "example.com");
  EXPECT_EQ(scratch, "example.com");
}

TEST(SameAuthority, NormalisesCaseDotAndDefaultPort) {
  EXPECT_TRUE(same_authority("a", "A", "80"));
  EXPECT_TRUE(same_authority("a:80", "a", "80"));
  EXPECT_TRUE(same_authority("a.", "a:", "443"));
  EXPECT_TRUE(same_authority("a:080", "a:80", "80"));
  EXPECT_FALSE(same_authority("a:443", "a", "80"));
  EXPECT_FALSE(same_authority("a", "b", "80"));
  EXPECT_FALSE(same_authority("a", "a b", "80"));
}

}  // namespace
}  // namespace vg::http
