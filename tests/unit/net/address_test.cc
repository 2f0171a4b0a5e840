#include "net/address.h"

#include <gtest/gtest.h>

#include <cstring>

namespace vg::net {
namespace {

TEST(Address, ReadsAndWritesIpv4) {
  const auto a = Address::parse("192.0.2.7", 8080);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->family(), AF_INET);
  EXPECT_EQ(a->port(), 8080);
  EXPECT_EQ(a->ip(), "192.0.2.7");
  EXPECT_EQ(a->text(), "192.0.2.7:8080");
  EXPECT_EQ(a->size(), sizeof(sockaddr_in));
  EXPECT_EQ(a->bytes().size(), 4u);
}

TEST(Address, ReadsIpv6WithAndWithoutBracketsAndWritesItShort) {
  for (const char* text : {"2001:db8:0:0:0:0:0:1", "[2001:db8::1]", "2001:DB8::1"}) {
    const auto a = Address::parse(text, 443);
    ASSERT_TRUE(a) << text;
    EXPECT_EQ(a->family(), AF_INET6);
    EXPECT_EQ(a->text(), "[2001:db8::1]:443");
    EXPECT_EQ(a->size(), sizeof(sockaddr_in6));
    EXPECT_EQ(a->bytes().size(), 16u);
  }
}

TEST(Address, RefusesWhatIsNoLiteral) {
  const std::string nul("127.0.0.1\0", 10);
  for (const std::string_view text :
       {std::string_view(""), std::string_view("localhost"), std::string_view("1.2.3"), std::string_view("1.2.3.4.5"),
        std::string_view("1.2.3.256"), std::string_view("01.2.3.4"), std::string_view("0x7f.0.0.1"),
        std::string_view("[127.0.0.1]"), std::string_view("[]"), std::string_view("[::1"), std::string_view("::1]"),
        std::string_view(":::"), std::string_view("fe80::1%eth0"), std::string_view(" ::1"), std::string_view(nul),
        std::string_view("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc")}) {
    EXPECT_FALSE(Address::parse(text, 80)) << text;
  }
}

TEST(Address, ReadsAnAddressWithItsPort) {
  EXPECT_EQ(Address::parse_with_port("10.0.0.1:80")->text(), "10.0.0.1:80");
  EXPECT_EQ(Address::parse_with_port("[::1]:65535")->text(), "[::1]:65535");
  EXPECT_EQ(Address::parse_with_port("0.0.0.0:0")->text(), "0.0.0.0:0");
  for (const char* text : {"", ":", ":80", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:123456", "10.0.0.1:-1",
                           "::1:80", "::1", "[::1]", "[::1]80", "host:80"}) {
    EXPECT_FALSE(Address::parse_with_port(text)) << text;
  }
}

TEST(Address, ComparesByAddressPortAndFamily) {
  const Address a = *Address::parse("10.0.0.1", 80);
  EXPECT_EQ(a, *Address::parse("10.0.0.1", 80));
  EXPECT_NE(a, a.with_port(81));
  EXPECT_NE(a, *Address::parse("10.0.0.2", 80));
  EXPECT_NE(a, *Address::parse("::ffff:10.0.0.1", 80));
  EXPECT_LT(a, *Address::parse("10.0.0.2", 79));
  EXPECT_LT(a, a.with_port(81));
  EXPECT_FALSE(a < a);
  EXPECT_EQ(AddressHash()(a), AddressHash()(*Address::parse("10.0.0.1", 80)));
  EXPECT_NE(AddressHash()(a), AddressHash()(a.with_port(81)));
}

TEST(Address, SurvivesTheWayThroughASockaddr) {
  for (const char* text : {"192.0.2.1", "2001:db8::5"}) {
    const Address a = *Address::parse(text, 1234);
    sockaddr_storage storage{};
    std::memcpy(&storage, a.data(), a.size());
    EXPECT_EQ(Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), a.size()), a);
    EXPECT_FALSE(Address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), 4));
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(Address::from_sockaddr(&other, sizeof other));
}

TEST(Address, KnowsLoopbackInEachForm) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(Address::parse(text, 0)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(Address::parse(text, 0)->is_loopback()) << text;
  }
}

}  // namespace
}  // namespace vg::net
