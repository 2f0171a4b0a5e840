// `viewgate routes`: the routes as a table for people.
#pragma once
#include <string>

#include "gateway/route_table.h"

namespace vg::cli {

/// Methods, path, name, view, and the policies in force, a line a route.
std::string routes_table(const gateway::RouteTable& table);

}  // namespace vg::cli
