// RedisClient and a real Redis that hangs, refuses and comes back.
#include <gtest/gtest.h>

#include <array>
#include <csignal>

#include "contract/redis_case.h"
#include "net/connect.h"

namespace vg::store::contract {
namespace {

using namespace std::chrono_literals;

class RealRedis : public testing::Test {
 protected:
  RealRedis() {
    std::signal(SIGPIPE, SIG_IGN);
    config::RedisSettings settings;
    settings.is_unix = true;
    settings.path = redis_server().socket();
    settings.label = "unix:test";
    settings.prefix = fresh_prefix();
    settings.timeout = 500ms;
    hub_ = std::make_shared<RedisHub>(settings);
    client_ = RedisClient::create(loop_.get(), nullptr, hub_, nullptr);
    loop_.run_until([this] { return hub_->up(); });
  }
  ~RealRedis() override { kill(redis_server().pid(), SIGCONT); }
  Result<Reply> ask(std::vector<std::string_view> words) { return loop_.run(client_->command(words, nullptr)); }
  ErrorKind failure(std::vector<std::string_view> words) {
    const Result<Reply> r = ask(std::move(words));
    return r ? ErrorKind::kNone : r.error().kind;
  }
  void pause(Duration time) {
    bool over = false;
    struct Wake : net::Timer {
      explicit Wake(bool* flag) : Timer([](net::Timer* t) { *static_cast<Wake*>(t)->over = true; }), over(flag) {}
      bool* over;
    } wake(&over);
    loop_.get()->start_timer(wake, time);
    loop_.run_until([&] { return over; });
  }

  vg::test::Loop loop_;
  std::shared_ptr<RedisHub> hub_;
  std::shared_ptr<RedisClient> client_;
};

TEST_F(RealRedis, OneThatHangsIsWaitedForOnce) {
  kill(redis_server().pid(), SIGSTOP);
  EXPECT_EQ(failure({"PING"}), ErrorKind::kTimeout);
  const TimePoint began = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(failure({"PING"}), ErrorKind::kConnect);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 400ms) << "a thousand calls, less than one timeout";
  kill(redis_server().pid(), SIGCONT);
  loop_.run_until([this] { return hub_->up(); });
  EXPECT_EQ(ask({"ECHO", "hello"})->text, "hello") << "no late answer in its place";
}

TEST_F(RealRedis, OneWithoutMemoryRefusesOnceAndIsFoundAgain) {
  const std::string key = hub_->settings().prefix + "k";
  ASSERT_TRUE(ask({"CONFIG", "SET", "maxmemory", "1"}).ok());
  EXPECT_EQ(failure({"SET", key, "v"}), ErrorKind::kStatus);
  EXPECT_EQ(failure({"SET", key, "v"}), ErrorKind::kConnect);
  EXPECT_NE(hub_->state().last_error.find("memory is full"), std::string::npos);
  // Another client, which is no store's.
  vg::test::Loop loop;
  auto connecting = net::connect_unix(loop.get(), redis_server().socket(), nullptr);
  Result<net::StreamPtr> stream = loop.run(std::move(connecting));
  ASSERT_TRUE(stream.ok());
  RedisConnection admin(std::move(*stream));
  std::string text;
  const std::array<std::string_view, 4> words{"CONFIG", "SET", "maxmemory", "0"};
  append_command(text, words);
  admin.stream().write_now({text});
  EXPECT_EQ(loop.run(admin.read_reply(nullptr))->text, "OK");
  loop_.run_until([this] { return hub_->up(); });
  EXPECT_TRUE(ask({"SET", key, "v"}).ok());
}

TEST_F(RealRedis, AConnectionThatRedisEndsIsMadeAnewAndNobodyIsTold) {
  pause(1100ms);  // it has to have been up for a second to be trusted so
  const std::string id = std::to_string(ask({"CLIENT", "ID"})->integer);
  EXPECT_EQ(failure({"CLIENT", "KILL", "ID", id, "SKIPME", "no"}), ErrorKind::kNone);
  Result<Reply> other = ask({"CLIENT", "ID"});
  if (!other) other = ask({"CLIENT", "ID"});  // the first one was on its way when the end came
  ASSERT_TRUE(other.ok());
  EXPECT_NE(std::to_string(other->integer), id);
  EXPECT_TRUE(hub_->up());
  EXPECT_EQ(hub_->state().last_error, "") << "it was never down";
}

TEST_F(RealRedis, KilledUnderLoadAndStartedAgainEveryCallEnds) {
  int ended = 0, asked = 0;
  coro::Scope scope;
  const auto burst = [&] {
    for (int i = 0; i < 200; ++i, ++asked) {
      scope.spawn([](RedisClient* client, int* done) -> coro::Task<void> {
        const std::array<std::string_view, 2> words{"ECHO", "x"};
        const Result<Reply> r = co_await client->command(words, nullptr);
        EXPECT_TRUE(!r || r->text == "x");
        ++*done;
      }(client_.get(), &ended));
    }
  };
  for (int round = 0; round < 5; ++round) {
    burst();
    redis_server().stop();
    burst();
    loop_.run_until([&] { return ended == asked; });
    redis_server().start();
    loop_.run_until([this] { return hub_->up() && client_->up(); });
    EXPECT_EQ(ask({"ECHO", "y"})->text, "y");
  }
}

}  // namespace
}  // namespace vg::store::contract
