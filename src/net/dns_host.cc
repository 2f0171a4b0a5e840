#include "net/dns_host.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "coro/scope.h"

namespace vg::net {
namespace {

constexpr Duration kLeastTtl = std::chrono::seconds(1);
constexpr Duration kLeastGrace = std::chrono::seconds(30);
constexpr Duration kLongestRetry = std::chrono::seconds(30);    // while an old answer serves
constexpr Duration kLongestNegative = std::chrono::seconds(5);  // while calls fail

bool same_set(const Resolution& a, const Resolution& b) {
  return a.addresses.size() == b.addresses.size() && std::ranges::is_permutation(a.addresses, b.addresses);
}

}  // namespace

// Shared with callbacks under way; they may come after the tracker is gone.
class HostTracker::State : public Cancellable, public std::enable_shared_from_this<State> {
 public:
  State(Resolver& resolver, HostOptions options) : resolver_(resolver), options_(std::move(options)) {}

  const Resolution* current();
  const Error* failure() const;
  LookupHandle get(ResolveCallback callback);
  void cancel(uint64_t id) override;
  void close();

  uint64_t version() const { return version_; }
  const std::string& name() const { return options_.name; }
  uint64_t on_change(ChangeCallback callback);
  void forget_change(uint64_t id) { listeners_.erase(id); }

 private:
  struct Waiter {
    ResolveCallback callback;
    std::optional<Result<Resolution>> answer;
  };

  TimePoint now() const { return options_.now ? options_.now() : resolver_.now(); }
  void ask();
  void on_result(Result<Resolution> result);
  void accept(Resolution fresh, TimePoint now);
  void note_failure(Error error, TimePoint now);
  void tell_listeners();
  void answer_waiters(const Result<Resolution>& answer);
  void deliver();
  void deliver_later();

  Resolver& resolver_;
  HostOptions options_;
  std::optional<Resolution> good_;
  TimePoint usable_until_{};  // of good_, unless refreshing fails
  TimePoint next_ask_ = TimePoint::min();
  bool asking_ = false;
  bool closed_ = false;
  unsigned failures_ = 0;  // in a row
  Error last_error_;
  uint64_t version_ = 0;
  uint64_t next_id_ = 1;
  std::map<uint64_t, Waiter> waiters_;  // by id: in order of arrival
  std::map<uint64_t, ChangeCallback> listeners_;
};

const Resolution* HostTracker::State::current() {
  const TimePoint at = now();
  if (at >= next_ask_ && !asking_) ask();
  return good_ && (at < usable_until_ || failures_ > 0) ? &*good_ : nullptr;
}

const Error* HostTracker::State::failure() const {
  return !good_ && failures_ > 0 && now() < next_ask_ ? &last_error_ : nullptr;
}

LookupHandle HostTracker::State::get(ResolveCallback callback) {
  const uint64_t id = next_id_++;
  Waiter& waiter = waiters_.emplace(id, Waiter{std::move(callback), std::nullopt}).first->second;
  if (const Resolution* known = current()) {
    waiter.answer = *known;
  } else if (const Error* error = failure()) {
    waiter.answer = *error;
  }
  if (waiter.answer) deliver_later();
  return {weak_from_this(), id};
}

void HostTracker::State::cancel(uint64_t id) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  found->second.answer = Error(ErrorKind::kCancelled, "cancelled");
  deliver_later();
}

void HostTracker::State::close() {
  closed_ = true;
  listeners_.clear();
  if (waiters_.empty()) return;
  answer_waiters(Error(ErrorKind::kCancelled, "cancelled"));
  deliver_later();
}

uint64_t HostTracker::State::on_change(ChangeCallback callback) {
  const uint64_t id = next_id_++;
  listeners_.emplace(id, std::move(callback));
  return id;
}

void HostTracker::State::ask() {
  asking_ = true;
  resolver_.resolve(options_.name, options_.port, [weak = weak_from_this()](Result<Resolution> result) {
    if (const auto self = weak.lock()) self->on_result(std::move(result));
  });
}

void HostTracker::State::on_result(Result<Resolution> result) {
  asking_ = false;
  if (closed_) return;
  const TimePoint at = now();
  const uint64_t before = version_;
  if (result.ok()) {
    accept(std::move(*result), at);
  } else if (result.error().kind == ErrorKind::kCancelled) {
    answer_waiters(result);  // the resolver was closed: nothing is learned from it
    next_ask_ = at + kLeastTtl;
  } else {
    note_failure(std::move(result.error()), at);
  }
  if (version_ != before) tell_listeners();
  deliver();
}

void HostTracker::State::accept(Resolution fresh, TimePoint at) {
  const Duration ttl = std::clamp<Duration>(fresh.ttl, kLeastTtl, std::max(options_.max_ttl, kLeastTtl));
  // Round-robin servers turn the order with each answer; who balances over the addresses is not to start again for
  // that.
  if (good_ && same_set(*good_, fresh)) {
    good_->ttl = fresh.ttl;
  } else {
    good_ = std::move(fresh);
    ++version_;
  }
  failures_ = 0;
  next_ask_ = at + ttl * 4 / 5;
  usable_until_ = at + ttl + std::max(ttl, kLeastGrace);
  answer_waiters(*good_);
}

void HostTracker::State::note_failure(Error error, TimePoint at) {
  const Duration longest = good_ ? kLongestRetry : kLongestNegative;
  const Duration pause = std::chrono::seconds(1u << std::min(failures_, 5u));
  ++failures_;
  next_ask_ = at + std::min(pause, longest);
  last_error_ = std::move(error);
  if (good_) {
    answer_waiters(*good_);
  } else {
    answer_waiters(last_error_);
  }
}

// Listeners may come and go, and the tracker may end, while they are told.
void HostTracker::State::tell_listeners() {
  std::vector<uint64_t> ids;
  for (const auto& [id, callback] : listeners_) ids.push_back(id);
  const Resolution told = *good_;
  for (const uint64_t id : ids) {
    const auto found = listeners_.find(id);
    if (found == listeners_.end()) continue;
    const ChangeCallback callback = found->second;
    callback(told);
  }
}

void HostTracker::State::answer_waiters(const Result<Resolution>& answer) {
  for (auto& [id, waiter] : waiters_) {
    if (!waiter.answer) waiter.answer = answer;
  }
}

void HostTracker::State::deliver() {
  std::vector<uint64_t> ready;
  for (const auto& [id, waiter] : waiters_) {
    if (waiter.answer) ready.push_back(id);
  }
  for (const uint64_t id : ready) {
    auto node = waiters_.extract(id);  // one at a time: a callback may cancel those behind it
    if (node) node.mapped().callback(std::move(*node.mapped().answer));
  }
}

void HostTracker::State::deliver_later() {
  resolver_.post([self = shared_from_this()] { self->deliver(); });
}

HostTracker::HostTracker(Resolver& resolver, HostOptions options)
    : state_(std::make_shared<State>(resolver, std::move(options))) {}
HostTracker::~HostTracker() { state_->close(); }

const Resolution* HostTracker::current() { return state_->current(); }
const Error* HostTracker::failure() const { return state_->failure(); }
LookupHandle HostTracker::get(ResolveCallback callback) { return state_->get(std::move(callback)); }
uint64_t HostTracker::version() const { return state_->version(); }
uint64_t HostTracker::on_change(ChangeCallback callback) { return state_->on_change(std::move(callback)); }
void HostTracker::forget_change(uint64_t id) { state_->forget_change(id); }
const std::string& HostTracker::name() const { return state_->name(); }

std::shared_ptr<HostTracker> DnsCache::host(const std::string& name, uint16_t port, Duration max_ttl) {
  std::erase_if(hosts_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<HostTracker>& slot = hosts_[Key{lower(name), port, max_ttl}];
  std::shared_ptr<HostTracker> tracker = slot.lock();
  if (!tracker) {
    tracker = std::make_shared<HostTracker>(resolver_, HostOptions{name, port, max_ttl, {}});
    slot = tracker;
  }
  return tracker;
}

coro::Task<Result<std::vector<Address>>> addresses_of(HostTracker& host, coro::CancelSource* cancel) {
  if (const Resolution* known = host.current()) co_return known->addresses;
  if (const Error* failed = host.failure()) co_return *failed;
  // The answer's place is the heap's: the callback may come after this coroutine has gone.
  struct Answer {
    coro::Event done;
    std::optional<Result<Resolution>> result;
  };
  auto answer = std::make_shared<Answer>();
  LookupHandle lookup = host.get([answer](Result<Resolution> r) {
    answer->result.emplace(std::move(r));
    answer->done.set();
  });
  const bool answered = co_await answer->done.wait(cancel);
  if (!answered) {
    lookup.cancel();
    const ErrorKind why = cancel->reason();
    co_return Error(why, why == ErrorKind::kTimeout ? "the name did not resolve in time" : "cancelled",
                    why == ErrorKind::kTimeout);
  }
  if (!answer->result->ok()) co_return answer->result->error();
  co_return answer->result->value().addresses;
}

}  // namespace vg::net
