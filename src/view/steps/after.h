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
  /// Lets those begin that nobody waits for, once the answer is out. `body` is what the run's body views. What fails
  /// is logged; the request is over.
  void send_later(CallRun&& run, std::string body) const;

 private:
  struct Call {
    uint16_t node = CallGraph::kNone;  // in the graph
    std::optional<source::CallDef> undo;
  };
  coro::Task<void> undo_one(CallRun& run, const source::CallDef& undo) const;

  std::vector<Call> calls_;
  bool any_later_ = false;
  std::optional<source::CallDef> undo_;  // of the view
};

}  // namespace vg::view
