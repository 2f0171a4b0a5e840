// Makes every route's settings from their layers, weakest first: the view type's own defaults, `defaults`, what the
// route extends (that one's own mixins first), its mixins from left to right, and what it writes itself. SPEC
// section 2.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/include.h"
#include "config/loader.h"
#include "config/path.h"
#include "config/route_specs.h"

namespace vg::config {

class RouteBuilder {
 public:
  RouteBuilder(LoadResult& result, const Schema& schema, const std::vector<Source>& sources);

  /// Fills result.routes. `built_in` reads a default's YAML into a node.
  void build(const Node* (*built_in)(Document&, const std::string& yaml));

 private:
  // A mixin or a named view. `layers` are all the fragments that it consists of, weakest first, itself the last.
  struct Fragment {
    std::string label;
    const Node* node = nullptr;
    Mark mark;
    bool is_view = false;
    enum class State : uint8_t { kNew, kOpen, kDone } state = State::kNew;
    std::vector<const Fragment*> layers;
    const ViewType* type = nullptr;  // of a named view
  };
  using Fragments = std::map<std::string, Fragment, std::less<>>;

  void collect(std::string_view section, bool is_view, Fragments& out);
  void resolve_all();
  bool resolve(Fragment& fragment, size_t depth);
  void append_mixins(const Node& node, const Path& path, size_t depth, std::vector<const Fragment*>& layers);
  Fragment* find_mixin(const Node& name, const Path& path);
  Fragment* find_view(const Node& name, const Path& path);
  const ViewType* view_type(const Node& name, const Path& path);
  void validate_fragments();

  void build_route(const Node& node, size_t index);
  const Node* base_of(const ViewType& view, const std::vector<const Fragment*>& layers, const RouteConfig& user);
  const Node* fitted(const Fragment& fragment, const ViewType& view, const RouteConfig& user);
  const Node* built_in_of(const ViewType& view);
  const Node* compose(const Node* base, const Node& own, const Spec& spec);
  void check_listener(const RouteConfig& route);
  void take_name(RouteConfig& route);

  LoadResult& result_;
  Document& document_;
  Errors& errors_;
  const Schema& schema_;
  const std::vector<Source>& sources_;
  RouteSpecs specs_;
  const Node* (*built_in_)(Document&, const std::string&) = nullptr;
  Fragments mixins_;
  Fragments views_;
  Fragment defaults_;
  std::map<std::string, const Node*> bases_;  // by view and layers: most routes share them
  std::map<std::pair<const Fragment*, const ViewType*>, const Node*> fitted_;
  std::unordered_map<std::string_view, Mark> names_;
  std::vector<Member> members_;  // of the route that is being built; here so that its memory is used again
};

}  // namespace vg::config
