// What every CacheStore promises (store/cache_store.h).
#include "store/cache_store.h"

#include <gtest/gtest.h>

#include <functional>

#include "contract/redis_case.h"

namespace vg::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// A kind of store: makes an empty one on a loop. Lifetime: what the store stands on lives as long as it does.
struct Kind {
  std::string name;
  std::function<std::shared_ptr<CacheStore>(net::EventLoop*)> make;
};

std::vector<Kind> kinds() {
  return {{"memory", [](net::EventLoop*) { return std::make_shared<MemoryCacheStore>(64 << 20); }},
          {"redis", contract::redis_store},
          {"both", contract::layered_store}};
}

class CacheStoreContract : public testing::TestWithParam<Kind> {
 protected:
  CacheLookup get(const std::string& key) {
    const Result<CacheLookup> found = loop_.run(store_->get(key, nullptr));
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : CacheLookup();
  }
  std::string value(const std::string& key) {
    const Blob found = get(key).value;
    return found ? *found : "(none)";
  }
  void put(const std::string& key, const std::string& value, std::vector<std::string> tags = {}) {
    put_since(key, value, std::move(tags), get(key).mark);
  }
  void put_since(const std::string& key, const std::string& value, std::vector<std::string> tags, Mark since,
                 Duration ttl = hours(1)) {
    CacheItem item;
    item.value = std::make_shared<const std::string>(value);
    item.tags = std::move(tags);
    item.since = since;
    item.ttl = ttl;
    EXPECT_TRUE(loop_.run(store_->put(key, std::move(item), nullptr)).ok());
  }
  void drop(const std::string& text, bool below = false) {
    EXPECT_TRUE(loop_.run(store_->drop(std::vector<Drop>{Drop(text, below)}, nullptr)).ok());
  }

  vg::test::Loop loop_;
  std::shared_ptr<CacheStore> store_ = GetParam().make(loop_.get());
};

TEST_P(CacheStoreContract, FindsWhatWasPut) {
  EXPECT_EQ(value("a"), "(none)");
  put("a", "1");
  put("b", "2");
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(value("b"), "2");
  EXPECT_EQ(value(""), "(none)");
}

TEST_P(CacheStoreContract, KeysAndValuesAreAnyBytes) {
  const std::string key("k\0\r\n\xff{}", 7);
  const std::string content("v\0\r\n\xfe", 5);
  put(key, content);
  EXPECT_EQ(value(key), content);
  EXPECT_EQ(value(key.substr(0, 1)), "(none)");
  put("empty", "");
  EXPECT_EQ(value("empty"), "");
}

TEST_P(CacheStoreContract, PutReplaces) {
  put("a", "1", {"t"});
  put("a", "2");
  EXPECT_EQ(value("a"), "2");
  drop("t");  // of the value that is gone
  EXPECT_EQ(value("a"), "2");
}

TEST_P(CacheStoreContract, WhatWasFoundStaysWhatItWas) {
  put("a", "1");
  const Blob held = get("a").value;
  put("a", "2");
  loop_.run(store_->remove("a", nullptr)).ok();
  ASSERT_TRUE(held);
  EXPECT_EQ(*held, "1");
}

TEST_P(CacheStoreContract, RemoveRemovesThatKey) {
  put("a", "1");
  put("b", "2");
  EXPECT_TRUE(loop_.run(store_->remove("a", nullptr)).ok());
  EXPECT_TRUE(loop_.run(store_->remove("none", nullptr)).ok());
  EXPECT_EQ(value("a"), "(none)");
  EXPECT_EQ(value("b"), "2");
}

TEST_P(CacheStoreContract, ALargeValueIsWhole) {
  std::string large(1 << 20, 'x');
  for (size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
  put("large", large);
  EXPECT_EQ(value("large"), large);
}

TEST_P(CacheStoreContract, ATagTakesAlongWhatHasIt) {
  put("a", "1", {"x", "up/articles/7"});
  put("b", "2", {"up/articles/8"});
  put("c", "3");
  drop("up/articles/7");
  EXPECT_EQ(value("a"), "(none)");
  EXPECT_EQ(value("b"), "2");
  EXPECT_EQ(value("c"), "3");
}

TEST_P(CacheStoreContract, ExactSparesWhatIsBelow) {
  put("list", "1", {"up/articles"});
  put("detail", "2", {"up/articles/7"});
  drop("up/articles");
  EXPECT_EQ(value("list"), "(none)");
  EXPECT_EQ(value("detail"), "2");
}

TEST_P(CacheStoreContract, BelowTakesAlongWhatIsBelow) {
  put("list", "1", {"a/b"});
  put("detail", "2", {"a/b/c"});
  put("deep", "3", {"x", "a/b/c/d/e"});
  put("other", "4", {"a/bc"});
  put("above", "5", {"a"});
  drop("a/b", true);
  EXPECT_EQ(value("list"), "(none)");
  EXPECT_EQ(value("detail"), "(none)");
  EXPECT_EQ(value("deep"), "(none)");
  EXPECT_EQ(value("other"), "4");
  EXPECT_EQ(value("above"), "5");
}

TEST_P(CacheStoreContract, TagsAreAnyBytes) {
  const std::string tag("t\0*[x]?\\ \xff", 10);
  put("a", "1", {tag});
  put("b", "2", {"t"});
  put("c", "3", {"t*"});
  drop(tag);
  EXPECT_EQ(value("a"), "(none)");
  EXPECT_EQ(value("b"), "2");
  EXPECT_EQ(value("c"), "3");
}

TEST_P(CacheStoreContract, WhatIsPutAfterADropIsKept) {
  drop("t");
  put("a", "1", {"t"});
  EXPECT_EQ(value("a"), "1");
  drop("t");
  EXPECT_EQ(value("a"), "(none)");
  put("a", "2", {"t"});
  EXPECT_EQ(value("a"), "2");
}

TEST_P(CacheStoreContract, WhatBeganBeforeADropIsNotStored) {
  const Mark before = get("a").mark;
  drop("t");
  put_since("a", "old", {"t"}, before);
  EXPECT_EQ(value("a"), "(none)");
  put_since("b", "other", {"u"}, before);
  EXPECT_EQ(value("b"), "other");
  put_since("a", "new", {"t"}, get("a").mark);
  EXPECT_EQ(value("a"), "new");
}

TEST_P(CacheStoreContract, WhatBeganBeforeADropFromAboveIsNotStored) {
  const Mark before = get("a").mark;
  drop("up/articles", true);
  put_since("a", "old", {"up/articles/7"}, before);
  EXPECT_EQ(value("a"), "(none)");
}

TEST_P(CacheStoreContract, TheMarkOfAHitCountsAsWell) {
  put("a", "1", {"t"});
  const Mark at_hit = get("a").mark;
  drop("t");
  put_since("a", "revalidated too late", {"t"}, at_hit);
  EXPECT_EQ(value("a"), "(none)");
}

TEST_P(CacheStoreContract, SeveralDropsAtOnce) {
  put("a", "1", {"t"});
  put("b", "2", {"u/1"});
  put("c", "3", {"v"});
  EXPECT_TRUE(loop_.run(store_->drop(std::vector<Drop>{Drop("t", false), Drop("u", true)}, nullptr)).ok());
  EXPECT_EQ(value("a"), "(none)");
  EXPECT_EQ(value("b"), "(none)");
  EXPECT_EQ(value("c"), "3");
  EXPECT_TRUE(loop_.run(store_->drop({}, nullptr)).ok());
  EXPECT_EQ(value("c"), "3");
}

TEST_P(CacheStoreContract, WithoutTimeNothingIsKept) {
  put("a", "1");
  put_since("a", "2", {}, 0, Duration(0));
  EXPECT_EQ(value("a"), "(none)");
}

TEST_P(CacheStoreContract, WhenItsTimeIsUpItIsGone) {
  put_since("a", "1", {}, get("a").mark, milliseconds(30));
  put("b", "2");
  struct Poll : net::Timer {
    Poll() : Timer([](net::Timer*) {}) {}
  } poll;
  const auto began = std::chrono::steady_clock::now();
  while (get("a").value && std::chrono::steady_clock::now() - began < std::chrono::seconds(10)) {
    loop_.get()->start_timer(poll, milliseconds(5));
    loop_.run_until([&] { return !poll.running(); });
  }
  EXPECT_EQ(value("a"), "(none)");
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(20));
  EXPECT_EQ(value("b"), "2");
}

INSTANTIATE_TEST_SUITE_P(Stores, CacheStoreContract, testing::ValuesIn(kinds()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace vg::store
