// The connection that news come over: one in the process, on one loop, as long as somebody listens. A link that says
// nothing for a second is asked (PING); without an answer within another second, or redis.timeout where that is longer,
// it is down, and so are all listeners' links until it is made anew.
// Thread: its loop.
#pragma once
#include <memory>
#include <set>
#include <string>

#include "coro/scope.h"
#include "net/event_loop.h"
#include "store/redis_backoff.h"
#include "store/redis_connection.h"
#include "store/redis_hub.h"

namespace vg::store {

class RedisSubscriber {
 public:
  /// Serves hub->news() as soon as the loop runs, until what is returned goes. `dns` may be nullptr where no name has
  /// to be resolved. Lifetime: the loop outlives it and runs until its handles are closed; `dns` outlives what is
  /// returned.
  static std::shared_ptr<RedisSubscriber> create(net::EventLoop* loop, net::DnsCache* dns,
                                                 std::shared_ptr<RedisHub> hub);
  RedisSubscriber(const RedisSubscriber&) = delete;
  const std::shared_ptr<RedisHub>& hub() const { return hub_; }

 private:
  struct Alarm : net::Timer {
    Alarm(RedisSubscriber* owner, void (RedisSubscriber::*what)()) : Timer(&on_fire), self(owner), action(what) {}
    static void on_fire(net::Timer* t) {
      auto* a = static_cast<Alarm*>(t);
      (a->self->*a->action)();
    }
    RedisSubscriber* self;
    void (RedisSubscriber::*action)();
  };
  RedisSubscriber(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub);
  void start();
  void close();
  void listeners_changed();
  static coro::Detached run(std::shared_ptr<RedisSubscriber> self);
  coro::Task<void> serve();
  bool take(const Reply& reply);
  void subscribe();
  void send(const std::string& text);
  void check_link();
  void lost(std::string why);

  net::EventLoop* loop_;
  std::shared_ptr<RedisHub> hub_;
  RedisDialer dialer_;
  std::weak_ptr<RedisSubscriber> self_;
  std::unique_ptr<RedisConnection> connection_;
  std::set<std::string> subscribed_, confirmed_;  // asked for over connection_, and answered
  bool closed_ = false, over_ = true, asked_ = false, said_ = false;
  TimePoint up_since_{};
  Backoff backoff_;
  coro::Event changed_;
  coro::CancelSource stop_;
  Alarm starter_{this, &RedisSubscriber::start};
  Alarm silence_{this, &RedisSubscriber::check_link};
};

}  // namespace vg::store
