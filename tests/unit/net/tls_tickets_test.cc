// Who seals session tickets, and for how long what was sealed can be opened.
#include <gtest/gtest.h>

#include "net/tls_context.h"

namespace vg::net {
namespace {

using namespace std::chrono_literals;

class TlsTickets : public testing::Test {
 protected:
  bool opens(const TlsTicketKeys::Key& key, TimePoint at, bool newest) {
    bool is_newest = false;
    const auto found = keys_.to_open(key.name.data(), at, &is_newest);
    if (!found) return false;
    EXPECT_EQ(found->aes, key.aes);
    EXPECT_EQ(found->mac, key.mac);
    EXPECT_EQ(is_newest, newest);
    return true;
  }
  TlsTicketKeys keys_;
  const TimePoint start_{1000h};
};

TEST_F(TlsTickets, AKeySealsForAnHour) {
  const auto first = keys_.to_seal(start_);
  ASSERT_TRUE(first);
  EXPECT_EQ(keys_.to_seal(start_ + 59min)->name, first->name);
  const auto second = keys_.to_seal(start_ + 60min);
  EXPECT_NE(second->name, first->name);
  EXPECT_NE(second->aes, first->aes);
  EXPECT_NE(second->mac, first->mac);
}

TEST_F(TlsTickets, AKeyOpensForTwoHoursMore) {
  const auto first = keys_.to_seal(start_);
  EXPECT_TRUE(opens(*first, start_ + 59min, true));
  (void)keys_.to_seal(start_ + 60min);
  EXPECT_TRUE(opens(*first, start_ + 60min, false));
  EXPECT_TRUE(opens(*first, start_ + 179min, false));
  EXPECT_FALSE(opens(*first, start_ + 180min, false));
}

TEST_F(TlsTickets, AKeyThatNobodyMadeOpensNothing) {
  (void)keys_.to_seal(start_);
  TlsTicketKeys::Key stranger{};
  EXPECT_FALSE(opens(stranger, start_, true));
}

TEST_F(TlsTickets, OldKeysAreForgotten) {
  const auto first = keys_.to_seal(start_);
  for (int hour = 1; hour < 10; ++hour) (void)keys_.to_seal(start_ + hour * 60min);
  // Also for a clock that would find it young: it is not there any more.
  EXPECT_FALSE(opens(*first, start_, true));
}

}  // namespace
}  // namespace vg::net
