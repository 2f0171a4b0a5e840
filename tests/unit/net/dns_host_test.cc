#include "net/dns_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dns_server.h"

namespace vg::net {
namespace {

using namespace std::chrono_literals;
using test::DnsQuestion;
using test::DnsReply;
using test::DnsServer;
using test::TestLoop;
using testing::ElementsAre;

class HostTrackerTest : public testing::Test {
 protected:
  HostTrackerTest() {
    ResolverOptions o;
    o.servers = server_.address();
    o.hosts_file = false;
    o.timeout = 2s;
    o.now = [this] { return now_; };
    resolver_ = std::make_unique<Resolver>(loop_.get(), o);
    make(300s);
  }
  void make(Duration max_ttl) {
    host_ = std::make_unique<HostTracker>(*resolver_, HostOptions{"catalog.test", 80, max_ttl, {}});
  }
  void answer_with(std::vector<std::string> ips, uint32_t ttl) {
    server_.clear();
    for (const std::string& ip : ips) server_.add("catalog.test", ip, ttl);
  }
  // What current() gives before anything else happens; then lets a refresh that it began finish.
  std::string use() {
    const Resolution* r = host_->current();
    std::string out = r ? r->addresses.at(0).ip() : "nothing";
    loop_.run();
    return out;
  }
  size_t questions() const { return server_.asked().size() / 2; }  // A and AAAA
  std::function<void(Result<Resolution>)> note() {
    return [this](Result<Resolution> r) {
      log_.push_back(r.ok() ? r->addresses.at(0).text() : std::string(to_string(r.error().kind)));
    };
  }

  TestLoop loop_;
  DnsServer server_{loop_.get()};
  TimePoint now_{1h};
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<HostTracker> host_;
  std::vector<std::string> log_;
};

TEST_F(HostTrackerTest, KnowsNothingUntilTheFirstAnswer) {
  answer_with({"192.0.2.1"}, 100);
  EXPECT_EQ(host_->version(), 0u);
  EXPECT_EQ(questions(), 0u);
  EXPECT_EQ(use(), "nothing");
  EXPECT_EQ(use(), "192.0.2.1");
  EXPECT_EQ(host_->version(), 1u);
  EXPECT_EQ(host_->failure(), nullptr);
  EXPECT_EQ(questions(), 1u);
}

TEST_F(HostTrackerTest, AllWhoWaitGetTheFirstAnswerOfOneQuestion) {
  answer_with({"192.0.2.1"}, 100);
  for (int i = 0; i < 3; ++i) host_->get(note());
  EXPECT_TRUE(log_.empty()) << "called from inside get()";
  loop_.run();
  host_->get(note());
  EXPECT_EQ(log_.size(), 3u);
  loop_.run();
  EXPECT_THAT(log_, testing::Each("192.0.2.1:80"));
  EXPECT_EQ(log_.size(), 4u);
  EXPECT_EQ(questions(), 1u);
}

TEST_F(HostTrackerTest, RefreshesBeforeTheAnswerExpires) {
  answer_with({"192.0.2.1"}, 100);
  use();
  answer_with({"192.0.2.2"}, 100);
  now_ += 79s;
  EXPECT_EQ(use(), "192.0.2.1");
  EXPECT_EQ(questions(), 1u);
  now_ += 1s;
  EXPECT_EQ(use(), "192.0.2.1") << "the old answer serves while the new one is fetched";
  EXPECT_EQ(questions(), 2u);
  EXPECT_EQ(use(), "192.0.2.2");
  EXPECT_EQ(questions(), 2u);
}

TEST_F(HostTrackerTest, DnsTtlBoundsTheRecordsOwn) {
  make(10s);
  answer_with({"192.0.2.1"}, 3600);
  use();
  now_ += 7s;
  use();
  EXPECT_EQ(questions(), 1u);
  now_ += 1s;
  use();
  EXPECT_EQ(questions(), 2u);
}

TEST_F(HostTrackerTest, ATtlOfZeroIsKeptForASecond) {
  answer_with({"192.0.2.1"}, 0);
  use();
  for (int i = 0; i < 7; ++i, now_ += 100ms) use();
  EXPECT_EQ(questions(), 1u);
  now_ += 100ms;
  use();
  EXPECT_EQ(questions(), 2u);
}

TEST_F(HostTrackerTest, AsksNothingWhileNobodyUsesIt) {
  answer_with({"192.0.2.1"}, 1);
  use();
  EXPECT_EQ(loop_.active_handles(), 0) << "no timer stands for the refresh";
  now_ += 24h;
  loop_.run();
  EXPECT_EQ(questions(), 1u);
}

TEST_F(HostTrackerTest, AnAnswerLongExpiredIsFetchedAnewFirst) {
  answer_with({"192.0.2.1"}, 60);
  use();
  answer_with({"192.0.2.2"}, 60);
  now_ += 119s;
  EXPECT_NE(host_->current(), nullptr) << "one TTL of grace";
  now_ += 1s;
  EXPECT_EQ(host_->current(), nullptr);
  EXPECT_EQ(host_->failure(), nullptr);
  host_->get(note());
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("192.0.2.2:80"));
}

TEST_F(HostTrackerTest, ALongExpiredAnswerServesAgainWhenRefreshingFails) {
  answer_with({"192.0.2.1"}, 60);
  use();
  answer_with({}, 0);
  now_ += 1h;
  host_->get(note());
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("192.0.2.1:80"));
  now_ += 24h;
  EXPECT_EQ(use(), "192.0.2.1");
}

TEST_F(HostTrackerTest, KeepsTheLastGoodAnswerAndRetriesWithBackoffUpToHalfAMinute) {
  answer_with({"192.0.2.1"}, 10);
  use();
  answer_with({}, 0);
  now_ += 8s;
  use();
  ASSERT_EQ(questions(), 2u);
  size_t expected = 2;
  for (const auto pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    now_ += pause - 1ms;
    EXPECT_EQ(use(), "192.0.2.1");
    EXPECT_EQ(questions(), expected) << "too early after " << pause.count() << " s";
    now_ += 1ms;
    EXPECT_EQ(use(), "192.0.2.1");
    EXPECT_EQ(questions(), ++expected) << "not retried after " << pause.count() << " s";
  }
  answer_with({"192.0.2.9"}, 10);
  now_ += 30s;
  use();
  EXPECT_EQ(use(), "192.0.2.9");
  EXPECT_EQ(host_->version(), 2u);
}

TEST_F(HostTrackerTest, ANameThatNeverResolvedFailsItsCallsAndIsTriedAgainWithinFiveSeconds) {
  host_->get(note());
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("connect"));
  ASSERT_NE(host_->failure(), nullptr);
  EXPECT_EQ(host_->failure()->detail, "name \"catalog.test\" does not resolve");
  size_t expected = 1;
  for (const auto pause : {1s, 2s, 4s, 5s, 5s}) {
    now_ += pause - 1ms;
    host_->get(note());
    loop_.run();
    EXPECT_EQ(questions(), expected);
    now_ += 1ms;
    EXPECT_EQ(host_->failure(), nullptr) << "unknown again";
    EXPECT_EQ(use(), "nothing");
    EXPECT_EQ(questions(), ++expected);
  }
  EXPECT_THAT(log_, testing::Each("connect"));
  EXPECT_EQ(log_.size(), 6u);
  answer_with({"192.0.2.1"}, 10);
  now_ += 5s;
  use();
  EXPECT_EQ(use(), "192.0.2.1");
}

TEST_F(HostTrackerTest, TellsOfANewSetAndNotOfANewOrder) {
  std::vector<std::string> told;
  const uint64_t id =
      host_->on_change([&](const Resolution& r) { told.push_back(std::to_string(r.addresses.size())); });
  const auto refresh = [&](std::vector<std::string> ips) {
    answer_with(std::move(ips), 10);
    now_ += 8s;
    use();
  };
  refresh({"192.0.2.1", "192.0.2.2"});
  EXPECT_THAT(told, ElementsAre("2"));
  const std::string first = use();
  refresh({"192.0.2.2", "192.0.2.1"});
  EXPECT_THAT(told, ElementsAre("2"));
  EXPECT_EQ(use(), first);
  refresh({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  EXPECT_THAT(told, ElementsAre("2", "3"));
  EXPECT_EQ(host_->version(), 2u);
  host_->forget_change(id);
  refresh({"192.0.2.1"});
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(host_->version(), 3u);
}

TEST_F(HostTrackerTest, CancelEndsOneWaiter) {
  answer_with({"192.0.2.1"}, 10);
  LookupHandle first = host_->get(note());
  host_->get(note());
  first.cancel();
  EXPECT_TRUE(log_.empty());
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("cancelled", "192.0.2.1:80"));
  LookupHandle known = host_->get(note());
  known.cancel();
  loop_.run();
  EXPECT_EQ(log_.back(), "cancelled");
  known.cancel();
  loop_.run();
  EXPECT_EQ(log_.size(), 3u);
}

TEST_F(HostTrackerTest, ACallbackMayCancelTheWaiterBehindIt) {
  answer_with({"192.0.2.1"}, 10);
  LookupHandle second;
  host_->get([&](Result<Resolution> r) {
    note()(std::move(r));
    second.cancel();
  });
  second = host_->get(note());
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("192.0.2.1:80", "cancelled"));
}

TEST_F(HostTrackerTest, MayBeDestroyedWhileOthersWait) {
  answer_with({"192.0.2.1"}, 10);
  LookupHandle waiter = host_->get(note());
  host_->get(note());
  host_.reset();
  EXPECT_TRUE(log_.empty());
  waiter.cancel();
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("cancelled", "cancelled"));
}

TEST_F(HostTrackerTest, MayBeDestroyedFromInsideItsCallbacks) {
  answer_with({"192.0.2.1"}, 10);
  host_->on_change([&](const Resolution&) { host_.reset(); });
  host_->get(note());
  loop_.run();
  EXPECT_FALSE(host_);
  EXPECT_EQ(log_.size(), 1u);
  make(10s);
  host_->get([&](Result<Resolution>) { host_.reset(); });
  host_->get(note());
  loop_.run();
  EXPECT_EQ(log_.size(), 2u);
}

TEST_F(HostTrackerTest, WaitersEndWhenTheResolverCloses) {
  server_.handle([](const DnsQuestion&) { return std::vector<std::string>{}; });
  host_->get(note());
  while (server_.asked().empty()) loop_.turn();
  resolver_->close();
  loop_.run();
  EXPECT_THAT(log_, ElementsAre("cancelled"));
  host_->get(note());
  now_ += 2s;
  host_->get(note());
  loop_.run();
}

TEST_F(HostTrackerTest, TheCacheSharesATrackerAndForgetsItWithItsLastUser) {
  answer_with({"192.0.2.1"}, 10);
  DnsCache cache(*resolver_);
  auto first = cache.host("catalog.test", 80, 10s);
  auto second = cache.host("Catalog.Test", 80, 10s);
  EXPECT_EQ(first, second);
  EXPECT_NE(cache.host("catalog.test", 81, 10s), first);
  EXPECT_NE(cache.host("catalog.test", 80, 20s), first);
  first.reset();
  second.reset();
  auto other = cache.host("other.test", 80, 10s);
  EXPECT_EQ(cache.size(), 1u);
}

}  // namespace
}  // namespace vg::net
