// Connecting: from an address to a Stream that reads.
#pragma once
#include "coro/task.h"
#include "net/address.h"
#include "net/stream.h"

namespace vg::net {

/// Connects to `address`; TCP_NODELAY is set, reading has started.
/// Errors: kConnect with the system's words in `internal`; kTimeout or kCancelled as `cancel` says.
/// Thread: loop's. Cancel: closes the attempt.
coro::Task<Result<StreamPtr>> connect(EventLoop* loop, Address address, coro::CancelSource* cancel);

/// The same to the unix socket at `path`, of at most 107 bytes.
coro::Task<Result<StreamPtr>> connect_unix(EventLoop* loop, std::string path, coro::CancelSource* cancel);

/// Speaks TLS on `stream`, which has just been connected to `where`: returns once the handshake is done.
/// Errors: kConnect with the reason in `internal` ("certificate has expired"); kTimeout or kCancelled as `cancel` says.
coro::Task<Result<StreamPtr>> secure(StreamPtr stream, std::unique_ptr<TlsSession> tls, std::string where,
                                     coro::CancelSource* cancel);

}  // namespace vg::net
