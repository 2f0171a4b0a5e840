#include "gateway/load_tls.h"

#include <algorithm>

namespace vg::gateway {

namespace {

std::shared_ptr<const net::TlsListener> load_listener(const config::ListenerSettings& settings, const std::string& path,
                                                      config::Errors& errors, RouteTable& table) {
  if (!settings.tls) return nullptr;
  const config::ListenerTls& tls = *settings.tls;
  net::TlsListenerSettings wanted;
  for (const auto& c : tls.certificates) wanted.certificates.push_back({c.certificate, c.key, c.ocsp});
  wanted.client_ca = tls.client_ca;
  wanted.tls13_only = tls.tls13_only;
  wanted.alpn = {"http/1.1"};
  if (settings.http2) wanted.alpn.insert(wanted.alpn.begin(), "h2");
  // A session begun where nobody asks for a certificate is of no use where one is asked for, nor one of other clients.
  wanted.identity = settings.name + '\n' + settings.address + '\n' + tls.client_ca;
  auto loaded = net::TlsListener::load(wanted, table.ticket_keys, &table.warnings);
  if (loaded) return std::move(loaded.value());
  errors.add(tls.certificates.front().mark, path + ".tls", std::move(loaded.error().detail));
  return nullptr;
}

std::shared_ptr<const net::TlsClient> load_client(const config::ClientTls& tls, const std::string& path,
                                                  config::Errors& errors, RouteTable& table) {
  auto loaded = net::TlsClient::load({tls.ca, tls.certificate, tls.key, tls.server_name, tls.verify}, &table.warnings);
  if (loaded) return std::move(loaded.value());
  errors.add(tls.mark, path, std::move(loaded.error().detail));
  return nullptr;
}

}  // namespace

void load_tls(config::LoadResult& loaded, const RouteTable* previous, RouteTable& table) {
  table.ticket_keys = previous != nullptr ? previous->ticket_keys : std::make_shared<net::TlsTicketKeys>();
  for (size_t i = 0; i < table.server.listen.size(); ++i) {
    const config::ListenerSettings& l = table.server.listen[i];
    const std::string path = "server.listen[" + std::to_string(i) + ']';
    table.listeners.push_back({l.name, {l.proxy_protocol, load_listener(l, path, loaded.errors, table), l.http2}});
  }
  if (const auto& l = table.admin.listen)
    table.admin_opening = {l->proxy_protocol, load_listener(*l, "admin.listen", loaded.errors, table), l->http2};
  for (const config::UpstreamSettings& u : loaded.upstream_settings) {
    const bool https = std::any_of(u.endpoints.begin(), u.endpoints.end(), [](const auto& e) { return e.https; });
    table.upstream_tls.push_back(https ? load_client(u.tls, "upstreams." + u.name + ".tls", loaded.errors, table)
                                       : nullptr);
  }
  if (loaded.redis_settings && loaded.redis_settings->tls)
    table.redis_tls = load_client(loaded.redis_settings->client_tls, "redis.tls", loaded.errors, table);
}

}  // namespace vg::gateway
