#include "http/request_content.h"

namespace vg::http {

Error content_error(Error error) {
  if (error.kind == ErrorKind::kTimeout) {
    error = Error(ErrorKind::kStatus, "the request's content did not arrive in time");
    error.status = 408;
  } else if (error.kind == ErrorKind::kUpstreamProtocol) {
    error.kind = ErrorKind::kBadRequest;
    error.status = 400;
  } else if (error.kind == ErrorKind::kBadRequest) {
    error.status = 413;
  } else if (error.kind == ErrorKind::kReset) {
    error.kind = ErrorKind::kCancelled;
  }
  return error;
}

}  // namespace vg::http
