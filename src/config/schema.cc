#include "config/schema.h"

#include <algorithm>

namespace vg::config {

void Schema::add_view(ViewType view) {
  const auto at = std::find_if(views.begin(), views.end(), [&](const ViewType& v) { return v.name == view.name; });
  if (at == views.end()) {
    views.push_back(std::move(view));
  } else {
    *at = std::move(view);
  }
}

void Schema::add_policy(PolicyType policy) {
  const auto at =
      std::find_if(policies.begin(), policies.end(), [&](const PolicyType& p) { return p.name == policy.name; });
  if (at == policies.end()) {
    policies.push_back(std::move(policy));
  } else {
    *at = std::move(policy);
  }
}

const ViewType* Schema::view(std::string_view name) const {
  const auto at = std::find_if(views.begin(), views.end(), [&](const ViewType& v) { return v.name == name; });
  return at != views.end() ? &*at : nullptr;
}

const PolicyType* Schema::policy(std::string_view name) const {
  const auto at = std::find_if(policies.begin(), policies.end(), [&](const PolicyType& p) { return p.name == name; });
  return at != policies.end() ? &*at : nullptr;
}

}  // namespace vg::config
