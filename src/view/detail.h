// detail: one object of a source, with the answers of other calls as its members. SPEC section 5.
#pragma once
#include "pipeline/view.h"

namespace vg::view {

/// What can say which validator its object has at the moment: what `etag: {route: NAME}` of an update asks.
class EtagSource {
 public:
  /// The strong validator of a fresh read for `ctx`, with `params` in place of its own.
  /// Errors: as the view's; a 4xx of the source as kStatus with that status; 502 where the read is degraded.
  virtual coro::Task<Result<std::string>> current_etag(pipeline::Context& ctx, tmpl::PathParams params) const = 0;
  /// The names of the path parameters that it needs, in their order.
  virtual const std::vector<std::string>& parameters() const = 0;

 protected:
  ~EtagSource() = default;
};

config::ViewType describe_detail();
std::unique_ptr<pipeline::View> create_detail(pipeline::Build& build);

}  // namespace vg::view
