#include "view/call_graph.h"

#include <algorithm>

namespace vg::view {

namespace {

void add_unique(std::vector<uint16_t>& list, uint16_t value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

std::string note_of(const GraphNode& n) {
  std::string note;
  const auto add = [&note](std::string_view text) { note.append(note.empty() ? "" : ", ").append(text); };
  if (n.is_main) add("main");
  if (n.def.required && !n.is_main) add("required");
  if (n.join) add(n.join->describe());
  if (n.phase == CallGraph::kLater) add("after the answer, nobody waits");
  if (n.def.when) add("only when its condition holds");
  if (n.def.fallback) add("default " + *n.def.fallback + " when it fails");
  return note;
}

}  // namespace

uint16_t CallGraph::add(GraphNode node) {
  const auto index = static_cast<uint16_t>(nodes_.size());
  if (node.is_main) main_ = index;
  node.fails_view = node.is_main || node.def.required;
  nodes_.push_back(std::move(node));
  return index;
}

void CallGraph::find_dependencies(uint16_t i, pipeline::Build& build) {
  GraphNode& n = nodes_[i];
  n.def.for_each_reference([&](const tmpl::Reference& r) {
    uint16_t other = kNone;
    if (r.root == tmpl::Root::kCalls) other = static_cast<uint16_t>(r.call);
    if (r.root == tmpl::Root::kObject || r.root == tmpl::Root::kItem || r.root == tmpl::Root::kItems) other = main_;
    if (other == kNone || other >= nodes_.size()) return;
    if (nodes_[other].phase == kLater && n.phase != kLater) {
      build.error(
          *n.def.node, n.def.place,
          "{" + r.text + "} is never known here: nobody waits for " + nodes_[other].def.name + " (wait: false)");
    } else if (nodes_[other].phase > n.phase) {
      build.error(*n.def.node, n.def.place,
                  "{" + r.text + "} is known only later: " + nodes_[other].def.name + " is called after this");
    } else if (nodes_[other].join != nullptr) {
      build.error(
          *n.def.node, n.def.place,
          "{" + r.text + "} has no one value: " + nodes_[other].def.name + " is called for the items of the list");
    } else {
      add_unique(n.waits_for, other);
      add_unique(nodes_[other].leads_to, i);
    }
  });
}

// Depth first; `path` is the way from where the search began.
bool CallGraph::report_cycle(uint16_t i, std::vector<uint16_t>& path, std::vector<char>& state,
                             pipeline::Build& build) const {
  constexpr char kOpen = 1, kDone = 2;
  if (state[i] == kDone) return false;
  path.push_back(i);
  if (state[i] == kOpen) {
    const auto begin = std::find(path.begin(), path.end(), i);
    std::string text;
    for (auto at = begin; at != path.end(); ++at) text += (text.empty() ? "" : " -> ") + nodes_[*at].def.name;
    const std::string what = path.end() - begin == 2 ? "it waits for itself: " : "a cycle, each waits for the next: ";
    build.error(*nodes_[i].def.node, nodes_[i].def.place, what + text);
    return true;
  }
  state[i] = kOpen;
  for (const uint16_t next : nodes_[i].waits_for) {
    if (report_cycle(next, path, state, build)) return true;
  }
  state[i] = kDone;
  path.pop_back();
  return false;
}

void CallGraph::link(pipeline::Build& build) {
  for (uint16_t i = 0; i < nodes_.size(); ++i) find_dependencies(i, build);
  std::vector<char> state(nodes_.size(), 0);
  for (uint16_t i = 0; i < nodes_.size(); ++i) {
    std::vector<uint16_t> path;
    if (report_cycle(i, path, state, build)) return;
  }
  for (GraphNode& n : nodes_) n.def.node = nullptr;  // the document goes
}

// A call's wave is the one behind all that it waits for, and behind those of earlier phases.
std::vector<uint32_t> CallGraph::waves() const {
  std::vector<uint32_t> wave(nodes_.size(), 0);
  uint32_t before = 0;
  for (uint8_t phase = 0; phase <= kLater; ++phase) {
    uint32_t last = before;
    for (size_t round = 0; round <= nodes_.size(); ++round) {
      for (size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].phase != phase) continue;
        wave[i] = std::max(wave[i], before + 1);
        for (const uint16_t d : nodes_[i].waits_for) wave[i] = std::max(wave[i], wave[d] + 1);
        last = std::max(last, wave[i]);
      }
    }
    before = last;
  }
  return wave;
}

std::vector<pipeline::PlannedCall> CallGraph::plan() const {
  const std::vector<uint32_t> wave = waves();
  std::vector<pipeline::PlannedCall> out;
  const auto add = [&](size_t i) {
    pipeline::PlannedCall& call = out.emplace_back();
    call.name = nodes_[i].def.name;
    call.call = nodes_[i].def.text;
    call.wave = wave[i];
    call.note = note_of(nodes_[i]);
    for (const uint16_t d : nodes_[i].waits_for) call.waits_for.push_back(nodes_[d].def.name);
  };
  if (main_ != kNone) add(main_);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i != main_) add(i);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.wave < b.wave; });
  return out;
}

std::vector<std::string> call_names(const config::Node* calls) {
  std::vector<std::string> out;
  if (calls == nullptr) return out;
  for (const config::Member& m : calls->members()) out.emplace_back(m.key);
  return out;
}

void add_calls(CallGraph& graph, pipeline::Build& build, const config::Node* calls, std::string_view setting,
               std::string_view method, const tmpl::Scope& scope, uint8_t phase) {
  if (calls == nullptr) return;
  for (const config::Member& m : calls->members()) {
    GraphNode node;
    node.phase = phase;
    node.def = source::compile_call(build, *m.value, std::string(m.key),
                                    std::string(setting) + "." + std::string(m.key), method, scope);
    graph.add(std::move(node));
  }
}

}  // namespace vg::view
