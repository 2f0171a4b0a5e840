// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt).
#include "http/proxy_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vg::http {
namespace {

using Status = ProxyHeaderStatus;

std::string v2(uint8_t command, uint8_t family, const std::string& content) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += {static_cast<char>(0x20 | command), static_cast<char>(family), static_cast<char>(content.size() >> 8),
          static_cast<char>(content.size())};
  return out + content;
}

const std::string kV4("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdb\xfc\x01\xbb", 12);
const std::string kV6 =
    std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" + std::string(16, '\1') + "abcd";

// Whole, byte by byte, and with more behind it.
void expect_source(const std::string& header, const std::string& source) {
  for (size_t n = 0; n < header.size(); ++n) {
    ProxyHeader none;
    EXPECT_EQ(parse_proxy_header(header.substr(0, n), none), Status::kNeedMore) << n;
  }
  for (const char* more : {"", "GET / HTTP/1.1\r\n", "\r\n"}) {
    ProxyHeader found;
    ASSERT_EQ(parse_proxy_header(header + more, found), Status::kDone) << header;
    EXPECT_EQ(found.source_ip, source);
    EXPECT_EQ(found.size, header.size());
  }
}

TEST(ProxyHeader, Version1) {
  expect_source("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1");
  expect_source("PROXY TCP6 2001:db8:0:0::1 ::1 1 65535\r\n", "2001:db8::1");
  expect_source("PROXY UNKNOWN\r\n", "");
  expect_source("PROXY UNKNOWN ffff:f...f ffff:f...f 65535 65535\r\n", "");
}

TEST(ProxyHeader, Version2) {
  expect_source(v2(1, 0x11, kV4), "192.0.2.1");
  expect_source(v2(1, 0x11, kV4 + "\x04\x00\x03xyz"), "192.0.2.1");
  expect_source(v2(1, 0x21, kV6), "2001:db8::1");
  expect_source(v2(0, 0x00, ""), "");
  expect_source(v2(0, 0x11, kV4), "");                    // LOCAL: the addresses are not to be used
  expect_source(v2(1, 0x00, ""), "");                     // UNSPEC
  expect_source(v2(1, 0x31, std::string(216, 'x')), "");  // a unix socket
}

TEST(ProxyHeader, WhatIsNone) {
  const std::vector<std::string> all = {"GET / HTTP/1.1\r\n",
                                        "P ",
                                        "PROXX",
                                        "\r\n\r\nX",
                                        "\x16\x03\x01",
                                        "PROXY \r\n",
                                        "PROXY TCP4\r\n",
                                        "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
                                        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
                                        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
                                        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
                                        "PROXY TCP4 ::1 ::2 1 2\r\n",
                                        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
                                        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
                                        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
                                        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
                                        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
                                        "PROXY TCP6 [::1] [::2] 1 2\r\n",
                                        "PROXY TCP4 " + std::string(100, '1'),
                                        v2(2, 0x11, kV4),
                                        v2(1, 0x11, kV4.substr(1)),
                                        v2(1, 0x21, kV6.substr(1)),
                                        v2(1, 0x11, std::string(3000, 'x')).substr(0, 16)};
  for (const std::string& bytes : all) {
    ProxyHeader found;
    EXPECT_EQ(parse_proxy_header(bytes, found), Status::kInvalid) << bytes;
  }
}

}  // namespace
}  // namespace vg::http
