#include "policy/idempotency_claim.h"

#include <gtest/gtest.h>

#include "support/loop.h"

namespace vg::policy {
namespace {

using Kind = IdempotencyRecord::Kind;
using store::Blob;

// What it was asked, and what it answers.
struct Scripted final : store::ClaimStore {
  struct Settled {
    Blob mine, value;
    Duration ttl;
  };
  std::vector<Settled> settled;
  std::vector<Result<bool>> answers;  // of settle(), the last one for ever
  std::optional<Error> claim_fails;
  int released = 0;

  coro::Task<Result<Blob>> claim(std::string, Blob, Duration, coro::CancelSource*) override {
    if (claim_fails) co_return *claim_fails;
    co_return Blob();
  }
  coro::Task<Result<bool>> settle(std::string, Blob mine, Blob value, Duration ttl, coro::CancelSource*) override {
    settled.push_back(Settled{mine, value, ttl});
    if (answers.empty()) co_return true;
    const Result<bool> answer = answers.front();
    if (answers.size() > 1) answers.erase(answers.begin());
    co_return answer;
  }
  coro::Task<Result<bool>> release(std::string, Blob, coro::CancelSource*) override {
    ++released;
    co_return true;
  }
  Kind kind(size_t i) const { return IdempotencyRecord::of(*settled[i].value)->kind; }
};

struct ClaimTest : testing::Test {
  ClaimTest() {
    services.loop = loop.get();
    ctx.loop = loop.get();
    ctx.services = &services;
  }
  ~ClaimTest() override { services.background.cancel_all(); }
  static Blob answer(const IdempotencyClaim& of) {
    IdempotencyRecord record = of.record(Kind::kAnswer);
    record.status = 201;
    record.content = "content";
    return record.pack();
  }

  test::Loop loop;
  pipeline::LoopServices services;
  pipeline::Context ctx;
  std::shared_ptr<Scripted> store = std::make_shared<Scripted>();
  IdempotencyClaim claim{ctx, store, "k", std::string(32, 'f')};
};

TEST_F(ClaimTest, is_renewed_as_itself_until_it_is_joined) {
  claim.keep_renewed(std::chrono::milliseconds(2));
  loop.run_until([&] { return store->settled.size() >= 3; });
  loop.run(claim.join());
  const size_t renewed = store->settled.size();
  for (size_t i = 0; i < renewed; ++i) {
    EXPECT_EQ(store->settled[i].mine, store->settled[i].value);
    EXPECT_EQ(store->kind(i), Kind::kUnderWay);
    EXPECT_EQ(store->settled[i].ttl, IdempotencyClaim::kLease);
  }
  loop.run(claim.settle(answer(claim), std::chrono::hours(24)));
  ASSERT_EQ(store->settled.size(), renewed + 1) << "no renewal comes behind it";
  EXPECT_EQ(store->kind(renewed), Kind::kAnswer);
  EXPECT_EQ(store->settled[renewed].ttl, std::chrono::hours(24));
}

TEST_F(ClaimTest, a_renewal_that_fails_is_followed_by_another) {
  store->answers = {Error(ErrorKind::kTimeout, "late"), true};
  claim.keep_renewed(std::chrono::milliseconds(1));
  loop.run_until([&] { return store->settled.size() >= 2; });
  loop.run(claim.join());
}

TEST_F(ClaimTest, an_answer_that_has_no_room_is_remembered_as_done) {
  for (const ErrorKind kind : {ErrorKind::kOverload, ErrorKind::kStatus}) {
    store->settled.clear();
    store->answers = {Error(kind, "full"), true};
    loop.run(claim.settle(answer(claim), std::chrono::hours(1)));
    ASSERT_EQ(store->settled.size(), 2U);
    EXPECT_EQ(store->kind(0), Kind::kAnswer);
    EXPECT_EQ(store->kind(1), Kind::kNoAnswer);
    EXPECT_EQ(services.background.running(), 0U);
  }
}

TEST_F(ClaimTest, an_answer_that_could_not_be_told_is_told_later) {
  store->answers = {Error(ErrorKind::kConnect, "down"), true};
  loop.run(claim.settle(answer(claim), std::chrono::hours(1)));
  EXPECT_EQ(store->settled.size(), 1U);
  EXPECT_EQ(services.background.running(), 1U);
  loop.run_until([&] { return services.background.running() == 0; });
  ASSERT_EQ(store->settled.size(), 2U);
  EXPECT_EQ(store->kind(1), Kind::kAnswer);
}

TEST_F(ClaimTest, what_may_have_been_claimed_all_the_same_is_released) {
  store->claim_fails = Error(ErrorKind::kTimeout, "late");
  EXPECT_FALSE(loop.run(claim.take()).ok());
  EXPECT_EQ(store->released, 1);
  store->claim_fails = Error(ErrorKind::kConnect, "down");
  EXPECT_FALSE(loop.run(claim.take()).ok());
  EXPECT_EQ(store->released, 1) << "it can't have been";
}

TEST_F(ClaimTest, two_claims_are_told_apart) {
  const IdempotencyClaim other(ctx, store, "k", std::string(32, 'f'));
  EXPECT_NE(*claim.record(Kind::kUnderWay).pack(), *other.record(Kind::kUnderWay).pack());
}

}  // namespace
}  // namespace vg::policy
