// The calls of a view and what each waits for, found from their templates at load: {object.x} waits for the main call,
// {calls.user.id} for `user`, {item.x} and {items.x} for the list. A cycle is a configuration error that names it.
// SPEC section 4, "The call graph". Immutable once linked. Thread: any.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "source/call_def.h"
#include "view/join.h"

namespace vg::view {

/// One call of the graph.
struct GraphNode {
  source::CallDef def;
  uint8_t phase = 0;  ///< a phase begins when the one before it has ended
  bool is_main = false;
  bool fails_view = false;     ///< main or required
  std::unique_ptr<Join> join;  ///< an include of a list: made for its items
  std::vector<uint16_t> waits_for;
  std::vector<uint16_t> leads_to;
};

class CallGraph {
 public:
  static constexpr uint16_t kNone = UINT16_MAX;
  static constexpr uint8_t kLater = 3;  ///< the last phase, of calls that nobody waits for

  /// The number of a call is its place among all: what Reference::call says. So the scope of every call lists all named
  /// calls in the order in which they are added; the main call, which has no name there, is added last.
  uint16_t add(GraphNode node);
  /// Finds out who waits for whom. Mistakes (cycles, calls of a later phase) go to `build`.
  void link(pipeline::Build& build);

  size_t size() const { return nodes_.size(); }
  const GraphNode& node(size_t i) const { return nodes_[i]; }
  uint16_t main() const { return main_; }
  std::vector<pipeline::PlannedCall> plan() const;

 private:
  void find_dependencies(uint16_t i, pipeline::Build& build);
  bool report_cycle(uint16_t i, std::vector<uint16_t>& path, std::vector<char>& state, pipeline::Build& build) const;
  std::vector<uint32_t> waves() const;

  std::vector<GraphNode> nodes_;
  uint16_t main_ = kNone;
};

/// The calls of a setting like `include` or `context`: their names, in order.
std::vector<std::string> call_names(const config::Node* calls);
/// Adds the plain calls of such a setting.
void add_calls(CallGraph& graph, pipeline::Build& build, const config::Node* calls, std::string_view setting,
               std::string_view method, const tmpl::Scope& scope, uint8_t phase);

}  // namespace vg::view
