// A hit allocates nothing: not in its frame, not for the value, not for checking tags after a drop. Sanitizers have an
// operator new of their own, and no pool of frames.
#ifndef VG_SANITIZED
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "store/memory_cache_store.h"
#include "support/loop.h"

namespace {
std::atomic<size_t> allocations{0};
}  // namespace
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace vg::store {
namespace {

class MemoryCacheHit : public testing::Test {
 protected:
  MemoryCacheHit() {
    CacheItem item;
    item.value = std::make_shared<const std::string>(1000, 'x');
    item.tags = {"catalog/articles/7", "path:/articles/7"};
    item.ttl = std::chrono::hours(1);
    EXPECT_TRUE(store_.keep("a", std::move(item)).ok());
  }
  MemoryCacheStore store_{16 << 20};
};

TEST_F(MemoryCacheHit, AllocatesNothing) {
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(store_.find("a").value);
  EXPECT_EQ(allocations - before, 0u);
}

TEST_F(MemoryCacheHit, AllocatesNothingAfterADrop) {
  const std::vector<Drop> drops{Drop("catalog/articles/8", true)};
  for (int i = 0; i < 100; ++i) {
    store_.drop_all(drops);
    const size_t before = allocations;
    EXPECT_TRUE(store_.find("a").value);
    EXPECT_EQ(allocations - before, 0u);
  }
}

TEST_F(MemoryCacheHit, AllocatesNothingByGetEither) {
  std::optional<Result<CacheLookup>> found;
  for (int i = 0; i < 10; ++i) {
    const size_t before = allocations;
    auto task = vg::test::keep_result(store_.get("a", nullptr), &found);
    const auto frame = task.release();
    frame.resume();
    EXPECT_TRUE(frame.done());
    frame.destroy();
    EXPECT_TRUE(i == 0 || allocations == before);
    EXPECT_TRUE((*found)->value);
  }
}

}  // namespace
}  // namespace vg::store
#endif
