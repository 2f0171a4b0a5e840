#include "net/event_loop.h"

#include <cstdio>
#include <cstdlib>

namespace vg::net {

namespace {
thread_local EventLoop* current_loop = nullptr;
}

EventLoop* EventLoop::current() { return current_loop; }

EventLoop::EventLoop() : wheel_(Clock::now()), read_buffer_(new char[kReadBufferBytes]) {
  if (uv_loop_init(&loop_) != 0 || uv_timer_init(&loop_, &timer_) != 0 ||
      uv_async_init(&loop_, &async_, on_async) != 0 || uv_check_init(&loop_, &after_poll_) != 0 ||
      uv_prepare_init(&loop_, &before_poll_) != 0) {
    std::fputs("viewgate: cannot create an event loop (out of file descriptors?)\n", stderr);
    std::abort();
  }
  timer_.data = async_.data = after_poll_.data = before_poll_.data = loop_.data = this;
  for (void* handle :
       {static_cast<void*>(&timer_), static_cast<void*>(&after_poll_), static_cast<void*>(&before_poll_)})
    uv_unref(static_cast<uv_handle_t*>(handle));
}

EventLoop::~EventLoop() {
  if (!closing_) {
    // It never ran: its own handles still stand.
    close();
    uv_run(&loop_, UV_RUN_NOWAIT);
  }
  const int busy = uv_loop_close(&loop_);
  assert(busy == 0);
  (void)busy;
}

void EventLoop::run() {
  current_loop = this;
  { CallbackScope scope(this); }
  uv_run(&loop_, UV_RUN_DEFAULT);
  current_loop = nullptr;
}

void EventLoop::stop() { uv_stop(&loop_); }

void EventLoop::close() {
  if (closing_) return;
  closing_ = true;
  {
    const std::lock_guard<std::mutex> lock(remote_mutex_);
    remote_closed_ = true;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&after_poll_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&before_poll_), nullptr);
}

void TurnEnd::request() {
  if (std::exchange(queued_, true)) return;
  loop_->queue(this);
}

TurnEnd::~TurnEnd() {
  if (queued_) std::erase(loop_->turn_ends_, this);
}

void EventLoop::queue(TurnEnd* work) {
  turn_ends_.push_back(work);
  if (turn_ends_.size() > 1 || closing_) return;
  uv_check_start(&after_poll_, [](uv_check_t* h) { static_cast<EventLoop*>(h->data)->run_turn_ends(); });
  uv_prepare_start(&before_poll_, [](uv_prepare_t* h) { static_cast<EventLoop*>(h->data)->run_turn_ends(); });
}

// Work may ask for another end, and destroy what is queued.
void EventLoop::run_turn_ends() {
  while (!turn_ends_.empty()) {
    const CallbackScope scope(this);
    TurnEnd* work = turn_ends_.back();
    turn_ends_.pop_back();
    work->run();
  }
  uv_check_stop(&after_poll_);
  uv_prepare_stop(&before_poll_);
}

void EventLoop::start_timer(Timer& timer, TimePoint when) {
  wheel_.start(timer, when);
  if (when < armed_for_) wheel_dirty_ = true;
}

// libuv's own timer is moved only when a timer of ours is due before it; a stopped timer costs at most one idle
// wake-up.
void EventLoop::rearm() {
  if (!wheel_dirty_ || closing_) return;
  wheel_dirty_ = false;
  const TimePoint next = wheel_.next();
  if (next == TimePoint::max() || next >= armed_for_) return;
  armed_for_ = next;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  uv_update_time(&loop_);
  uv_timer_start(&timer_, on_timer, wait > 0 ? static_cast<uint64_t>(wait) : 0, 0);
}

void EventLoop::clock_moved() {
  now_ = TimePoint();
  armed_for_ = TimePoint::max();
  wheel_dirty_ = true;
}

void EventLoop::on_timer(uv_timer_t* handle) {
  auto* self = static_cast<EventLoop*>(handle->data);
  const CallbackScope scope(self);
  self->armed_for_ = TimePoint::max();
  self->wheel_dirty_ = true;
  self->wheel_.advance(self->now());
}

bool EventLoop::post_remote(std::function<void()> work) {
  const std::lock_guard<std::mutex> lock(remote_mutex_);
  if (remote_closed_) return false;
  remote_.push_back(std::move(work));
  // Inside the lock: close() must not close the handle between the check and the send.
  uv_async_send(&async_);
  return true;
}

void EventLoop::on_async(uv_async_t* handle) {
  auto* self = static_cast<EventLoop*>(handle->data);
  const CallbackScope scope(self);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard<std::mutex> lock(self->remote_mutex_);
    work.swap(self->remote_);
  }
  for (const auto& w : work) w();
}

Sleep::Sleep(EventLoop* loop, Duration time, coro::CancelSource* cancel)
    : CancelNode(&on_cancel), loop_(loop), time_(time), cancel_(cancel), alarm_(this) {}

void Sleep::await_suspend(std::coroutine_handle<> h) {
  waiter_ = h;
  loop_->start_timer(alarm_, time_);
  if (cancel_ != nullptr) cancel_->add(*this);
}

void Sleep::on_cancel(CancelNode* node) {
  auto* self = static_cast<Sleep*>(node);
  self->alarm_.stop();
  coro::post(self->waiter_);
}

}  // namespace vg::net
