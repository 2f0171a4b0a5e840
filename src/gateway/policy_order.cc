#include "gateway/policy_order.h"

namespace vg::gateway {

// The access log stands outside of all (http::Handler::finished): it sees what the client got, whoever answered.
std::span<const std::string_view> policy_order() {
  static constexpr std::string_view kOrder[] = {
      "timeout",      // outermost: its deadline covers everything that the request waits for
      "rate_limit",   // before what costs: a refused request asks no store and no upstream; a cache hit counts too
      "idempotency",  // before the cache: what is replayed is the answer that this client got
      "cache",        // nearest to the view: what it keeps is the view's answer
  };
  return kOrder;
}

}  // namespace vg::gateway
