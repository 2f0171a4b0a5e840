// One call to an upstream: endpoint, connection or stream of one, request, response head, with its retries. What it
// gives is a response whose content is still on the connection, to be pulled by whoever writes it on. Pooled: a loop
// keeps its calls. Thread: one loop.
#pragma once
#include <memory>
#include <string>

#include "http/exchange.h"
#include "upstream/http2_client.h"
#include "upstream/pool.h"

namespace vg::upstream {

/// What a view wants to send. append_head() is asked again for each attempt, since endpoints differ in Host and base
/// path.
class Request {
 public:
  http::Method method = http::Method::kGet;
  uint64_t hash = 0;          ///< for balancing by hash
  bool forward_body = false;  ///< the client's content goes along, streamed
  bool upgrade = false;       ///< a 101 is wanted
  bool pass_interim = true;   ///< 1xx answers go to the client
  /// Content that was made here, sent with each attempt. Lifetime: until fetch() ends.
  std::optional<std::string_view> content;
  /// The answer's content is read into Call::text() within the same attempt, at most so many bytes; more is kTooLarge.
  /// Without: it is left to be streamed.
  std::optional<uint64_t> collect_bytes;
  std::optional<Duration> timeout;               ///< beside the upstream's own: the shorter one counts
  const config::RetrySettings* retry = nullptr;  ///< instead of the upstream's
  std::optional<Duration> hedge;                 ///< instead of the upstream's; 0: none
  /// The route's and the call's own, beside the upstream's. Lifetime: until fetch() ends.
  std::array<Breakers*, 2> breakers{};
  coro::CancelSource* cancel = nullptr;   ///< instead of ex.cancel
  TimePoint deadline = TimePoint::max();  ///< set by fetch(): when the call is given up
  /// Appends request line and fields, without framing, Connection and the empty line.
  /// Errors: kMissingValue, kBadRequest: the call fails without an attempt.
  virtual Result<void> append_head(const Endpoint& endpoint, std::string& out) = 0;

 protected:
  ~Request() = default;
};

/// What happened, for log and metrics.
struct CallStats {
  uint32_t attempts = 0;
  Duration connect{};     ///< of the last attempt: until it had a connection
  Duration first_byte{};  ///< of the last attempt: from then until the head of the answer
  const Endpoint* endpoint = nullptr;
};

class Call;

/// Of a call that is made beside another one, for the same request.
struct Beside {
  const Call* first = nullptr;           ///< the other one was first: its endpoints are avoided, nothing is tried again
  coro::CancelSource* cancel = nullptr;  ///< instead of the request's
};

class Call final : public http::BodySource {
 public:
  class Cache;
  explicit Call(Cache* home) : home_(home) {}
  Call(const Call&) = delete;

  /// Makes the call: until the head of a final response is there (head()), or, with collect_bytes, all of it (text());
  /// then its connection is back in the pool already.
  /// Errors: kConnect, kReset, kTimeout, kOverload (the pool's, or no endpoint is healthy), kCircuitOpen,
  /// kUpstreamProtocol, kTooLarge, kCancelled; what append_head() says; for what is wrong with the client's content
  /// kBadRequest or kStatus. Cancel: request.cancel, else ex.cancel. Lifetime: `pool` outlives the call.
  coro::Task<Result<void>> fetch(Pool* pool, Request& request, http::Exchange& ex, CallStats& stats,
                                 Duration body_timeout, Beside beside = Beside());
  /// The answer is none that another attempt would be made for, and no failure of the upstream's.
  bool is_good() const { return head_.status < 500 && !wants_retry_for(head_.status); }
  Cache& home() { return *home_; }
  http::ResponseHead& head() { return head_; }
  const http::StreamBody& content() const { return body_; }
  const std::string& text() const { return text_; }  ///< the content that was collected
  /// Holds an answer that was kept, as if it had been fetched: its fields are added to head().
  void assume(uint16_t status, std::string_view text) {
    head_.clear();
    head_.status = status;
    text_.assign(text);
  }
  std::string& request_text() { return request_text_; }  ///< for who makes the request; empty when the call is taken

  // BodySource: the content of the response.
  State peek(std::string_view* piece) override { return body_.peek(piece); }
  void consume() override { body_.consume(); }
  coro::Task<void> wait(coro::CancelSource* cancel) override { return body_.wait(cancel); }
  const Error& error() const override { return body_.error(); }
  std::optional<uint64_t> length() const override { return body_.length(); }
  const http::Head* trailers() const override { return &body_.trailers(); }
  void pause() override;
  net::Stream* upgraded() override { return connection_ ? &connection_->stream() : nullptr; }
  void release() override;

 private:
  enum class Framing : uint8_t { kNone, kSized, kChunked };
  void begin(Pool* pool, Request& request, http::Exchange& ex, Duration body_timeout, const Beside& beside);
  std::optional<size_t> choose(const Request& request, TimePoint now);
  bool can_attempt(TimePoint now) const;
  Error nobody_to_ask(TimePoint now);
  Breaker::Outcome outcome_of(const Result<void>& result, TimePoint now) const;
  void settle(const Result<void>& result, TimePoint now);
  coro::Task<Result<void>> attempt(Request& request, http::Exchange& ex, CallStats& stats, coro::CancelSource* cancel);
  bool borrow_at_once(size_t endpoint);
  coro::Task<Result<void>> borrow(size_t endpoint, bool fresh, coro::CancelSource* cancel);
  bool has_raced(const Request& request, const Error& error, bool reused) const;
  std::optional<Result<void>> take_head(const Request& request, http::Exchange& ex);
  Result<void> heard(net::ReadEvent event, const coro::CancelSource* cancel) const;
  coro::Task<Result<void>> read_head(const Request& request, http::Exchange& ex, coro::CancelSource* cancel);
  coro::Task<Result<void>> await_stream_head(coro::CancelSource* cancel);
  void take_endpoint(size_t chosen, CallStats& stats);
  std::optional<Result<void>> begin_collecting(uint64_t limit_bytes, coro::CancelSource* cancel);
  http::StreamBody::State collect_arrived(uint64_t limit_bytes);
  Result<void> collected(http::StreamBody::State state, coro::CancelSource* cancel) const;
  coro::Task<Result<void>> collect(uint64_t limit_bytes, coro::CancelSource* cancel);
  Result<void> send(Request& request, http::Exchange& ex);
  void append_framing(const Request& request, const http::Exchange& ex, std::string& out);
  void take_small_content(const Request& request, http::Exchange& ex);
  Result<void> send_stream(const Request& request, std::string& head);
  coro::Task<void> upload(http::Exchange* ex);
  coro::Task<void> upload_stream(http::Exchange* ex);
  coro::Task<http::StreamBody::State> next_content(http::Exchange* ex, std::string_view* piece);
  void upload_failed(Error error);
  bool is_wanted_upgrade(const Request& request, const http::Exchange& ex) const;
  [[gnu::cold]] coro::Task<void> stop_upload(http::Exchange& ex);
  bool may_repeat(const Request& request, const http::Exchange& ex, ErrorKind kind) const;
  void count_failure(ErrorKind kind);
  bool wants_retry_for(uint16_t status) const;
  void finish_connection();

  Cache* home_;
  Pool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
  Http2CallPtr stream_;  // instead of connection_
  Endpoint* endpoint_ = nullptr;
  http::ResponseHead head_;
  http::ResponseParser parser_;
  http::StreamBody body_;
  std::string text_, request_text_;
  bool too_large_ = false;  // the content that is collected
  const config::RetrySettings* retry_ = nullptr;
  coro::CancelSource* parent_ = nullptr;  // of the call's deadline
  Tried tried_;
  Guard guard_;
  Duration own_timeout_{};     // of the call, whatever the request's deadline
  TimePoint working_since_{};  // of the attempt: since when it does not wait in our own queue; max(): it does
  Duration body_timeout_{};
  // The client's content on its way to the upstream.
  bool uploading_ = false;  // a coroutine of ex.scope does it
  bool upload_complete_ = true;
  bool upload_begun_ = false;  // something of it was taken: the request cannot be repeated
  bool upload_chunked_ = false;
  bool sent_ = false;   // some of the request may have reached the upstream
  std::string replay_;  // small content that came with the head: sent again with each attempt
  std::optional<Error> upload_error_;
  net::DeadlineSource deadline_;             // while fetch() runs
  bool head_awaited_ = false;                // the deadline is that of the answer's head
  net::DeadlineSource* patience_ = nullptr;  // while the client's content is awaited
};

using CallPtr = std::unique_ptr<Call, http::BodyReleaser>;

/// A loop's calls. Lifetime: outlives them.
class Call::Cache {
 public:
  CallPtr take();
  ~Cache();

 private:
  friend class Call;
  std::vector<Call*> free_;
};

}  // namespace vg::upstream
