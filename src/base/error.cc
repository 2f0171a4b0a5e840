#include "base/error.h"

namespace vg {

Error::Error(ErrorKind k, std::string what, bool retry) : kind(k), retryable(retry), detail(std::move(what)) {}

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNone:
      return "none";
    case ErrorKind::kConnect:
      return "connect";
    case ErrorKind::kReset:
      return "reset";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kOverload:
      return "overload";
    case ErrorKind::kCircuitOpen:
      return "circuit_open";
    case ErrorKind::kRateLimited:
      return "rate_limited";
    case ErrorKind::kUpstreamProtocol:
      return "protocol";
    case ErrorKind::kMissingValue:
      return "missing_value";
    case ErrorKind::kTooLarge:
      return "too_large";
    case ErrorKind::kInvalidJson:
      return "invalid_json";
    case ErrorKind::kSelect:
      return "select";
    case ErrorKind::kBadRequest:
      return "bad_request";
    case ErrorKind::kStatus:
      return "status";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace vg
