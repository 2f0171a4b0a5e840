// An answer's content, read into memory within the attempt that it belongs to.
#include <algorithm>

#include "upstream/call.h"

namespace vg::upstream {

namespace {
constexpr uint64_t kKnownLengthBytes = 1024 * 1024;  // told lengths up to here are believed before the bytes are there
}  // namespace

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

}  // namespace vg::upstream
