// The Redis of one loop: one connection, over which all commands go in the order of their calls. What is asked for in
// one turn of the loop goes out in one write.
//
// Failures. Every command has redis.timeout. Once one is not answered in time, or the connection can't be made, or
// Redis says that it can't be used (read-only, out of memory, loading, no permission, …: redis_errors.h), the client is
// down: what is under way ends, the connection is thrown away with all that may still come over it, and calls end at
// once with kConnect. It is tried again in the background, at first at once and then after 100 ms to 5 s, by a
// connection of its own that must sign in and run a script that writes within redis.timeout; then it is up. A
// connection that was fine and is ended by the other side (a restart, an idle limit) is made anew before anybody is
// told that Redis is down: calls wait for that one attempt, within their timeout. Thread: its loop.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "coro/scope.h"
#include "net/event_loop.h"
#include "observe/metrics.h"
#include "store/redis.h"
#include "store/redis_backoff.h"
#include "store/redis_connection.h"
#include "store/redis_hub.h"

namespace vg::store {

class RedisClient final : public Redis {
 public:
  /// Connects as soon as the loop runs. The end of what is returned closes it: calls under way end with kCancelled.
  /// `dns` may be nullptr where no name has to be resolved, `metrics` where nothing is counted. Lifetime: the loop
  /// outlives it and runs until its handles are closed; `dns` and `metrics` outlive what is returned.
  static std::shared_ptr<RedisClient> create(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub,
                                             observe::RedisMetrics* metrics);
  ~RedisClient() override;

  const std::shared_ptr<RedisHub>& hub() const { return hub_; }
  /// Called whenever a connection was made, on the loop.
  void on_up(std::function<void()> callback) { on_up_ = std::move(callback); }

  // Redis
  bool up() const override { return state_ == State::kUp || state_ == State::kConnecting; }
  const std::string& prefix() const override { return hub_->settings().prefix; }
  coro::Task<Result<Reply>> command(Words words, coro::CancelSource* cancel) override;
  coro::Task<Result<Reply>> eval(const Script& script, Words keys, Words arguments,
                                 coro::CancelSource* cancel) override;

  /// More than this under way is refused: nobody could have waited for it.
  static constexpr size_t kMostQueuedBytes = 64 * 1024 * 1024;

 private:
  enum class State : uint8_t { kConnecting, kUp, kDown, kClosed };
  class Call;
  /// One that was asked for, in order; `call` is nullptr once nobody waits for it any more.
  struct Asked {
    Call* call;
    TimePoint deadline;
  };
  struct Flusher;
  struct Alarm : net::Timer {
    Alarm(RedisClient* owner, void (RedisClient::*what)()) : Timer(&on_fire), self(owner), action(what) {}
    static void on_fire(net::Timer* t) {
      auto* a = static_cast<Alarm*>(t);
      (a->self->*a->action)();
    }
    RedisClient* self;
    void (RedisClient::*action)();
  };

  RedisClient(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub, observe::RedisMetrics* metrics);
  void close();
  void start();
  static coro::Detached run(std::shared_ptr<RedisClient> self);
  coro::Task<void> serve();
  void took_replies();
  void deliver(Reply reply);
  void flush();
  coro::Task<void> flush_rest();
  void check_deadlines();
  bool admit(Call& call);
  void forget(Call& call);
  void report(RedisHub::Link link, const std::string& why);
  void went_down(const Error& why);
  void lost(Error why);
  void end_calls(const Error& why);

  net::EventLoop* loop_;
  std::shared_ptr<RedisHub> hub_;
  observe::RedisMetrics* metrics_;
  RedisDialer dialer_;
  std::weak_ptr<RedisClient> self_;
  State state_ = State::kConnecting;
  RedisHub::Link reported_ = RedisHub::Link::kNew;
  Error down_because_;
  std::unique_ptr<RedisConnection> connection_;
  bool connection_lost_ = false;  // connection_ is closed and about to go
  std::string refused_;           // an error reply said that Redis can't be used
  std::string outbox_;            // asked for, not written yet
  std::deque<Asked> asked_;       // not answered yet
  uint64_t first_ = 0;            // the number of asked_[0]
  bool suspect_ = false;          // a deadline has passed; the loop is given a turn to read what came in time
  TimePoint up_since_{};
  Backoff backoff_;
  std::function<void()> on_up_;
  coro::CancelSource stop_;
  coro::Scope writing_;
  Flusher* flusher_;
  Alarm starter_{this, &RedisClient::start};
  Alarm deadlines_{this, &RedisClient::check_deadlines};
};

}  // namespace vg::store
