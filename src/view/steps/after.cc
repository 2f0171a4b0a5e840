#include "view/steps/after.h"

#include <algorithm>

#include "config/read.h"
#include "observe/log.h"
#include "source/later_call.h"

namespace vg::view {

namespace {

config::Key undo_key(std::string about) { return config::key("undo", source::call_spec()).summary(std::move(about)); }

}  // namespace

std::vector<config::Key> After::keys() {
  return {
      config::key("after",
                  config::named(source::call_spec(
                      {config::key("wait", config::boolean())
                           .fallback("true")
                           .summary("false: made after the answer, at most once, and nobody learns what came of it"),
                       undo_key("makes it undone when a required one fails")})))
          .summary("calls that follow the save: name -> call"),
      undo_key("makes the save undone when a required call of `after` fails")};
}

std::vector<std::string> After::names(const pipeline::Build& build) {
  return call_names(config::child(build.settings(), "after"));
}

After After::create(pipeline::Build& build, CallGraph& graph, const tmpl::Scope& scope, uint8_t phase) {
  After out;
  const config::Node* s = build.settings();
  if (const config::Node* undo = config::child(s, "undo"))
    out.undo_ = source::compile_call(build, *undo, "undo", "undo", "DELETE", scope);
  const config::Node* after = config::child(s, "after");
  if (after == nullptr) return out;
  for (const config::Member& m : after->members()) {
    Call& call = out.calls_.emplace_back();
    const std::string name(m.key), place = "after." + name;
    source::CallDef def = source::compile_call(build, *m.value, name, place, "POST", scope);
    const config::Node* undo = config::child(m.value, "undo");
    if (undo != nullptr)
      call.undo = source::compile_call(build, *undo, name + ".undo", place + ".undo", "DELETE", scope);
    if (!config::boolean(m.value, "wait", true)) {
      if (def.required)
        build.error(*m.value, place + ".wait", "a required call must be waited for: take out wait: false, or required");
      if (def.fallback || def.select)
        build.error(*m.value, place + ".wait",
                    "nobody sees its answer: default and select have no use with wait: false");
      if (undo != nullptr)
        build.error(*m.value, place + ".undo", "a call with wait: false is made when nothing can fail any more");
      call.later = def;
      GraphNode stand_in;  // its name is known, and nothing may wait for it
      stand_in.def = std::move(def);
      stand_in.phase = CallGraph::kNever;
      graph.add(std::move(stand_in));
      continue;
    }
    GraphNode node;
    node.phase = phase;
    node.def = std::move(def);
    call.node = graph.add(std::move(node));
  }
  return out;
}

coro::Task<void> After::undo_one(CallRun& run, const source::CallDef& undo) const {
  // Not under the run's own cancellation: what was done is to be undone, even for a client that has gone.
  coro::CancelSource unrelated;
  source::Caller caller = run.caller(run);
  caller.cancel = &unrelated;
  source::Answer answer;
  co_await source::fetch(undo, caller, &answer);
  if (answer.failed())
    log::error("request ", run.ctx().request_id(), ": ", undo.name,
               " failed, what it undoes stays: ", answer.error.detail);
}

coro::Task<Error> After::undo(CallRun& run, Error cause) const {
  for (size_t i = calls_.size(); i-- > 0;) {
    const Call& call = calls_[i];
    if (!call.undo || call.node == CallGraph::kNone) continue;
    if (run.answer(call.node).state != source::Answer::State::kOk) continue;
    co_await undo_one(run, *call.undo);
  }
  if (undo_) co_await undo_one(run, *undo_);
  if (run.failed() == CallGraph::kNone) co_return cause;  // the time was up, or the client has gone
  Error error(ErrorKind::kStatus, run.graph().node(run.failed()).def.name + " failed: " + cause.detail);
  error.status = 502;
  error.internal = std::move(cause.internal);
  co_return error;
}

void After::send_later(CallRun& run) const {
  pipeline::Context& ctx = run.ctx();
  for (const Call& call : calls_) {
    if (!call.later) continue;
    source::Answer answer;
    std::unique_ptr<source::LaterCall> later = source::LaterCall::make(*call.later, run.caller(run), &answer);
    pipeline::Background& background = ctx.services->background;
    if (later && background.spawn(source::LaterCall::run(std::move(later), background.cancel()))) continue;
    if (answer.state == source::Answer::State::kSkipped) continue;
    if (!answer.failed()) answer.error = Error(ErrorKind::kOverload, "too many calls are made after their answers");
    log::warn("request ", ctx.request_id(), ": the call ", call.later->name, " was not made: ", answer.error.detail);
    ctx.degraded.append(ctx.degraded.empty() ? "" : ", ").append(call.later->name).append(";reason=");
    source::append_reason(answer, ctx.degraded);
  }
}

}  // namespace vg::view
