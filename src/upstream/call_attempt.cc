// One attempt of a call: endpoint, connection, request, response head.
#include <algorithm>

#include "base/strings.h"
#include "http/nominated.h"
#include "http/response_writer.h"
#include "http/writer.h"
#include "upstream/call.h"
#include "upstream/http2_sessions.h"

namespace vg::upstream {

namespace {
constexpr http::HeadLimits kResponseLimits{64 * 1024, 256, 0};
constexpr size_t kCoalesceBytes = 16 * 1024;
}  // namespace

// An endpoint that may be asked now, passed through its breakers.
std::optional<size_t> Call::choose(const Request& request, TimePoint now) {
  const auto usable = [this, now](size_t i) { return pool_->usable(i) && guard_.admits(i, now); };
  for (size_t tries = 0; tries <= pool_->upstream().size(); ++tries) {
    const std::optional<size_t> chosen = pool_->balancer().pick(request.hash, tried_, usable);
    if (!chosen || guard_.enter(*chosen, now)) return chosen;
    // Another loop was faster to take the place of a trial.
  }
  return std::nullopt;
}

bool Call::can_attempt(TimePoint now) const {
  for (size_t i = 0; i < pool_->upstream().size(); ++i) {
    if (pool_->usable(i) && guard_.admits(i, now)) return true;
  }
  return false;
}

// Why there was no endpoint to choose. The nearest to being usable says it.
Error Call::nobody_to_ask(TimePoint now) {
  Upstream& upstream = pool_->upstream();
  bool unhealthy = false;
  Duration left = Duration::max();
  for (size_t i = 0; i < upstream.size(); ++i) {
    if (!pool_->reachable(i)) continue;
    unhealthy = unhealthy || !upstream.endpoint(i).health.healthy();
    if (!upstream.endpoint(i).health.healthy()) continue;
    left = std::min(left, guard_.left(i, now));
    guard_.count_refused(i, now);
  }
  const auto seconds = [](Duration d) {
    return static_cast<uint32_t>((d + std::chrono::milliseconds(999)) / std::chrono::seconds(1));
  };
  if (left != Duration::max()) {
    Error e(ErrorKind::kCircuitOpen, upstream.name() + " is not asked for the moment, since it has failed too often");
    e.retry_after_s = seconds(left);
    pool_->metrics().errors[static_cast<size_t>(e.kind)].add();
    return e;
  }
  if (unhealthy) {
    Error e(ErrorKind::kOverload, upstream.name() + " has no healthy endpoint");
    e.retry_after_s = seconds(upstream.settings().health ? upstream.settings().health->interval : Duration());
    pool_->metrics().errors[static_cast<size_t>(e.kind)].add();
    return e;
  }
  // Every name is known not to resolve: the first one's failure says why.
  return Error(ErrorKind::kConnect, upstream.name() + " has no endpoint that can be reached", true);
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

bool Call::borrow_at_once(size_t endpoint) {
  if (Http2Sessions* sessions = pool_->http2(endpoint)) {
    stream_ = sessions->take();
  } else {
    connection_ = pool_->take_idle(endpoint);
  }
  return stream_ || connection_;
}

coro::Task<Result<void>> Call::borrow(size_t endpoint, bool fresh, coro::CancelSource* cancel) {
  if (Http2Sessions* sessions = pool_->http2(endpoint)) {
    Result<Http2CallPtr> stream = co_await sessions->acquire(cancel, &working_since_);
    if (!stream) co_return std::move(stream.error());
    stream_ = std::move(stream.value());
  } else {
    Result<std::unique_ptr<Connection>> connection = co_await pool_->acquire(endpoint, fresh, cancel, &working_since_);
    if (!connection) co_return std::move(connection.error());
    connection_ = std::move(connection.value());
  }
  co_return Result<void>();
}

// The upstream closed an idle connection just as we took it, or says that it has not looked at the request: once more
// on another one, if nothing can have been done.
bool Call::has_raced(const Request& request, const Error& error, bool reused) const {
  if (upload_begun_) return false;
  if (stream_ && stream_->refused()) return true;
  const bool harmless = !sent_ || http::is_idempotent(request.method);
  // A reset of the stream alone is an answer of a kind.
  if (stream_ && !stream_->connection_ended()) return false;
  return error.kind == ErrorKind::kReset && reused && head_.bytes().empty() && harmless;
}

coro::Task<Result<void>> Call::attempt(Request& request, http::Exchange& ex, CallStats& stats,
                                       coro::CancelSource* cancel) {
  sent_ = false;
  head_.clear();
  head_.status = 0;
  upload_complete_ = !request.forward_body;
  const std::optional<size_t> chosen = choose(request, ex.loop->now());
  if (!chosen) co_return nobody_to_ask(ex.loop->now());
  take_endpoint(*chosen, stats);
  bool fresh = false;
  for (;;) {
    const TimePoint begun = ex.loop->now();
    working_since_ = begun;
    if (fresh || !borrow_at_once(*chosen)) {
      Result<void> borrowed = co_await borrow(*chosen, fresh, cancel);
      if (!borrowed) {
        count_failure(borrowed.error().kind);
        co_return std::move(borrowed);
      }
    }
    const bool reused = stream_ ? stream_->reused() : connection_->reused;
    stats.connect = ex.loop->now() - begun;
    Result<void> result = send(request, ex);
    std::optional<Result<void>> head;
    if (result && connection_) {
      // Most heads come whole, and a coroutine for each would be dear.
      const net::ReadEvent event = co_await connection_->stream().readable(cancel);
      result = heard(event, cancel);
      if (result) head = take_head(request, ex);
    }
    if (head) {
      result = *std::move(head);
    } else if (result) {
      result = co_await read_head(request, ex, cancel);
    }
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
    if (fresh || !has_raced(request, result.error(), reused)) co_return std::move(result);
    if (uploading_) {
      co_await stop_upload(ex);
      if (upload_begun_ || upload_error_) co_return std::move(result);
    }
    connection_.reset();
    stream_.reset();
    fresh = true;
  }
}

void Call::append_framing(const Request& request, const http::Exchange& ex, std::string& out) {
  upload_chunked_ = request.forward_body && ex.body.framing() == http::Framing::kChunked;
  if (upload_chunked_) {
    if (!stream_) out.append("Transfer-Encoding: chunked\r\n");
  } else if (request.forward_body) {
    http::append_field(out, "Content-Length", *ex.body.length());
  } else if (request.content) {
    http::append_field(out, "Content-Length", request.content->size());
  } else if (request.method == http::Method::kPost || request.method == http::Method::kPut ||
             request.method == http::Method::kPatch) {
    out.append("Content-Length: 0\r\n");
  }
  out.append(std::string_view("\r\n"));
}

// Content that is already here goes along in the same write; the rest is streamed beside the wait for the answer.
void Call::take_small_content(const Request& request, http::Exchange& ex) {
  if (!request.forward_body || upload_chunked_ || ex.body.at_end() || !replay_.empty()) return;
  std::string_view piece;
  const bool whole = ex.body.peek(&piece) == http::StreamBody::State::kData && ex.body.length() == piece.size();
  if (!whole || piece.size() > kCoalesceBytes) return;
  // Kept, so that the request can be repeated as it is.
  replay_.assign(piece);
  ex.body.consume();
}

Result<void> Call::send(Request& request, http::Exchange& ex) {
  std::string& out = ex.loop->scratch();
  if (Result<void> head = request.append_head(*endpoint_, out); !head) return head;
  if (request.upgrade) {
    out.append("Connection: Upgrade\r\n");
    http::append_field(out, "Upgrade", ex.request.get(http::FieldId::kUpgrade));
  }
  append_framing(request, ex, out);
  take_small_content(request, ex);
  upload_complete_ = !request.forward_body || (ex.body.at_end() && !upload_chunked_);
  if (stream_) {
    if (Result<void> sent = send_stream(request, out); !sent) return sent;
  } else {
    out.append(replay_);
    const net::WriteEvent event = connection_->stream().write_now({out, request.content.value_or(std::string_view())});
    if (event == net::WriteEvent::kError)
      return Error(ErrorKind::kReset, pool_->upstream().name() + " closed the connection", true);
  }
  sent_ = true;
  parser_.reset(&head_, kResponseLimits, request.method);
  if (!upload_complete_) {
    uploading_ = true;
    if (stream_) {
      ex.scope.spawn(upload_stream(&ex));
    } else {
      ex.scope.spawn(upload(&ex));
    }
  }
  return {};
}

// RFC 9110 section 7.8: a 101 names what it changes to, and it is what the client asked for.
bool Call::is_wanted_upgrade(const Request& request, const http::Exchange& ex) const {
  return request.upgrade && head_.upgrade &&
         iequals(head_.get(http::FieldId::kUpgrade), ex.request.get(http::FieldId::kUpgrade));
}

// Takes what has come of the response's head. nullopt: more of it is needed.
std::optional<Result<void>> Call::take_head(const Request& request, http::Exchange& ex) {
  const std::string& name = pool_->upstream().name();
  for (;;) {
    size_t taken = 0;
    const http::ParseStatus status = parser_.feed(stream_ ? stream_->heads() : connection_->stream().data(), &taken);
    if (stream_) {
      stream_->consume_heads(taken);
    } else {
      connection_->stream().consume(taken);
    }
    if (status == http::ParseStatus::kError) {
      Error e(ErrorKind::kUpstreamProtocol, name + " sent an invalid response");
      e.internal = parser_.error().reason;
      return e;
    }
    if (status == http::ParseStatus::kNeedMore) return std::nullopt;
    if (head_.status == 101 && !is_wanted_upgrade(request, ex))
      return Error(ErrorKind::kUpstreamProtocol, name + " changed to a protocol that was not asked for");
    if (head_.status >= 200 || head_.status == 101) break;
    // A 100 answers an expectation that was not passed on: want_body() tells the client.
    if (head_.status != 100 && request.pass_interim) {
      http::remove_nominated_fields(head_);
      ex.send_interim(head_);
    }
    parser_.reset(&head_, kResponseLimits, request.method);
  }
  if (stream_) {
    body_.begin(stream_.get(), head_, UINT64_MAX);
  } else if (head_.status == 101) {
    body_.begin(&connection_->stream(), http::Head(), UINT64_MAX, kResponseLimits);
  } else {
    body_.begin(&connection_->stream(), head_, UINT64_MAX, kResponseLimits);
  }
  return Result<void>();
}

// How the wait for the upstream's bytes ended.
Result<void> Call::heard(net::ReadEvent event, const coro::CancelSource* cancel) const {
  if (event == net::ReadEvent::kData) return {};
  const std::string& name = pool_->upstream().name();
  if (event != net::ReadEvent::kCancelled)
    return Error(ErrorKind::kReset, name + " closed the connection before it answered");
  const ErrorKind why = cancel->reason();
  return Error(why, why == ErrorKind::kTimeout ? name + " did not answer in time" : "cancelled");
}

coro::Task<Result<void>> Call::read_head(const Request& request, http::Exchange& ex, coro::CancelSource* cancel) {
  for (;;) {
    std::optional<Result<void>> head = take_head(request, ex);
    if (head) co_return *std::move(head);
    Result<void> more;
    if (stream_) {
      more = co_await await_stream_head(cancel);
    } else {
      const net::ReadEvent event = co_await connection_->stream().readable(cancel);
      more = heard(event, cancel);
    }
    if (!more) co_return std::move(more);
  }
}

}  // namespace vg::upstream
