#include "view/steps/after.h"

#include <algorithm>

#include "config/read.h"
#include "observe/log.h"
#include "view/calls_setting.h"

namespace vg::view {

namespace {

config::Key undo_key(std::string about) {
  config::Spec call =
      without(source::call_spec(), {{"required", "a failure to undo is logged; there is nobody to tell"},
                                    {"default", "nobody sees the answer of an undo"}});
  return config::key("undo", std::move(call)).summary(std::move(about));
}

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
      if (undo != nullptr)
        build.error(*m.value, place + ".undo", "a call with wait: false is made when nothing can fail any more");
      out.any_later_ = true;
    }
    GraphNode node;
    node.phase = config::boolean(m.value, "wait", true) ? phase : CallGraph::kLater;
    node.def = std::move(def);
    call.node = graph.add(std::move(node));
  }
  return out;
}

coro::Task<void> After::undo_one(CallRun& run, const source::CallDef& undo) const {
  // Not under the run's own cancellation: what was done is to be undone, even for a client that has gone.
  coro::CancelSource unrelated(run.ctx().services->background.cancel());
  source::Caller caller = run.caller(run);
  caller.cancel = &unrelated;
  caller.until = TimePoint::max();
  source::Answer answer;
  co_await source::fetch(undo, caller, &answer);
  if (answer.failed())
    log::error("request ", run.ctx().request_id(), ": ", undo.name,
               " failed, what it undoes stays: ", answer.error.detail);
}

coro::Task<Error> After::undo(CallRun& run, Error cause) const {
  for (size_t i = calls_.size(); i-- > 0;) {
    const Call& call = calls_[i];
    if (!call.undo) continue;
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

namespace {

// The calls that nobody waits for, with all that they may refer to. Lives as long as they are under way.
struct LaterCalls {
  LaterCalls(CallRun&& over, std::string text) : body(std::move(text)), run(copy(ctx, over), std::move(over)) {
    run.set_body(json::Value::of(body));
  }
  static pipeline::Context& copy(pipeline::Context& to, const CallRun& from) {
    to.copy_request(from.ctx());
    return to;
  }
  static coro::Task<void> make(std::unique_ptr<LaterCalls> calls);

  pipeline::Context ctx;
  std::string body;
  CallRun run;
};

coro::Task<void> LaterCalls::make(std::unique_ptr<LaterCalls> calls) {
  calls->ctx.cancel.attach(calls->ctx.services->background.cancel());
  // The answer goes out first.
  net::Sleep pause(calls->ctx.loop, std::chrono::milliseconds(1), nullptr);
  co_await pause;
  const Result<void> made = co_await calls->run.run(CallGraph::kLater);
  const CallGraph& graph = calls->run.graph();
  for (size_t i = 0; i < graph.size(); ++i) {
    const source::Answer& answer = calls->run.answer(i);
    if (graph.node(i).phase != CallGraph::kLater || !answer.failed()) continue;
    log::warn("request ", calls->ctx.request_id(), ": the call ", graph.node(i).def.name,
              ", made after the answer, failed: ", answer.error.detail);
  }
  if (!made)
    log::warn("request ", calls->ctx.request_id(), ": the calls after the answer ended: ", made.error().detail);
}

}  // namespace

void After::send_later(CallRun&& run, std::string body) const {
  if (!any_later_) return;
  pipeline::Background& background = run.ctx().services->background;
  const std::string id(run.ctx().request_id());
  const size_t bytes = run.keep_for(CallGraph::kLater) + body.size();
  auto calls = std::make_unique<LaterCalls>(std::move(run), std::move(body));
  if (!background.spawn(LaterCalls::make(std::move(calls)), bytes))
    log::error("request ", id, ": its calls after the answer are not made: too many, or too large ones, are under way");
}

}  // namespace vg::view
