// A chain of policies around a view, and what a context offers to templates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "pipeline/view.h"
#include "support/loop.h"
#include "support/request.h"

namespace vg::pipeline {
namespace {

using testing::ElementsAre;
using Log = std::vector<std::string>;

class NotingView final : public View {
 public:
  NotingView(Log* log, std::optional<Error> error = std::nullopt) : log_(log), error_(std::move(error)) {}
  coro::Task<Result<void>> run(Context& ctx) const override {
    log_->push_back("view");
    if (error_) co_return *error_;
    ctx.response.status = 200;
    co_return Result<void>();
  }

 private:
  Log* log_;
  std::optional<Error> error_;
};

class NotingPolicy final : public Policy {
 public:
  NotingPolicy(std::string name, Log* log, uint16_t answers = 0)
      : name_(std::move(name)), log_(log), answers_(answers) {}
  coro::Task<Result<void>> run(Context& ctx, Next next) const override {
    log_->push_back(name_ + " down");
    if (answers_ != 0) {
      ctx.response.status = answers_;
      co_return Result<void>();
    }
    Result<void> result = co_await next.run(ctx);
    log_->push_back(name_ + (result ? " up " + std::to_string(ctx.response.status) : " failed"));
    co_return std::move(result);
  }

 private:
  std::string name_;
  Log* log_;
  uint16_t answers_;
};

class ChainTest : public testing::Test {
 protected:
  void add(std::string name, uint16_t answers = 0) {
    policies_.push_back(std::make_unique<NotingPolicy>(std::move(name), &log_, answers));
  }
  Result<void> run(const View& view) { return loop_.run(Next(policies_, &view).run(ctx_)); }

  vg::test::Loop loop_;
  Log log_;
  std::vector<std::unique_ptr<Policy>> policies_;
  Context ctx_;
};

TEST_F(ChainTest, WithoutPoliciesTheViewAnswers) {
  EXPECT_TRUE(run(NotingView(&log_)).ok());
  EXPECT_THAT(log_, ElementsAre("view"));
  EXPECT_EQ(ctx_.response.status, 200);
}

TEST_F(ChainTest, PoliciesRunDownInTheirOrderAndUpInReverse) {
  add("outer");
  add("inner");
  EXPECT_TRUE(run(NotingView(&log_)).ok());
  EXPECT_THAT(log_, ElementsAre("outer down", "inner down", "view", "inner up 200", "outer up 200"));
}

TEST_F(ChainTest, APolicyThatAnswersKeepsTheRestFromRunning) {
  add("outer");
  add("gate", 403);
  add("inner");
  EXPECT_TRUE(run(NotingView(&log_)).ok());
  EXPECT_THAT(log_, ElementsAre("outer down", "gate down", "outer up 403"));
}

TEST_F(ChainTest, AnErrorPassesThroughAll) {
  add("outer");
  const Result<void> result = run(NotingView(&log_, Error(ErrorKind::kReset, "gone")));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kReset);
  EXPECT_THAT(log_, ElementsAre("outer down", "view", "outer failed"));
}

TEST(Context, OffersTheRequestToTemplates) {
  Context ctx;
  vg::test::parse_get(ctx.request, "/a%20b?page=2", {"X-Tag: one", "x-tag: two", "Cookie: a=1; b=2", "Cookie: c=3"});
  ctx.params.add(ctx.request.path().substr(1), true);
  ctx.set_client_ip("192.0.2.7");
  ctx.set_request_id("id-7");
  EXPECT_EQ(ctx.query_string(), "page=2");
  EXPECT_EQ(ctx.header("x-tag"), "one");
  EXPECT_EQ(ctx.header("x-none"), std::nullopt);
  EXPECT_EQ(ctx.cookie("b"), "2");
  EXPECT_EQ(ctx.cookie("c"), "3") << "cookies may come in several fields";
  EXPECT_EQ(ctx.cookie("d"), std::nullopt);
  EXPECT_EQ(ctx.param(0).raw, "a%20b");
  EXPECT_TRUE(ctx.param(0).encoded);
  EXPECT_EQ(ctx.client_ip(), "192.0.2.7");
  EXPECT_EQ(ctx.request_id(), "id-7");
}

TEST(Context, ClearedItKnowsNothingOfTheRequestBefore) {
  Context ctx;
  ctx.params.add("x", false);
  ctx.set_client_ip("192.0.2.7");
  ctx.set_request_id("id-7");
  ctx.trusted_peer = ctx.secure = ctx.client_gone = ctx.cut = true;
  ctx.failure = ErrorKind::kReset;
  ctx.failure_internal = "connect to 10.0.0.1";
  ctx.call.attempts = 3;
  ctx.sent_bytes = 5;
  ctx.response.status = 200;
  ctx.response.text = "secret";
  ctx.response.own.add("Set-Cookie", "a=b");
  ctx.cancel.cancel(ErrorKind::kCancelled);
  ctx.side_cancel.cancel(ErrorKind::kCancelled);
  ctx.clear();
  EXPECT_EQ(ctx.params.size(), 0u);
  EXPECT_EQ(ctx.client_ip(), "");
  EXPECT_EQ(ctx.request_id(), "");
  EXPECT_FALSE(ctx.trusted_peer || ctx.secure || ctx.client_gone || ctx.cut);
  EXPECT_EQ(ctx.failure, ErrorKind::kNone);
  EXPECT_EQ(ctx.failure_internal, "");
  EXPECT_EQ(ctx.call.attempts, 0u);
  EXPECT_EQ(ctx.sent_bytes, 0u);
  EXPECT_EQ(ctx.response.status, 0);
  EXPECT_EQ(ctx.response.content(), "");
  EXPECT_TRUE(ctx.response.own.fields().empty());
  EXPECT_FALSE(ctx.cancel.cancelled());
  EXPECT_FALSE(ctx.side_cancel.cancelled());
}

TEST(LoopTablePtr, TheLastUserDeletesTheTable) {
  auto table = std::make_shared<int>(7);
  const std::weak_ptr<int> alive = table;
  auto* made = new LoopTable;
  made->table = std::move(table);
  LoopTablePtr first(made);
  LoopTablePtr second = first;
  LoopTablePtr moved = std::move(first);
  EXPECT_FALSE(static_cast<bool>(first));  // NOLINT: what a move leaves behind
  moved.reset();
  EXPECT_FALSE(alive.expired());
  second = LoopTablePtr();
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace vg::pipeline
