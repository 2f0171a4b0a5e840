// The content of an answer that is streamed to its client and kept at once. It is read as fast as the upstream gives
// it, so that a slow client keeps nobody waiting who waits for the same; what turns out to be larger than is kept goes
// on as a stream with back-pressure, and those who wait are told. Thread: the request's loop.
#pragma once
#include <memory>
#include <string>

#include "coro/scope.h"
#include "http/body.h"
#include "policy/cache_fill.h"

namespace vg::policy {

class FillBody final : public http::BodySource {
 public:
  /// `fill` has begun. Lifetime: ctx outlives it; pump() ends before it is released.
  FillBody(pipeline::Context& ctx, http::BodyPtr inner, uint64_t most_bytes, std::unique_ptr<Fill> fill);

  /// Takes what has arrived. False: nothing more is to be taken: all of it is here, or it failed, or it is too large.
  bool take_arrived();
  /// The rest of it, beside whoever reads. Cancel: ex.side_cancel.
  coro::Task<void> pump();
  /// Waits until it is whole, or never will be. Cancel: as wait().
  coro::Task<void> finish(coro::CancelSource* cancel);
  /// All of it was kept: nullopt if it was not.
  const std::optional<cache::Entry>& kept() const { return kept_; }

  State peek(std::string_view* piece) override;
  void consume() override;
  coro::Task<void> wait(coro::CancelSource* cancel) override;
  const Error& error() const override { return error_; }
  std::optional<uint64_t> length() const override { return inner_->length(); }
  const http::Head* trailers() const override { return inner_->trailers(); }
  void pause() override {
    if (state_ == FillState::kDirect) inner_->pause();
  }
  void release() override { delete this; }

 private:
  enum class FillState : uint8_t { kFilling, kWhole, kDirect, kFailed };
  pipeline::Context& ctx_;
  http::BodyPtr inner_;
  const uint64_t most_bytes_;
  std::unique_ptr<Fill> fill_;
  std::optional<cache::Entry> kept_;
  std::string buffer_;
  size_t at_ = 0, peeked_ = 0;  // what the reader has taken of the buffer
  FillState state_ = FillState::kFilling;
  coro::Event progress_;
  Error error_;
};

}  // namespace vg::policy
