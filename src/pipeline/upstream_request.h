// What every request to an upstream says of the client it is made for, and which endpoint it prefers: shared by
// proxy-fetch, which passes requests on, and by the calls that views make.
#pragma once
#include <string>
#include <string_view>

#include "pipeline/context.h"

namespace vg::pipeline {

/// The values of X-Forwarded-For, -Proto and -Host. What a peer that is not trusted says about whom it forwards for is
/// not in them. Lifetime: views the context, and itself.
struct ForwardedFor {
  explicit ForwardedFor(const Context& ctx);
  ForwardedFor(const ForwardedFor&) = delete;
  std::string_view client;  ///< or the chain of those before it
  std::string_view proto;
  std::string_view host;  ///< empty: the client named none

 private:
  std::string chain_;
};

/// What an upstream with `balance: hash` goes by; 0 for others.
uint64_t balance_hash(const Context& ctx, const config::UpstreamSettings& upstream);

}  // namespace vg::pipeline
