// expect: deleted|implicitly-deleted
// A Task owns its frame: two owners would destroy it twice.
#include <utility>

#include "coro/task.h"

vg::coro::Task<int> twice(vg::coro::Task<int> first) {
#ifdef CONTROL
  vg::coro::Task<int> second = std::move(first);
#else
  vg::coro::Task<int> second = first;
#endif
  co_return co_await std::move(second);
}
