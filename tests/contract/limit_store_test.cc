// What every LimitStore promises (store/limit_store.h), in memory and in a real Redis, on a clock that the test moves.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <random>

#include "store/memory_limit_store.h"
#include "store/redis_limit_store.h"
#include "support/loop.h"
#include "support/redis_server.h"
#include "support/sync_redis.h"

namespace vg::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Kind : uint8_t { kMemory, kRedis };

// One server for all tests; each begins with it empty.
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

class LimitStoreContract : public testing::TestWithParam<Kind> {
 protected:
  LimitStoreContract() {
    if (GetParam() == Kind::kMemory) {
      store_ = std::make_unique<MemoryLimitStore>(1 << 12, Duration::zero());
      return;
    }
    redis_ = std::make_unique<test::SyncRedis>(server().socket());
    const std::array<std::string_view, 1> flush{"FLUSHALL"};
    EXPECT_TRUE(redis_->ask(flush).ok());
    store_ = std::make_unique<RedisLimitStore>(redis_.get(), RedisLimitStore::Time::kOfCaller);
  }

  static LimitCounter counter(LimitAlgorithm algorithm, uint32_t limit, Duration window, uint32_t burst = 0,
                              const std::string& name = "c") {
    LimitRule rule;
    rule.algorithm = algorithm;
    rule.limit = limit;
    rule.window = window;
    rule.burst = burst;
    return LimitCounter(name, rule);
  }
  bool admit(std::span<const LimitAsk> asks) {
    const Result<bool> admitted = now_done(store_->admit(asks, std::span(states_).first(asks.size()), now_, nullptr));
    EXPECT_TRUE(admitted.ok());
    return admitted.ok() && *admitted;
  }
  bool admit(const LimitCounter& c, std::string_view key = "k") {
    const std::array<LimitAsk, 1> asks{LimitAsk{&c, key, false, false}};
    return admit(asks);
  }
  int admitted_of(int tries, const LimitCounter& c, std::string_view key = "k") {
    int out = 0;
    for (int i = 0; i < tries; ++i) out += admit(c, key) ? 1 : 0;
    return out;
  }
  void advance(Duration d) { now_ += d; }
  const LimitState& state(size_t i = 0) const { return states_[i]; }

  TimePoint now_{std::chrono::hours(24 * 20000)};  // midnight
  std::array<LimitState, LimitStore::kMostAsks> states_;
  std::unique_ptr<test::SyncRedis> redis_;
  std::unique_ptr<LimitStore> store_;
};

constexpr auto kSliding = LimitAlgorithm::kSlidingWindow;
constexpr auto kBucket = LimitAlgorithm::kTokenBucket;
constexpr auto kFixed = LimitAlgorithm::kFixedWindow;

TEST_P(LimitStoreContract, admits_exactly_the_limit) {
  for (const LimitAlgorithm a : {kSliding, kBucket, kFixed}) {
    EXPECT_EQ(admitted_of(150, counter(a, 100, seconds(60))), 100) << to_string(a);
  }
}

TEST_P(LimitStoreContract, tells_what_remains_and_when_to_come_again) {
  const LimitCounter c = counter(kSliding, 2, seconds(16));
  EXPECT_TRUE(admit(c));
  EXPECT_EQ(state().remaining, 1U);
  EXPECT_EQ(state().reset, seconds(17)) << "a sixteenth more than the window";
  EXPECT_EQ(state().retry_after, Duration::zero());
  advance(seconds(3));
  EXPECT_TRUE(admit(c));
  EXPECT_EQ(state().remaining, 0U);
  EXPECT_FALSE(admit(c));
  EXPECT_FALSE(state().admits);
  EXPECT_EQ(state().remaining, 0U);
  EXPECT_EQ(state().retry_after, seconds(14));
  advance(state().retry_after - milliseconds(1));
  EXPECT_FALSE(admit(c));
  advance(milliseconds(1));
  EXPECT_TRUE(admit(c)) << "exactly when it was told";
}

TEST_P(LimitStoreContract, a_sliding_window_gives_back_by_sixteenths) {
  const LimitCounter c = counter(kSliding, 32, seconds(16));
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(admitted_of(2, c), 2);
    advance(seconds(1));
  }
  EXPECT_EQ(admitted_of(5, c), 0) << "the seventeenth sixteenth";
  for (int i = 0; i < 20; ++i) {
    advance(seconds(1));
    EXPECT_EQ(admitted_of(5, c), i < 16 ? 2 : i == 16 ? 0 : 2) << i;
  }
}

TEST_P(LimitStoreContract, a_sliding_window_is_empty_after_a_pause) {
  const LimitCounter c = counter(kSliding, 10, seconds(60));
  EXPECT_EQ(admitted_of(20, c), 10);
  advance(seconds(3600));
  EXPECT_EQ(admitted_of(20, c), 10);
}

TEST_P(LimitStoreContract, a_bucket_admits_its_burst_then_its_rate) {
  const LimitCounter c = counter(kBucket, 60, seconds(60), 5);
  EXPECT_EQ(admitted_of(20, c), 5);
  EXPECT_EQ(state().retry_after, seconds(1));
  EXPECT_EQ(state().reset, seconds(5));
  advance(milliseconds(999));
  EXPECT_FALSE(admit(c));
  advance(milliseconds(1));
  EXPECT_TRUE(admit(c));
  EXPECT_FALSE(admit(c));
  advance(seconds(3));
  EXPECT_EQ(admitted_of(10, c), 3);
  advance(seconds(1000));
  EXPECT_EQ(admitted_of(10, c), 5) << "never more than the burst";
}

TEST_P(LimitStoreContract, a_bucket_s_burst_may_exceed_its_limit) {
  EXPECT_EQ(admitted_of(50, counter(kBucket, 1, seconds(1), 30)), 30);
}

TEST_P(LimitStoreContract, a_bucket_of_thirds_does_not_drift) {
  const LimitCounter c = counter(kBucket, 3, seconds(1), 1);
  int admitted = 0;
  for (int i = 0; i < 3000; ++i) {
    admitted += admit(c) ? 1 : 0;
    advance(milliseconds(10));
  }
  EXPECT_GE(admitted, 88);
  EXPECT_LE(admitted, 91);
}

TEST_P(LimitStoreContract, a_fixed_window_begins_by_the_clock) {
  advance(seconds(50));
  const LimitCounter c = counter(kFixed, 3, seconds(60));
  EXPECT_EQ(admitted_of(5, c), 3);
  EXPECT_EQ(state().retry_after, seconds(10));
  EXPECT_EQ(state().reset, seconds(10));
  advance(seconds(10));
  EXPECT_EQ(admitted_of(5, c), 3);
  EXPECT_EQ(state().reset, seconds(60));
}

TEST_P(LimitStoreContract, keys_and_counters_are_apart) {
  const LimitCounter a = counter(kSliding, 1, seconds(60), 0, "a"), b = counter(kSliding, 1, seconds(60), 0, "b");
  EXPECT_TRUE(admit(a, "x"));
  EXPECT_TRUE(admit(a, "y"));
  EXPECT_TRUE(admit(b, "x"));
  EXPECT_FALSE(admit(a, "x"));
  EXPECT_FALSE(admit(b, "x"));
  EXPECT_TRUE(admit(a, ""));
  EXPECT_TRUE(admit(a, std::string_view("x\0", 2)));
  EXPECT_TRUE(admit(a, std::string(5000, 'x')));
  EXPECT_FALSE(admit(a, std::string(5000, 'x')));
}

TEST_P(LimitStoreContract, a_secret_key_is_not_the_plain_one) {
  const LimitCounter c = counter(kSliding, 1, seconds(60));
  const std::array<LimitAsk, 1> secret{LimitAsk{&c, "token", true, false}};
  EXPECT_TRUE(admit(secret));
  EXPECT_FALSE(admit(secret));
  if (GetParam() != Kind::kRedis) return;
  const std::array<std::string_view, 2> keys{"KEYS", "*token*"};
  EXPECT_TRUE(redis_->ask(keys)->items.empty());
}

TEST_P(LimitStoreContract, a_refused_list_counts_nowhere) {
  const LimitCounter wide = counter(kSliding, 10, seconds(60), 0, "wide"), narrow = counter(kBucket, 3, seconds(60));
  const std::array<LimitAsk, 2> both{LimitAsk{&wide, "k", false, false}, LimitAsk{&narrow, "k", false, false}};
  int admitted = 0;
  for (int i = 0; i < 20; ++i) admitted += admit(both) ? 1 : 0;
  EXPECT_EQ(admitted, 3);
  EXPECT_TRUE(state(0).admits);
  EXPECT_FALSE(state(1).admits);
  EXPECT_EQ(state(0).remaining, 7U);
  EXPECT_EQ(admitted_of(20, wide), 7);
}

TEST_P(LimitStoreContract, an_advisory_limit_refuses_nothing) {
  const LimitCounter tried = counter(kFixed, 2, seconds(60), 0, "tried"), real = counter(kSliding, 5, seconds(60));
  const std::array<LimitAsk, 2> both{LimitAsk{&tried, "k", false, true}, LimitAsk{&real, "k", false, false}};
  int admitted = 0;
  for (int i = 0; i < 8; ++i) admitted += admit(both) ? 1 : 0;
  EXPECT_EQ(admitted, 5);
  EXPECT_FALSE(state(0).admits);
  EXPECT_EQ(state(0).remaining, 0U);
}

TEST_P(LimitStoreContract, a_new_limit_goes_on_with_the_counts_a_new_window_does_not) {
  EXPECT_EQ(admitted_of(4, counter(kSliding, 10, seconds(60))), 4);
  EXPECT_EQ(admitted_of(20, counter(kSliding, 6, seconds(60))), 2);
  EXPECT_EQ(admitted_of(20, counter(kSliding, 3, seconds(60))), 0);
  EXPECT_EQ(state().remaining, 0U);
  EXPECT_EQ(admitted_of(20, counter(kSliding, 3, seconds(3600))), 3);
  EXPECT_EQ(admitted_of(20, counter(kFixed, 3, seconds(60))), 3);
}

TEST_P(LimitStoreContract, a_clock_that_is_behind_never_admits_more) {
  for (const LimitAlgorithm a : {kSliding, kBucket, kFixed}) {
    const LimitCounter c = counter(a, 5, seconds(60), 0, "behind");
    EXPECT_EQ(admitted_of(5, c), 5);
    advance(-seconds(61));
    EXPECT_EQ(admitted_of(5, c), 0) << to_string(a);
    advance(seconds(61));
    EXPECT_EQ(admitted_of(5, c), 0) << to_string(a);
  }
}

// Against the requests themselves: whatever the times, no window of this length sees more than the limit, and what is
// refused had the limit within a window and a sixteenth.
TEST_P(LimitStoreContract, no_window_wherever_it_begins_sees_more_than_the_limit) {
  std::mt19937 random(4);
  for (int round = 0; round < (GetParam() == Kind::kMemory ? 200 : 10); ++round) {
    const auto limit = static_cast<uint32_t>(1 + random() % 40);
    const LimitCounter c = counter(kSliding, limit, seconds(60), 0, "random" + std::to_string(round));
    std::deque<TimePoint> admitted;
    for (int i = 0; i < 600; ++i) {
      const uint32_t pace = random() % 4;
      advance(milliseconds(pace == 0 ? 0 : pace == 3 ? random() % 20'000 : random() % 2'000));
      const auto within = [&](Duration d) {
        return static_cast<uint32_t>(
            std::count_if(admitted.begin(), admitted.end(), [&](TimePoint t) { return t > now_ - d; }));
      };
      if (admit(c)) {
        ASSERT_LT(within(seconds(60)), limit);
        admitted.push_back(now_);
      } else {
        ASSERT_GE(within(milliseconds(63'750)), limit) << "refused more than a sixteenth early";
      }
    }
  }
}

TEST_P(LimitStoreContract, a_bucket_admits_no_more_than_burst_and_rate_in_any_interval) {
  std::mt19937 random(5);
  const LimitCounter c = counter(kBucket, 100, seconds(60), 7);
  std::vector<TimePoint> admitted;
  for (int i = 0; i < 1500; ++i) {
    advance(milliseconds(random() % 900));
    if (admit(c)) admitted.push_back(now_);
  }
  for (size_t i = 0; i < admitted.size(); ++i) {
    for (size_t j = i; j < admitted.size(); ++j) {
      const double passed = std::chrono::duration<double>(admitted[j] - admitted[i]).count();
      ASSERT_LE(static_cast<double>(j - i + 1), 7 + passed * 100 / 60 + 1e-3);
    }
  }
  EXPECT_GT(admitted.size(), 1000U);
}

INSTANTIATE_TEST_SUITE_P(Stores, LimitStoreContract, testing::Values(Kind::kMemory, Kind::kRedis),
                         [](const auto& kind) { return kind.param == Kind::kMemory ? "memory" : "redis"; });

// Of Redis alone.
TEST(RedisLimitStore, keys_expire_by_themselves_and_begin_with_the_prefix) {
  test::SyncRedis redis(server().socket(), "shop:");
  RedisLimitStore store(&redis);
  LimitRule rule;
  rule.limit = 5;
  rule.window = seconds(60);
  const LimitCounter c("route:home:client_ip", rule);
  const std::array<LimitAsk, 1> asks{LimitAsk{&c, "192.0.2.1", false, false}};
  std::array<LimitState, 1> states;
  EXPECT_TRUE(*now_done(store.admit(asks, states, TimePoint(), nullptr)));
  const std::array<std::string_view, 2> ttl{"PTTL", "shop:limit:route:home:client_ip:sliding_window:60:=192.0.2.1"};
  const int64_t left = redis.ask(ttl)->integer;
  EXPECT_GT(left, 59'000);
  EXPECT_LE(left, 63'751);
}

TEST(RedisLimitStore, what_stands_there_and_is_no_count_is_an_error_or_nothing) {
  test::SyncRedis redis(server().socket(), "odd:");
  RedisLimitStore store(&redis);
  LimitRule rule;
  rule.limit = 5;
  rule.window = seconds(60);
  const LimitCounter c("c", rule);
  const std::array<LimitAsk, 1> asks{LimitAsk{&c, "k", false, false}};
  std::array<LimitState, 1> states;
  const std::array<std::string_view, 3> text{"SET", "odd:limit:c:sliding_window:60:=k", "nonsense"};
  EXPECT_TRUE(redis.ask(text).ok());
  EXPECT_TRUE(*now_done(store.admit(asks, states, TimePoint(), nullptr)));
  const std::array<std::string_view, 2> remove{"DEL", "odd:limit:c:sliding_window:60:=k"};
  EXPECT_TRUE(redis.ask(remove).ok());
  const std::array<std::string_view, 3> list{"RPUSH", "odd:limit:c:sliding_window:60:=k", "x"};
  EXPECT_TRUE(redis.ask(list).ok());
  EXPECT_FALSE(now_done(store.admit(asks, states, TimePoint(), nullptr)).ok());
}

// Answers the same to everything.
class FixedRedis final : public Redis {
 public:
  explicit FixedRedis(std::string text) : text_(std::move(text)) {}
  bool up() const override { return true; }
  const std::string& prefix() const override { return prefix_; }
  coro::Task<Result<Reply>> command(Words, coro::CancelSource*) override { co_return answer(); }
  coro::Task<Result<Reply>> eval(const Script&, Words, Words, coro::CancelSource*) override { co_return answer(); }

 private:
  Reply answer() const {
    Reply reply;
    reply.kind = Reply::Kind::kText;
    reply.text = text_;
    return reply;
  }
  std::string text_, prefix_ = "x:";
};

TEST(RedisLimitStore, an_answer_that_is_no_decision_is_an_error) {
  const auto number = [](double d) { return std::string(reinterpret_cast<const char*>(&d), sizeof d); };
  LimitRule rule;
  rule.limit = 5;
  rule.window = seconds(60);
  const LimitCounter c("c", rule);
  const std::array<LimitAsk, 1> asks{LimitAsk{&c, "k", false, false}};
  std::array<LimitState, 1> states;
  const auto answer = [&](std::string text) {
    FixedRedis redis(std::move(text));
    RedisLimitStore store(&redis);
    return now_done(store.admit(asks, states, TimePoint(), nullptr)).ok();
  };
  const std::string admits("1\1", 2), fine = number(4);
  EXPECT_TRUE(answer(admits + fine + fine + fine));
  EXPECT_EQ(states[0].remaining, 4u);
  EXPECT_EQ(states[0].reset, std::chrono::microseconds(4));
  EXPECT_FALSE(answer(admits + fine + fine));
  EXPECT_FALSE(answer(admits + fine + fine + fine + "x"));
  EXPECT_FALSE(answer("OK"));
  for (const double odd : {-1.0, std::nan(""), std::numeric_limits<double>::infinity(), 1e300}) {
    EXPECT_FALSE(answer(admits + number(odd) + fine + fine)) << odd;
    EXPECT_FALSE(answer(admits + fine + number(odd) + fine)) << odd;
    EXPECT_FALSE(answer(admits + fine + fine + number(odd))) << odd;
  }
}

}  // namespace
}  // namespace vg::store
