#include "store/redis_subscriber.h"

#include <gtest/gtest.h>

#include "support/fake_redis.h"
#include "support/loop.h"

namespace vg::store {
namespace {

using namespace std::chrono_literals;
using vg::test::FakeRedis;

// One who listens, and what it heard: "+" the link is up, "-" it is down, or a message.
struct Ear {
  Ear(RedisNews& news, const char* channel)
      : listening(news.listen(
            channel, [this](std::string_view m) { heard += std::string(m) + ";"; },
            [this](bool up) { heard += up ? "+;" : "-;"; })) {}
  std::string heard;
  std::shared_ptr<void> listening;
};

class RedisSubscriberTest : public testing::Test {
 protected:
  RedisSubscriberTest() {
    config::RedisSettings settings;
    settings.host = "127.0.0.1";
    settings.is_ip = true;
    settings.port = fake_.port();
    settings.label = "redis://test";
    settings.timeout = 2s;
    hub_ = std::make_shared<RedisHub>(settings);
    fake_.otherwise = [](vg::test::Peer& p, const FakeRedis::Command& c) {
      if (c[0] == "SUBSCRIBE") p.send("*3\r\n$9\r\nsubscribe\r\n" + FakeRedis::bulk(c[1]) + ":1\r\n");
      if (c[0] == "PING") p.send("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    };
  }
  void start() { subscriber_ = RedisSubscriber::create(loop_.get(), nullptr, hub_); }
  void say(const std::string& channel, const std::string& message) {
    fake_.last().send("*3\r\n$7\r\nmessage\r\n" + FakeRedis::bulk(channel) + FakeRedis::bulk(message));
  }
  void wait(const std::function<bool()>& done) { loop_.run_until(done); }

  vg::test::Loop loop_;
  FakeRedis fake_{loop_.get()};
  std::shared_ptr<RedisHub> hub_;
  std::shared_ptr<RedisSubscriber> subscriber_;
};

TEST_F(RedisSubscriberTest, TellsMessagesToThoseWhoListenToTheirChannel) {
  Ear a(hub_->news(), "a"), other_a(hub_->news(), "a"), b(hub_->news(), "b");
  start();
  wait([&] { return a.heard == "+;" && b.heard == "+;"; });
  EXPECT_EQ(fake_.commands.size(), 2u) << "each channel is asked for once";
  say("viewgate:news:a", std::string("x\r\n\0y", 5));
  say("viewgate:news:nobody", "z");
  say("viewgate:news:b", "z");
  wait([&] { return b.heard == "+;z;"; });
  EXPECT_EQ(a.heard, std::string("+;x\r\n\0y;", 8));
  EXPECT_EQ(other_a.heard, a.heard);
}

TEST_F(RedisSubscriberTest, NothingIsConnectedWhileNobodyListens) {
  start();
  for (int i = 0; i < 10; ++i) uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
  EXPECT_EQ(fake_.connections(), 0u);
  Ear a(hub_->news(), "a");
  wait([&] { return a.heard == "+;"; });
}

TEST_F(RedisSubscriberTest, OneWhoComesLaterHearsToo) {
  Ear a(hub_->news(), "a");
  start();
  wait([&] { return a.heard == "+;"; });
  Ear late_a(hub_->news(), "a"), b(hub_->news(), "b");
  wait([&] { return late_a.heard == "+;" && b.heard == "+;"; });
  EXPECT_EQ(a.heard, "+;");
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(RedisSubscriberTest, WhoHasEndedHearsNothingAndTheLastOneEndsTheLink) {
  Ear a(hub_->news(), "a");
  {
    Ear b(hub_->news(), "a");
    start();
    wait([&] { return b.heard == "+;"; });
  }
  say("viewgate:news:a", "x");
  wait([&] { return a.heard == "+;x;"; });
  a.listening.reset();
  wait([&] { return fake_.last().over(); });
}

TEST_F(RedisSubscriberTest, ALinkThatBreaksIsToldAndMadeAnew) {
  Ear a(hub_->news(), "a");
  start();
  wait([&] { return a.heard == "+;"; });
  fake_.last().close();
  wait([&] { return a.heard == "+;-;+;"; });
  say("viewgate:news:a", "x");
  wait([&] { return a.heard == "+;-;+;x;"; });
}

TEST_F(RedisSubscriberTest, ALinkThatSaysNothingIsAskedAndGivenUp) {
  Ear a(hub_->news(), "a");
  start();
  wait([&] { return a.heard == "+;"; });
  wait([&] { return !fake_.commands.empty() && fake_.commands.back()[0] == "PING"; });
  EXPECT_EQ(a.heard, "+;") << "it was answered";
  fake_.otherwise = FakeRedis::silence();
  wait([&] { return a.heard == "+;-;"; });
}

TEST_F(RedisSubscriberTest, ARefusedSubscriptionIsNoLink) {
  fake_.otherwise = FakeRedis::say("-NOPERM this user has no permissions to access one of the channels\r\n");
  Ear a(hub_->news(), "a");
  start();
  wait([&] { return fake_.connections() >= 2; });
  EXPECT_EQ(a.heard, "");
}

TEST_F(RedisSubscriberTest, ItsEndTellsThatTheLinkIsDown) {
  Ear a(hub_->news(), "a");
  start();
  wait([&] { return a.heard == "+;"; });
  subscriber_.reset();
  EXPECT_EQ(a.heard, "+;-;");
  wait([&] { return fake_.last().over(); });
  { Ear b(hub_->news(), "b"); }
}

}  // namespace
}  // namespace vg::store
