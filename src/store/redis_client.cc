#include "store/redis_client.h"

#include <uv.h>

#include <algorithm>

#include "observe/log.h"
#include "store/redis_errors.h"

namespace vg::store {

namespace {

using namespace std::chrono_literals;
// Up for so long, it is taken to be well: the next failure is a new one.
constexpr Duration kStable = 1s;
constexpr size_t kKeptOutboxBytes = 256 * 1024;

Error down_error(const Error& why) {
  Error e(ErrorKind::kConnect, "the store cannot be reached", true);
  e.internal = why.internal;
  return e;
}

}  // namespace

/// One command that somebody waits for; lives in the waiting frame.
class RedisClient::Call : private coro::CancelNode {
 public:
  Call(RedisClient* client, coro::CancelSource* cancel)
      : CancelNode(&on_cancel), client_(client), metrics_(client->metrics_), cancel_(cancel) {}
  ~Call() {
    if (queued) client_->forget(*this);
    if (waiter_) coro::unpost(waiter_);
  }
  bool await_ready() const { return result.has_value(); }
  void await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    if (cancel_ != nullptr) cancel_->add(*this);
  }
  void await_resume() {
    waiter_ = nullptr;
    unlink();
  }
  void end(Result<Reply> how) {
    queued = false;
    result.emplace(std::move(how));
    unlink();
    if (waiter_) coro::post(waiter_);
  }
  /// What it came to. The client may have gone by now.
  Result<Reply> take() {
    if (!result->ok()) metrics_->errors[static_cast<size_t>(result->error().kind)].add();
    return std::move(*result);
  }
  bool cancelled() const { return cancel_ != nullptr && cancel_->cancelled(); }
  Error cancel_error() const { return Error(cancel_->reason(), "cancelled"); }

  std::optional<Result<Reply>> result;
  uint64_t number = 0;
  bool queued = false;

 private:
  static void on_cancel(CancelNode* node) {
    auto* self = static_cast<Call*>(node);
    self->client_->forget(*self);
    self->end(self->cancel_error());
  }
  RedisClient* client_;
  observe::RedisMetrics* metrics_;
  coro::CancelSource* cancel_;
  std::coroutine_handle<> waiter_;
};

/// Runs flush() before the loop next waits: after all callbacks of this turn. The handle's memory goes when libuv is
/// done with it.
struct RedisClient::Flusher {
  uv_prepare_t handle;
  RedisClient* client;
  net::EventLoop* loop;

  static Flusher* create(net::EventLoop* loop, RedisClient* client) {
    auto* f = new Flusher{{}, client, loop};
    uv_prepare_init(loop->uv(), &f->handle);
    f->handle.data = f;
    return f;
  }
  void arm() { uv_prepare_start(&handle, on_prepare); }
  void close() {
    client = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* h) { delete static_cast<Flusher*>(h->data); });
  }
  static void on_prepare(uv_prepare_t* handle) {
    auto* f = static_cast<Flusher*>(handle->data);
    const net::EventLoop::CallbackScope scope(f->loop);
    uv_prepare_stop(handle);
    f->client->flush();
  }
};

RedisClient::RedisClient(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub,
                         observe::RedisMetrics* metrics)
    : loop_(loop),
      hub_(std::move(hub)),
      metrics_(metrics),
      dialer_(loop, dns, hub_),
      flusher_(Flusher::create(loop, this)) {}

RedisClient::~RedisClient() = default;

std::shared_ptr<RedisClient> RedisClient::create(net::EventLoop* loop, net::DnsCache* dns,
                                                 std::shared_ptr<RedisHub> hub, observe::RedisMetrics* metrics) {
  static thread_local observe::RedisMetrics uncounted;
  std::shared_ptr<RedisClient> self(
      new RedisClient(loop, dns, std::move(hub), metrics != nullptr ? metrics : &uncounted));
  self->self_ = self;
  loop->start_timer(self->starter_, Duration());
  // Its coroutine holds it until it has ended; who made it holds this.
  return {self.get(), [self](RedisClient* c) { c->close(); }};
}

void RedisClient::close() {
  state_ = State::kClosed;
  on_up_ = nullptr;
  connection_lost_ = true;
  starter_.stop();
  deadlines_.stop();
  report(RedisHub::Link::kNew, {});
  end_calls(Error(ErrorKind::kCancelled, "cancelled"));
  if (connection_) connection_->stream().close();
  stop_.cancel(ErrorKind::kCancelled);
  dialer_.close();
  flusher_->close();
}

void RedisClient::start() { run(self_.lock()); }

coro::Detached RedisClient::run(std::shared_ptr<RedisClient> self) {
  while (self->state_ != State::kClosed) {
    Result<std::unique_ptr<RedisConnection>> opened =
        co_await self->dialer_.open(RedisDialer::Try::kWrite, &self->stop_);
    if (self->state_ == State::kClosed) break;
    bool wait = true;
    if (!opened) {
      self->went_down(opened.error());
    } else {
      self->connection_ = std::move(opened.value());
      co_await self->serve();
      if (self->loop_->now() - self->up_since_ >= kStable) {
        self->backoff_.reset();
        wait = false;
      }
    }
    if (wait) co_await net::Sleep(self->loop_, self->backoff_.next(), &self->stop_);
  }
}

// Until the connection has ended, which lost() was told of.
coro::Task<void> RedisClient::serve() {
  state_ = State::kUp;
  connection_lost_ = false;
  up_since_ = loop_->now();
  metrics_->connects.add();
  report(RedisHub::Link::kUp, {});
  flush();
  if (on_up_) on_up_();
  while (!connection_lost_) {
    Result<void> read = co_await connection_->read_some(nullptr);
    if (connection_lost_) break;
    if (!read) {
      lost(std::move(read.error()));
    } else {
      took_replies();
    }
  }
  co_await writing_.join();
  connection_.reset();
}

void RedisClient::took_replies() {
  suspect_ = false;
  RespReader& reader = connection_->reader();
  RespReader::Event event = reader.next();
  for (; event == RespReader::Event::kReply && !asked_.empty(); event = reader.next())
    deliver(std::move(reader.reply()));
  Error e(ErrorKind::kUpstreamProtocol, "the store's answer can't be read");
  if (!refused_.empty()) {
    e = Error(ErrorKind::kReset, "the store can't be used");
    e.internal = std::exchange(refused_, {});
  } else if (event == RespReader::Event::kBroken) {
    e.internal = "what it answers is not Redis's protocol: " + reader.problem();
  } else if (event == RespReader::Event::kReply) {
    e.internal = "it answers what nobody asked for";
  } else {
    return;
  }
  lost(std::move(e));
}

void RedisClient::deliver(Reply reply) {
  const Asked asked = asked_.front();
  asked_.pop_front();
  ++first_;
  if (reply.kind == Reply::Kind::kError && refused_.empty()) refused_ = refusal(reply.text);
  if (asked.call == nullptr) return;
  metrics_->duration.observe(loop_->now() - (asked.deadline - hub_->settings().timeout));
  if (reply.kind != Reply::Kind::kError) return asked.call->end(std::move(reply));
  Error e(ErrorKind::kStatus, "the store refused a command");
  e.internal = std::move(reply.text);
  asked.call->end(std::move(e));
}

// One write for all that was asked for since the last one.
void RedisClient::flush() {
  if (outbox_.empty() || state_ != State::kUp || connection_->stream().write_pending()) return;
  const net::WriteEvent event = connection_->stream().write_now({outbox_});
  outbox_.clear();
  if (outbox_.capacity() > kKeptOutboxBytes) outbox_.shrink_to_fit();
  if (event == net::WriteEvent::kError) {
    Error e(ErrorKind::kReset, "the store ended the connection", true);
    e.internal = "the connection broke";
    lost(std::move(e));
  } else if (event == net::WriteEvent::kPending) {
    writing_.spawn(flush_rest());
  }
}

coro::Task<void> RedisClient::flush_rest() {
  const net::WriteEvent event = co_await connection_->stream().flushed(nullptr);
  if (event == net::WriteEvent::kDone && !connection_lost_) flush();
}

// Of the oldest command; there is one timer for all.
void RedisClient::check_deadlines() {
  if (asked_.empty()) return;
  const TimePoint next = asked_.front().deadline;
  if (next > loop_->now()) {
    suspect_ = false;
    return loop_->start_timer(deadlines_, next);
  }
  if (state_ == State::kUp && !suspect_) {
    // Maybe it was this loop that was slow: what Redis said may lie there unread.
    suspect_ = true;
    return loop_->start_timer(deadlines_, 1ms);
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(hub_->settings().timeout).count();
  Error e(ErrorKind::kTimeout, "the store did not answer in time");
  e.internal = log::cat("it does not answer within ", ms, " ms");
  if (state_ == State::kUp) {
    lost(std::move(e));
  } else {
    went_down(e);  // the attempt to connect goes on, but nobody waits for it any more
  }
}

// False: it is refused, call.result says why.
bool RedisClient::admit(Call& call) {
  metrics_->commands.add();
  if (call.cancelled()) {
    call.result.emplace(call.cancel_error());
  } else if (state_ == State::kClosed) {
    call.result.emplace(Error(ErrorKind::kCancelled, "cancelled"));
  } else if (state_ == State::kDown) {
    call.result.emplace(down_error(down_because_));
  } else if (outbox_.size() > kMostQueuedBytes) {
    call.result.emplace(Error(ErrorKind::kOverload, "too much is on its way to the store"));
  } else {
    call.number = first_ + asked_.size();
    call.queued = true;
    const TimePoint deadline = loop_->now() + hub_->settings().timeout;
    asked_.push_back({&call, deadline});
    if (!deadlines_.running()) loop_->start_timer(deadlines_, deadline);
    if (state_ == State::kUp && outbox_.empty()) flusher_->arm();
    return true;
  }
  return false;
}

// Its answer is thrown away when it comes.
void RedisClient::forget(Call& call) {
  call.queued = false;
  if (call.number >= first_ && call.number - first_ < asked_.size()) asked_[call.number - first_].call = nullptr;
}

void RedisClient::report(RedisHub::Link link, const std::string& why) {
  hub_->changed(reported_, link, why);
  reported_ = link;
}

void RedisClient::went_down(const Error& why) {
  state_ = State::kDown;
  down_because_ = why;
  report(RedisHub::Link::kDown, why.internal);
  end_calls(why);
}

// The connection is given up, with all answers that may still come over it.
void RedisClient::lost(Error why) {
  connection_lost_ = true;
  connection_->stream().close();
  const bool ended_by_redis = why.kind == ErrorKind::kReset && why.retryable;
  if (ended_by_redis && loop_->now() - up_since_ >= kStable) {
    state_ = State::kConnecting;
    end_calls(why);
  } else {
    went_down(why);
  }
}

// What has waited for its whole time has timed out; the others could not be answered any more.
void RedisClient::end_calls(const Error& why) {
  std::deque<Asked> ended;
  ended.swap(asked_);
  first_ += ended.size();
  outbox_.clear();
  suspect_ = false;
  for (const Asked& a : ended) {
    if (a.call == nullptr) continue;
    const bool late = why.kind == ErrorKind::kTimeout && a.deadline <= loop_->now();
    Error e = why;
    if (why.kind == ErrorKind::kTimeout && !late) {
      e = Error(ErrorKind::kReset, "the connection to the store was given up", true);
      e.internal = why.internal;
    }
    a.call->end(std::move(e));
  }
}

coro::Task<Result<Reply>> RedisClient::command(Words words, coro::CancelSource* cancel) {
  Call call(this, cancel);
  if (admit(call)) append_command(outbox_, words);
  co_await call;
  co_return call.take();
}

coro::Task<Result<Reply>> RedisClient::eval(const Script& script, Words keys, Words arguments,
                                            coro::CancelSource* cancel) {
  for (bool by_text = false;; by_text = true) {
    Call call(this, cancel);
    if (admit(call)) {
      append_command_head(outbox_, 3 + keys.size() + arguments.size());
      append_word(outbox_, by_text ? "EVAL" : "EVALSHA");
      append_word(outbox_, by_text ? script.text() : script.sha1());
      append_word(outbox_, std::to_string(keys.size()));
      for (const std::string_view key : keys) append_word(outbox_, key);
      for (const std::string_view argument : arguments) append_word(outbox_, argument);
    }
    co_await call;
    const bool unknown = !call.result->ok() && call.result->error().kind == ErrorKind::kStatus &&
                         error_code(call.result->error().internal) == "NOSCRIPT";
    if (!unknown || by_text) co_return call.take();
  }
}

}  // namespace vg::store
