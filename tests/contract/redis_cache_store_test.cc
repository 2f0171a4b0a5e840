// What a RedisCacheStore promises beyond the contract: what Redis loses never brings back what was dropped, and a drop
// that could not be told is made up for before anything is served.
#include <gtest/gtest.h>

#include "contract/redis_case.h"

namespace vg::store::contract {
namespace {

using namespace std::chrono_literals;

class RedisCacheStoreTest : public testing::Test {
 protected:
  std::shared_ptr<RedisCacheStore> store_with(size_t most_drops) {
    return std::make_shared<RedisCacheStore>(process_.client, process_.hub, most_drops);
  }
  // Words that begin with @ are keys of this test.
  Reply ask(std::vector<std::string> words) {
    for (std::string& w : words) {
      if (w.starts_with('@')) w = prefix_ + w.substr(1);
    }
    const std::vector<std::string_view> views(words.begin(), words.end());
    Result<Reply> r = loop_.run(process_.client->command(views, nullptr));
    EXPECT_TRUE(r.ok());
    return r.ok() ? std::move(*r) : Reply();
  }
  Result<CacheLookup> try_get(std::string key) { return loop_.run(store_->get(key, nullptr)); }
  std::string get(const std::string& key) {
    Result<CacheLookup> found = try_get(key);
    if (!found) return std::string(to_string(found.error().kind));
    return found->value ? *found->value : "nothing";
  }
  void put(const std::string& key, std::vector<std::string> tags) {
    CacheItem item;
    item.value = std::make_shared<const std::string>(key);
    item.tags = std::move(tags);
    item.since = try_get(key)->mark;
    item.ttl = 1h;
    EXPECT_TRUE(loop_.run(store_->put(key, std::move(item), nullptr)).ok());
  }
  Result<void> drop(std::string text, coro::CancelSource* cancel = nullptr) {
    std::vector<Drop> drops;
    drops.emplace_back(std::move(text), true);
    return loop_.run(store_->drop(std::move(drops), cancel));
  }
  void server_back() {
    redis_server().start();
    loop_.run_until([this] { return process_.hub->up(); });
  }

  vg::test::Loop loop_;
  const std::string prefix_ = fresh_prefix();
  RedisProcess process_{loop_.get(), prefix_};
  std::shared_ptr<RedisCacheStore> store_ = process_.redis;
};

TEST_F(RedisCacheStoreTest, ScriptsThatRedisForgotAreSentAgain) {
  put("k", {"t"});
  ask({"SCRIPT", "FLUSH"});
  EXPECT_EQ(get("k"), "k");
  ask({"SCRIPT", "FLUSH"});
  EXPECT_TRUE(drop("t").ok());
  EXPECT_EQ(get("k"), "nothing");
}

TEST_F(RedisCacheStoreTest, LostDropsBringNothingBack) {
  put("dropped", {"t"});
  put("fine", {"u"});
  const Mark before = try_get("x")->mark;
  ASSERT_TRUE(drop("t").ok());
  EXPECT_EQ(ask({"DEL", "@drops"}).integer, 1);
  EXPECT_EQ(get("dropped"), "nothing");
  EXPECT_EQ(get("fine"), "nothing") << "nobody knows any more";
  EXPECT_GT(try_get("x")->mark, before);
  put("new", {"t"});
  EXPECT_EQ(get("new"), "new");
}

TEST_F(RedisCacheStoreTest, WhatBeganBeforeDropsWereLostIsNotKept) {
  put("k", {"t"});
  const Mark before = try_get("k")->mark;
  ask({"DEL", "@drops"});
  CacheItem item;
  item.value = std::make_shared<const std::string>("stale");
  item.since = before;
  item.ttl = 1h;
  EXPECT_TRUE(loop_.run(store_->put("other", std::move(item), nullptr)).ok());
  EXPECT_EQ(get("other"), "nothing");
}

TEST_F(RedisCacheStoreTest, DropsAreKeptInTwoGenerationsAndThoseBeforeAreAFloor) {
  store_ = store_with(20);
  put("old", {"a"});
  put("dropped", {"b"});
  ASSERT_TRUE(drop("b").ok());
  int drops = 0;
  for (; ask({"EXISTS", "@drops:older"}).integer == 0; ++drops) ASSERT_TRUE(drop("x" + std::to_string(drops)).ok());
  EXPECT_EQ(get("old"), "old") << "nothing is forgotten yet";
  EXPECT_EQ(get("dropped"), "nothing");
  put("between", {"a"});
  ASSERT_TRUE(drop("between").ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(drop("y" + std::to_string(i)).ok());
  EXPECT_EQ(get("old"), "nothing") << "below the floor";
  EXPECT_EQ(get("between"), "between");
  EXPECT_LT(ask({"HLEN", "@drops"}).integer + ask({"HLEN", "@drops:older"}).integer, 60);
}

TEST_F(RedisCacheStoreTest, ADropOfTheOlderGenerationIsSeen) {
  store_ = store_with(20);
  put("k", {"t"});
  ASSERT_TRUE(drop("t").ok());
  ask({"COPY", "@cache:k", "@cache:copy"});
  for (int i = 0; ask({"EXISTS", "@drops:older"}).integer == 0; ++i) drop("x" + std::to_string(i)).ok();
  EXPECT_EQ(get("copy"), "nothing");
  EXPECT_EQ(get("k"), "nothing");
}

TEST_F(RedisCacheStoreTest, ALostOlderGenerationBringsNothingBack) {
  store_ = store_with(20);
  put("k", {"t"});
  put("fine", {"u"});
  ASSERT_TRUE(drop("t").ok());
  for (int i = 0; ask({"EXISTS", "@drops:older"}).integer == 0; ++i) drop("x" + std::to_string(i)).ok();
  EXPECT_EQ(get("fine"), "fine");
  put("new", {"t"});
  ask({"DEL", "@drops:older"});
  EXPECT_EQ(get("k"), "nothing");
  EXPECT_EQ(get("fine"), "nothing");
  EXPECT_EQ(get("new"), "new");
}

TEST_F(RedisCacheStoreTest, AValueMayDependOnManyTagsButNotOnAnyNumber) {
  std::vector<std::string> tags;
  for (int i = 0; i < 1500; ++i) tags.push_back("t/" + std::to_string(i));
  put("k", tags);
  EXPECT_EQ(get("k"), "k");
  ASSERT_TRUE(drop("t/1499").ok());
  EXPECT_EQ(get("k"), "nothing");
  CacheItem item;
  item.value = std::make_shared<const std::string>("v");
  for (int i = 0; i < 3000; ++i) item.tags.push_back("u/" + std::to_string(i));
  item.since = try_get("k")->mark;
  item.ttl = 1h;
  EXPECT_EQ(loop_.run(store_->put("k", std::move(item), nullptr)).error().kind, ErrorKind::kTooLarge);
}

TEST_F(RedisCacheStoreTest, AForeignValueAtTheKeyIsAnErrorAndNoCrash) {
  ask({"SET", "@cache:k", "0000000000000001"});
  put("warm", {});
  EXPECT_NE(get("k"), "k");
  ask({"DEL", "@cache:k"});
  ask({"LPUSH", "@cache:k", "x"});
  EXPECT_EQ(get("k"), to_string(ErrorKind::kStatus));
}

TEST_F(RedisCacheStoreTest, ADropThatCouldNotBeToldIsMadeUpForBeforeAnythingIsServed) {
  put("dropped", {"t/1"});
  put("fine", {"u"});
  coro::CancelSource gone;
  gone.cancel(ErrorKind::kCancelled);
  EXPECT_FALSE(drop("t", &gone).ok());
  EXPECT_FALSE(store_->usable());
  EXPECT_EQ(get("dropped"), "nothing");
  EXPECT_EQ(get("fine"), "fine");
  EXPECT_TRUE(store_->usable());
}

TEST_F(RedisCacheStoreTest, ADropWhileRedisIsDownIsMadeUpForByAnyLoopOfTheProcess) {
  put("k", {"t"});
  const std::string packed = ask({"GET", "@cache:k"}).text;
  const std::string drops = ask({"DUMP", "@drops"}).text;
  redis_server().stop();
  EXPECT_FALSE(drop("t").ok());
  EXPECT_EQ(get("k"), to_string(ErrorKind::kConnect));
  server_back();
  // As if Redis had kept everything over its restart.
  ask({"SET", "@cache:k", packed});
  ask({"RESTORE", "@drops", "0", drops, "REPLACE"});
  RedisCacheStore other(process_.client, process_.hub);
  EXPECT_EQ(loop_.run(other.get("k", nullptr))->value, nullptr);
  EXPECT_EQ(get("k"), "nothing");
}

TEST_F(RedisCacheStoreTest, ARemovalThatCouldNotBeToldIsMadeUpForToo) {
  put("k", {});
  coro::CancelSource gone;
  gone.cancel(ErrorKind::kCancelled);
  EXPECT_FALSE(loop_.run(store_->remove("k", &gone)).ok());
  EXPECT_EQ(get("k"), "nothing");
}

TEST_F(RedisCacheStoreTest, TwoProcessesSeeEachOthersDrops) {
  const RedisProcess other(loop_.get(), prefix_);
  put("k", {"t"});
  EXPECT_EQ(*loop_.run(other.redis->get("k", nullptr))->value, "k");
  ASSERT_TRUE(drop("t").ok());
  EXPECT_EQ(loop_.run(other.redis->get("k", nullptr))->value, nullptr);
}

}  // namespace
}  // namespace vg::store::contract
