#include "coro/ready_queue.h"

#include <cstddef>
#include <vector>

namespace vg::coro {

namespace {
struct Queue {
  std::vector<std::coroutine_handle<>> waiters;
  std::size_t next = 0;
  bool draining = false;
};
thread_local Queue queue;
}  // namespace

void post(std::coroutine_handle<> waiter) { queue.waiters.push_back(waiter); }

void drain() {
  Queue& q = queue;
  if (q.draining || q.waiters.empty()) return;
  q.draining = true;
  while (q.next < q.waiters.size()) {
    const std::coroutine_handle<> waiter = q.waiters[q.next++];
    if (waiter) waiter.resume();
  }
  q.waiters.clear();
  q.next = 0;
  q.draining = false;
}

void unpost(std::coroutine_handle<> waiter) {
  Queue& q = queue;
  for (std::size_t i = q.next; i < q.waiters.size(); ++i) {
    if (q.waiters[i] == waiter) q.waiters[i] = nullptr;
  }
}

}  // namespace vg::coro
