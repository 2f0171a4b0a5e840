// `viewgate explain`: what the gateway would do with a request, and where the configuration says so. SPEC section 1.
#pragma once
#include <string>

#include "cli/asked_request.h"
#include "gateway/route_table.h"

namespace vg::cli {

struct Explanation {
  bool matches = false;  ///< a route takes the request
  std::string text;      ///< ends with a newline
};

/// `checked` has a table, and a listener of the name that is asked for.
Explanation explain(const gateway::Checked& checked, const AskedRequest& asked);

/// What is wrong with a listener's name; empty if there is such a one.
std::string unknown_listener(const gateway::Checked& checked, const std::string& name);

}  // namespace vg::cli
