// One loop's HTTP/2 connections to one endpoint: calls take streams of those that are there. One more is opened if they
// have none left, for all who wait at once, and within the limits of the pool. Thread: its loop. Lifetime: the pool's.
#pragma once
#include <list>
#include <memory>
#include <vector>

#include "coro/task.h"
#include "upstream/http2_client.h"
#include "upstream/upstream.h"

namespace vg::upstream {

class Pool;

class Http2Sessions final : private Http2Client::Owner {
 public:
  Http2Sessions(Pool* pool, size_t endpoint) : pool_(pool), endpoint_(endpoint) {}
  Http2Sessions(const Http2Sessions&) = delete;
  ~Http2Sessions();

  /// A place on a connection that is there; nullptr if there is none.
  Http2CallPtr take();
  /// A place, maybe of a connection that is opened for it. As Pool::acquire(); kConnect also says that the endpoint
  /// speaks no HTTP/2.
  coro::Task<Result<Http2CallPtr>> acquire(coro::CancelSource* cancel, TimePoint* begun);
  /// Since when the connection that has been idle for longest is so; max(): none is.
  TimePoint oldest_idle() const;
  void close_oldest();
  size_t idle_count() const;

 private:
  /// One who waits: for a place, or for its turn to open a connection.
  struct Waiter {
    explicit Waiter(coro::CancelSource* cancel) : turn(cancel) {}
    coro::Event woken;
    coro::CancelSource turn;  // of the limits, while it opens
    Http2CallPtr given;
    std::optional<Error> error;
    bool opens = false;
  };
  coro::Task<Result<void>> open(Waiter* waiter, coro::CancelSource* cancel, TimePoint* begun);
  coro::Task<Result<std::shared_ptr<Http2Client>>> connect(Waiter* waiter, coro::CancelSource* cancel,
                                                           TimePoint* begun);
  coro::Task<bool> wait(Waiter* waiter, coro::CancelSource* cancel, TimePoint* begun);
  /// It waits for a place of the limits: what becomes free here is as good.
  bool held_up() const { return opener_ != nullptr && opener_since_ == TimePoint::max(); }
  void hand_out();
  void pass_on_opening();
  void on_room(Http2Client& client) override;
  void on_ended(Http2Client& client) override;

  Pool* pool_;
  size_t endpoint_;
  std::vector<std::shared_ptr<Http2Client>> sessions_;
  // Whoever waits, waits beside somebody who opens a connection.
  std::list<Waiter*> waiters_;
  Waiter* opener_ = nullptr;
  TimePoint opener_since_{};
};

}  // namespace vg::upstream
