// The calls of one request, made as the graph allows: everything that waits for nothing starts at once, and what it was
// waited for when it has ended. Also what templates see of the answers. SPEC section 4.
// Thread: the request's loop. Lifetime: within the view's run(); the context and the graph outlive it.
#pragma once
#include <vector>

#include "coro/scope.h"
#include "source/fetch.h"
#include "view/call_graph.h"

namespace vg::view {

class CallRun;

/// Looks at the main call's answer before the calls that wait for it begin.
class MainObserver {
 public:
  /// Errors: the answer is of no use; the main call counts as failed with it.
  virtual Result<void> on_main(CallRun& run) = 0;

 protected:
  ~MainObserver() = default;
};

class CallRun final : public tmpl::Values {
 public:
  CallRun(pipeline::Context& ctx, const CallGraph& graph);
  /// Goes on where `other` has ended, for a context that outlives its request.
  CallRun(pipeline::Context& ctx, CallRun&& other);
  CallRun(const CallRun&) = delete;

  /// Makes the calls of one phase and waits until all have ended. The first failure of a main or required call cancels
  /// the rest. `main_content`: the body of the main call, where the view makes it.
  /// Errors: of that call (see source::fetch); kTimeout, kCancelled when the request's own time is up or its client has
  /// gone. Cancel: ctx.cancel. Nothing of the calls is left running.
  coro::Task<Result<void>> run(uint8_t phase, std::optional<std::string_view> main_content = std::nullopt);
  /// From now on neither a failure nor a client that leaves ends the calls that are under way, so that it is known what
  /// they did; a failure starts no further ones. The request's deadline stays. Precondition: nothing runs.
  void let_run_out();

  const source::Answer& answer(size_t i) const { return slots_[i].answer; }
  const source::Answer& main() const { return slots_[graph_.main()].answer; }
  const JoinResult* joined(size_t i) const { return slots_[i].joined.get(); }
  /// The call that made run() fail; kNone: none did.
  uint16_t failed() const { return failed_; }
  void set_observer(MainObserver* observer) { observer_ = observer; }
  /// What {items.x} and joins see of the main answer. Lifetime: the caller's.
  void set_items(json::Value items) { items_ = items; }
  json::Value items() const { return items_; }
  /// What the main call asks for beside, or instead of, what its declaration says: see source::Caller.
  void set_main_method(std::string_view method) { main_method_ = method; }
  void set_main_query(std::string_view more_query, std::string_view target_instead) {
    main_query_ = more_query;
    main_target_ = target_instead;
  }
  pipeline::Context& ctx() const { return ctx_; }
  const CallGraph& graph() const { return graph_; }
  source::Caller caller(const tmpl::Values& values) {
    return {&ctx_, &values, &cancel_, {}, {}, {}, ctx_.cancel.when()};
  }
  /// Path parameters in place of the request's own.
  void set_params(const tmpl::PathParams& params) { params_ = params; }
  /// The client's body, as templates see it.
  void set_body(json::Value body) { body_ = body; }
  json::Value body() const { return body_; }
  /// Lets go of the answers that no call of `phase` refers to; the bytes of those that are kept.
  size_t keep_for(uint8_t phase);
  /// The view can't use the answer: the call counts as failed, with its default if it has one.
  void refuse(size_t i, Error error);
  /// Writes ctx.degraded: the calls that failed without failing the view, with the reasons.
  void tell_degraded();

  // tmpl::Values
  tmpl::PathParam param(size_t index) const override { return params_ ? (*params_)[index] : ctx_.param(index); }
  std::string_view query_string() const override { return ctx_.query_string(); }
  std::optional<std::string_view> header(std::string_view name) const override { return ctx_.header(name); }
  std::optional<std::string_view> cookie(std::string_view name) const override { return ctx_.cookie(name); }
  std::string_view client_ip() const override { return ctx_.client_ip(); }
  std::string_view request_id() const override { return ctx_.request_id(); }
  std::optional<std::string_view> tls_subject() const override { return ctx_.tls_subject(); }
  json::Value json(tmpl::Root root, uint32_t call) const override;

 private:
  struct Slot {
    source::Answer answer;
    std::unique_ptr<JoinResult> joined;
    uint16_t pending = 0;  // calls that it waits for
    bool started = false;
  };
  void start_ready();
  void show_main(uint16_t i);
  bool is_complete() const;
  bool stopped() const { return failed_ != CallGraph::kNone || cancel_.cancelled(); }
  coro::Task<void> make(uint16_t i);
  void ended(uint16_t i);

  pipeline::Context& ctx_;
  const CallGraph& graph_;
  std::vector<Slot> slots_;
  net::DeadlineSource cancel_;
  coro::Scope scope_;
  json::Value body_, items_;
  std::optional<tmpl::PathParams> params_;
  MainObserver* observer_ = nullptr;
  std::string_view main_query_, main_target_, main_method_;
  std::optional<std::string_view> main_content_;
  uint8_t phase_ = 0;
  bool runs_out_ = false;
  uint16_t failed_ = CallGraph::kNone;
};

}  // namespace vg::view
