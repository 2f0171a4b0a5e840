// One attempt of a call: endpoint, connection, request, response head.
#include <algorithm>

#include "base/strings.h"
#include "http/nominated.h"
#include "http/response_writer.h"
#include "http/writer.h"
#include "upstream/call.h"

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
    std::unique_ptr<Connection> connection = fresh ? nullptr : pool_->take_idle(*chosen);
    if (!connection) {
      Result<std::unique_ptr<Connection>> acquired = co_await pool_->acquire(*chosen, fresh, cancel, &working_since_);
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
  out.append(std::string_view("\r\n"));
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
