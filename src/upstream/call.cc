#include "upstream/call.h"

#include <algorithm>

#include "base/strings.h"
#include "http/nominated.h"
#include "http/response_writer.h"
#include "http/writer.h"

namespace vg::upstream {

namespace {
constexpr http::HeadLimits kResponseLimits{64 * 1024, 256, 0};
constexpr size_t kCoalesceBytes = 16 * 1024;
constexpr size_t kKeptTextBytes = 64 * 1024;         // what a pooled call keeps of its memory
constexpr uint64_t kKnownLengthBytes = 1024 * 1024;  // told lengths up to here are believed before the bytes are there
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
  deadline_ = nullptr;
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
  if (!connection_) return;
  const bool complete =
      head_.status != 0 && head_.status != 101 && head_.keep_alive && body_.at_end() && upload_complete_;
  if (complete) {
    pool_->give_back(std::move(connection_));
  } else {
    connection_.reset();
  }
}

coro::Task<Result<void>> Call::fetch(Pool* pool, Request& request, http::Exchange& ex, CallStats& stats,
                                     Duration body_timeout) {
  pool_ = pool;
  body_timeout_ = body_timeout;
  upload_begun_ = false;
  const config::UpstreamSettings& settings = pool_->upstream().settings();
  const config::RetrySettings& retry = request.retry != nullptr ? *request.retry : settings.retry;
  retry_ = &retry;
  parent_ = request.cancel != nullptr ? request.cancel : &ex.cancel;
  const TimePoint begun = ex.loop->now();
  request.deadline = begun + std::min(settings.timeout, request.timeout.value_or(settings.timeout));
  net::DeadlineSource deadline(ex.loop, request.deadline, parent_);
  deadline_ = &deadline;
  pool_->upstream().budget().on_request(begun);
  uint32_t repeats_left = retry.attempts;
  Result<void> result;
  for (;;) {
    if (retry.attempt_timeout) {
      net::DeadlineSource attempt_deadline(ex.loop, ex.loop->now() + *retry.attempt_timeout, &deadline);
      result = co_await attempt(request, ex, stats, &attempt_deadline);
    } else {
      result = co_await attempt(request, ex, stats, &deadline);
    }
    if (!result && uploading_) {
      if (result.error().kind == ErrorKind::kTimeout && ex.body.waiting()) upload_failed(result.error());
      co_await stop_upload(ex);
    }
    if (upload_error_) result = std::move(*upload_error_);
    if (result && !wants_retry_for(head_.status)) break;
    const bool out_of_time = deadline.cancelled();
    bool again =
        repeats_left > 0 && !out_of_time && may_repeat(request, ex, result ? ErrorKind::kStatus : result.error().kind);
    if (again && uploading_) {
      co_await stop_upload(ex);
      again = !upload_begun_ && !upload_error_;  // it may have taken something before it saw the end
      if (upload_error_) result = std::move(*upload_error_);
    }
    if (!again) break;
    if (!pool_->upstream().budget().try_retry(ex.loop->now())) {
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
      net::Sleep pause(ex.loop, backoff, &deadline);
      const bool slept = co_await pause;
      if (!slept) result = Error(deadline.reason(), pool_->upstream().name() + " did not answer in time");
      if (!slept) break;
    }
  }
  deadline_ = nullptr;
  if (request.collect_bytes) finish_connection();
  co_return std::move(result);
}

bool Call::wants_retry_for(uint16_t status) const {
  const std::vector<uint16_t>& on = retry_->on_statuses;
  return status >= 400 && std::binary_search(on.begin(), on.end(), status);
}

// A connection that was refused has carried nothing, whatever the method. Everything else may have been acted on: it is
// repeated only for idempotent methods (RFC 9110 section 9.2.2), and never once content was taken from the client.
bool Call::may_repeat(const Request& request, const http::Exchange& ex, ErrorKind kind) const {
  const config::RetrySettings& retry = *retry_;
  if (upload_begun_ || parent_->cancelled() || ex.cancel.cancelled() || request.upgrade) return false;
  switch (kind) {
    case ErrorKind::kConnect:
      return retry.on_connect;
    case ErrorKind::kReset:
    case ErrorKind::kTimeout:
      return (sent_ ? retry.on_reset && http::is_idempotent(request.method) : retry.on_connect);
    case ErrorKind::kStatus:
      return http::is_idempotent(request.method);
    default:
      return false;
  }
}

void Call::take_endpoint(size_t chosen, CallStats& stats) {
  tried_.add(chosen);
  endpoint_ = &pool_->upstream().endpoint(chosen);
  endpoint_->outstanding.fetch_add(1, std::memory_order_relaxed);
  endpoint_->attempts.fetch_add(1, std::memory_order_relaxed);
  pool_->metrics().attempts.add();
  stats.endpoint = endpoint_;
  ++stats.attempts;
}

coro::Task<Result<void>> Call::attempt(Request& request, http::Exchange& ex, CallStats& stats,
                                       coro::CancelSource* cancel) {
  sent_ = false;
  head_.clear();
  head_.status = 0;
  upload_complete_ = !request.forward_body;
  const auto usable = [this](size_t i) { return pool_->usable(i); };
  const std::optional<size_t> chosen = pool_->balancer().pick(request.hash, tried_, usable);
  if (!chosen) {
    // Every name is known not to resolve: the first one's failure says why.
    co_return Error(ErrorKind::kConnect, pool_->upstream().name() + " has no endpoint that can be reached", true);
  }
  take_endpoint(*chosen, stats);
  bool fresh = false;
  for (;;) {
    const TimePoint begun = ex.loop->now();
    std::unique_ptr<Connection> connection = fresh ? nullptr : pool_->take_idle(*chosen);
    if (!connection) {
      Result<std::unique_ptr<Connection>> acquired = co_await pool_->acquire(*chosen, fresh, cancel);
      if (!acquired) {
        count_failure(acquired.error().kind);
        co_return std::move(acquired.error());
      }
      connection = std::move(acquired.value());
    }
    const bool reused = connection->reused;
    stats.connect = ex.loop->now() - begun;
    Result<void> result = send(request, ex, std::move(connection));
    if (result) result = co_await read_head(request, ex, cancel);
    stats.first_byte = ex.loop->now() - begun - stats.connect;
    if (result) {
      pool_->metrics().responses[head_.status / 100].add();
      pool_->metrics().duration.observe(stats.connect + stats.first_byte);
      if (!request.collect_bytes) co_return Result<void>();
      std::optional<Result<void>> arrived = begin_collecting(*request.collect_bytes, cancel);
      if (arrived) {
        result = *std::move(arrived);
      } else {
        result = co_await collect(*request.collect_bytes, cancel);
      }
      if (!result) count_failure(result.error().kind);
      co_return std::move(result);
    }
    count_failure(result.error().kind);
    // The upstream closed an idle connection just as we took it: once more on a fresh one, if nothing can have been
    // done.
    const bool harmless = !sent_ || http::is_idempotent(request.method);
    const bool raced = result.error().kind == ErrorKind::kReset && reused && !fresh && head_.bytes().empty() &&
                       harmless && !upload_begun_;
    if (!raced) co_return std::move(result);
    if (uploading_) {
      co_await stop_upload(ex);
      if (upload_begun_ || upload_error_) co_return std::move(result);
    }
    connection_.reset();
    fresh = true;
  }
}

// All of the answer's content, so that a connection that breaks within it can be tried again like one that breaks
// before. Most answers are there with their heads: then nothing waits.
http::StreamBody::State Call::collect_arrived(uint64_t limit_bytes) {
  for (;;) {
    std::string_view piece;
    const http::StreamBody::State state = body_.peek(&piece);
    if (state != http::StreamBody::State::kData) return state;
    too_large_ = piece.size() > limit_bytes - text_.size();
    if (too_large_) return http::StreamBody::State::kError;
    text_.append(piece);
    body_.consume();
  }
}

// nullopt: there is more to come.
std::optional<Result<void>> Call::begin_collecting(uint64_t limit_bytes, coro::CancelSource* cancel) {
  const uint64_t told = body_.length().value_or(0);
  text_.clear();
  too_large_ = told > limit_bytes;
  if (too_large_) return collected(http::StreamBody::State::kError, cancel);
  text_.reserve(std::min(told, kKnownLengthBytes));
  const http::StreamBody::State state = collect_arrived(limit_bytes);
  if (state == http::StreamBody::State::kWait) return std::nullopt;
  return collected(state, cancel);
}

Result<void> Call::collected(http::StreamBody::State state, coro::CancelSource* cancel) const {
  const std::string& name = pool_->upstream().name();
  if (state == http::StreamBody::State::kEnd) return {};
  if (too_large_) return Error(ErrorKind::kTooLarge, name + " sent more than the call takes");
  if (cancel->cancelled()) {
    const ErrorKind why = cancel->reason();
    return Error(why, why == ErrorKind::kTimeout ? name + " did not answer in time" : "cancelled");
  }
  Error e = body_.error();
  e.detail = name + (e.kind == ErrorKind::kReset ? " closed the connection before it had answered"
                                                 : " sent an invalid response");
  return e;
}

coro::Task<Result<void>> Call::collect(uint64_t limit_bytes, coro::CancelSource* cancel) {
  http::StreamBody::State state = http::StreamBody::State::kWait;
  while (state == http::StreamBody::State::kWait) {
    co_await body_.wait(cancel);
    state = collect_arrived(limit_bytes);
  }
  co_return collected(state, cancel);
}

Result<void> Call::send(Request& request, http::Exchange& ex, std::unique_ptr<Connection> connection) {
  std::string& out = ex.loop->scratch();
  Result<void> head = request.append_head(*endpoint_, out);
  connection_ = std::move(connection);
  if (!head) return head;
  if (request.upgrade) {
    out.append("Connection: Upgrade\r\n");
    http::append_field(out, "Upgrade", ex.request.get(http::FieldId::kUpgrade));
  }
  const bool has_body = request.forward_body;
  const std::string_view content = request.content.value_or(std::string_view());
  upload_chunked_ = has_body && ex.body.framing() == http::Framing::kChunked;
  if (upload_chunked_) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (has_body) {
    http::append_field(out, "Content-Length", *ex.body.length());
  } else if (request.content) {
    http::append_field(out, "Content-Length", content.size());
  } else if (request.method == http::Method::kPost || request.method == http::Method::kPut ||
             request.method == http::Method::kPatch) {
    out.append("Content-Length: 0\r\n");
  }
  out.append("\r\n");
  // Content that is already here goes along in the same write; the rest is streamed beside the wait for the answer.
  if (has_body && !upload_chunked_ && !ex.body.at_end() && replay_.empty()) {
    std::string_view piece;
    if (ex.body.peek(&piece) == http::StreamBody::State::kData && ex.body.length() == piece.size() &&
        piece.size() <= kCoalesceBytes) {
      // Kept, so that the request can be repeated as it is.
      replay_.assign(piece);
      ex.body.consume();
    }
  }
  out.append(replay_);
  upload_complete_ = !has_body || (ex.body.at_end() && !upload_chunked_);
  const net::WriteEvent event = connection_->stream().write_now({out, content});
  if (event == net::WriteEvent::kError) {
    return Error(ErrorKind::kReset, pool_->upstream().name() + " closed the connection", true);
  }
  sent_ = true;
  if (!upload_complete_) {
    uploading_ = true;
    ex.scope.spawn(upload(&ex));
  }
  return {};
}

// RFC 9110 section 7.8: a 101 names what it changes to, and it is what the client asked for.
bool Call::is_wanted_upgrade(const Request& request, const http::Exchange& ex) const {
  return request.upgrade && head_.upgrade &&
         iequals(head_.get(http::FieldId::kUpgrade), ex.request.get(http::FieldId::kUpgrade));
}

coro::Task<Result<void>> Call::read_head(Request& request, http::Exchange& ex, coro::CancelSource* cancel) {
  net::Stream& stream = connection_->stream();
  const std::string& name = pool_->upstream().name();
  parser_.reset(&head_, kResponseLimits, request.method);
  for (;;) {
    size_t taken = 0;
    const http::ParseStatus status = parser_.feed(stream.data(), &taken);
    stream.consume(taken);
    if (status == http::ParseStatus::kError) {
      Error e(ErrorKind::kUpstreamProtocol, name + " sent an invalid response");
      e.internal = parser_.error().reason;
      co_return std::move(e);
    }
    if (status == http::ParseStatus::kDone) {
      if (head_.status == 101 && !is_wanted_upgrade(request, ex)) {
        co_return Error(ErrorKind::kUpstreamProtocol, name + " changed to a protocol that was not asked for");
      }
      if (head_.status >= 200 || head_.status == 101) break;
      // A 100 answers an expectation that was not passed on: want_body() tells the client.
      if (head_.status != 100 && request.pass_interim) {
        http::remove_nominated_fields(head_);
        ex.send_interim(head_);
      }
      parser_.reset(&head_, kResponseLimits, request.method);
      continue;
    }
    const net::ReadEvent event = co_await stream.readable(cancel);
    if (event == net::ReadEvent::kCancelled) {
      const ErrorKind why = cancel->reason();
      co_return Error(why, why == ErrorKind::kTimeout ? name + " did not answer in time" : "cancelled");
    }
    if (event != net::ReadEvent::kData)
      co_return Error(ErrorKind::kReset, name + " closed the connection before it answered");
  }
  if (head_.status == 101) {
    body_.begin(&stream, http::Head(), UINT64_MAX, kResponseLimits);
  } else {
    body_.begin(&stream, head_, UINT64_MAX, kResponseLimits);
  }
  co_return Result<void>();
}

}  // namespace vg::upstream
