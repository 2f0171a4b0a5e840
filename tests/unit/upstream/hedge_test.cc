// A call that may be made twice. The clock is moved: no test waits for the hedge's time.
#include "upstream/hedge.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "support/loop.h"
#include "support/scripted_upstream.h"
#include "unit/upstream/settings.h"

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;
using vg::test::ScriptedUpstream;

constexpr char kFast[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfast";
constexpr char kSlow[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow";

class PlainRequest final : public Request {
 public:
  Result<void> append_head(const Endpoint& endpoint, std::string& out) override {
    out.append(method == http::Method::kPost ? "POST" : "GET").append(" /x HTTP/1.1\r\nHost: ");
    out.append(endpoint.settings.authority).append("\r\n");
    return {};
  }
};

class HedgeTest : public testing::Test {
 protected:
  HedgeTest() {
    exchange_.loop = loop_.get();
    settings_.hedge = 1min;
    settings_.retry.attempts = 0;
    settings_.timeout = 24h;
    request_.collect_bytes = 1000;
    for (ScriptedUpstream* s : {&one_, &two_}) s->otherwise = ScriptedUpstream::silence();
  }
  void TearDown() override {
    call_.reset();
    pool_.reset();
  }
  /// Makes the call, and waits until the first endpoint has got it.
  void begin() {
    upstream_ = std::make_shared<Upstream>(settings_);
    pool_ = Pool::create(loop_.get(), nullptr, upstream_, 0, &metrics_);
    call_ = calls_.take();
    scope_.spawn(vg::test::keep_result(fetch(call_, pool_.get(), request_, exchange_, stats_, 24h), &result_));
    loop_.run_until([&] { return asked() == 1; });
    first_ = one_.requests.empty() ? &two_ : &one_;
    second_ = first_ == &one_ ? &two_ : &one_;
  }
  size_t asked() const { return one_.requests.size() + two_.requests.size(); }
  void until_second() {
    loop_.advance(61s);
    loop_.run_until([&] { return asked() == 2; });
  }
  Result<void> end() {
    loop_.run_until([&] { return result_.has_value() && scope_.running() == 0; });
    return *result_;
  }
  static void answer(ScriptedUpstream* s, const char* text) { s->connection(0).send(text); }
  bool closed(ScriptedUpstream* s) {
    return loop_.run_until([&] { return s->open_connections() == 0; });
  }

  vg::test::Loop loop_;
  ScriptedUpstream one_{loop_.get()}, two_{loop_.get()};
  config::UpstreamSettings settings_ = test::settings({one_.port(), two_.port()});
  observe::UpstreamMetrics metrics_;
  std::shared_ptr<Upstream> upstream_;
  std::shared_ptr<Pool> pool_;
  http::Exchange exchange_;
  Call::Cache calls_;
  CallPtr call_;
  CallStats stats_;
  PlainRequest request_;
  std::optional<Result<void>> result_;
  coro::Scope scope_;
  ScriptedUpstream* first_ = nullptr;
  ScriptedUpstream* second_ = nullptr;
};

TEST_F(HedgeTest, AnAnswerWithinItsTimeIsTheOnlyAttempt) {
  begin();
  loop_.advance(50s);
  answer(first_, kFast);
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(call_->text(), "fast");
  loop_.advance(1min);
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(stats_.attempts, 1u);
}

TEST_F(HedgeTest, BehindItsTimeAnotherEndpointIsAskedAndTheFirstAnswerCounts) {
  begin();
  until_second();
  ASSERT_EQ(second_->requests.size(), 1u) << "on the other endpoint";
  answer(second_, kFast);
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(call_->text(), "fast");
  EXPECT_EQ(stats_.attempts, 2u);
  EXPECT_EQ(metrics_.hedges_won.value(), 1u);
  EXPECT_TRUE(closed(first_)) << "the one that lost is given up";
}

TEST_F(HedgeTest, TheFirstOneMayStillWin) {
  begin();
  until_second();
  answer(first_, kSlow);
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(call_->text(), "slow");
  EXPECT_EQ(metrics_.hedges_won.value(), 0u);
  EXPECT_TRUE(closed(second_));
}

TEST_F(HedgeTest, AFailureOfTheOneLeavesTheOtherRunning) {
  begin();
  until_second();
  answer(second_, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  loop_.run_until([&] { return upstream_->endpoint(0).outstanding + upstream_->endpoint(1).outstanding == 1; });
  EXPECT_FALSE(result_.has_value());
  answer(first_, kSlow);
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(call_->text(), "slow");
}

TEST_F(HedgeTest, OfTwoFailuresTheFirstCallsIsTold) {
  begin();
  until_second();
  second_->connection(0).reset();
  answer(first_, "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(call_->head().status, 502);
}

TEST_F(HedgeTest, AFirstOneThatFailsEarlyIsNotHedged) {
  begin();
  first_->connection(0).reset();
  EXPECT_EQ(end().error().kind, ErrorKind::kReset);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(HedgeTest, ItIsForSafeMethodsAlone) {
  request_.method = http::Method::kPost;
  begin();
  loop_.advance(2min);
  answer(first_, kSlow);
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(asked(), 1u);
}

TEST_F(HedgeTest, WithoutBudgetThereIsNoSecondOne) {
  begin();
  while (upstream_->budget().try_retry(loop_.get()->now() + 61s, 0)) {
  }
  settings_.retry.budget_percent = 0;
  config::RetrySettings none = settings_.retry;
  request_.retry = &none;
  loop_.advance(61s);
  answer(first_, kSlow);
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(metrics_.retries_refused.value(), 1u);
}

TEST_F(HedgeTest, AClientThatLeavesEndsBoth) {
  begin();
  until_second();
  exchange_.cancel.cancel(ErrorKind::kCancelled);
  EXPECT_EQ(end().error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(closed(first_));
  EXPECT_TRUE(closed(second_));
}

TEST_F(HedgeTest, TheCallsTimeBoundsBoth) {
  settings_.timeout = 5min;
  begin();
  until_second();
  loop_.advance(3min);
  EXPECT_FALSE(result_.has_value());
  loop_.advance(61s);
  loop_.run_until([&] { return upstream_->endpoint(0).outstanding + upstream_->endpoint(1).outstanding < 2; });
  loop_.advance(61s);
  EXPECT_EQ(end().error().kind, ErrorKind::kTimeout);
}

}  // namespace
}  // namespace vg::upstream
