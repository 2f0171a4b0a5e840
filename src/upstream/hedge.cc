#include "upstream/hedge.h"

namespace vg::upstream {

namespace {

Duration hedge_of(Pool* pool, const Request& request) {
  const bool fits = http::is_safe(request.method) && !request.forward_body && !request.content && !request.upgrade;
  return fits ? request.hedge.value_or(pool->upstream().settings().hedge) : Duration();
}

/// Two calls for one request.
class Race {
 public:
  Race(Pool* pool, Request& request, http::Exchange& ex, Duration body_timeout)
      : pool_(pool), request_(request), ex_(ex), body_timeout_(body_timeout) {
    parent_ = request.cancel != nullptr ? request.cancel : &ex.cancel;
    for (Runner* r : {&first_, &second_}) r->cancel.attach(parent_);
  }

  coro::Task<Result<void>> run(CallPtr* call, CallStats* stats, Duration hedge) {
    first_.call = std::move(*call);
    start(first_, nullptr);
    net::DeadlineSource patience(ex_.loop, ex_.loop->now() + hedge, parent_);
    const bool ended = co_await ended_.wait(&patience);
    if (!ended && !parent_->cancelled()) start_second();
    while (!is_decided()) {
      ended_.reset();
      co_await ended_.wait();
    }
    Runner& winner = choose();
    (&winner == &first_ ? second_ : first_).cancel.cancel(ErrorKind::kCancelled);
    co_await scope_.join();
    if (&winner == &second_) pool_->metrics().hedges_won.add();
    *stats = winner.stats;
    stats->attempts = first_.stats.attempts + second_.stats.attempts;
    *call = std::move(winner.call);
    co_return *std::move(winner.result);
  }

 private:
  struct Runner {
    CallPtr call;  // without: it does not run
    CallStats stats;
    coro::CancelSource cancel;
    std::optional<Result<void>> result;

    bool runs() const { return call != nullptr && !result; }
    bool has_answer() const { return result && result->ok(); }
    bool is_good() const { return has_answer() && call->is_good(); }
  };

  void start(Runner& runner, const Call* first) { scope_.spawn(make(&runner, first)); }

  void start_second() {
    const config::RetrySettings& retry =
        request_.retry != nullptr ? *request_.retry : pool_->upstream().settings().retry;
    if (!pool_->upstream().budget().try_retry(ex_.loop->now(), retry.budget_percent / 100)) {
      return pool_->metrics().retries_refused.add();
    }
    pool_->metrics().hedges.add();
    second_.call = first_.call->home().take();
    start(second_, first_.call.get());
  }

  coro::Task<void> make(Runner* runner, const Call* first) {
    Beside beside;
    beside.first = first;
    beside.cancel = &runner->cancel;
    Result<void> result = co_await runner->call->fetch(pool_, request_, ex_, runner->stats, body_timeout_, beside);
    runner->result.emplace(std::move(result));
    ended_.set();
  }

  bool is_decided() const { return first_.is_good() || second_.is_good() || !(first_.runs() || second_.runs()); }

  // An answer says more than none, and of two alike the first call's counts.
  Runner& choose() {
    if (first_.is_good()) return first_;
    if (second_.is_good()) return second_;
    return !first_.has_answer() && second_.has_answer() ? second_ : first_;
  }

  Pool* pool_;
  Request& request_;
  http::Exchange& ex_;
  Duration body_timeout_;
  coro::CancelSource* parent_;
  Runner first_, second_;
  coro::Event ended_;
  coro::Scope scope_;
};

coro::Task<Result<void>> race(CallPtr* call, Pool* pool, Request& request, http::Exchange& ex, CallStats* stats,
                              Duration body_timeout, Duration hedge) {
  Race race(pool, request, ex, body_timeout);
  Result<void> result = co_await race.run(call, stats, hedge);
  co_return std::move(result);
}

}  // namespace

coro::Task<Result<void>> fetch(CallPtr& call, Pool* pool, Request& request, http::Exchange& ex, CallStats& stats,
                               Duration body_timeout) {
  const Duration hedge = hedge_of(pool, request);
  if (hedge.count() <= 0) return call->fetch(pool, request, ex, stats, body_timeout);
  return race(&call, pool, request, ex, &stats, body_timeout, hedge);
}

}  // namespace vg::upstream
