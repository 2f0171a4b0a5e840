#include "store/redis_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "support/fake_redis.h"
#include "support/loop.h"

namespace vg::store {
namespace {

using namespace std::chrono_literals;
using vg::test::FakeRedis;
using Answer = Result<Reply>;

// One command in flight: it owns its words.
class Asking {
 public:
  Asking(Redis& redis, std::vector<std::string> words) : words_(std::move(words)) {
    for (const std::string& w : words_) views_.emplace_back(w);
    scope_.spawn(vg::test::keep_result(redis.command(views_, &cancel), &answer));
  }
  bool done() const { return answer.has_value(); }
  coro::CancelSource cancel;
  std::optional<Answer> answer;
  std::string text() const { return answer && answer->ok() ? answer->value().text : "no text"; }
  ErrorKind kind() const { return answer && !answer->ok() ? answer->error().kind : ErrorKind::kNone; }

 private:
  std::vector<std::string> words_;
  std::vector<std::string_view> views_;
  coro::Scope scope_;
};

class RedisClientTest : public testing::Test {
 protected:
  void make(Duration timeout = 5s) {
    settings_.host = "127.0.0.1";
    settings_.is_ip = true;
    settings_.port = fake_.port();
    settings_.label = "redis://test";
    settings_.timeout = timeout;
    hub_ = std::make_shared<RedisHub>(settings_);
    client_ = RedisClient::create(loop_.get(), nullptr, hub_, &metrics_);
  }
  void TearDown() override {
    client_.reset();
    wait([&] { return std::ranges::all_of(asking_, [](const auto& a) { return a->done(); }); });
  }
  Asking& ask(std::vector<std::string> words) {
    asking_.push_back(std::make_unique<Asking>(*client_, std::move(words)));
    return *asking_.back();
  }
  Asking& asked(std::vector<std::string> words) {
    Asking& a = ask(std::move(words));
    wait([&] { return a.done(); });
    return a;
  }
  void wait(const std::function<bool()>& done) { loop_.run_until(done); }
  void make_up(Duration timeout = 5s) {
    make(timeout);
    wait([&] { return hub_->up(); });
  }
  std::string why_down() { return hub_->state().last_error; }

  vg::test::Loop loop_;
  FakeRedis fake_{loop_.get()};
  config::RedisSettings settings_;
  observe::RedisMetrics metrics_;
  std::shared_ptr<RedisHub> hub_;
  std::shared_ptr<RedisClient> client_;
  std::vector<std::unique_ptr<Asking>> asking_;
};

TEST_F(RedisClientTest, SignsInAndTriesAScriptThatWrites) {
  settings_.user = "gate";
  settings_.password = "s p";
  settings_.database = 3;
  make_up();
  ASSERT_EQ(fake_.signing_in.size(), 4u);
  EXPECT_EQ(fake_.signing_in[0], (FakeRedis::Command{"AUTH", "gate", "s p"}));
  EXPECT_EQ(fake_.signing_in[1], (FakeRedis::Command{"SELECT", "3"}));
  EXPECT_EQ(fake_.signing_in[2], (FakeRedis::Command{"CLIENT", "SETNAME", "viewgate"}));
  EXPECT_EQ(fake_.signing_in[3][3], "viewgate:probe");
  EXPECT_EQ(fake_.reads, 1u) << "in one write";
}

TEST_F(RedisClientTest, APasswordAloneIsOfTheDefaultUser) {
  settings_.password = "pw";
  make_up();
  EXPECT_EQ(fake_.signing_in[0], (FakeRedis::Command{"AUTH", "pw"}));
}

TEST_F(RedisClientTest, CallsBeforeTheFirstConnectionWaitForIt) {
  fake_.otherwise = FakeRedis::echo();
  make();
  EXPECT_TRUE(client_->up());
  EXPECT_EQ(asked({"GET", "a"}).text(), "a");
  EXPECT_EQ(metrics_.commands.value(), 1u);
  EXPECT_EQ(metrics_.connects.value(), 1u);
}

TEST_F(RedisClientTest, WhatIsAskedInOneTurnGoesOutInOneWriteAndIsAnsweredInOrder) {
  fake_.otherwise = FakeRedis::echo();
  make_up();
  const size_t reads = fake_.reads;
  for (int i = 0; i < 100; ++i) ask({"GET", std::to_string(i)});
  wait([&] { return asking_.back()->done(); });
  EXPECT_EQ(fake_.reads, reads + 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(asking_[i]->text(), std::to_string(i));
}

TEST_F(RedisClientTest, AWriteThatTheSocketDoesNotTakeAtOnceIsFinished) {
  fake_.otherwise = FakeRedis::echo();
  make_up();
  const std::string big(8 * 1024 * 1024, 'x');
  ask({"SET", "k", big});
  wait([&] { return true; });
  ask({"GET", "behind"});
  wait([&] { return asking_[1]->done(); });
  EXPECT_EQ(asking_[0]->text().size(), big.size());
  EXPECT_EQ(asking_[1]->text(), "behind");
}

TEST_F(RedisClientTest, TooMuchUnderWayIsRefused) {
  make();
  ask({"SET", "k", std::string(RedisClient::kMostQueuedBytes, 'x')});
  EXPECT_EQ(asked({"GET", "a"}).kind(), ErrorKind::kOverload);
}

TEST_F(RedisClientTest, AnErrorReplyIsOfItsCallAlone) {
  fake_.script = {FakeRedis::say("-WRONGTYPE no\r\n"), FakeRedis::say("+fine\r\n")};
  make_up();
  Asking& one = ask({"INCR", "a"});
  Asking& two = asked({"GET", "b"});
  EXPECT_EQ(one.kind(), ErrorKind::kStatus);
  EXPECT_EQ(one.answer->error().internal, "WRONGTYPE no");
  EXPECT_EQ(two.text(), "fine");
  EXPECT_TRUE(hub_->up());
  EXPECT_EQ(metrics_.errors[static_cast<size_t>(ErrorKind::kStatus)].value(), 1u);
}

TEST_F(RedisClientTest, ACancelledCallEndsAtOnceAndItsAnswerIsNobodysElse) {
  fake_.script = {FakeRedis::silence(), FakeRedis::say("+first\r\n+second\r\n")};
  make_up();
  Asking& one = ask({"GET", "1"});
  wait([&] { return fake_.commands.size() == 1; });
  one.cancel.cancel(ErrorKind::kCancelled);
  wait([&] { return one.done(); });
  EXPECT_EQ(one.kind(), ErrorKind::kCancelled);
  EXPECT_EQ(asked({"GET", "2"}).text(), "second");
}

TEST_F(RedisClientTest, ACallUnderACancelledSourceAsksNothing) {
  make_up();
  const std::array<std::string_view, 1> words{"PING"};
  coro::CancelSource cancel;
  cancel.cancel(ErrorKind::kTimeout);
  Answer a = loop_.run(client_->command(words, &cancel));
  EXPECT_EQ(a.error().kind, ErrorKind::kTimeout);
  EXPECT_TRUE(fake_.commands.empty());
}

TEST_F(RedisClientTest, ACallWhoseFrameGoesIsForgotten) {
  fake_.script = {FakeRedis::silence(), FakeRedis::say("+first\r\n+second\r\n")};
  make_up();
  const std::array<std::string_view, 2> words{"GET", "1"};
  {
    coro::Task<Answer> task = client_->command(words, nullptr);
    auto frame = task.release();
    frame.resume();
    wait([&] { return fake_.commands.size() == 1; });
    frame.destroy();
  }
  EXPECT_EQ(asked({"GET", "2"}).text(), "second");
}

TEST_F(RedisClientTest, AfterOneTimeoutNobodyWaitsUntilAProbeIsAnswered) {
  bool hung = true;
  fake_.otherwise = [&](vg::test::Peer& p, const FakeRedis::Command& c) {
    if (!hung) FakeRedis::echo()(p, c);
  };
  make_up(100ms);
  fake_.greeting = [&](const FakeRedis::Command&) { return std::string(hung ? "" : "+OK\r\n"); };
  Asking& first = asked({"GET", "1"});
  EXPECT_EQ(first.kind(), ErrorKind::kTimeout);
  EXPECT_FALSE(client_->up());
  Asking& later = ask({"GET", "2"});
  EXPECT_TRUE(later.done()) << "at once";
  EXPECT_EQ(later.kind(), ErrorKind::kConnect);
  EXPECT_EQ(why_down(), "it does not answer within 100 ms");
  EXPECT_EQ(fake_.commands.size(), 1u);
  hung = false;
  wait([&] { return client_->up(); });
  fake_.connection(0).send("+late\r\n");
  EXPECT_EQ(asked({"GET", "3"}).text(), "3");
}

TEST_F(RedisClientTest, ThoseBehindATimeoutEndWithItAndTheLateAnswerIsDropped) {
  fake_.otherwise = FakeRedis::silence();
  make_up(150ms);
  Asking& one = ask({"GET", "1"});
  wait([&] { return fake_.commands.size() == 1; });
  coro::CancelSource never;
  loop_.run([](net::EventLoop* loop) -> coro::Task<void> { co_await net::Sleep(loop, 50ms, nullptr); }(loop_.get()));
  Asking& two = asked({"GET", "2"});
  EXPECT_EQ(one.kind(), ErrorKind::kTimeout);
  EXPECT_EQ(two.kind(), ErrorKind::kReset);
}

TEST_F(RedisClientTest, WhatIsNotRedisIsSaidSo) {
  fake_.otherwise = FakeRedis::say("HTTP/1.1 400 Bad Request\r\n\r\n");
  make_up();
  EXPECT_EQ(asked({"GET", "1"}).kind(), ErrorKind::kUpstreamProtocol);
  EXPECT_FALSE(client_->up());
  EXPECT_NE(why_down().find("not Redis's protocol"), std::string::npos) << why_down();
}

TEST_F(RedisClientTest, AnAnswerThatNobodyAskedForEndsTheConnection) {
  make_up();
  fake_.last().send("+surprise\r\n");
  wait([&] { return hub_->state().link == RedisHub::Link::kDown; });
  EXPECT_EQ(why_down(), "it answers what nobody asked for");
}

TEST_F(RedisClientTest, AConnectionThatBreaksEndsItsCallsAndIsMadeAnew) {
  fake_.script = {FakeRedis::hang_up()};
  make_up();
  EXPECT_EQ(asked({"GET", "1"}).kind(), ErrorKind::kReset);
  wait([&] { return hub_->up() && client_->up() && fake_.connections() == 2; });
  fake_.otherwise = FakeRedis::echo();
  EXPECT_EQ(asked({"GET", "2"}).text(), "2");
}

struct Refusal {
  const char* error;
  const char* words;
};

class Refusing : public RedisClientTest, public testing::WithParamInterface<Refusal> {};

TEST_P(Refusing, AtSignInItIsDownAndSaysWhy) {
  bool refuses = true;
  fake_.greeting = [&](const FakeRedis::Command&) {
    return refuses ? std::string("-") + GetParam().error + "\r\n" : std::string("+OK\r\n");
  };
  make();
  wait([&] { return hub_->state().link == RedisHub::Link::kDown; });
  EXPECT_NE(why_down().find(GetParam().words), std::string::npos) << why_down();
  EXPECT_EQ(asked({"GET", "1"}).kind(), ErrorKind::kConnect);
  EXPECT_TRUE(fake_.commands.empty());
  refuses = false;
  wait([&] { return client_->up(); });
}

TEST_P(Refusing, AsAnAnswerItEndsThatCallAndTheNextAsksNothing) {
  fake_.script = {FakeRedis::say(std::string("-") + GetParam().error + "\r\n")};
  make_up();
  fake_.greeting = [](const FakeRedis::Command&) { return std::string("-") + GetParam().error + "\r\n"; };
  Asking& first = asked({"SET", "a", "b"});
  EXPECT_EQ(first.kind(), ErrorKind::kStatus);
  EXPECT_EQ(first.answer->error().internal, GetParam().error);
  EXPECT_EQ(asked({"GET", "1"}).kind(), ErrorKind::kConnect);
  EXPECT_EQ(fake_.commands.size(), 1u);
  EXPECT_NE(why_down().find(GetParam().words), std::string::npos) << why_down();
}

INSTANTIATE_TEST_SUITE_P(
    All, Refusing,
    testing::Values(
        Refusal{"NOAUTH Authentication required.", "asks for a password"},
        Refusal{"WRONGPASS invalid username-password pair or user is disabled.", "password in redis.url is wrong"},
        Refusal{"READONLY You can't write against a read only replica.", "read-only replica"},
        Refusal{"LOADING Redis is loading the dataset in memory", "loading"},
        Refusal{"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "lost its master"},
        Refusal{"OOM command not allowed when used memory > 'maxmemory'.", "memory is full"},
        Refusal{"ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed",
                "memory is full"},
        Refusal{"NOPERM this user has no permissions to run the 'eval' command", "lacks a permission"},
        Refusal{"MOVED 3999 127.0.0.1:6381", "Redis Cluster"}, Refusal{"BUSY Redis is busy", "does not end"},
        Refusal{"ERR max number of clients reached", "too many clients"},
        Refusal{"ERR DB index is out of range", "no database"}));

TEST_F(RedisClientTest, AUserWhoMayNotNameTheConnectionIsLetIn) {
  fake_.greeting = [](const FakeRedis::Command& c) {
    return std::string(c[0] == "CLIENT" ? "-NOPERM this user has no permissions to run the 'client' command\r\n"
                                        : "+OK\r\n");
  };
  make_up();
}

TEST_F(RedisClientTest, APortThatRefusesIsDownAtOnce) {
  const vg::test::RefusingPort port;
  make();
  client_.reset();
  settings_.port = port.port();
  hub_ = std::make_shared<RedisHub>(settings_);
  client_ = RedisClient::create(loop_.get(), nullptr, hub_, nullptr);
  EXPECT_EQ(asked({"GET", "1"}).kind(), ErrorKind::kConnect);
  EXPECT_NE(why_down().find("connection refused"), std::string::npos) << why_down();
}

TEST_F(RedisClientTest, ASocketThatIsNotThereIsDownAtOnce) {
  settings_.is_unix = true;
  settings_.path = "/nonexistent/redis.sock";
  make();
  EXPECT_EQ(asked({"GET", "1"}).kind(), ErrorKind::kConnect);
  EXPECT_NE(why_down().find("no such file"), std::string::npos) << why_down();
}

TEST_F(RedisClientTest, AnAnswerInPiecesOfAnySizeIsRead) {
  const std::string answer = "*3\r\n$5\r\na\r\nbc\r\n:42\r\n$-1\r\n";
  make_up();
  for (size_t step = 1; step < answer.size(); ++step) {
    fake_.script.push_back(FakeRedis::silence());
    Asking& a = ask({"GET", "a"});
    wait([&] { return fake_.commands.size() == step; });
    for (size_t at = 0; at < answer.size(); at += step) {
      fake_.last().send(std::string_view(answer).substr(at, step));
      for (int turn = 0; turn < 3; ++turn) wait([] { return true; }), uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
    }
    wait([&] { return a.done(); });
    ASSERT_TRUE(a.answer->ok());
    ASSERT_EQ(a.answer->value().items.size(), 3u);
    EXPECT_EQ(a.answer->value().items[0].text, "a\r\nbc");
    EXPECT_EQ(a.answer->value().items[1].integer, 42);
    EXPECT_TRUE(a.answer->value().items[2].is_nil());
  }
}

TEST_F(RedisClientTest, AScriptThatRedisDoesNotKnowIsSentAsText) {
  const Script script("return ARGV[1]");
  fake_.script = {FakeRedis::say("-NOSCRIPT No matching script. Please use EVAL.\r\n"), FakeRedis::echo(),
                  FakeRedis::echo()};
  make_up();
  const std::array<std::string_view, 1> keys{"k"};
  const std::array<std::string_view, 2> arguments{"x", "y"};
  Answer first = loop_.run(client_->eval(script, keys, arguments, nullptr));
  Answer second = loop_.run(client_->eval(script, keys, arguments, nullptr));
  ASSERT_EQ(fake_.commands.size(), 3u);
  EXPECT_EQ(fake_.commands[0], (FakeRedis::Command{"EVALSHA", script.sha1(), "1", "k", "x", "y"}));
  EXPECT_EQ(fake_.commands[1], (FakeRedis::Command{"EVAL", script.text(), "1", "k", "x", "y"}));
  EXPECT_EQ(fake_.commands[2][0], "EVALSHA");
  EXPECT_EQ(first->text, "y");
  EXPECT_EQ(second->text, "y");
}

TEST_F(RedisClientTest, ItsEndEndsTheCallsUnderWay) {
  fake_.otherwise = FakeRedis::silence();
  make_up();
  Asking& a = ask({"GET", "1"});
  wait([&] { return fake_.commands.size() == 1; });
  client_.reset();
  wait([&] { return a.done(); });
  EXPECT_EQ(a.kind(), ErrorKind::kCancelled);
  wait([&] { return fake_.last().over(); });
}

TEST_F(RedisClientTest, ItsEndBeforeTheLoopRanLeavesNothing) {
  make();
  Asking& a = ask({"GET", "1"});
  client_.reset();
  wait([&] { return a.done(); });
  EXPECT_EQ(a.kind(), ErrorKind::kCancelled);
  EXPECT_EQ(fake_.connections(), 0u);
}

TEST(Backoff, DoublesFromAHundredMillisecondsToFiveSecondsWithChance) {
  Backoff a(1), b(2);
  bool differs = false;
  for (int round = 0; round < 2; ++round) {
    Duration full = 100ms;
    for (int i = 0; i < 100; ++i) {
      const Duration d = a.next();
      EXPECT_GE(d, full / 2);
      EXPECT_LE(d, full);
      differs |= d != b.next();
      full = std::min<Duration>(full * 2, 5s);
    }
    a.reset();
    b.reset();
  }
  EXPECT_TRUE(differs);
}

TEST(RedisHub, IsDownWhileAnyLinkIs) {
  using Link = RedisHub::Link;
  RedisHub hub{config::RedisSettings()};
  EXPECT_EQ(hub.state().link, Link::kNew);
  hub.changed(Link::kNew, Link::kUp, {});
  EXPECT_TRUE(hub.up());
  hub.changed(Link::kNew, Link::kDown, "gone");
  EXPECT_FALSE(hub.up());
  EXPECT_EQ(hub.state().last_error, "gone");
  hub.changed(Link::kDown, Link::kUp, {});
  EXPECT_TRUE(hub.up());
  EXPECT_EQ(hub.state().last_error, "gone") << "still to be seen";
}

}  // namespace
}  // namespace vg::store
