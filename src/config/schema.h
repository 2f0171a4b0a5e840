// What configurations may say: the top level, the settings of routes, and the view types and policies that exist. The
// views and policies are described by the rooms that build them and put together in gateway/; base_schema() starts that
// with everything of the contract marked as "not supported by this version", and add_view() and add_policy() replace
// those marks.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/spec.h"

namespace vg::config {

/// A view type: `view: respond`. Its keys' default_text is the weakest layer of its routes' settings.
struct ViewType {
  std::string name;
  std::vector<Key> keys;
  std::vector<std::string> methods;  ///< implied; empty: any
  bool refused = false;              ///< of the contract, not built
};

/// A policy: a setting that may stand on every route, in mixins and in `defaults`.
struct PolicyType {
  std::string name;
  Spec spec;
  std::string default_text;  ///< YAML of the value it has where nothing is written; empty: it is off
  std::string about;
  bool refused = false;
  std::vector<std::string> views;  ///< whose routes may have it; empty: all
};

struct Schema {
  Spec top;  ///< the file's top level; `routes`, `views`, `mixins`, `defaults` are checked by their views
  std::vector<Key> route_keys;  ///< what every route has, whatever its view: name, path, methods, host, …
  std::vector<ViewType> views;
  std::vector<PolicyType> policies;
  std::vector<std::string> refused_route_keys;  ///< of the contract, not built in any view

  void add_view(ViewType view);
  void add_policy(PolicyType policy);
  const ViewType* view(std::string_view name) const;
  const PolicyType* policy(std::string_view name) const;
};

/// The contract's names with no view and no policy built.
Schema base_schema();

}  // namespace vg::config
