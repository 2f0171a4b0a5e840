#include "upstream/pool.h"

#include <gtest/gtest.h>

#include "support/loop.h"
#include "support/scripted_upstream.h"
#include "unit/upstream/settings.h"

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;
using vg::test::ScriptedUpstream;
using Acquired = Result<std::unique_ptr<Connection>>;

class PoolTest : public testing::Test {
 protected:
  void make(config::UpstreamSettings settings) {
    upstream_ = std::make_shared<Upstream>(std::move(settings));
    pool_ = Pool::create(loop_.get(), nullptr, upstream_, 0);
  }
  std::unique_ptr<Connection> acquire(size_t endpoint = 0, bool fresh = false) {
    Acquired got = loop_.run(pool_->acquire(endpoint, fresh, nullptr));
    EXPECT_TRUE(got.ok());
    return got ? std::move(got.value()) : nullptr;
  }
  void give_back(std::unique_ptr<Connection> connection) {
    pool_->give_back(std::move(connection));
    loop_.settle();
  }
  Acquired try_acquire(coro::CancelSource* cancel = nullptr) { return loop_.run(pool_->acquire(0, false, cancel)); }

  vg::test::Loop loop_;
  ScriptedUpstream a_{loop_.get()};
  ScriptedUpstream b_{loop_.get()};
  config::UpstreamSettings settings_ = test::settings({a_.port(), b_.port()});
  std::shared_ptr<Upstream> upstream_;
  std::shared_ptr<Pool> pool_;
};

TEST_F(PoolTest, AConnectionThatIsGivenBackIsUsedAgain) {
  make(settings_);
  auto c = acquire();
  Connection* const first = c.get();
  EXPECT_FALSE(c->reused);
  give_back(std::move(c));
  EXPECT_EQ(pool_->idle_count(), 1u);
  c = acquire();
  EXPECT_EQ(c.get(), first);
  EXPECT_TRUE(c->reused);
  EXPECT_EQ(pool_->idle_count(), 0u);
  EXPECT_EQ(upstream_->connections(), 1u);
}

TEST_F(PoolTest, TheOneUsedLastIsTakenFirst) {
  make(settings_);
  auto one = acquire();
  auto two = acquire();
  Connection* const last = two.get();
  give_back(std::move(one));
  give_back(std::move(two));
  EXPECT_EQ(pool_->take_idle(0).get(), last);
}

TEST_F(PoolTest, AFreshOneIsNewThoughOthersAreIdle) {
  make(settings_);
  give_back(acquire());
  const auto c = acquire(0, true);
  EXPECT_FALSE(c->reused);
  EXPECT_EQ(upstream_->connections(), 2u);
}

TEST_F(PoolTest, EndpointsDoNotMix) {
  make(settings_);
  give_back(acquire(0));
  EXPECT_EQ(pool_->take_idle(1), nullptr);
  const auto c = acquire(1);
  EXPECT_EQ(c->endpoint(), 1u);
  loop_.run_until([&] { return b_.connections() == 1; });
}

TEST_F(PoolTest, ADroppedConnectionGivesItsPlaceBack) {
  make(settings_);
  acquire();
  EXPECT_EQ(upstream_->connections(), 0u);
  loop_.run_until([&] { return a_.connections() == 1 && a_.connection(0).over(); });
}

TEST_F(PoolTest, WhatIsIdleForTooLongIsClosed) {
  settings_.pool.idle = 20ms;
  make(settings_);
  auto later = acquire(1);
  give_back(acquire(0));
  loop_.run_until([&] { return pool_->idle_count() == 0; });
  EXPECT_EQ(upstream_->connections(), 1u);
  give_back(std::move(later));
  EXPECT_EQ(pool_->idle_count(), 1u);
  loop_.run_until([&] { return pool_->idle_count() == 0; });
  EXPECT_EQ(upstream_->connections(), 0u);
}

TEST_F(PoolTest, AnIdleConnectionThatTheUpstreamClosesIsForgotten) {
  make(settings_);
  give_back(acquire());
  loop_.run_until([&] { return a_.connections() == 1; });
  a_.connection(0).end();
  loop_.run_until([&] { return pool_->idle_count() == 0; });
  EXPECT_EQ(upstream_->connections(), 0u);
}

TEST_F(PoolTest, AnIdleConnectionThatSpeaksUnaskedIsForgotten) {
  make(settings_);
  give_back(acquire());
  loop_.run_until([&] { return a_.connections() == 1; });
  a_.connection(0).send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  loop_.run_until([&] { return pool_->idle_count() == 0; });
}

TEST_F(PoolTest, AConnectionWithBytesNobodyReadIsNotKept) {
  make(settings_);
  auto c = acquire();
  loop_.run_until([&] { return a_.connections() == 1; });
  a_.connection(0).send("extra");
  loop_.run_until([&] { return !c->stream().data().empty(); });
  give_back(std::move(c));
  EXPECT_EQ(pool_->idle_count(), 0u);
  EXPECT_EQ(upstream_->connections(), 0u);
}

TEST_F(PoolTest, SheddingClosesTheLongestIdle) {
  make(settings_);
  auto one = acquire(0);
  auto two = acquire(1);
  give_back(std::move(one));
  give_back(std::move(two));
  pool_->shed_one(0);
  EXPECT_EQ(pool_->idle_count(), 1u);
  EXPECT_EQ(pool_->take_idle(0), nullptr);
  EXPECT_NE(pool_->take_idle(1), nullptr);
  pool_->shed_one(0);
}

TEST_F(PoolTest, AnIdleConnectionElsewhereMakesRoom) {
  settings_.pool.connections = 1;
  make(settings_);
  give_back(acquire(0));
  const auto c = acquire(1);
  EXPECT_EQ(c->endpoint(), 1u);
  EXPECT_EQ(upstream_->connections(), 1u);
}

coro::Task<void> take(Pool* pool, std::vector<Connection*>* order, std::vector<std::unique_ptr<Connection>>* held) {
  Acquired got = co_await pool->acquire(0, false, nullptr);
  EXPECT_TRUE(got.ok());
  if (!got) co_return;
  order->push_back(got->get());
  held->push_back(std::move(got.value()));
}

TEST_F(PoolTest, AtTheLimitAConnectionPassesFromHandToHand) {
  settings_.pool.connections = 1;
  make(settings_);
  auto c = acquire();
  Connection* const only = c.get();
  coro::Scope scope;
  std::vector<Connection*> order;
  std::vector<std::unique_ptr<Connection>> held;
  scope.spawn(take(pool_.get(), &order, &held));
  scope.spawn(take(pool_.get(), &order, &held));
  EXPECT_EQ(upstream_->waiting(), 2u);
  give_back(std::move(c));
  ASSERT_EQ(order, std::vector<Connection*>(1, only));
  EXPECT_EQ(pool_->idle_count(), 0u);
  give_back(std::move(held.front()));
  EXPECT_EQ(order, std::vector<Connection*>(2, only));
  EXPECT_EQ(scope.running(), 0u);
  loop_.run_until([&] { return a_.connections() == 1; });
}

TEST_F(PoolTest, ADroppedConnectionLetsAWaiterMakeItsOwn) {
  settings_.pool.connections = 1;
  make(settings_);
  auto c = acquire();
  coro::Scope scope;
  std::vector<Connection*> order;
  std::vector<std::unique_ptr<Connection>> held;
  scope.spawn(take(pool_.get(), &order, &held));
  c.reset();
  loop_.run_until([&] { return scope.running() == 0; });
  EXPECT_EQ(held.size(), 1u);
  EXPECT_EQ(upstream_->connections(), 1u);
}

TEST_F(PoolTest, TooManyWaitingIsAnOverload) {
  settings_.pool.connections = 1;
  settings_.max_pending = 0;
  make(settings_);
  const auto c = acquire();
  const Acquired got = try_acquire();
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind, ErrorKind::kOverload);
}

TEST_F(PoolTest, AWaitEndsWithItsDeadlineAndLeavesTheLine) {
  settings_.pool.connections = 1;
  make(settings_);
  const auto c = acquire();
  net::DeadlineSource deadline(loop_.get(), loop_.get()->now() + 10ms, nullptr);
  const Acquired got = try_acquire(&deadline);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(upstream_->waiting(), 0u);
  EXPECT_EQ(upstream_->connections(), 1u);
}

TEST_F(PoolTest, ARefusedConnectionGivesItsPlaceBack) {
  const vg::test::RefusingPort nobody;
  make(test::settings({nobody.port()}));
  for (int i = 0; i < 3; ++i) {
    const Acquired got = try_acquire();
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().kind, ErrorKind::kConnect);
    EXPECT_TRUE(got.error().retryable);
    EXPECT_EQ(got.error().detail.find("127.0.0.1"), std::string::npos) << "no address is shown to clients";
    EXPECT_NE(got.error().internal.find("127.0.0.1"), std::string::npos);
  }
  EXPECT_EQ(upstream_->connections(), 0u);
}

TEST_F(PoolTest, ConnectionsThatOutliveThePoolGiveTheirPlacesBack) {
  make(settings_);
  auto lent = acquire();
  give_back(acquire());
  pool_.reset();
  EXPECT_EQ(upstream_->connections(), 1u) << "idle ones go with the pool";
  lent.reset();
  EXPECT_EQ(upstream_->connections(), 0u);
}

}  // namespace
}  // namespace vg::upstream
