#include "server/admin.h"

#include "base/strings.h"
#include "http/writer.h"
#include "observe/log.h"
#include "observe/prometheus.h"

namespace vg::server {

namespace {

void respond(http::Exchange& ex, uint16_t status, std::string_view type, std::string content) {
  http::Response& r = ex.response;
  r.status = status;
  r.own.add("Content-Type", type, http::FieldId::kContentType);
  r.own.add("Cache-Control", "no-store", http::FieldId::kCacheControl);
  r.text = std::move(content);
}

void respond_text(http::Exchange& ex, uint16_t status, std::string content) {
  respond(ex, status, "text/plain; charset=utf-8", std::move(content));
}

// In time that does not depend on where the texts differ.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned char differs = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) differs |= static_cast<unsigned char>(a[i] ^ b[b.empty() ? 0 : i % b.size()]);
  return differs == 0;
}

}  // namespace

AdminListener::AdminListener(net::EventLoop* loop, int fd, bool is_unix, AdminSource* source) : source_(source) {
  limits_.body_bytes = 0;
  auto listener = net::Listener::start(loop, fd, is_unix, 128, &budget_, [this](net::StreamPtr stream) {
    http::ServerConnection* c = http::ServerConnection::create(std::move(stream), this, 0);
    c->next = connections_;
    if (connections_ != nullptr) connections_->prev = c;
    connections_ = c;
    c->start();
  });
  if (listener) {
    listener_ = std::move(listener.value());
  } else {
    log::error(listener.error().detail);
  }
}

AdminListener::~AdminListener() { assert(connections_ == nullptr); }

void AdminListener::close() {
  closing_ = true;
  listener_.reset();
  for (http::ServerConnection* c = connections_; c != nullptr;) {
    http::ServerConnection* next = c->next;
    c->abort();
    c = next;
  }
}

void AdminListener::closed(http::ServerConnection& c) {
  (c.prev != nullptr ? c.prev->next : connections_) = c.next;
  if (c.next != nullptr) c.next->prev = c.prev;
  budget_.release();
}

http::Exchange* AdminListener::acquire(http::ServerConnection&) { return new http::Exchange; }

bool AdminListener::allowed(const http::RequestHead& request) const {
  const std::string_view token = source_->token();
  if (token.empty()) return true;
  std::string_view given = request.get(http::FieldId::kAuthorization);
  if (given.size() < 7 || !iequals(given.substr(0, 7), "bearer ")) return false;
  return same_secret(trim(given.substr(7)), token);
}

void AdminListener::answer(http::Exchange& ex) {
  const std::string_view path = ex.request.path();
  const bool reads = ex.request.method == http::Method::kGet || ex.request.method == http::Method::kHead;
  const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics" || path == "/status";
  if (!known)
    return respond_text(ex, 404, "there is no such page; there are /healthz, /readyz, /metrics and /status\n");
  if (!reads) {
    respond_text(ex, 405, "this page takes GET\n");
    return ex.response.own.add("Allow", "GET, HEAD");
  }
  if (path == "/healthz") return respond_text(ex, 200, "ok\n");
  if (path == "/readyz")
    return source_->ready() ? respond_text(ex, 200, "ready\n")
                            : respond_text(ex, 503, "not ready: the gateway is starting or stopping\n");
  if (!allowed(ex.request)) {
    respond_text(ex, 401, "this page needs the admin token: Authorization: Bearer TOKEN\n");
    return ex.response.own.add("WWW-Authenticate", "Bearer realm=\"viewgate admin\"");
  }
  if (path == "/metrics") return respond(ex, 200, observe::PrometheusText::kContentType, source_->metrics_text());
  respond(ex, 200, "application/json", source_->status_json());
}

coro::Task<void> AdminListener::handle(http::Exchange& exchange) {
  answer(exchange);
  co_return;
}

void AdminListener::reject(http::Exchange& ex, uint16_t status, std::string_view reason) {
  respond_text(ex, status, std::string(reason) + "\n");
  ex.response.close = true;
}

}  // namespace vg::server
