// What a route of each view may say, put together from the schema: the keys of every route, of its view, the policies,
// and the names that this version refuses. And what may stand where no view is known yet: in mixins and in `defaults`.
#pragma once
#include <string_view>
#include <vector>

#include "config/node.h"
#include "config/schema.h"

namespace vg::config {

class RouteSpecs {
 public:
  /// Lifetime: the schema outlives it.
  explicit RouteSpecs(const Schema& schema);

  const Spec& route(const ViewType& view) const { return views_[index(view)].route; }
  const Spec& named_view(const ViewType& view) const { return views_[index(view)].named; }
  const Spec& any_named_view() const { return any_view_; }  ///< a named view whose type is not known
  const Spec& mixin() const { return mixin_; }
  const Spec& defaults() const { return defaults_; }

 private:
  struct PerView {
    Spec route;
    Spec named;
  };
  size_t index(const ViewType& view) const { return static_cast<size_t>(&view - schema_.views.data()); }

  const Schema& schema_;
  std::vector<PerView> views_;
  Spec any_view_;
  Spec mixin_;
  Spec defaults_;
};

}  // namespace vg::config
