// The coroutines of this thread that may go on. Whatever completes an operation posts its waiter here instead of
// resuming it on the spot, so that nobody is resumed inside a frame that it may destroy (DESIGN, rule 4); the event
// loop drains the queue at the end of each callback. Thread: each has its own queue.
#pragma once
#include <coroutine>

namespace vg::coro {

/// Queues `waiter` for resumption on this thread.
void post(std::coroutine_handle<> waiter);
/// Resumes what is queued, and what that queues, until nothing is left. Not re-entrant: an inner call returns at once.
void drain();
/// Forgets a queued waiter whose frame is about to be destroyed.
void unpost(std::coroutine_handle<> waiter);

}  // namespace vg::coro
