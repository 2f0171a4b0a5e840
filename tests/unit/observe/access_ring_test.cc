// The rings stand on the heap, as those of loops do: g++ 12's AddressSanitizer does not align a stack by 64.
#include "observe/access_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace vg::observe {
namespace {

std::string take_all(AccessRing& ring) {
  const AccessRing::Pending pending = ring.peek();
  std::string out(pending.first);
  out += pending.second;
  ring.consume(out.size());
  return out;
}

TEST(AccessRing, GivesBackWhatWasAppended) {
  const auto ring = std::make_unique<AccessRing>(64, std::make_shared<WakeSignal>());
  EXPECT_EQ(ring->peek().size(), 0u);
  EXPECT_TRUE(ring->append("one\n"));
  EXPECT_TRUE(ring->append("two\n"));
  EXPECT_EQ(take_all(*ring), "one\ntwo\n");
  EXPECT_EQ(ring->peek().size(), 0u);
  EXPECT_EQ(ring->appended(), 2u);
}

TEST(AccessRing, SizeIsRoundedUpToAPowerOfTwo) {
  EXPECT_EQ(std::make_unique<AccessRing>(100, std::make_shared<WakeSignal>())->capacity(), 128u);
  EXPECT_EQ(std::make_unique<AccessRing>(0, std::make_shared<WakeSignal>())->capacity(), 64u);
}

TEST(AccessRing, LinesWrapAroundWhole) {
  const auto ring = std::make_unique<AccessRing>(64, std::make_shared<WakeSignal>());
  for (int i = 0; i < 1000; ++i) {
    const std::string line = std::string(static_cast<size_t>(1 + i % 60), static_cast<char>('a' + i % 26)) + "\n";
    EXPECT_TRUE(ring->append(line));
    EXPECT_EQ(take_all(*ring), line);
  }
}

TEST(AccessRing, DropsAndCountsWhatDoesNotFit) {
  const auto ring = std::make_unique<AccessRing>(64, std::make_shared<WakeSignal>());
  const std::string line(32, 'x');
  EXPECT_TRUE(ring->append(line));
  EXPECT_TRUE(ring->append(line));
  EXPECT_FALSE(ring->append("y"));
  EXPECT_EQ(ring->dropped(), 1u);
  ring->consume(32);
  EXPECT_TRUE(ring->append("y"));
  EXPECT_EQ(take_all(*ring), line + "y");
  EXPECT_FALSE(ring->append(std::string(65, 'z'))) << "a line longer than the ring never fits";
  EXPECT_EQ(ring->dropped(), 2u);
  EXPECT_EQ(ring->appended(), 3u);
}

TEST(AccessRing, WakesOnlyAWriterThatSleeps) {
  const auto signal = std::make_shared<WakeSignal>();
  const auto ring = std::make_unique<AccessRing>(1024, signal);
  ring->append("awake\n");
  EXPECT_EQ(signal->wakes(), 0u);
  signal->announce_sleep();
  ring->append("first\n");
  ring->append("second\n");
  EXPECT_EQ(signal->wakes(), 1u);
}

TEST(AccessRing, TwoThreadsLoseAndMixNothing) {
  const auto ring = std::make_unique<AccessRing>(256, std::make_shared<WakeSignal>());
  constexpr int kLines = 20'000;
  std::string got;
  std::thread reader([&] {
    int newlines = 0;
    while (newlines < kLines) {
      const std::string part = take_all(*ring);
      for (const char c : part) newlines += c == '\n';
      got += part;
      if (part.empty()) std::this_thread::yield();
    }
  });
  std::string sent;
  uint64_t refused = 0;
  for (int i = 0; i < kLines; ++i) {
    const std::string line = std::to_string(i) + "\n";
    while (!ring->append(line)) {
      ++refused;
      std::this_thread::yield();
    }
    sent += line;
  }
  reader.join();
  EXPECT_EQ(got, sent);
  EXPECT_EQ(ring->dropped(), refused);
}

}  // namespace
}  // namespace vg::observe
