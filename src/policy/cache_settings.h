// What `cache` says, read. SPEC section 6.
#pragma once
#include <optional>
#include <vector>

#include "cache/storing.h"
#include "pipeline/view.h"

namespace vg::policy {

struct CacheSettings {
  cache::StoreSettings times;
  pipeline::StoreKind store = pipeline::StoreKind::kMemory;
  Duration degraded_ttl{};
  uint64_t max_bytes = 1024 * 1024;
  bool client_refresh = false;
  std::vector<tmpl::Template> tags;
};

config::PolicyType describe_cache();
CacheSettings read_cache_settings(const config::Node& settings, pipeline::Build& build);

/// What the route's answers are dropped by, as its calls and its settings are written: "catalog/articles/{id}".
std::vector<std::string> tag_names(const config::Node& settings, const pipeline::Build& build);

}  // namespace vg::policy
