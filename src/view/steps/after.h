// What follows a save: the calls of `after`, what undoes them, and those that nobody waits for. SPEC section 5,
// "create / update".
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "view/call_run.h"

namespace vg::view {

class After {
 public:
  static std::vector<config::Key> keys();
  static std::vector<std::string> names(const pipeline::Build& build);
  /// Compiles the calls into `phase` of the graph, `undo`s beside it.
  static After create(pipeline::Build& build, CallGraph& graph, const tmpl::Scope& scope, uint8_t phase);
  /// A required call has failed: undoes those that succeeded, in the reverse order, then the view's own. A failure to
  /// undo is logged. The answer: 502, naming what failed.
  coro::Task<Error> undo(CallRun& run, Error cause) const;
  /// Sends those that nobody waits for. One that can't be sent is told in ctx.degraded.
  void send_later(CallRun& run) const;

 private:
  struct Call {
    uint16_t node = CallGraph::kNone;  // in the graph; kNone: it is sent later
    std::optional<source::CallDef> later;
    std::optional<source::CallDef> undo;
  };
  coro::Task<void> undo_one(CallRun& run, const source::CallDef& undo) const;

  std::vector<Call> calls_;
  std::optional<source::CallDef> undo_;  // of the view
};

}  // namespace vg::view
