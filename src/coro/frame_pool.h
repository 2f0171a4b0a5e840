// Coroutine frames come from a per-thread free list in size classes: a request makes several frames and must not pay
// malloc for each. Sanitizer builds use plain malloc, since a free list would blind them.
// Thread: any; a frame freed on another thread joins that thread's list.
#pragma once
#include <cstddef>

namespace vg::coro {

void* allocate_frame(std::size_t size_bytes);
void free_frame(void* frame, std::size_t size_bytes) noexcept;
/// Gives this thread's free frames back to malloc.
void release_frames() noexcept;

}  // namespace vg::coro
