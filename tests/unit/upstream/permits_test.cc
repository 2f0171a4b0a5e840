// The places of an upstream's connections, counted over all loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/loop.h"
#include "unit/upstream/settings.h"
#include "upstream/pool.h"
#include "upstream/upstream.h"

namespace vg::upstream {
namespace {

using testing::ElementsAre;

std::shared_ptr<Upstream> make(uint32_t connections, uint32_t per_endpoint, size_t endpoints = 1,
                               uint32_t pending = 1000) {
  config::UpstreamSettings s = test::settings(std::vector<uint16_t>(endpoints, 80));
  s.pool.connections = connections;
  s.pool.per_endpoint = per_endpoint;
  s.max_pending = pending;
  return std::make_shared<Upstream>(s);
}

/// Lets what was posted to the loop arrive.
void deliver(vg::test::Loop& loop) {
  bool here = false;
  loop.get()->post_remote([&] { here = true; });
  loop.run_until([&] { return here; });
}

class PermitsTest : public testing::Test {
 protected:
  std::shared_ptr<Waiter> waiter(size_t endpoint = 0) {
    auto w = std::make_shared<Waiter>();
    w->loop = loop_.get();
    w->endpoint = endpoint;
    return w;
  }
  void turn() { deliver(loop_); }
  vg::test::Loop loop_;
};

TEST_F(PermitsTest, ThereAreAsManyAsTheUpstreamHas) {
  const auto u = make(3, 100);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(u->try_permit(0));
  EXPECT_FALSE(u->try_permit(0));
  EXPECT_EQ(u->connections(), 3u);
  u->release_permit(0);
  EXPECT_EQ(u->connections(), 2u);
  EXPECT_TRUE(u->try_permit(0));
}

TEST_F(PermitsTest, AnEndpointHasItsOwnLimit) {
  const auto u = make(5, 2, 2);
  EXPECT_TRUE(u->try_permit(0));
  EXPECT_TRUE(u->try_permit(0));
  EXPECT_FALSE(u->try_permit(0));
  EXPECT_EQ(u->connections(), 2u) << "a refused one costs nothing";
  EXPECT_TRUE(u->try_permit(1));
  EXPECT_EQ(u->endpoint(0).connections, 2u);
  EXPECT_EQ(u->endpoint(1).connections, 1u);
}

TEST_F(PermitsTest, PlacesGoToThoseWhoWaitInTheirOrder) {
  const auto u = make(1, 1);
  ASSERT_TRUE(u->try_permit(0));
  const std::vector<std::shared_ptr<Waiter>> line = {waiter(), waiter(), waiter()};
  for (const auto& w : line) EXPECT_TRUE(u->enqueue(w));
  EXPECT_EQ(u->waiting(), 3u);
  for (size_t i = 0; i < line.size(); ++i) {
    u->release_permit(0);
    turn();
    for (size_t j = 0; j < line.size(); ++j) EXPECT_EQ(line[j]->granted.is_set(), j <= i) << i << j;
    EXPECT_EQ(u->connections(), 1u) << "the place is the waiter's now";
  }
  EXPECT_FALSE(u->anybody_waits());
}

TEST_F(PermitsTest, AFullEndpointDoesNotHoldUpThoseBehind) {
  const auto u = make(3, 1, 2);
  ASSERT_TRUE(u->try_permit(0));
  const auto first = waiter(0);
  const auto second = waiter(1);
  u->enqueue(first);
  u->enqueue(second);
  turn();
  EXPECT_FALSE(first->granted.is_set());
  EXPECT_TRUE(second->granted.is_set());
  u->release_permit(0);
  turn();
  EXPECT_TRUE(first->granted.is_set());
}

TEST_F(PermitsTest, WhoQueuesWhileAPlaceIsFreeGetsIt) {
  const auto u = make(1, 1);
  const auto w = waiter();
  EXPECT_TRUE(u->enqueue(w));
  turn();
  EXPECT_TRUE(w->granted.is_set());
}

TEST_F(PermitsTest, TheLineHasAnEnd) {
  const auto u = make(1, 1, 1, 2);
  ASSERT_TRUE(u->try_permit(0));
  EXPECT_TRUE(u->enqueue(waiter()));
  EXPECT_TRUE(u->enqueue(waiter()));
  EXPECT_FALSE(u->enqueue(waiter()));
  EXPECT_EQ(u->waiting(), 2u);
}

TEST_F(PermitsTest, WhoGivesUpIsPassedOver) {
  const auto u = make(1, 1);
  ASSERT_TRUE(u->try_permit(0));
  const auto first = waiter();
  const auto second = waiter();
  u->enqueue(first);
  u->enqueue(second);
  u->abandon(first);
  EXPECT_EQ(u->waiting(), 1u);
  u->release_permit(0);
  turn();
  EXPECT_FALSE(first->granted.is_set());
  EXPECT_TRUE(second->granted.is_set());
}

TEST_F(PermitsTest, APlaceOnItsWayToWhoGaveUpIsGivenBack) {
  const auto u = make(1, 1);
  ASSERT_TRUE(u->try_permit(0));
  const auto first = waiter();
  const auto second = waiter();
  u->enqueue(first);
  u->enqueue(second);
  u->release_permit(0);  // granted, and not arrived yet
  u->abandon(first);
  turn();
  turn();
  EXPECT_FALSE(first->granted.is_set());
  EXPECT_TRUE(second->granted.is_set());
  EXPECT_EQ(u->connections(), 1u);
  u->release_permit(0);
  EXPECT_EQ(u->connections(), 0u);
}

TEST_F(PermitsTest, AFreeConnectionGoesToTheNextOfItsLoopOrMakesRoomForAnother) {
  const auto u = make(1, 1, 2);
  ASSERT_TRUE(u->try_permit(0));
  vg::test::Loop other;
  const auto elsewhere = waiter();
  elsewhere->loop = other.get();
  const auto here = waiter();
  u->enqueue(elsewhere);
  u->enqueue(here);
  EXPECT_TRUE(u->next_turn(loop_.get(), 0).close) << "another loop's turn";
  EXPECT_EQ(u->waiting(), 2u);
  EXPECT_EQ(u->next_turn(other.get(), 0).waiter, elsewhere);
  EXPECT_EQ(u->next_turn(loop_.get(), 0).waiter, here);
  EXPECT_EQ(u->waiting(), 0u);
  EXPECT_EQ(u->next_turn(loop_.get(), 0).waiter, nullptr);
  EXPECT_FALSE(u->next_turn(loop_.get(), 0).close);
}

// Loops on threads of their own that all want the same few places.
struct Holders {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::atomic<int> served{0};
  std::atomic<int> gave_up{0};
  void enter() {
    const int n = now.fetch_add(1) + 1;
    int seen = most.load();
    while (n > seen && !most.compare_exchange_weak(seen, n)) {
    }
  }
  void leave() {
    now.fetch_sub(1);
    served.fetch_add(1);
  }
};

// To the end of the loop's work that others have posted.
struct Turn {
  net::EventLoop* loop;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) const {
    loop->post_remote([h] { coro::post(h); });
  }
  void await_resume() const {}
};

coro::Task<void> use_a_place(Upstream* upstream, net::EventLoop* loop, Holders* holders, bool impatient) {
  bool mine = upstream->try_permit(0);
  if (!mine) {
    const auto w = std::make_shared<Waiter>();
    w->loop = loop;
    EXPECT_TRUE(upstream->enqueue(w));
    net::DeadlineSource patience(loop, impatient ? loop->now() + std::chrono::milliseconds(1) : TimePoint::max(),
                                 nullptr);
    mine = co_await w->granted.wait(&patience);
    if (!mine) {
      upstream->abandon(w);
      holders->gave_up.fetch_add(1);
      co_return;
    }
  }
  holders->enter();
  Turn turn{loop};
  co_await turn;
  holders->leave();
  upstream->release_permit(0);
}

coro::Task<void> user(Upstream* upstream, net::EventLoop* loop, Holders* holders, int rounds, bool impatient) {
  for (int i = 0; i < rounds; ++i) {
    const bool gives_up = impatient && i % 2 == 0;
    co_await use_a_place(upstream, loop, holders, gives_up);
  }
}

TEST(PermitsOfManyLoops, TheLimitHoldsAndEverybodyIsServed) {
  constexpr int kThreads = 4, kUsers = 8, kRounds = 200;
  for (const bool impatient : {false, true}) {
    const auto u = make(3, 3);
    Holders holders;
    std::vector<std::unique_ptr<vg::test::Loop>> loops;
    for (int t = 0; t < kThreads; ++t) loops.push_back(std::make_unique<vg::test::Loop>());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        vg::test::Loop& loop = *loops[static_cast<size_t>(t)];
        coro::Scope scope;
        for (int i = 0; i < kUsers; ++i) scope.spawn(user(u.get(), loop.get(), &holders, kRounds, impatient));
        loop.run_until([&] { return scope.running() == 0; });
      });
    }
    for (std::thread& t : threads) t.join();
    // A place that was granted to who gave up still has to arrive, and is given back; that may grant another.
    for (size_t i = 0; i < loops.size() * loops.size(); ++i) deliver(*loops[i % loops.size()]);
    EXPECT_LE(holders.most, 3);
    EXPECT_EQ(holders.served + holders.gave_up, kThreads * kUsers * kRounds);
    EXPECT_TRUE(impatient || holders.gave_up == 0);
    EXPECT_EQ(u->connections(), 0u);
    EXPECT_EQ(u->endpoint(0).connections, 0u);
    EXPECT_EQ(u->waiting(), 0u);
  }
}

TEST(SameSettings, TellsWhatAReloadMayKeep) {
  const config::UpstreamSettings a = test::settings({80, 81});
  EXPECT_TRUE(same_settings(a, a));
  const auto differs = [&a](auto change) {
    config::UpstreamSettings b = a;
    change(b);
    return !same_settings(a, b);
  };
  EXPECT_TRUE(differs([](auto& s) { s.name = "x"; }));
  EXPECT_TRUE(differs([](auto& s) { s.endpoints.pop_back(); }));
  EXPECT_TRUE(differs([](auto& s) { s.endpoints[0].weight = 2; }));
  EXPECT_TRUE(differs([](auto& s) { s.endpoints[0].backup = true; }));
  EXPECT_TRUE(differs([](auto& s) { s.endpoints[0].base_path = "/x"; }));
  EXPECT_TRUE(differs([](auto& s) { s.pool.connections = 1; }));
  EXPECT_TRUE(differs([](auto& s) { s.pool.per_endpoint = 1; }));
  EXPECT_TRUE(differs([](auto& s) { s.pool.idle *= 2; }));
  EXPECT_TRUE(differs([](auto& s) { s.max_pending = 1; }));
  EXPECT_TRUE(differs([](auto& s) { s.connect_timeout *= 2; }));
  EXPECT_TRUE(differs([](auto& s) { s.timeout *= 2; }));
  EXPECT_TRUE(differs([](auto& s) { s.retry.attempts = 5; }));
  EXPECT_TRUE(differs([](auto& s) { s.retry.on_statuses.pop_back(); }));
  EXPECT_TRUE(differs([](auto& s) { s.balance = config::Balance::kHash; }));
  EXPECT_TRUE(differs([](auto& s) { s.headers.push_back({"X", "y", {}}); }));
  EXPECT_FALSE(differs([](auto& s) { s.mark.line = 7; })) << "where it is written does not matter";
}

}  // namespace
}  // namespace vg::upstream
