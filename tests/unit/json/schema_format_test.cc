#include "json/schema_format.h"

#include <gtest/gtest.h>

#include "unit/json/schema_reading.h"

namespace vg::json {
namespace {

void expect(bool (*accepts)(std::string_view), std::initializer_list<std::string_view> good,
            std::initializer_list<std::string_view> bad) {
  for (const auto text : good) EXPECT_TRUE(accepts(text)) << text;
  for (const auto text : bad) EXPECT_FALSE(accepts(text)) << text;
}

TEST(SchemaFormat, Email) {
  expect(is_email,
         {"a@b", "ann.lee@example.com", "a+tag@sub.example.co", "x!#$%&'*+-/=?^_`{|}~@b.c", "1@2.3",
          "1234567890123456789012345678901234567890123456789012345678901234@x.y"},
         {"",
          "a",
          "@",
          "@b",
          "a@",
          "a@b@c",
          ".a@b",
          "a.@b",
          "a..b@c",
          "a b@c",
          "a@b c",
          "a@-b",
          "a@b..c",
          "a@b.",
          "a@[1.2.3.4]",
          "\"a b\"@c",
          "\xC3\xA9@b.c",
          "a@b.c\n",
          "a,b@c",
          "a@b_c.d",
          std::string_view("a\0@b", 4),
          "12345678901234567890123456789012345678901234567890123456789012345@x.y"});
}

TEST(SchemaFormat, Uri) {
  expect(is_uri,
         {"https://example.com", "http://example.com:8080/a/b?c=d&e=f#g", "HTTPS://u:p@example.com/%20",
          "http://[::1]:80/", "http://[::1]", "mailto:ann@example.com", "urn:isbn:0451450523",
          "ftp://example.com/a;type=i", "a+b.c-1:", "file:///etc/hosts", "data:,a", "tel:+49-731",
          "http://example.com:/", "https://example.com?x", "https://example.com#x", "http://a.b/?q=/?:@"},
         {"",
          "example.com",
          "/a",
          "//example.com",
          "http:",
          "http://",
          "http:///a",
          "http:a",
          "http://:80",
          "http://u@",
          "1http://a",
          ":a",
          "http://exa mple.com",
          "http://a/\"",
          "http://a/%",
          "http://a/%4",
          "http://a/%zz",
          "http://a#b#c",
          "http://a:b",
          "http://[::1",
          "http://[1]/",
          "http://a]b",
          "http://\xC3\xA9",
          "http://a/<b>",
          "http://a/\n",
          "http://a\\b",
          "http://a/{b}",
          "http://a@b@c/"});
}

TEST(SchemaFormat, Date) {
  expect(is_date, {"2024-02-29", "2000-02-29", "1999-12-31", "0000-01-01", "9999-12-31"},
         {"", "2023-02-29", "1900-02-29", "2024-04-31", "2024-00-10", "2024-13-10", "2024-01-00", "2024-01-32",
          "2024-1-01", "24-01-01", "2024/01/01", "2024-01-01 ", "2024-01-01T", "2024-01-0x", "20240101", "-024-01-01"});
}

TEST(SchemaFormat, Time) {
  expect(is_time,
         {"12:30:00Z", "00:00:00z", "23:59:59.999999999+00:00", "12:00:00-23:59", "23:59:60Z", "15:59:60-08:00",
          "00:29:60.5+00:30"},
         {"", "12:30:00", "12:30Z", "24:00:00Z", "12:60:00Z", "12:00:61Z", "12:00:60Z", "23:59:60+01:00",
          "12:30:00+24:00", "12:30:00+00:60", "12:30:00+0000", "12:30:00+00", "12:30:00.Z", "1:30:00Z", "12-30-00Z",
          "12:30:00Zx", "12:30:00 Z", "12:30:00."});
}

TEST(SchemaFormat, DateTime) {
  expect(is_date_time, {"2024-12-31T12:30:00Z", "2024-12-31t12:30:00.5+01:00", "1990-12-31T23:59:60Z"},
         {"", "2024-12-31", "2024-12-31T", "2024-12-31 12:30:00Z", "2024-12-31T12:30:00", "2024-02-30T12:30:00Z",
          "12:30:00Z"});
}

TEST(SchemaFormat, Uuid) {
  expect(is_uuid,
         {"123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000",
          "ABCDEF00-ABCD-ABCD-ABCD-ABCDEFABCDEF"},
         {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
          "123e4567-e89b-12d3-a456-4266141740000", "123e4567-e89b-12d3-a456-42661417400g",
          "{23e4567-e89b-12d3-a456-426614174000}", "123e45670e89b-12d3-a456-426614174000"});
}

TEST(SchemaFormat, Ipv4) {
  expect(is_ipv4, {"0.0.0.0", "255.255.255.255", "192.0.2.1"},
         {"", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "1.2.3.x", "::1", "0x1.2.3.4",
          std::string_view("1.2.3.4\0", 8)});
}

TEST(SchemaFormat, Ipv6) {
  expect(is_ipv6,
         {"::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789"},
         {"", "1.2.3.4", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "fe80::1%eth0", "[::1]",
          "::1/64", "::g", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", std::string_view("::1\0", 4)});
}

TEST(SchemaFormat, Hostname) {
  expect(is_hostname, {"a", "example.com", "xn--bcher-kva.example", "1.2.3.4", "a-b.c", "123"},
         {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "\xC3\xA9.com", "a.b-", "a/b"});
  EXPECT_TRUE(is_hostname(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(is_hostname(std::string(64, 'a') + ".b"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(is_hostname(longest + "a"));
  EXPECT_FALSE(is_hostname(longest + "aa"));
}

TEST(SchemaFormat, EachHasItsWordsAndLooksAtTextAlone) {
  for (const std::string_view name : format_names()) {
    const test::Checked schema("{\"format\":\"" + std::string(name) + "\"}");
    EXPECT_EQ(schema.says("\"/ no /\""), ": " + std::string(find_format(name)->message)) << name;
    EXPECT_TRUE(find_format(name)->message.starts_with("must be ")) << name;
    EXPECT_TRUE(schema.takes("17")) << name;
  }
  EXPECT_EQ(find_format("Email"), nullptr);
}

}  // namespace
}  // namespace vg::json
