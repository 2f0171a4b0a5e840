#include "coro/frame_pool.h"

#include <array>
#include <new>

namespace vg::coro {

#ifdef VG_SANITIZED

void* allocate_frame(std::size_t size_bytes) { return ::operator new(size_bytes); }
void free_frame(void* frame, std::size_t) noexcept { ::operator delete(frame); }
void release_frames() noexcept {}

#else

namespace {

constexpr std::size_t kGrain = 64;
constexpr std::size_t kClasses = 64;      // frames up to 4 KiB
constexpr unsigned kKeptPerClass = 4096;  // bounds what a burst leaves behind

struct FreeFrame {
  FreeFrame* next;
};

struct Pool {
  std::array<FreeFrame*, kClasses> free{};
  std::array<unsigned, kClasses> count{};
  ~Pool() { clear(); }
  void clear() noexcept {
    for (FreeFrame*& head : free) {
      while (head != nullptr) {
        FreeFrame* next = head->next;
        ::operator delete(head);
        head = next;
      }
    }
    count.fill(0);
  }
};

// constinit and a trivial first access: no guard on the hot path.
thread_local Pool pool;

constexpr std::size_t class_of(std::size_t size_bytes) { return (size_bytes + kGrain - 1) / kGrain - 1; }

}  // namespace

void* allocate_frame(std::size_t size_bytes) {
  const std::size_t c = class_of(size_bytes);
  if (c >= kClasses) return ::operator new(size_bytes);
  Pool& p = pool;
  if (FreeFrame* f = p.free[c]) {
    p.free[c] = f->next;
    // The next one was last used a while ago: its line comes until it is asked for.
    __builtin_prefetch(f->next, 1);
    --p.count[c];
    return f;
  }
  return ::operator new((c + 1) * kGrain);
}

void free_frame(void* frame, std::size_t size_bytes) noexcept {
  const std::size_t c = class_of(size_bytes);
  Pool& p = pool;
  if (c >= kClasses || p.count[c] >= kKeptPerClass) return ::operator delete(frame);
  p.free[c] = new (frame) FreeFrame{p.free[c]};
  ++p.count[c];
}

void release_frames() noexcept { pool.clear(); }

#endif

}  // namespace vg::coro
