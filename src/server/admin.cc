#include "server/admin.h"

#include "base/strings.h"
#include "cache/tags.h"
#include "http/form.h"
#include "http/target.h"
#include "http/writer.h"
#include "json/writer.h"
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

coro::Task<void> done() { co_return; }

// What is to be dropped: tag=T, T and what is below it; or path=/P, what was answered at that path. Returns what is
// wrong, or nothing.
std::string read_purge(std::string_view query, std::vector<store::Drop>& drops) {
  constexpr const char* kUse = "write either ?tag=UPSTREAM/PATH or ?path=/PATH\n";
  std::vector<http::FormField> fields;
  if (http::read_urlencoded(query, fields) != http::FormError::kNone)
    return "the query can't be read; " + std::string(kUse);
  if (fields.size() != 1) return kUse;
  std::string_view value = fields.front().value;
  if (fields.front().name == "tag") {
    while (value.ends_with('/')) value.remove_suffix(1);
    if (value.empty()) return "the tag is empty; " + std::string(kUse);
    drops.emplace_back(std::string(value), true);
    return {};
  }
  if (fields.front().name != "path") return "there is no parameter " + fields.front().name + "; " + kUse;
  if (const http::PathCheck check = http::check_path(value); !check.ok()) {
    return "path is not the path of a request (" + std::string(check.reason) +
           "): it is written as in a request line, and then encoded for the query: %2520 for %20\n";
  }
  drops.emplace_back(cache::path_tag(value), false);
  return {};
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

// Says so if it is not.
bool AdminListener::allowed(http::Exchange& ex) const {
  const std::string_view token = source_->token();
  const std::string_view given = ex.request.get(http::FieldId::kAuthorization);
  const bool bearer = given.size() >= 7 && iequals(given.substr(0, 7), "bearer ");
  if (token.empty() || (bearer && same_secret(trim(given.substr(7)), token))) return true;
  respond_text(ex, 401, "this page needs the admin token: Authorization: Bearer TOKEN\n");
  ex.response.own.add("WWW-Authenticate", "Bearer realm=\"viewgate admin\"");
  return false;
}

void AdminListener::show(http::Exchange& ex) {
  const std::string_view path = ex.request.path();
  const bool reads = ex.request.method == http::Method::kGet || ex.request.method == http::Method::kHead;
  const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics" || path == "/status";
  if (!known)
    return respond_text(ex, 404,
                        "there is no such page; there are /healthz, /readyz, /metrics, /status and /cache/purge\n");
  if (!reads) {
    respond_text(ex, 405, "this page takes GET\n");
    return ex.response.own.add("Allow", "GET, HEAD");
  }
  if (path == "/healthz") return respond_text(ex, 200, "ok\n");
  if (path == "/readyz")
    return source_->ready() ? respond_text(ex, 200, "ready\n")
                            : respond_text(ex, 503, "not ready: the gateway is starting or stopping\n");
  if (!allowed(ex)) return;
  if (path == "/metrics") return respond(ex, 200, observe::PrometheusText::kContentType, source_->metrics_text());
  respond(ex, 200, "application/json", source_->status_json());
}

coro::Task<void> AdminListener::purge(http::Exchange& ex) {
  if (ex.request.method != http::Method::kPost) {
    respond_text(ex, 405, "this page takes POST\n");
    ex.response.own.add("Allow", "POST");
    co_return;
  }
  if (!allowed(ex)) co_return;
  std::vector<store::Drop> drops;
  if (std::string wrong = read_purge(ex.request.query(), drops); !wrong.empty()) {
    respond_text(ex, 400, std::move(wrong));
    co_return;
  }
  std::string content = "{\"purged\":";
  json::Writer(content).string(drops.front().text);
  content.append("}\n");
  const Result<void> done = co_await source_->purge(std::move(drops), &ex.cancel);
  if (!done) {
    respond_text(ex, 503, "purged in memory, but not in Redis: " + done.error().detail + "\n");
    co_return;
  }
  respond(ex, 200, "application/json", std::move(content));
}

coro::Task<void> AdminListener::handle(http::Exchange& exchange) {
  if (exchange.request.path() == "/cache/purge") return purge(exchange);
  show(exchange);
  return done();
}

void AdminListener::reject(http::Exchange& ex, uint16_t status, std::string_view reason) {
  respond_text(ex, status, std::string(reason) + "\n");
  ex.response.close = true;
}

}  // namespace vg::server
