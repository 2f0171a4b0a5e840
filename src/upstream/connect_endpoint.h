// A connection to an endpoint as its url says: plain, or by TLS, which then has chosen HTTP/2 if that is to be spoken.
#pragma once
#include "net/connect.h"
#include "upstream/upstream.h"

namespace vg::upstream {

/// Connects to `address`, which is one of the endpoint's. `resumption`: of earlier connections to it; nullptr: none.
/// Errors: kConnect, with why in `internal`; kTimeout or kCancelled as `cancel` says. Thread: loop's.
coro::Task<Result<net::StreamPtr>> connect_endpoint(net::EventLoop* loop, std::shared_ptr<Upstream> upstream,
                                                    size_t endpoint, net::Address address,
                                                    std::shared_ptr<net::TlsResumption> resumption,
                                                    coro::CancelSource* cancel);

}  // namespace vg::upstream
