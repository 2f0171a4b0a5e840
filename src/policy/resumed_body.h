// The content of an answer whose beginning was read already: that, and then the rest of it as it comes. Thread: the
// request's loop.
#pragma once
#include <string>

#include "http/body.h"

namespace vg::policy {

class ResumedBody final : public http::BodySource {
 public:
  ResumedBody(std::string begun, http::BodyPtr rest) : begun_(std::move(begun)), rest_(std::move(rest)) {}

  State peek(std::string_view* piece) override {
    if (begun_.empty()) return rest_->peek(piece);
    *piece = begun_;
    return State::kData;
  }
  void consume() override {
    if (begun_.empty()) return rest_->consume();
    begun_ = std::string();
  }
  coro::Task<void> wait(coro::CancelSource* cancel) override { return rest_->wait(cancel); }
  const Error& error() const override { return rest_->error(); }
  std::optional<uint64_t> length() const override { return rest_->length(); }
  const http::Head* trailers() const override { return rest_->trailers(); }
  void pause() override { rest_->pause(); }
  void release() override { delete this; }

 private:
  std::string begun_;
  http::BodyPtr rest_;
};

}  // namespace vg::policy
