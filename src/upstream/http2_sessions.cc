#include "upstream/http2_sessions.h"

#include <algorithm>

#include "upstream/pool.h"

namespace vg::upstream {

namespace {
constexpr Duration kLeastLife = std::chrono::milliseconds(100);  // of a connection that is in use
}

Http2Sessions::~Http2Sessions() {
  for (const std::shared_ptr<Http2Client>& s : sessions_) {
    s->set_owner(nullptr);
    s->close();
  }
}

// The oldest with room: so few are used, and what is not needed becomes idle.
Http2CallPtr Http2Sessions::take() {
  for (const std::shared_ptr<Http2Client>& s : sessions_) {
    if (Http2CallPtr call = s->take()) return call;
  }
  return nullptr;
}

coro::Task<Result<Http2CallPtr>> Http2Sessions::acquire(coro::CancelSource* cancel, TimePoint* begun) {
  const std::shared_ptr<Pool> keep = pool_->shared_from_this();
  Waiter waiter(cancel);
  for (;;) {
    if (Http2CallPtr call = take()) {
      if (waiter.opens) pass_on_opening();
      co_return std::move(call);
    }
    if (opener_ == nullptr) {
      Result<void> opened = co_await open(&waiter, cancel, begun);
      if (waiter.given && *begun == TimePoint::max()) *begun = pool_->loop()->now();
      if (waiter.given) co_return std::move(waiter.given);
      if (!opened) co_return std::move(opened.error());
    } else {
      const bool may_wait = co_await wait(&waiter, cancel, begun);
      if (waiter.given) co_return std::move(waiter.given);
      if (waiter.error) co_return *std::move(waiter.error);
      if (!may_wait) co_return Error(ErrorKind::kOverload, pool_->upstream().name() + " has too many calls waiting");
      if (cancel->cancelled()) {
        if (waiter.opens) pass_on_opening();
        const ErrorKind why = cancel->reason();
        const bool late = why == ErrorKind::kTimeout;
        co_return Error(why, late ? "no connection became free in time" : "cancelled", late);
      }
    }
  }
}

// Beside whoever opens a connection. False: too many wait. What came of it stands in `waiter`, or `cancel` came first.
coro::Task<bool> Http2Sessions::wait(Waiter* waiter, coro::CancelSource* cancel, TimePoint* begun) {
  // Those that the next connection will have room for do not wait for the limits.
  const bool pending = held_up() || waiters_.size() >= Http2Client::kMostCalls;
  if (pending && !pool_->upstream().begin_waiting()) co_return false;
  if (pending) *begun = TimePoint::max();
  if (pending) pool_->metrics().pending.add();
  waiter->opens = false;
  waiter->woken.reset();
  waiters_.push_back(waiter);
  co_await waiter->woken.wait(cancel);
  waiters_.remove(waiter);
  if (pending) pool_->metrics().pending.sub();
  if (pending) pool_->upstream().end_waiting();
  if (pending && !cancel->cancelled()) *begun = pool_->loop()->now();
  co_return true;
}

// For all who wait. An error that is not the caller's own is theirs, too.
coro::Task<Result<void>> Http2Sessions::open(Waiter* waiter, coro::CancelSource* cancel, TimePoint* begun) {
  opener_ = waiter;
  opener_since_ = pool_->loop()->now();
  Result<std::shared_ptr<Http2Client>> client = co_await connect(waiter, cancel, begun);
  opener_ = nullptr;
  if (client) {
    if (!waiter->given) waiter->given = client.value()->take();
    client.value()->set_owner(this);
    sessions_.push_back(std::move(client.value()));
    hand_out();
    pass_on_opening();
    pool_->watch_idle();  // those who waited may have found a place elsewhere
    if (waiter->given) co_return Result<void>();
    co_return Error(ErrorKind::kConnect, pool_->upstream().name() + " takes no requests on its connections", true);
  }
  if (client.error().kind == ErrorKind::kConnect) {
    for (Waiter* w : std::exchange(waiters_, {})) {
      w->error = client.error();
      w->woken.set();
    }
  }
  pass_on_opening();
  co_return std::move(client.error());
}

coro::Task<Result<std::shared_ptr<Http2Client>>> Http2Sessions::connect(Waiter* waiter, coro::CancelSource* cancel,
                                                                        TimePoint* begun) {
  Result<std::unique_ptr<Connection>> connection =
      co_await pool_->acquire(endpoint_, true, &waiter->turn, &opener_since_);
  *begun = opener_since_;
  if (!connection) co_return std::move(connection.error());
  // From here on it is for the others, too, even if the caller was given another place meanwhile.
  net::Stream* stream = &connection.value()->stream();
  std::shared_ptr<void> keeps = std::shared_ptr<Connection>(std::move(connection.value()));
  const config::UpstreamSettings& settings = pool_->upstream().settings();
  const std::shared_ptr<Http2Client> client = Http2Client::start(stream, std::move(keeps), settings.timeout);
  net::DeadlineSource deadline(pool_->loop(), pool_->loop()->now() + settings.connect_timeout, cancel);
  co_await client->greeting(&deadline);
  if (client->greeted() && !client->ended()) co_return client;
  client->close();
  const bool own = cancel->cancelled();
  Error e(own ? cancel->reason() : ErrorKind::kConnect, settings.name + " cannot be reached", true);
  if (own && e.kind == ErrorKind::kCancelled) e.detail = "cancelled";
  e.internal = pool_->upstream().endpoint(endpoint_).label + " does not speak HTTP/2: ";
  e.internal.append(!client->fault().empty() ? client->fault()
                    : client->ended()        ? "it closed the connection"
                                             : "no SETTINGS in time");
  co_return std::move(e);
}

// What is free goes to those who wait, in their order.
void Http2Sessions::hand_out() {
  const auto give = [this](Waiter* w) {
    w->given = take();
    return w->given != nullptr;
  };
  if (held_up() && !opener_->given && give(opener_)) opener_->turn.cancel(ErrorKind::kCancelled);
  while (!waiters_.empty() && give(waiters_.front())) {
    waiters_.front()->woken.set();
    waiters_.pop_front();
  }
}

void Http2Sessions::pass_on_opening() {
  if (opener_ != nullptr || waiters_.empty()) return;
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->opens = true;
  next->woken.set();
}

void Http2Sessions::on_room(Http2Client& client) {
  Upstream& upstream = pool_->upstream();
  // Its place in the limits is somebody else's turn: another loop's, which has none of its own.
  const bool may_go = client.idle() || pool_->loop()->now() - client.begun() >= kLeastLife;
  if (may_go && upstream.anybody_waits() && upstream.wants_place(pool_->loop(), endpoint_)) client.retire();
  hand_out();
  if (client.idle()) pool_->watch_idle();
}

void Http2Sessions::on_ended(Http2Client& client) {
  std::erase_if(sessions_, [&client](const auto& s) { return s.get() == &client; });
}

TimePoint Http2Sessions::oldest_idle() const {
  TimePoint oldest = TimePoint::max();
  for (const auto& s : sessions_) {
    if (s->idle()) oldest = std::min(oldest, s->idle_since());
  }
  return oldest;
}

void Http2Sessions::close_oldest() {
  const TimePoint oldest = oldest_idle();
  for (const auto& s : sessions_) {
    if (s->idle() && s->idle_since() == oldest) return s->retire();
  }
}

size_t Http2Sessions::idle_count() const {
  return static_cast<size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [](const auto& s) { return s->idle(); }));
}

}  // namespace vg::upstream
