#include "config/cidr.h"

#include <gtest/gtest.h>

namespace vg::config {
namespace {

bool within(const char* range, const char* ip) { return parse_cidr(range).value().contains(parse_ip(ip).value()); }

TEST(Cidr, ContainsWhatSharesItsPrefix) {
  EXPECT_TRUE(within("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(within("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(within("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(within("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(within("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(within("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(within("fd00::/8", "fdff::1"));
  EXPECT_FALSE(within("fd00::/8", "fe80::1"));
  EXPECT_TRUE(within("0.0.0.0/0", "255.1.1.1"));
  EXPECT_TRUE(within("::/0", "10.0.0.1"));
}

TEST(Cidr, KnowsMappedAddressesAsIpv4) {
  EXPECT_TRUE(within("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_FALSE(within("0.0.0.0/0", "fd00::1"));
}

TEST(Cidr, RefusesWhatIsNoRange) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "fd00::/129", "fd00::1/8", "10.0.0/8",
                           "x", "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0.0/0008", "fe80::1%eth0"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

TEST(Ip, KnowsLoopback) {
  EXPECT_TRUE(is_loopback(*parse_ip("127.9.9.9")));
  EXPECT_TRUE(is_loopback(*parse_ip("::1")));
  EXPECT_FALSE(is_loopback(*parse_ip("::")));
  EXPECT_FALSE(is_loopback(*parse_ip("0.0.0.0")));
  EXPECT_FALSE(is_loopback(*parse_ip("128.0.0.1")));
}

}  // namespace
}  // namespace vg::config
