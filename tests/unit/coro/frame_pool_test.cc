#include "coro/frame_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace vg::coro {
namespace {

TEST(FramePool, GivesAlignedMemoryOfEverySize) {
  std::vector<std::pair<void*, size_t>> frames;
  for (size_t size = 1; size <= 5000; size += 61) {
    void* frame = allocate_frame(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame) % alignof(std::max_align_t), 0u) << size;
    std::memset(frame, 0xab, size);
    frames.emplace_back(frame, size);
  }
  for (const auto& [frame, size] : frames) free_frame(frame, size);
  release_frames();
}

#ifndef VG_SANITIZED
TEST(FramePool, GivesAFreedFrameAgainToTheSameSizeClass) {
  release_frames();
  void* first = allocate_frame(200);
  free_frame(first, 200);
  void* again = allocate_frame(193);
  EXPECT_EQ(again, first);
  void* other = allocate_frame(300);
  EXPECT_NE(other, first);
  free_frame(again, 193);
  free_frame(other, 300);
  release_frames();
}
#endif

TEST(FramePool, NeverGivesTheSameMemoryTwice) {
  struct Held {
    unsigned char* frame;
    size_t size;
    unsigned char mark;
  };
  std::mt19937 random(7);
  std::vector<Held> held;
  const auto release = [&](size_t i) {
    const Held& h = held[i];
    ASSERT_EQ(h.frame[0], h.mark) << "overwritten";
    ASSERT_EQ(std::memcmp(h.frame, h.frame + 1, h.size - 1), 0) << "overwritten";
    free_frame(held[i].frame, held[i].size);
    held[i] = held.back();
    held.pop_back();
  };
  for (int step = 0; step < 20'000; ++step) {
    if (held.size() < 100 && random() % 2 == 0) {
      const size_t size = 1 + random() % 4500;
      auto* frame = static_cast<unsigned char*>(allocate_frame(size));
      const auto mark = static_cast<unsigned char>(random());
      std::memset(frame, mark, size);
      held.push_back({frame, size, mark});
    } else if (!held.empty()) {
      release(random() % held.size());
    }
  }
  while (!held.empty()) release(0);
  release_frames();
}

TEST(FramePool, TakesAFrameThatAnotherThreadMade) {
  void* frame = allocate_frame(500);
  std::memset(frame, 1, 500);
  std::thread other([frame] { free_frame(frame, 500); });
  other.join();
}

TEST(FramePool, BoundsWhatABurstLeavesBehind) {
  std::vector<void*> frames;
  for (int i = 0; i < 10'000; ++i) frames.push_back(allocate_frame(128));
  for (void* frame : frames) free_frame(frame, 128);
  for (void*& frame : frames) frame = allocate_frame(128);
  for (void* frame : frames) free_frame(frame, 128);
  release_frames();
}

}  // namespace
}  // namespace vg::coro
