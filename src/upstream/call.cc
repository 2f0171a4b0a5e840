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
  net::DeadlineSource deadline(ex.loop, ex.loop->now() + settings.timeout, &ex.cancel);
  deadline_ = &deadline;
  pool_->upstream().budget().on_request(ex.loop->now());
  uint32_t repeats_left = settings.retry.attempts;
  Result<void> result;
  for (;;) {
    if (settings.retry.attempt_timeout) {
      net::DeadlineSource attempt_deadline(ex.loop, ex.loop->now() + *settings.retry.attempt_timeout, &deadline);
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
    const Duration backoff =
        settings.retry.backoff * (uint32_t{1} << std::min<uint32_t>(settings.retry.attempts - repeats_left - 1, 6));
    if (backoff.count() > 0) {
      net::Sleep pause(ex.loop, backoff, &deadline);
      const bool slept = co_await pause;
      if (!slept) result = Error(deadline.reason(), pool_->upstream().name() + " did not answer in time");
      if (!slept) break;
    }
  }
  deadline_ = nullptr;
  co_return std::move(result);
}

// Ends the upload that runs beside, so that another attempt may begin one.
coro::Task<void> Call::stop_upload(http::Exchange& ex) {
  ex.side_cancel.cancel(ErrorKind::kCancelled);
  co_await ex.scope.join();
  ex.side_cancel.reset();
  ex.body.forgive_cancel();
}

bool Call::wants_retry_for(uint16_t status) const {
  const std::vector<uint16_t>& on = pool_->upstream().settings().retry.on_statuses;
  return status >= 400 && std::binary_search(on.begin(), on.end(), status);
}

// A connection that was refused has carried nothing, whatever the method. Everything else may have been acted on: it is
// repeated only for idempotent methods (RFC 9110 section 9.2.2), and never once content was taken from the client.
bool Call::may_repeat(const Request& request, const http::Exchange& ex, ErrorKind kind) const {
  const config::RetrySettings& retry = pool_->upstream().settings().retry;
  if (upload_begun_ || ex.cancel.cancelled() || request.upgrade) return false;
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
  tried_.add(*chosen);
  endpoint_ = &pool_->upstream().endpoint(*chosen);
  endpoint_->outstanding.fetch_add(1, std::memory_order_relaxed);
  endpoint_->attempts.fetch_add(1, std::memory_order_relaxed);
  pool_->metrics().attempts.add();
  stats.endpoint = endpoint_;
  ++stats.attempts;
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
      co_return Result<void>();
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
  upload_chunked_ = has_body && ex.body.framing() == http::Framing::kChunked;
  if (upload_chunked_) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (has_body) {
    http::append_field(out, "Content-Length", *ex.body.length());
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
  const net::WriteEvent event = connection_->stream().write_now({out});
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
      if (head_.status != 100) {
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

// Streams the client's content, one piece at a time. Runs in ex.scope, until it is all sent, side_cancel, or an error;
// ends before the call is released.
coro::Task<void> Call::upload(http::Exchange* ex) {
  for (;;) {
    std::string_view piece;
    const http::StreamBody::State state = ex->body.peek(&piece);
    if (state == http::StreamBody::State::kWait) {
      ex->want_body();
      net::DeadlineSource patience(ex->loop, ex->loop->now() + body_timeout_, &ex->side_cancel);
      co_await ex->body.wait(&patience);
      continue;
    }
    if (state == http::StreamBody::State::kError) {
      if (!ex->side_cancel.cancelled()) upload_failed(ex->body.error());
      break;
    }
    net::WriteEvent event = net::WriteEvent::kDone;
    net::Stream& stream = connection_->stream();
    if (stream.write_pending()) event = co_await stream.flushed(&ex->side_cancel);
    if (event != net::WriteEvent::kDone) break;
    std::string& out = ex->loop->scratch();
    if (state == http::StreamBody::State::kEnd) {
      if (upload_chunked_) {
        out.append("0\r\n");
        http::append_end_to_end_fields(ex->body.trailers(), out);
        out.append("\r\n");
        event = stream.write_now({out});
      }
      upload_complete_ = event != net::WriteEvent::kError;
      break;
    }
    const bool again = ex->body.peek(&piece) == http::StreamBody::State::kData;  // it may have moved while we waited
    if (!again) continue;
    upload_begun_ = true;
    if (upload_chunked_) {
      http::append_chunk_size(out, piece.size());
      event = stream.write_now({out, piece, "\r\n"});
    } else {
      event = stream.write_now({piece});
    }
    ex->body.consume();
    if (deadline_ != nullptr) deadline_->arm(ex->loop, ex->loop->now() + pool_->upstream().settings().timeout);
    if (event == net::WriteEvent::kPending) event = co_await stream.flushed(&ex->side_cancel);
    if (event != net::WriteEvent::kDone) break;
  }
  uploading_ = false;
}

// What is wrong with the client's content ends the call; once its answer is on its way, the answer is cut.
void Call::upload_failed(Error error) {
  if (error.kind == ErrorKind::kTimeout) {
    error = Error(ErrorKind::kStatus, "the request's content did not arrive in time");
    error.status = 408;
  } else if (error.kind == ErrorKind::kUpstreamProtocol) {
    error.kind = ErrorKind::kBadRequest;
    error.status = 400;
  } else if (error.kind == ErrorKind::kBadRequest) {
    error.status = 413;
  } else if (error.kind == ErrorKind::kReset) {
    error.kind = ErrorKind::kCancelled;
  }
  upload_error_ = std::move(error);
  if (deadline_ != nullptr) {
    deadline_->cancel(ErrorKind::kCancelled);
  } else {
    connection_->stream().close();
  }
}

}  // namespace vg::upstream
