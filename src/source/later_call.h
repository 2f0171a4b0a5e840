// A call that is made when its request is over: everything it needs was rendered while the request was there. At most
// once: it is never repeated but where the upstream's own retries allow. SPEC section 5, `wait: false`.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "source/fetch.h"

namespace vg::source {

class LaterCall final : public upstream::Request {
 public:
  /// Renders the call. nullptr: `when` says no, or a value is missing; `answer` then tells which.
  static std::unique_ptr<LaterCall> make(const CallDef& def, const Caller& caller, Answer* answer);
  /// Makes it, and logs what failed. Owns: itself, its exchange, and the table that its upstream belongs to.
  /// Cancel: `cancel`, which outlives the task.
  static coro::Task<void> run(std::unique_ptr<LaterCall> call, coro::CancelSource* cancel);

  Result<void> append_head(const upstream::Endpoint& endpoint, std::string& out) override;

 private:
  LaterCall() = default;
  http::Exchange ex_;
  pipeline::LoopTablePtr pinned_;
  upstream::Call::Cache* calls_ = nullptr;
  upstream::Pool* pool_ = nullptr;
  std::string name_, request_id_, method_text_;
  std::string target_, fields_;  // between them each attempt writes the base path and Host
  std::string text_;
  std::optional<config::RetrySettings> own_retry_;
};

}  // namespace vg::source
