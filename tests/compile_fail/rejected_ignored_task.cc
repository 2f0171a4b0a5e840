// expect: ignoring return(ed)? value .*nodiscard|warn_unused_result|unused-result
// A Task is lazy: one that is not awaited never runs.
#include "coro/task.h"

vg::coro::Task<void> work();

vg::coro::Task<void> caller() {
#ifdef CONTROL
  co_await work();
#else
  work();
  co_return;
#endif
}
