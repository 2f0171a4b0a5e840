// What the views that make calls have in common when they are compiled: the source, the calls beside it, and the scope
// that their templates have.
#pragma once
#include "view/call_graph.h"
#include "view/steps/reply.h"
#include "view/steps/shape.h"

namespace vg::view {

/// A call without some of its keys: each name with the reason.
config::Spec without(config::Spec call, std::initializer_list<std::pair<const char*, const char*>> keys);
config::Key source_key(bool writes = false, std::vector<config::Key> more = {});
config::Key include_key(std::vector<config::Key> more = {});
config::Key limits_key();
void append_keys(std::vector<config::Key>& keys, std::vector<config::Key> more);

/// The scope of the calls of a view: what the request offers, the answers of the named calls, and `roots`.
tmpl::Scope call_scope(const pipeline::Build& build, std::vector<std::string> names,
                       std::initializer_list<tmpl::Root> roots);
/// Compiles `source` and adds it as the main call, last of all. `forward`: a header of the client's that goes along.
void add_main(CallGraph& graph, pipeline::Build& build, std::string_view method, const tmpl::Scope& scope,
              uint8_t phase = 0, std::string_view forward = {});
/// The names as members of JSON objects.
std::vector<Name> member_names(std::span<const std::string> names);

}  // namespace vg::view
