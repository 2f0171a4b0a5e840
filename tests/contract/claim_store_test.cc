// What every ClaimStore promises (store/claim_store.h), in memory and in a real Redis.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "coro/scope.h"
#include "store/memory_claim_store.h"
#include "store/redis_claim_store.h"
#include "support/loop.h"
#include "support/redis_server.h"
#include "support/sync_redis.h"

namespace vg::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

enum class Kind : uint8_t { kMemory, kRedis };

test::RedisServer& server() {
  static test::RedisServer s;
  return s;
}

// The stores here answer at once.
template <typename T>
T now_done(coro::Task<T> task) {
  std::optional<T> out;
  coro::Scope scope;
  scope.spawn(test::keep_result(std::move(task), &out));
  EXPECT_TRUE(out.has_value());
  return std::move(*out);
}

Blob blob(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

class ClaimStoreContract : public testing::TestWithParam<Kind> {
 protected:
  ClaimStoreContract() {
    now_ = TimePoint(hours(1));
    if (GetParam() == Kind::kMemory) {
      store_ = std::make_shared<MemoryClaimStore>(uint64_t{1} << 24, [] { return now_; });
      return;
    }
    redis_ = std::make_shared<test::SyncRedis>(server().socket());
    const std::array<std::string_view, 1> flush{"FLUSHALL"};
    EXPECT_TRUE(redis_->ask(flush).ok());
    store_ = std::make_shared<RedisClaimStore>(redis_);
  }

  /// What stands at the key; nullopt: it is ours now.
  std::optional<std::string> claim(const std::string& key, const std::string& value, Duration ttl = hours(1)) {
    const Result<Blob> stands = now_done(store_->claim(key, blob(value), ttl, nullptr));
    EXPECT_TRUE(stands.ok());
    if (!stands || !*stands) return std::nullopt;
    return **stands;
  }
  bool settle(const std::string& key, const std::string& mine, const std::string& value, Duration ttl = hours(1)) {
    const Result<bool> done = now_done(store_->settle(key, blob(mine), blob(value), ttl, nullptr));
    EXPECT_TRUE(done.ok());
    return done.ok() && *done;
  }
  bool release(const std::string& key, const std::string& mine) {
    const Result<bool> done = now_done(store_->release(key, blob(mine), nullptr));
    EXPECT_TRUE(done.ok());
    return done.ok() && *done;
  }
  /// In Redis what is left to live is taken away: its clock is nobody's to move.
  void expire(const std::string& key, Duration after) {
    if (!redis_) {
      now_ += after;
      return;
    }
    const std::string full = redis_->prefix() + key;
    const std::array<std::string_view, 2> left{"PTTL", full};
    const Result<Reply> reply = redis_->ask(left);
    EXPECT_TRUE(reply.ok());
    const int64_t asked = std::chrono::duration_cast<milliseconds>(after).count();
    EXPECT_LE(reply->integer, asked);
    EXPECT_GT(reply->integer, asked - 60'000) << "it was put with another time to live";
    const std::array<std::string_view, 2> gone{"DEL", full};
    EXPECT_TRUE(redis_->ask(gone).ok());
  }

  static TimePoint now_;
  std::shared_ptr<test::SyncRedis> redis_;
  std::shared_ptr<ClaimStore> store_;
};
TimePoint ClaimStoreContract::now_;

TEST_P(ClaimStoreContract, who_comes_first_has_it_and_others_see_what_stands_there) {
  EXPECT_EQ(claim("k", "first"), std::nullopt);
  EXPECT_EQ(claim("k", "second"), "first");
  EXPECT_EQ(claim("k", "third"), "first");
  EXPECT_EQ(claim("other", "second"), std::nullopt) << "keys are apart";
}

TEST_P(ClaimStoreContract, what_is_settled_stands_in_its_place) {
  EXPECT_EQ(claim("k", "mine"), std::nullopt);
  EXPECT_TRUE(settle("k", "mine", "answer"));
  EXPECT_EQ(claim("k", "other"), "answer");
  EXPECT_FALSE(settle("k", "mine", "again")) << "it is no longer mine";
  EXPECT_EQ(claim("k", "other"), "answer");
}

TEST_P(ClaimStoreContract, any_bytes_are_a_value) {
  const std::string bytes("\0\r\n\xff$-1", 8), large(300'000, '\x01');
  EXPECT_EQ(claim("k", bytes), std::nullopt);
  EXPECT_EQ(claim("k", "x"), bytes);
  EXPECT_TRUE(settle("k", bytes, large));
  EXPECT_EQ(claim("k", "x"), large);
  EXPECT_EQ(claim("empty", ""), std::nullopt);
  EXPECT_EQ(claim("empty", "x"), "");
  EXPECT_TRUE(settle("empty", "", "y"));
  EXPECT_EQ(claim("empty", "x"), "y");
}

TEST_P(ClaimStoreContract, what_is_released_can_be_claimed_anew) {
  EXPECT_EQ(claim("k", "mine"), std::nullopt);
  EXPECT_FALSE(release("k", "theirs"));
  EXPECT_EQ(claim("k", "other"), "mine");
  EXPECT_TRUE(release("k", "mine"));
  EXPECT_FALSE(release("k", "mine"));
  EXPECT_EQ(claim("k", "other"), std::nullopt);
  EXPECT_FALSE(release("k", "mine")) << "it is another's now";
  EXPECT_EQ(claim("k", "x"), "other");
}

TEST_P(ClaimStoreContract, a_claim_goes_when_its_time_is_over) {
  EXPECT_EQ(claim("k", "crashed", std::chrono::minutes(5)), std::nullopt);
  expire("k", std::chrono::minutes(5));
  EXPECT_EQ(claim("k", "next"), std::nullopt);
}

TEST_P(ClaimStoreContract, an_owner_who_comes_too_late_changes_nothing) {
  EXPECT_EQ(claim("k", "late", std::chrono::minutes(5)), std::nullopt);
  expire("k", std::chrono::minutes(5));
  EXPECT_EQ(claim("k", "next"), std::nullopt);
  EXPECT_FALSE(settle("k", "late", "answer of the late one"));
  EXPECT_FALSE(release("k", "late"));
  EXPECT_EQ(claim("k", "x"), "next");
}

TEST_P(ClaimStoreContract, a_claim_that_was_lost_is_settled_if_nobody_has_it_now) {
  EXPECT_EQ(claim("k", "mine", std::chrono::minutes(5)), std::nullopt);
  expire("k", std::chrono::minutes(5));
  EXPECT_TRUE(settle("k", "mine", "answer"));
  EXPECT_EQ(claim("k", "x"), "answer");
}

TEST_P(ClaimStoreContract, settling_with_itself_renews_it) {
  EXPECT_EQ(claim("k", "mine", std::chrono::minutes(5)), std::nullopt);
  EXPECT_TRUE(settle("k", "mine", "mine", hours(9)));
  if (!redis_) now_ += std::chrono::minutes(6);
  EXPECT_EQ(claim("k", "x"), "mine");
  expire("k", hours(9));
  EXPECT_EQ(claim("k", "x"), std::nullopt);
}

TEST_P(ClaimStoreContract, what_is_settled_lives_as_long_as_it_was_told) {
  EXPECT_EQ(claim("k", "mine", std::chrono::minutes(5)), std::nullopt);
  EXPECT_TRUE(settle("k", "mine", "answer", hours(24)));
  expire("k", hours(24));
  EXPECT_EQ(claim("k", "x"), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Stores, ClaimStoreContract, testing::Values(Kind::kMemory, Kind::kRedis),
                         [](const auto& p) { return p.param == Kind::kMemory ? "memory" : "redis"; });

TEST(RedisClaimStore, a_foreign_value_is_an_error_and_stays) {
  auto redis = std::make_shared<test::SyncRedis>(server().socket(), "foreign:");
  const std::array<std::string_view, 3> push{"RPUSH", "foreign:k", "x"};
  EXPECT_TRUE(redis->ask(push).ok());
  RedisClaimStore store(redis);
  EXPECT_FALSE(now_done(store.claim("k", blob("mine"), hours(1), nullptr)).ok());
  EXPECT_FALSE(now_done(store.settle("k", blob("mine"), blob("answer"), hours(1), nullptr)).ok());
  EXPECT_FALSE(now_done(store.release("k", blob("mine"), nullptr)).ok());
  const std::array<std::string_view, 2> length{"LLEN", "foreign:k"};
  EXPECT_EQ(redis->ask(length)->integer, 1);
}

TEST(RedisClaimStore, of_two_connections_one_claims) {
  auto one = std::make_shared<test::SyncRedis>(server().socket(), "two:");
  auto two = std::make_shared<test::SyncRedis>(server().socket(), "two:");
  RedisClaimStore first(one), second(two);
  EXPECT_EQ(*now_done(first.claim("k", blob("1"), hours(1), nullptr)), nullptr);
  EXPECT_EQ(**now_done(second.claim("k", blob("2"), hours(1), nullptr)), "1");
}

}  // namespace
}  // namespace vg::store
