// Why no route takes a request: the routes that come nearest to it, each with what keeps it from matching. For
// `viewgate explain`; no request is answered by this.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/route_table.h"

namespace vg::gateway {

/// What the router looks at, as Router::match() takes it. The path is a checked one (http::check_path).
struct Sought {
  std::string_view host;
  std::string_view method;
  std::string_view path;
  std::string_view listener;
};

struct NearRoute {
  uint32_t route = 0;            ///< index in RouteTable::routes
  uint32_t distance = 0;         ///< 0 would be a match
  bool by_method_alone = false;  ///< all but its methods fits
  std::string why;               ///< of the route: has "products" where the path has "product"
};

/// At most `most`, the nearest first; routes that have little in common with the path are left out.
std::vector<NearRoute> near_routes(const RouteTable& table, const Sought& sought, size_t most = 5);

}  // namespace vg::gateway
