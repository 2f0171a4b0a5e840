#include "policy/builtin.h"

#include "policy/cache.h"
#include "policy/idempotency.h"
#include "policy/rate_limit.h"
#include "policy/timeout.h"

namespace vg::policy {

std::span<const pipeline::PolicyEntry> builtin() {
  static const pipeline::PolicyEntry kPolicies[] = {
      {describe_timeout, create_timeout, true},
      {describe_rate_limit, create_rate_limit},
      {describe_idempotency, create_idempotency},
      {describe_cache, create_cache},
  };
  return kPolicies;
}

}  // namespace vg::policy
