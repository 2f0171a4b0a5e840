#include "gateway/policy_order.h"

namespace vg::gateway {

// The access log stands outside of all (http::Handler::finished): it sees what the client got, whoever answered.
std::span<const std::string_view> policy_order() {
  static constexpr std::string_view kOrder[] = {
      "timeout",  // outermost: its deadline covers everything that the request waits for
  };
  return kOrder;
}

}  // namespace vg::gateway
