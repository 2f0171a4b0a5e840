// What memory before Redis promises beyond the contract: copies are served without Redis, and never what another
// process dropped or replaced; a copy that may have missed something is not served.
#include <gtest/gtest.h>

#include "contract/redis_case.h"

namespace vg::store::contract {
namespace {

using namespace std::chrono_literals;

class LayeredCacheStoreTest : public testing::Test {
 protected:
  LayeredCacheStoreTest() {
    wait([this] { return ours_.near->link_up() && theirs_.near->link_up(); });
  }
  void wait(const std::function<bool()>& done) { loop_.run_until(done); }
  std::string get(LayeredProcess& of, const std::string& key = "k") {
    Result<CacheLookup> found = loop_.run(of.layered->get(key, nullptr));
    if (!found) return std::string(to_string(found.error().kind));
    return found->value ? *found->value : "nothing";
  }
  void put(LayeredProcess& of, std::string value, std::vector<std::string> tags = {}, const std::string& key = "k") {
    CacheItem item;
    item.value = std::make_shared<const std::string>(std::move(value));
    item.tags = std::move(tags);
    item.since = loop_.run(of.layered->get(key, nullptr))->mark;
    item.ttl = 1h;
    EXPECT_TRUE(loop_.run(of.layered->put(key, std::move(item), nullptr)).ok());
  }
  Result<void> drop(LayeredProcess& of, std::string text, coro::CancelSource* cancel = nullptr) {
    std::vector<Drop> drops;
    drops.emplace_back(std::move(text), true);
    return loop_.run(of.layered->drop(std::move(drops), cancel));
  }
  Reply ask(std::vector<std::string_view> words) {
    Result<Reply> r = loop_.run(ours_.client->command(words, nullptr));
    EXPECT_TRUE(r.ok());
    return r.ok() ? std::move(*r) : Reply();
  }
  // Takes the value out of Redis behind everybody's back: who still has it has a copy.
  void lose(const std::string& key = "k") { ask({"DEL", prefix_ + "cache:" + key}); }
  bool copied(LayeredProcess& at, const std::string& key = "k") { return at.near->find(key).value != nullptr; }

  vg::test::Loop loop_;
  const std::string prefix_ = fresh_prefix();
  LayeredProcess ours_{loop_.get(), prefix_};
  LayeredProcess theirs_{loop_.get(), prefix_};
};

TEST_F(LayeredCacheStoreTest, WhatRedisGaveIsServedFromMemory) {
  put(ours_, "v");
  EXPECT_EQ(get(theirs_), "v");
  const uint64_t copied_at = theirs_.redis->last_mark();
  lose();
  EXPECT_EQ(get(theirs_), "v");
  EXPECT_EQ(loop_.run(theirs_.layered->get("k", nullptr))->mark, copied_at);
}

TEST_F(LayeredCacheStoreTest, ADropReachesTheMemoryOfOthers) {
  put(ours_, "v", {"t/1"});
  EXPECT_EQ(get(theirs_) + get(ours_), "vv");
  lose();
  ASSERT_TRUE(drop(ours_, "t").ok());
  EXPECT_EQ(get(ours_), "nothing") << "at once here";
  wait([&] { return !copied(theirs_); });
  EXPECT_EQ(get(theirs_), "nothing");
}

TEST_F(LayeredCacheStoreTest, AValueThatTakesAnothersPlaceIsSeenByOthers) {
  put(ours_, "one");
  EXPECT_EQ(get(theirs_), "one");
  put(ours_, "two");
  EXPECT_EQ(get(ours_), "two");
  wait([&] { return !copied(theirs_); });
  EXPECT_EQ(get(theirs_), "two");
}

TEST_F(LayeredCacheStoreTest, ARemovalReachesOthers) {
  put(ours_, "v");
  EXPECT_EQ(get(theirs_), "v");
  EXPECT_TRUE(loop_.run(ours_.layered->remove("k", nullptr)).ok());
  EXPECT_EQ(get(ours_), "nothing");
  wait([&] { return !copied(theirs_); });
}

TEST_F(LayeredCacheStoreTest, AValueMadeAfterAHitInMemoryIsKept) {
  put(ours_, "one", {"t"});
  EXPECT_EQ(get(ours_) + get(ours_), "oneone");
  put(ours_, "two", {"t"});
  EXPECT_EQ(get(ours_), "two");
}

TEST_F(LayeredCacheStoreTest, WhatBeganBeforeAnothersDropIsNotKept) {
  put(ours_, "one", {"t"});
  EXPECT_EQ(get(theirs_), "one");
  const Mark before = loop_.run(theirs_.layered->get("k", nullptr))->mark;
  ASSERT_TRUE(drop(ours_, "t").ok());
  CacheItem item;
  item.value = std::make_shared<const std::string>("stale");
  item.tags = {"t"};
  item.since = before;
  item.ttl = 1h;
  EXPECT_TRUE(loop_.run(theirs_.layered->put("k", std::move(item), nullptr)).ok());
  EXPECT_EQ(get(ours_) + get(theirs_), "nothingnothing");
}

TEST_F(LayeredCacheStoreTest, WhileTheLinkIsDownMemoryIsNotAskedAndWhatItHadIsGoneAfterwards) {
  put(ours_, "v");
  EXPECT_EQ(get(theirs_), "v");
  lose();
  theirs_.subscriber.reset();
  EXPECT_FALSE(theirs_.near->link_up());
  EXPECT_EQ(get(theirs_), "nothing");
  theirs_.subscriber = RedisSubscriber::create(loop_.get(), nullptr, theirs_.hub);
  wait([&] { return theirs_.near->link_up(); });
  EXPECT_FALSE(copied(theirs_));
  EXPECT_EQ(get(theirs_), "nothing");
  put(ours_, "new");
  EXPECT_EQ(get(theirs_), "new");
  EXPECT_TRUE(copied(theirs_));
}

TEST_F(LayeredCacheStoreTest, NothingIsCopiedWhileTheLinkIsDown) {
  theirs_.subscriber.reset();
  put(ours_, "v");
  EXPECT_EQ(get(theirs_), "v");
  EXPECT_FALSE(copied(theirs_));
}

TEST_F(LayeredCacheStoreTest, WithRedisGoneNothingIsServedAndAfterwardsNothingOld) {
  put(ours_, "v");
  EXPECT_EQ(get(ours_), "v");
  redis_server().stop();
  wait([&] { return !ours_.near->link_up() && get(ours_) == to_string(ErrorKind::kConnect); });
  redis_server().start();
  wait([&] { return ours_.near->link_up() && ours_.hub->up(); });
  EXPECT_EQ(get(ours_), "nothing");
}

TEST_F(LayeredCacheStoreTest, ADropThatCouldNotBeToldIsToldLater) {
  put(ours_, "v", {"t"});
  EXPECT_EQ(get(ours_) + get(theirs_), "vv");
  coro::CancelSource gone;
  gone.cancel(ErrorKind::kCancelled);
  EXPECT_FALSE(drop(ours_, "t", &gone).ok());
  EXPECT_EQ(get(ours_), "nothing");
  wait([&] { return !copied(theirs_); });
  EXPECT_EQ(get(theirs_), "nothing");
}

TEST_F(LayeredCacheStoreTest, NewsThatNobodyOfOursSpeaksDropAllCopies) {
  put(ours_, "v");
  EXPECT_EQ(get(theirs_), "v");
  ask({"PUBLISH", theirs_.hub->news().name(RedisCacheStore::kNews), "hello"});
  wait([&] { return !copied(theirs_); });
  EXPECT_EQ(get(theirs_), "v");
}

}  // namespace
}  // namespace vg::store::contract
