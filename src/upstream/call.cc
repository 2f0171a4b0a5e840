#include "upstream/call.h"

#include <algorithm>

#include "observe/log.h"

namespace vg::upstream {

namespace {
constexpr size_t kKeptTextBytes = 64 * 1024;  // what a pooled call keeps of its memory

/// A deadline for as long as the coroutine runs that this is in. The source outlives it, and its timer stays where it
/// is for the next one. `awaited` is true meanwhile, if nobody ends it before.
class RunsUnder {
 public:
  RunsUnder(net::DeadlineSource* source, bool* awaited, net::EventLoop* loop, TimePoint when,
            coro::CancelSource* parent)
      : source_(source), awaited_(awaited) {
    source_->attach(parent);
    source_->arm(loop, when);
    *awaited_ = true;
  }
  RunsUnder(const RunsUnder&) = delete;
  ~RunsUnder() {
    *awaited_ = false;
    source_->disarm();
    source_->reset();
  }

 private:
  net::DeadlineSource* source_;
  bool* awaited_;
};
}  // namespace

CallPtr Call::Cache::take() {
  if (free_.empty()) return CallPtr(new Call(this));
  Call* call = free_.back();
  free_.pop_back();
  return CallPtr(call);
}

Call::Cache::~Cache() {
  for (Call* c : free_) delete c;
}

void Call::release() {
  finish_connection();
  guard_.leave(Breaker::Outcome::kNothing, {}, TimePoint());
  pool_ = nullptr;
  endpoint_ = nullptr;
  tried_ = Tried();
  assert(!uploading_);
  upload_error_.reset();
  replay_.clear();
  for (std::string* kept : {&text_, &request_text_}) {
    if (kept->capacity() > kKeptTextBytes) *kept = std::string();
    kept->clear();
  }
  constexpr size_t kKeptCalls = 256;
  if (home_->free_.size() >= kKeptCalls) {
    delete this;
  } else {
    home_->free_.push_back(this);
  }
}

// What the upstream did wrong; not what we, the client or the clock of somebody else did.
void Call::count_failure(ErrorKind kind) {
  pool_->metrics().errors[static_cast<size_t>(kind)].add();
  if (kind == ErrorKind::kConnect || kind == ErrorKind::kReset || kind == ErrorKind::kTimeout ||
      kind == ErrorKind::kUpstreamProtocol) {
    endpoint_->failures.fetch_add(1, std::memory_order_relaxed);
  }
}

void Call::pause() {
  if (connection_ && !body_.at_end()) connection_->stream().pause_reading();
}

// A connection goes back to the pool only if both messages on it are complete and the upstream means to keep it.
void Call::finish_connection() {
  if (endpoint_ != nullptr) endpoint_->outstanding.fetch_sub(1, std::memory_order_relaxed);
  endpoint_ = nullptr;
  stream_.reset();
  if (!connection_) return;
  const bool complete =
      head_.status != 0 && head_.status != 101 && head_.keep_alive && body_.at_end() && upload_complete_;
  if (complete) {
    pool_->give_back(std::move(connection_));
  } else {
    connection_.reset();
  }
}

void Call::begin(Pool* pool, Request& request, http::Exchange& ex, Duration body_timeout, const Beside& beside) {
  pool_ = pool;
  body_timeout_ = body_timeout;
  upload_begun_ = false;
  Upstream& upstream = pool_->upstream();
  const config::UpstreamSettings& settings = upstream.settings();
  retry_ = request.retry != nullptr ? request.retry : &settings.retry;
  parent_ = beside.cancel != nullptr ? beside.cancel : request.cancel != nullptr ? request.cancel : &ex.cancel;
  own_timeout_ = std::min(settings.timeout, request.timeout.value_or(settings.timeout));
  guard_.use({upstream.breakers(), request.breakers[0], request.breakers[1]});
  if (beside.first != nullptr) {
    tried_ = beside.first->tried_;
    return;
  }
  const TimePoint now = ex.loop->now();
  request.deadline = now + own_timeout_;
  upstream.budget().on_request(now);
}

// What the end of an attempt says of its endpoint. What we, the client or somebody else's clock did says nothing.
Breaker::Outcome Call::outcome_of(const Result<void>& result, TimePoint now) const {
  using Outcome = Breaker::Outcome;
  const ErrorKind kind = result ? ErrorKind::kNone : result.error().kind;
  switch (kind) {
    case ErrorKind::kNone:
    case ErrorKind::kTooLarge:
      return head_.status >= 500 ? Outcome::kFailure : Outcome::kSuccess;
    case ErrorKind::kConnect:
    case ErrorKind::kReset:
    case ErrorKind::kUpstreamProtocol:
      return Outcome::kFailure;
    case ErrorKind::kTimeout: {
      if (working_since_ == TimePoint::max()) return Outcome::kNothing;  // in our own queue
      const bool cut = parent_->cancelled() && parent_->reason() == ErrorKind::kTimeout;
      if (!cut) return Outcome::kFailure;
      // The request's own deadline: it had time enough to answer, or had not.
      const Duration ran = now - working_since_;
      const Duration own = std::min(own_timeout_, retry_->attempt_timeout.value_or(own_timeout_));
      return ran >= std::chrono::seconds(1) || ran * 2 >= own ? Outcome::kFailure : Outcome::kNothing;
    }
    default:
      return Outcome::kNothing;
  }
}

void Call::settle(const Result<void>& result, TimePoint now) {
  if (!guard_.inside()) return;
  const Breaker::Outcome outcome = outcome_of(result, now);
  if (outcome != Breaker::Outcome::kFailure) return guard_.leave(outcome, {}, now);
  guard_.leave(outcome, result ? log::cat("status ", head_.status) : std::string(to_string(result.error().kind)), now);
}

coro::Task<Result<void>> Call::fetch(Pool* pool, Request& request, http::Exchange& ex, CallStats& stats,
                                     Duration body_timeout, Beside beside) {
  begin(pool, request, ex, body_timeout, beside);
  const config::RetrySettings& retry = *retry_;
  const RunsUnder deadline(&deadline_, &head_awaited_, ex.loop, request.deadline, parent_);
  uint32_t repeats_left = beside.first != nullptr ? 0 : retry.attempts;
  Result<void> result;
  for (;;) {
    if (retry.attempt_timeout) {
      net::DeadlineSource attempt_deadline(ex.loop, ex.loop->now() + *retry.attempt_timeout, &deadline_);
      result = co_await attempt(request, ex, stats, &attempt_deadline);
    } else {
      result = co_await attempt(request, ex, stats, &deadline_);
    }
    if (!result && uploading_) {
      if (result.error().kind == ErrorKind::kTimeout && ex.body.waiting()) upload_failed(result.error());
      co_await stop_upload(ex);
    }
    if (upload_error_) result = std::move(*upload_error_);
    if (stream_ && !result && result.error().kind == ErrorKind::kTimeout) stream_->timed_out();
    settle(result, ex.loop->now());
    if (result && !wants_retry_for(head_.status)) break;
    const bool out_of_time = deadline_.cancelled();
    bool again =
        repeats_left > 0 && !out_of_time && may_repeat(request, ex, result ? ErrorKind::kStatus : result.error().kind);
    if (again && uploading_) {
      co_await stop_upload(ex);
      again = !upload_begun_ && !upload_error_;  // it may have taken something before it saw the end
      if (upload_error_) result = std::move(*upload_error_);
    }
    // What it came to says more than that there is nobody else to ask.
    if (!again || !can_attempt(ex.loop->now())) break;
    if (!pool_->upstream().budget().try_retry(ex.loop->now(), retry.budget_percent / 100)) {
      pool_->metrics().retries_refused.add();
      break;
    }
    pool_->metrics().retries.add();
    --repeats_left;
    if (result) body_.discard_buffered();
    finish_connection();
    head_.status = 0;
    const Duration backoff = retry.backoff * (uint32_t{1} << std::min<uint32_t>(retry.attempts - repeats_left - 1, 6));
    if (backoff.count() > 0) {
      net::Sleep pause(ex.loop, backoff, &deadline_);
      const bool slept = co_await pause;
      if (!slept) result = Error(deadline_.reason(), pool_->upstream().name() + " did not answer in time");
      if (!slept) break;
    }
  }
  head_awaited_ = false;
  // A conversation: who speaks next, and when, is theirs. A long silence of the answer ends it.
  if (stream_ && result && patience_ != nullptr) patience_->disarm();
  if (request.collect_bytes) finish_connection();
  co_return std::move(result);
}

bool Call::wants_retry_for(uint16_t status) const {
  const std::vector<uint16_t>& on = retry_->on_statuses;
  return status >= 400 && std::binary_search(on.begin(), on.end(), status);
}

// A connection that was refused has carried nothing, whatever the method. Everything else may have been acted on: it is
// repeated only for idempotent methods (RFC 9110 section 9.2.2) and those that the user lists, and never once content
// was taken from the client.
bool Call::may_repeat(const Request& request, const http::Exchange& ex, ErrorKind kind) const {
  const config::RetrySettings& retry = *retry_;
  if (upload_begun_ || parent_->cancelled() || ex.cancel.cancelled() || request.upgrade) return false;
  const bool harmless = http::is_idempotent(request.method) ||
                        std::any_of(retry.methods.begin(), retry.methods.end(),
                                    [&](const std::string& m) { return http::method_of(m) == request.method; });
  switch (kind) {
    case ErrorKind::kConnect:
      return retry.on_connect;
    case ErrorKind::kReset:
    case ErrorKind::kTimeout:
      return (sent_ ? retry.on_reset && harmless : retry.on_connect);
    case ErrorKind::kStatus:
      return harmless;
    default:
      return false;
  }
}

}  // namespace vg::upstream
