// A health check of an endpoint that speaks HTTP/2. Internal to HealthMonitor.
#pragma once
#include <string>

#include "coro/task.h"
#include "net/stream.h"

namespace vg::upstream {

/// The service that gRPC servers answer health checks by (grpc.health.v1): asked for by this path, it is called, and
/// its answer must be SERVING; any other path is a GET.
constexpr std::string_view kGrpcHealthPath = "/grpc.health.v1.Health/Check";

/// Asks on a connected stream, which is closed after it. `request`: the head, as it is written for HTTP/1.1. The status
/// of the answer; 0 if there was none, or none that says SERVING: `why` says so. Lifetime: `cancel` and `why` outlive
/// it.
coro::Task<uint16_t> health_by_http2(net::StreamPtr stream, std::string request, bool https, coro::CancelSource* cancel,
                                     std::string* why);

}  // namespace vg::upstream
