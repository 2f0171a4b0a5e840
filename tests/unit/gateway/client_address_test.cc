#include "gateway/client_address.h"

#include <gtest/gtest.h>

#include "support/request.h"

namespace vg::gateway {
namespace {

const std::string kPeer = "10.0.0.1";

std::vector<config::Cidr> trusted() {
  std::vector<config::Cidr> out;
  for (const char* range : {"10.0.0.0/8", "fd00::/8"}) out.push_back(*config::parse_cidr(range));
  return out;
}

std::string client(std::initializer_list<std::string_view> fields) {
  http::RequestHead head;
  test::parse_get(head, "/", fields);
  return client_address(head, kPeer, trusted());
}

TEST(ClientAddress, WithoutForwardingItIsThePeer) {
  EXPECT_EQ(client({}), kPeer);
  EXPECT_EQ(client({"X-Forwarded-For:"}), kPeer);
  EXPECT_EQ(client({"Forwarded:"}), kPeer);
}

TEST(ClientAddress, ItIsTheRightmostThatIsNotTrusted) {
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1, 10.0.0.2, 10.9.9.9"}), "192.0.2.1");
  EXPECT_EQ(client({"X-Forwarded-For:192.0.2.1,10.0.0.2"}), "192.0.2.1");
  EXPECT_EQ(client({"X-Forwarded-For: 2001:db8::1, fd00::7"}), "2001:db8::1");
}

TEST(ClientAddress, WhatAClientForgesStandsFurtherLeft) {
  EXPECT_EQ(client({"X-Forwarded-For: 127.0.0.1, 192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client({"X-Forwarded-For: 10.0.0.5, 192.0.2.1, 10.0.0.2"}), "192.0.2.1");
  EXPECT_EQ(client({"X-Forwarded-For: 198.51.100.9", "X-Forwarded-For: 192.0.2.1"}), "192.0.2.1")
      << "lines are one list, in their order";
}

TEST(ClientAddress, AListOfTrustedOnesGivesItsFirst) {
  EXPECT_EQ(client({"X-Forwarded-For: 10.0.0.7, 10.0.0.8"}), "10.0.0.7");
}

TEST(ClientAddress, WhatIsNoAddressEndsTheWalk) {
  EXPECT_EQ(client({"X-Forwarded-For: unknown"}), kPeer);
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1, unknown"}), kPeer);
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1, garbage, 10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(client({"X-Forwarded-For: 1.2.3, 10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.256"}), kPeer);
  EXPECT_EQ(client({"X-Forwarded-For: [2001:db8::1"}), kPeer);
}

TEST(ClientAddress, PortsAndBracketsAreLeftOut) {
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1:4711"}), "192.0.2.1");
  EXPECT_EQ(client({"X-Forwarded-For: [2001:db8::1]:4711"}), "2001:db8::1");
  EXPECT_EQ(client({"X-Forwarded-For: [2001:db8::1]"}), "2001:db8::1");
}

TEST(ClientAddress, ForwardedIsReadAsItsRfcSays) {
  EXPECT_EQ(client({"Forwarded: for=192.0.2.1;proto=https;by=10.0.0.1"}), "192.0.2.1");
  EXPECT_EQ(client({"Forwarded: proto=https;FOR=192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(client({"Forwarded: for=\"[2001:db8::1]:4711\""}), "2001:db8::1");
  EXPECT_EQ(client({"Forwarded: for=192.0.2.1, for=10.0.0.2"}), "192.0.2.1");
  EXPECT_EQ(client({"Forwarded: for=198.51.100.9, for=192.0.2.1, for=\"10.0.0.2:80\""}), "192.0.2.1");
  EXPECT_EQ(client({"Forwarded: for=_hidden, for=10.0.0.2"}), "10.0.0.2") << "an obfuscated name is no address";
  EXPECT_EQ(client({"Forwarded: proto=https"}), kPeer);
}

TEST(ClientAddress, XForwardedForIsTheStronger) {
  EXPECT_EQ(client({"Forwarded: for=198.51.100.9", "X-Forwarded-For: 192.0.2.1"}), "192.0.2.1");
}

TEST(ClientAddress, TrustIsByAddressAlone) {
  EXPECT_TRUE(is_trusted(trusted(), "10.255.0.1"));
  EXPECT_TRUE(is_trusted(trusted(), "::ffff:10.0.0.1"));
  EXPECT_TRUE(is_trusted(trusted(), "fd00::1"));
  EXPECT_FALSE(is_trusted(trusted(), "11.0.0.1"));
  EXPECT_FALSE(is_trusted(trusted(), "unix"));
  EXPECT_FALSE(is_trusted(trusted(), ""));
  EXPECT_FALSE(is_trusted({}, "10.0.0.1"));
}

}  // namespace
}  // namespace vg::gateway
