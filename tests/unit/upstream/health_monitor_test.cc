// Active checks. The clock is moved from one to the next.
#include "upstream/health_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "support/loop.h"
#include "support/scripted_upstream.h"
#include "unit/upstream/settings.h"

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using vg::test::RefusingPort;
using vg::test::ScriptedUpstream;

class HealthMonitorTest : public testing::Test {
 protected:
  void TearDown() override {
    monitor_->stop();
    loop_.run_until([&] { return monitor_->running() == 0; });
  }
  std::shared_ptr<Upstream> upstream(uint16_t port) {
    config::UpstreamSettings s = test::settings({port});
    s.health = health_;
    return std::make_shared<Upstream>(std::move(s));
  }
  /// Moves on to the next check of `u`, and past its end.
  void check(Upstream& u) {
    const uint64_t before = u.endpoint(0).health.checks();
    loop_.advance(health_.interval + 1ms);
    loop_.run_until([&] { return u.endpoint(0).health.checks() == before + 1; });
  }
  void checks(Upstream& u, int times) {
    for (int i = 0; i < times; ++i) check(u);
  }
  static bool healthy(const Upstream& u) { return u.endpoint(0).health.healthy(); }

  vg::test::Loop loop_;
  ScriptedUpstream server_{loop_.get()};
  config::HealthSettings health_ = [] {
    config::HealthSettings s;
    s.path = "/healthz?full=1";
    s.interval = 1h;
    s.timeout = 10min;
    s.unhealthy_after = 3;
    s.healthy_after = 2;
    return s;
  }();
  size_t ended_ = 0;
  std::unique_ptr<HealthMonitor> monitor_ = std::make_unique<HealthMonitor>(loop_.get(), nullptr, [this] { ++ended_; });
};

TEST_F(HealthMonitorTest, AsksByAGetThatSaysWhoItIsAndClosesBehindTheHead) {
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  check(*u);
  EXPECT_THAT(server_.requests.at(0), StartsWith("GET /healthz?full=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(server_.requests.at(0), HasSubstr("(health check)\r\n"));
  EXPECT_THAT(server_.requests.at(0), HasSubstr("\r\nConnection: close\r\n"));
  loop_.run_until([&] { return server_.open_connections() == 0; });
  EXPECT_EQ(u->endpoint(0).attempts, 0u) << "a check is no request";
}

TEST_F(HealthMonitorTest, TheFirstCheckComesWithinTheIntervalAndThenOneAnInterval) {
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  checks(*u, 4);
  EXPECT_EQ(server_.requests.size(), 4u);
  loop_.advance(59min);
  EXPECT_EQ(server_.requests.size(), 4u);
}

TEST_F(HealthMonitorTest, SoManyFailuresInARowMakeItUnhealthyAndSoManySuccessesHealthyAgain) {
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  const auto bad = ScriptedUpstream::status(503), good = ScriptedUpstream::status(204);
  server_.script = {bad, bad, good, bad, bad, bad, good, bad, good, good};
  checks(*u, 5);
  EXPECT_TRUE(healthy(*u)) << "never three in a row";
  check(*u);
  EXPECT_FALSE(healthy(*u));
  checks(*u, 3);
  EXPECT_FALSE(healthy(*u)) << "never two in a row";
  check(*u);
  EXPECT_TRUE(healthy(*u));
  EXPECT_EQ(u->endpoint(0).health.failed(), 6u);
}

TEST_F(HealthMonitorTest, OnlyTwoHundredsAreHealthy) {
  health_.unhealthy_after = health_.healthy_after = 1;
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  for (const auto& [code, good] :
       {std::pair{200, true}, {301, false}, {299, true}, {404, false}, {204, true}, {500, false}}) {
    server_.script = {ScriptedUpstream::status(code)};
    check(*u);
    EXPECT_EQ(healthy(*u), good) << code;
  }
}

TEST_F(HealthMonitorTest, AnInterimAnswerIsNotTheAnswer) {
  health_.unhealthy_after = 1;
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  server_.script = {
      ScriptedUpstream::say("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")};
  check(*u);
  EXPECT_FALSE(healthy(*u));
}

TEST_F(HealthMonitorTest, WhatIsNoAnswerIsAFailure) {
  health_.unhealthy_after = health_.healthy_after = 1;
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  for (const auto& act : {ScriptedUpstream::hang_up(), ScriptedUpstream::reset(), ScriptedUpstream::say("SMTP\r\n\r\n"),
                          ScriptedUpstream::say_and_end("HTTP/1.1 200 OK\r\nContent-")}) {
    server_.script = {act};
    check(*u);
    EXPECT_FALSE(healthy(*u));
    server_.script = {ScriptedUpstream::status(200)};
    check(*u);
    EXPECT_TRUE(healthy(*u));
  }
}

TEST_F(HealthMonitorTest, SilenceIsAFailureOnceTheTimeIsUp) {
  health_.unhealthy_after = 1;
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  server_.script = {ScriptedUpstream::silence()};
  loop_.advance(1h + 1ms);
  loop_.run_until([&] { return server_.requests.size() == 1; });
  loop_.advance(9min);
  EXPECT_EQ(u->endpoint(0).health.checks(), 0u);
  loop_.advance(2min);
  loop_.run_until([&] { return u->endpoint(0).health.checks() == 1; });
  EXPECT_FALSE(healthy(*u));
}

TEST_F(HealthMonitorTest, ARefusedConnectionIsAFailure) {
  health_.unhealthy_after = 1;
  const RefusingPort nobody;
  const auto u = upstream(nobody.port());
  monitor_->watch({u});
  check(*u);
  EXPECT_FALSE(healthy(*u));
}

TEST_F(HealthMonitorTest, WhatIsNoLongerWatchedIsNoLongerAskedAndTheOthersGoOn) {
  ScriptedUpstream other(loop_.get());
  const auto leaves = upstream(server_.port()), stays = upstream(other.port());
  monitor_->watch({leaves, stays});
  checks(*stays, 2);
  loop_.run_until([&] { return leaves->endpoint(0).health.checks() == 2; });
  monitor_->watch({stays});
  checks(*stays, 3);
  EXPECT_EQ(server_.requests.size(), 2u);
  EXPECT_EQ(other.requests.size(), 5u) << "not begun anew";
  loop_.run_until([&] { return monitor_->running() == 1; });
}

TEST_F(HealthMonitorTest, UpstreamsThatDoNotAskForItAreNotChecked) {
  const auto u = std::make_shared<Upstream>(test::settings({server_.port()}));
  monitor_->watch({u});
  EXPECT_EQ(monitor_->running(), 0u);
}

TEST_F(HealthMonitorTest, AStopEndsACheckUnderWayAndTellsOnce) {
  const auto u = upstream(server_.port());
  monitor_->watch({u});
  server_.script = {ScriptedUpstream::silence()};
  loop_.advance(1h + 1ms);
  loop_.run_until([&] { return server_.requests.size() == 1; });
  monitor_->stop();
  loop_.run_until([&] { return ended_ == 1; });
  EXPECT_EQ(monitor_->running(), 0u);
  EXPECT_EQ(u->endpoint(0).health.checks(), 0u) << "it says nothing of the endpoint";
  loop_.run_until([&] { return server_.open_connections() == 0; });
}

}  // namespace
}  // namespace vg::upstream
