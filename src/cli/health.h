// `viewgate health`: asks a running gateway whether it is ready, for container health checks.
#pragma once
#include <string>

namespace vg::cli {

/// Asks /readyz of the admin listener that `config_file` declares. 0 if it is ready; prints why not.
int health(const std::string& config_file);

}  // namespace vg::cli
