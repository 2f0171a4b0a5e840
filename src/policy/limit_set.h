// The limits of one route, as its settings declare them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "policy/limit_key.h"
#include "store/memory_limit_store.h"

namespace vg::policy {

/// What to do where Redis can't be asked: count in this process, let all pass, or let none.
enum class OnStoreFailure : uint8_t { kLocal, kAllow, kDeny };

struct Limit {
  pipeline::ShownLimit shown;
  std::shared_ptr<const store::LimitCounter> counter;  // of this route, or shared by several
  LimitKey key;
  bool dry_run = false;
  OnStoreFailure on_store_failure = OnStoreFailure::kLocal;
  std::string announced;  // "\"default\";r=": what begins its item of RateLimit
};

struct LimitSet {
  std::vector<Limit> limits;
  std::string policy_field;  // the line of RateLimit-Policy and the beginning of RateLimit's; empty: none is announced
  bool in_redis = false;
};

/// The value that rate_limit may have.
config::Spec limit_set_spec();
/// Mistakes are reported to `build`.
LimitSet create_limit_set(const config::Node& settings, pipeline::Build& build);

}  // namespace vg::policy
