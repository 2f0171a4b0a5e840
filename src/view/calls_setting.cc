#include "view/calls_setting.h"

#include <algorithm>

#include "config/read.h"

namespace vg::view {

config::Spec without(config::Spec call, std::initializer_list<std::pair<const char*, const char*>> keys) {
  for (const auto& [name, why] : keys) {
    for (config::Key& k : call.keys) {
      if (k.name != name) continue;
      k = config::refused_key(name);
      k.refused = why;
    }
  }
  return call;
}

config::Key source_key(bool writes, std::vector<config::Key> more) {
  more.push_back(config::refused_key("table"));
  more.push_back(config::refused_key("key"));
  config::Spec spec = without(source::call_spec(std::move(more)), {{"required", "the main call is always required"},
                                                                   {"when", "the main call can't be skipped"}});
  if (writes) spec = without(std::move(spec), {{"default", "what was not saved has no default"}});
  for (config::Key& k : spec.keys) {
    if (k.name == "call") k.is_required = false;  // where it is missing, add_main() says so
  }
  return config::key("source", std::move(spec)).required().summary("the main call: UPSTREAM/path, a template");
}

config::Key include_key(std::vector<config::Key> more) {
  return config::key("include", config::named(source::call_spec(std::move(more))))
      .summary("calls whose answers become members: name -> call");
}

config::Key limits_key() {
  return config::key(
      "limits",
      config::map(
          {config::key("body_bytes", config::size().at_least(0)).summary("the content of a request; more: 413")}));
}

void append_keys(std::vector<config::Key>& keys, std::vector<config::Key> more) {
  for (config::Key& k : more) keys.push_back(std::move(k));
}

tmpl::Scope call_scope(const pipeline::Build& build, std::vector<std::string> names,
                       std::initializer_list<tmpl::Root> roots) {
  tmpl::Scope scope = build.scope();
  if (!names.empty()) scope.offer(tmpl::Root::kCalls);
  scope.calls = std::move(names);
  for (const tmpl::Root root : roots) scope.offer(root);
  return scope;
}

void add_main(CallGraph& graph, pipeline::Build& build, std::string_view method, const tmpl::Scope& scope,
              uint8_t phase, std::string_view forward) {
  const config::Node* source = config::child(build.settings(), "source");
  if (source == nullptr) return;
  if (config::child(source, "call") == nullptr && source->get("table") == nullptr)
    build.error(*source, "source", "\"call\" is missing; write for example catalog/articles/{id}");
  GraphNode node;
  node.phase = phase;
  node.is_main = true;
  node.def = source::compile_call(build, *source, "object", "source", method, scope);
  std::vector<std::string>& forwarded = node.def.forward_headers;
  if (!forward.empty() && std::find(forwarded.begin(), forwarded.end(), forward) == forwarded.end()) {
    forwarded.emplace_back(forward);
    node.def.sets_own_fields = true;
  }
  graph.add(std::move(node));
}

std::vector<Name> member_names(std::span<const std::string> names) {
  std::vector<Name> out;
  for (const std::string& n : names) out.emplace_back(n);
  return out;
}

}  // namespace vg::view
