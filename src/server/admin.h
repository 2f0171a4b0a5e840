// The admin listener, on the main thread's loop: /healthz, /readyz, /metrics, /status, and POST /cache/purge. It goes
// on during a drain, and what it shows does not depend on the workers. SPEC section 10.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "http/server_connection.h"
#include "net/listener.h"
#include "store/cache_store.h"

namespace vg::server {

/// What the admin pages show and do.
class AdminSource {
 public:
  virtual bool ready() const = 0;
  virtual std::string status_json() = 0;
  virtual std::string metrics_text() = 0;
  /// Asked for on all pages but the first two; empty: none is.
  virtual std::string_view token() const = 0;
  /// What stands in front of HTTP on its connections. Lifetime: until the loop's next turn.
  virtual const http::Opening& opening() const = 0;
  /// Drops these tags wherever answers are kept. Errors: Redis could not be told; memory was. Cancel: kCancelled.
  virtual coro::Task<Result<void>> purge(std::vector<store::Drop> drops, coro::CancelSource* cancel) = 0;

 protected:
  ~AdminSource() = default;
};

class AdminListener final : public http::Handler {
 public:
  /// Takes over `fd`, a listening socket.
  AdminListener(net::EventLoop* loop, int fd, bool is_unix, AdminSource* source);
  ~AdminListener();
  AdminListener(const AdminListener&) = delete;
  /// Stops accepting and cuts its connections. It may be destroyed once it is empty().
  void close();
  bool empty() const { return connections_ == nullptr; }

 private:
  http::Exchange* acquire(http::ServerConnection& connection) override;
  void release(http::Exchange* exchange) override { delete exchange; }
  const http::ConnectionLimits& limits(const http::Exchange&) override { return limits_; }
  coro::Task<void> handle(http::Exchange& exchange) override;
  void reject(http::Exchange& exchange, uint16_t status, std::string_view reason) override;
  void finished(http::Exchange&) override {}
  bool draining() const override { return closing_; }
  const http::ConnectionLimits& current_limits() const override { return limits_; }
  const http::Opening& opening(uint32_t) override { return source_->opening(); }
  void refused(http::ServerConnection&, std::string_view) override {}
  void closed(http::ServerConnection& connection) override;
  bool allowed(http::Exchange& ex) const;
  void show(http::Exchange& ex);
  coro::Task<void> purge(http::Exchange& ex);

  AdminSource* source_;
  http::ConnectionLimits limits_;
  net::ConnectionBudget budget_{256};
  std::shared_ptr<net::Listener> listener_;
  http::ServerConnection* connections_ = nullptr;
  bool closing_ = false;
};

}  // namespace vg::server
