#include "view/call_run.h"

#include "pipeline/learned.h"

namespace vg::view {

using source::Answer;

namespace {
constexpr size_t kMostDegradedBytes = 4000;  // longer fields are refused by those who read them
}

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
  if (ended.cancelled() && !(runs_out_ && is_complete())) {
    const bool late = ended.reason() == ErrorKind::kTimeout;
    co_return Error(ended.reason(), late ? "the answer was not ready in time" : "cancelled");
  }
  // Its own refusal says more than another failure that happened to be faster.
  if (failed_ != CallGraph::kNone && graph_.main() != CallGraph::kNone && main().refused()) failed_ = graph_.main();
  if (failed_ != CallGraph::kNone) co_return slots_[failed_].answer.error;
  co_return Result<void>();
}

// What the observer can't use of an answer counts as failed, and it is shown the default; what it can't use of that,
// and what it says of the request itself, ends the view.
void CallRun::show_main(uint16_t i) {
  Answer& answer = slots_[i].answer;
  while (answer.has_value()) {
    const bool is_default = answer.state == Answer::State::kDefault;
    items_ = answer.value;
    Result<void> fine = observer_->on_main(*this);
    if (fine) return;
    if (!is_default && fine.error().kind != ErrorKind::kStatus) {
      refuse(i, std::move(fine.error()));
      continue;
    }
    answer.state = Answer::State::kFailed;
    answer.value = json::Value();
    if (!is_default) answer.error = std::move(fine.error());
  }
}

// Of the phase everything has succeeded without which there is no answer.
bool CallRun::is_complete() const {
  for (size_t i = 0; i < slots_.size(); ++i) {
    const GraphNode& node = graph_.node(i);
    const Answer::State state = slots_[i].answer.state;
    if (node.phase == phase_ && node.fails_view && state != Answer::State::kOk && state != Answer::State::kSkipped)
      return false;
  }
  return true;
}

void CallRun::let_run_out() {
  runs_out_ = true;
  if (cancel_.cancelled()) return;
  cancel_.reset();
  cancel_.attach(ctx_.services->background.cancel());  // a stop that waits no longer ends them all the same
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
    if (observer_ != nullptr) show_main(i);
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

size_t CallRun::keep_for(uint8_t phase) {
  size_t bytes = 0;
  for (size_t i = 0; i < slots_.size(); ++i) {
    bool needed = false;
    for (const uint16_t d : graph_.node(i).leads_to) needed = needed || graph_.node(d).phase == phase;
    if (!needed) {
      slots_[i].answer.value = json::Value();
      slots_[i].answer.call.reset();
      slots_[i].joined.reset();
    }
    bytes += slots_[i].answer.content().size();
  }
  return bytes;
}

void CallRun::refuse(size_t i, Error error) { source::fail(graph_.node(i).def, slots_[i].answer, std::move(error)); }

void CallRun::tell_degraded() {
  if (ctx_.learned != nullptr) ctx_.learned->render_tags(*this);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Answer& answer = slots_[i].answer;
    if (!(answer.failed() || answer.stale) || answer.error.kind == ErrorKind::kCancelled) continue;
    if (ctx_.degraded.size() > kMostDegradedBytes) {
      ctx_.degraded.append(", and_more");
      break;
    }
    ctx_.degraded.append(ctx_.degraded.empty() ? "" : ", ").append(graph_.node(i).def.name).append(";reason=");
    source::append_reason(answer, ctx_.degraded);
  }
}

}  // namespace vg::view
