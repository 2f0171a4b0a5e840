// The N-th thing that a store asks of Redis fails, for every N: before Redis heard it, or after it did it. Every call
// ends, nothing that was dropped is served, and once nothing fails any more all is as if nothing had.
#include <gtest/gtest.h>

#include "contract/redis_case.h"

namespace vg::store::contract {
namespace {

using namespace std::chrono_literals;

enum class Fault : uint8_t { kUnheard, kUnanswered, kRefused };

/// Passes on to a real one, but for the call that is to fail.
class FailingRedis final : public Redis {
 public:
  explicit FailingRedis(std::shared_ptr<Redis> real) : real_(std::move(real)) {}
  bool up() const override { return real_->up(); }
  const std::string& prefix() const override { return real_->prefix(); }
  coro::Task<Result<Reply>> command(Words words, coro::CancelSource* cancel) override {
    const bool fails = ++calls == failing;
    if (fails && fault != Fault::kUnanswered) co_return error();
    Result<Reply> reply = co_await real_->command(words, cancel);
    if (fails) co_return error();
    co_return std::move(reply);
  }
  coro::Task<Result<Reply>> eval(const Script& script, Words keys, Words arguments,
                                 coro::CancelSource* cancel) override {
    const bool fails = ++calls == failing;
    if (fails && fault != Fault::kUnanswered) co_return error();
    Result<Reply> reply = co_await real_->eval(script, keys, arguments, cancel);
    if (fails) co_return error();
    co_return std::move(reply);
  }

  size_t calls = 0, failing = 0;
  Fault fault = Fault::kUnheard;

 private:
  Error error() const {
    return Error(fault == Fault::kRefused      ? ErrorKind::kStatus
                 : fault == Fault::kUnanswered ? ErrorKind::kTimeout
                                               : ErrorKind::kConnect,
                 "it fails here");
  }
  std::shared_ptr<Redis> real_;
};

class RedisFaults : public testing::TestWithParam<std::tuple<Fault, bool>> {
 protected:
  void begin(size_t failing) {
    process_ = std::make_unique<LayeredProcess>(loop_.get(), fresh_prefix());
    redis_ = std::make_shared<FailingRedis>(process_->client);
    redis_->failing = failing;
    redis_->fault = std::get<0>(GetParam());
    auto in_redis = std::make_shared<RedisCacheStore>(redis_, process_->hub);
    store_ = in_redis;
    if (std::get<1>(GetParam())) store_ = std::make_shared<LayeredCacheStore>(in_redis, process_->near);
    loop_.run_until([this] { return process_->near->link_up() && process_->hub->up(); });
  }
  void end() {
    store_.reset();
    redis_.reset();
    process_.reset();
  }
  std::string get(const std::string& key) {
    Result<CacheLookup> found = loop_.run(store_->get(key, nullptr));
    if (found) mark_ = found->mark;
    return !found ? "error" : found->value ? *found->value : "nothing";
  }
  // As a cache does: asks, and keeps what it made of a miss.
  void make(const std::string& key, std::string value) {
    if (get(key) != "nothing") return;
    CacheItem item;
    item.value = std::make_shared<const std::string>(std::move(value));
    item.tags = {"t/" + key};
    item.since = mark_;
    item.ttl = 1h;
    loop_.run(store_->put(key, std::move(item), nullptr)).ok();
  }
  void drop() {
    std::vector<Drop> drops;
    drops.emplace_back("t", true);
    loop_.run(store_->drop(std::move(drops), nullptr)).ok();
  }

  vg::test::Loop loop_;
  std::unique_ptr<LayeredProcess> process_;
  std::shared_ptr<FailingRedis> redis_;
  std::shared_ptr<CacheStore> store_;
  Mark mark_ = 0;
};

TEST_P(RedisFaults, NothingThatWasDroppedIsServedWhicheverCallFails) {
  size_t calls = 0, failing = 0;
  do {
    begin(++failing);
    make("a", "old");
    make("b", "old");
    get("a");
    drop();
    for (const char* key : {"a", "b", "a"}) EXPECT_NE(get(key), "old") << "the call that failed: " << failing;
    make("a", "new");
    loop_.run(store_->remove("b", nullptr)).ok();
    EXPECT_NE(get("b"), "old");
    calls = redis_->calls;
    redis_->failing = 0;
    make("a", "new");
    make("a", "newer");
    EXPECT_EQ(get("a"), "new") << "the call that failed: " << failing;
    drop();
    EXPECT_EQ(get("a"), "nothing");
    end();
  } while (failing < calls);
  EXPECT_GT(failing, 8U);
}

INSTANTIATE_TEST_SUITE_P(All, RedisFaults,
                         testing::Combine(testing::Values(Fault::kUnheard, Fault::kUnanswered, Fault::kRefused),
                                          testing::Bool()));

}  // namespace
}  // namespace vg::store::contract
