#include "policy/builtin.h"

#include "policy/timeout.h"

namespace vg::policy {

std::span<const pipeline::PolicyEntry> builtin() {
  static const pipeline::PolicyEntry kPolicies[] = {
      {describe_timeout, create_timeout, true},
  };
  return kPolicies;
}

}  // namespace vg::policy
