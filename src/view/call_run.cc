#include "view/call_run.h"

namespace vg::view {

using source::Answer;

CallRun::CallRun(pipeline::Context& ctx, const CallGraph& graph) : ctx_(ctx), graph_(graph), slots_(graph.size()) {
  cancel_.attach(&ctx.cancel);
  for (size_t i = 0; i < slots_.size(); ++i) slots_[i].pending = static_cast<uint16_t>(graph.node(i).waits_for.size());
}

CallRun::CallRun(pipeline::Context& ctx, CallRun&& other)
    : ctx_(ctx),
      graph_(other.graph_),
      slots_(std::move(other.slots_)),
      body_(other.body_),
      items_(other.items_),
      runs_out_(true) {
  cancel_.attach(&ctx.cancel);
}

coro::Task<Result<void>> CallRun::run(uint8_t phase, std::optional<std::string_view> main_content) {
  phase_ = phase;
  main_content_ = main_content;
  start_ready();
  co_await scope_.join();
  const coro::CancelSource& ended = runs_out_ ? static_cast<const coro::CancelSource&>(cancel_) : ctx_.cancel;
  if (ended.cancelled()) {
    const bool late = ended.reason() == ErrorKind::kTimeout;
    co_return Error(ended.reason(), late ? "the answer was not ready in time" : "cancelled");
  }
  if (failed_ != CallGraph::kNone) co_return slots_[failed_].answer.error;
  co_return Result<void>();
}

void CallRun::let_run_out() {
  runs_out_ = true;
  if (cancel_.cancelled()) return;
  cancel_.reset();
  cancel_.arm(ctx_.loop, ctx_.cancel.when());
}

void CallRun::start_ready() {
  for (uint16_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.started || slot.pending > 0 || graph_.node(i).phase != phase_ || stopped()) continue;
    slot.started = true;
    scope_.spawn(make(i));
  }
}

coro::Task<void> CallRun::make(uint16_t i) {
  const GraphNode& node = graph_.node(i);
  Slot& slot = slots_[i];
  if (node.join) {
    slot.joined = std::make_unique<JoinResult>();
    co_await node.join->run(*this, node.def, slot.joined.get(), &slot.answer);
  } else if (node.is_main) {
    source::Caller of_main = caller(*this);
    of_main.more_query = main_query_;
    of_main.target_instead = main_target_;
    of_main.method_instead = main_method_;
    co_await source::fetch(node.def, of_main, &slot.answer, main_content_);
  } else {
    co_await source::fetch(node.def, caller(*this), &slot.answer);
  }
  ended(i);
}

void CallRun::ended(uint16_t i) {
  const GraphNode& node = graph_.node(i);
  const Answer& answer = slots_[i].answer;
  if (node.is_main) {
    ctx_.call = answer.stats;
    ctx_.upstream = &ctx_.pinned->pools[node.def.upstream]->upstream();
    items_ = answer.value;
    if (observer_ != nullptr && answer.has_value()) {
      if (Result<void> fine = observer_->on_main(*this); !fine) refuse(i, std::move(fine.error()));
    }
  }
  // What the client sent wrong fails the view, whichever call finds it.
  const bool fatal = answer.failed() && (answer.error.kind == ErrorKind::kBadRequest ||
                                         (node.fails_view && answer.state == Answer::State::kFailed));
  if (fatal && !stopped()) failed_ = i;
  if (fatal && !runs_out_) cancel_.cancel(ErrorKind::kCancelled);
  if (fatal) return;
  bool ready = false;
  for (const uint16_t d : node.leads_to) ready = --slots_[d].pending == 0 || ready;
  if (ready) start_ready();
}

json::Value CallRun::json(tmpl::Root root, uint32_t call) const {
  switch (root) {
    case tmpl::Root::kBody:
      return body_;
    case tmpl::Root::kObject:
      return graph_.main() != CallGraph::kNone ? main().value : json::Value();
    case tmpl::Root::kItems:
      return items_;
    case tmpl::Root::kCalls:
      return slots_[call].answer.value;
    default:
      return {};
  }
}

void CallRun::refuse(size_t i, Error error) { source::fail(graph_.node(i).def, slots_[i].answer, std::move(error)); }

void CallRun::tell_degraded() {
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Answer& answer = slots_[i].answer;
    if (!answer.failed() || answer.error.kind == ErrorKind::kCancelled) continue;
    ctx_.degraded.append(ctx_.degraded.empty() ? "" : ", ").append(graph_.node(i).def.name).append(";reason=");
    source::append_reason(answer, ctx_.degraded);
  }
}

}  // namespace vg::view
