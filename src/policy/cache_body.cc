#include "policy/cache_body.h"

namespace vg::policy {

FillBody::FillBody(pipeline::Context& ctx, http::BodyPtr inner, uint64_t most_bytes, std::unique_ptr<Fill> fill)
    : ctx_(ctx), inner_(std::move(inner)), most_bytes_(most_bytes), fill_(std::move(fill)) {
  buffer_.reserve(std::min(inner_->length().value_or(0), most_bytes_));
}

bool FillBody::take_arrived() {
  for (;;) {
    std::string_view piece;
    switch (inner_->peek(&piece)) {
      case State::kWait:
        return true;
      case State::kData:
        if (piece.size() > most_bytes_ - buffer_.size()) {
          state_ = FillState::kDirect;
          fill_->give_up();
          progress_.set();
          return false;
        }
        buffer_.append(piece);
        inner_->consume();
        progress_.set();
        continue;
      case State::kEnd:
        state_ = FillState::kWhole;
        kept_ = fill_->keep(ctx_, buffer_);
        progress_.set();
        return false;
      case State::kError:
        state_ = FillState::kFailed;
        error_ = inner_->error();
        // A client that has left says nothing of the upstream: another leads.
        if (!ctx_.side_cancel.cancelled()) fill_->give_up();
        progress_.set();
        return false;
    }
  }
}

coro::Task<void> FillBody::pump() {
  bool more = take_arrived();
  while (more) {
    co_await inner_->wait(&ctx_.side_cancel);
    more = take_arrived();
  }
}

coro::Task<void> FillBody::finish(coro::CancelSource* cancel) {
  while (state_ == FillState::kFilling && !cancel->cancelled()) {
    progress_.reset();
    co_await progress_.wait(cancel);
  }
}

http::BodySource::State FillBody::peek(std::string_view* piece) {
  if (at_ < buffer_.size()) {
    *piece = std::string_view(buffer_).substr(at_);
    peeked_ = piece->size();
    return State::kData;
  }
  switch (state_) {
    case FillState::kFilling:
      return State::kWait;
    case FillState::kWhole:
      return State::kEnd;
    case FillState::kFailed:
      return State::kError;
    case FillState::kDirect:
      break;
  }
  const State state = inner_->peek(piece);
  if (state == State::kError) error_ = inner_->error();
  return state;
}

void FillBody::consume() {
  if (at_ < buffer_.size()) {
    at_ += peeked_;
  } else {
    inner_->consume();
  }
}

coro::Task<void> FillBody::wait(coro::CancelSource* cancel) {
  if (state_ == FillState::kDirect) {
    co_await inner_->wait(cancel);
    co_return;
  }
  if (at_ < buffer_.size() || state_ != FillState::kFilling) co_return;
  progress_.reset();
  const bool set = co_await progress_.wait(cancel);
  if (set) co_return;
  state_ = FillState::kFailed;
  error_ = Error(cancel->reason(), "the response did not go on in time");
}

}  // namespace vg::policy
