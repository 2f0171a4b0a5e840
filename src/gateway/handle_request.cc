#include "gateway/handle_request.h"

#include "base/random_hex.h"
#include "base/strings.h"
#include "gateway/client_address.h"
#include "gateway/render_error.h"
#include "http/target.h"
#include "observe/log.h"
#include "pipeline/invalidate.h"

namespace vg::gateway {

namespace {

constexpr size_t kMostRequestIdBytes = 128;

bool is_request_id(std::string_view id) {
  if (id.empty() || id.size() > kMostRequestIdBytes) return false;
  for (const char c : id) {
    if (c <= ' ' || c > '~' || c == '"' || c == '\\') return false;
  }
  return true;
}

// The path with a slash added at its end, or with the one that is there taken off, and the query.
void redirect_slash(pipeline::Context& ctx) {
  std::string to(ctx.request.path());
  if (to.ends_with('/')) {
    to.pop_back();
  } else {
    to.push_back('/');
  }
  // "//host/" would name another host: no path of ours begins so.
  if (to.starts_with("//")) return render_status(ctx, 404, "no route matches this path");
  if (ctx.request.has_query) to.append("?").append(ctx.request.query());
  ctx.response.status = 308;
  ctx.response.own.add("Location", to, http::FieldId::kLocation);
}

void answer_without_route(pipeline::Context& ctx, const RouteTable& table, const Match& match) {
  if (match.outcome == Match::Outcome::kNotFound) return render_status(ctx, 404, "no route matches this path");
  if (match.outcome == Match::Outcome::kRedirectSlash) return redirect_slash(ctx);
  std::string allow;
  table.router.append_allow(match.allow, allow);
  if (ctx.request.method == http::Method::kOptions) {
    ctx.response.status = 204;
  } else {
    render_status(ctx, 405, "this path does not take " + std::string(ctx.request.method_text()));
  }
  ctx.response.own.add("Allow", allow);
}

// TRACE would show a script what the browser hides from it (cookies, credentials).
bool is_refused(http::Method method) { return method == http::Method::kConnect || method == http::Method::kTrace; }

void answer_unroutable(pipeline::Context& ctx) {
  if (is_refused(ctx.request.method)) {
    render_status(ctx, 501, "this gateway does not take " + std::string(ctx.request.method_text()));
    ctx.response.close = true;
    return;
  }
  ctx.response.status = 204;
  ctx.response.own.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

void match_route(const pipeline::Context& ctx, const RouteTable& table, Match* match) {
  const http::RequestHead& request = ctx.request;
  std::string_view host, port;
  std::string scratch;
  if (table.uses_hosts && !request.authority().empty() && http::split_authority(request.authority(), host, port)) {
    host = http::lower_host(host, scratch);
  }
  const uint32_t listener = ctx.connection->listener();
  const std::string_view listener_name =
      listener < table.listeners.size() ? std::string_view(table.listeners[listener].name) : std::string_view();
  table.router.match(host, request.method_text(), request.path(), listener_name, match);
}

/// Finds the route, and who asks for it. False: it was answered here.
bool find_route(pipeline::Context& ctx, const RouteTable& table) {
  if (is_refused(ctx.request.method) || ctx.request.path() == "*") {
    identify(ctx, table);
    answer_unroutable(ctx);
    return false;
  }
  const http::PathCheck check = http::check_path(ctx.request.path());
  Match match;
  if (check.ok()) match_route(ctx, table, &match);
  // Among many routes this one is in no cache: its line comes while the client is looked at.
  const bool found = match.outcome == Match::Outcome::kRoute;
  if (found) __builtin_prefetch(&table.routes[match.route]);
  identify(ctx, table);
  if (!check.ok()) {
    render_status(ctx, 400, check.reason);
    ctx.response.close = true;
    return false;
  }
  if (!found) {
    answer_without_route(ctx, table, match);
    return false;
  }
  ctx.route = &table.routes[match.route];
  ctx.route->prefetch();
  ctx.params = match.params;
  ctx.services->metrics->routes.at(ctx.route->metrics_id).in_flight.add();
  return true;
}

Error too_large() {
  Error e(ErrorKind::kStatus, "the request's content is too large");
  e.status = 413;
  return e;
}

}  // namespace

void identify(pipeline::Context& ctx, const RouteTable& table) {
  const std::string& peer = ctx.connection->peer_ip();
  const net::TlsSession* tls = ctx.connection->stream().tls();
  ctx.secure = tls != nullptr;
  if (tls != nullptr) ctx.client_subject = tls->peer_subject();
  ctx.trusted_peer = is_trusted(table.server.trusted_proxies, peer);
  if (ctx.trusted_peer) {
    ctx.set_client_ip(client_address(ctx.request, peer, table.server.trusted_proxies));
  } else {
    ctx.set_client_ip(peer);
  }
  const std::string_view given = ctx.trusted_peer ? ctx.request.get(http::FieldId::kXRequestId) : std::string_view();
  if (is_request_id(given)) {
    ctx.set_request_id(given);
    return;
  }
  char id[32];
  write_random_hex(id, sizeof id);
  ctx.set_request_id(std::string_view(id, sizeof id));
}

coro::Task<void> handle_request(pipeline::Context& ctx, const RouteTable& table) {
  ctx.body_timeout = table.limits.body_timeout;
  if (find_route(ctx, table)) {
    ctx.body.set_limit(ctx.route->body_bytes);
    if (ctx.body.length().value_or(0) > ctx.route->body_bytes) {
      render_error(ctx, too_large());
    } else {
      try {
        Result<void> out = co_await ctx.route->run(ctx);
        if (!out) render_error(ctx, out.error());
        const bool outdates =
            out && pipeline::is_write(ctx.request.method, ctx.response.status) && ctx.pinned->keeps_answers();
        if (outdates) co_await pipeline::invalidate_own_path(ctx);
      } catch (const std::exception& e) {
        // No code of ours throws on the way of a request but for lack of memory: whatever it is, it is answered.
        log::error("request ", ctx.request_id(), " failed: ", e.what());
        render_error(ctx, Error(ErrorKind::kInternal, "the gateway failed"));
      }
    }
  }
  ctx.response.request_id = ctx.request_id();
}

}  // namespace vg::gateway
