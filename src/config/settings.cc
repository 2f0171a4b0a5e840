#include "config/settings.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "config/path.h"
#include "config/read.h"

namespace vg::config {
namespace {

uint32_t count(const Node* map, std::string_view key, uint32_t fallback) {
  return static_cast<uint32_t>(integer(map, key, fallback));
}

// In a list, what holds for the whole listener stands with the first.
std::optional<ListenerTls> read_listener_tls(const Node& listener, const std::string& path, Errors& errors) {
  const std::vector<const Node*> certificates = each(&listener, "tls");
  if (certificates.empty()) return std::nullopt;
  ListenerTls out;
  for (const Node* c : certificates) {
    out.certificates.push_back({file_path(c, "certificate"), file_path(c, "key"), file_path(c, "ocsp"), c->mark()});
    if (c == certificates.front()) continue;
    for (const char* key : {"client_ca", "min_version"}) {
      if (const Node* node = child(c, key))
        errors.add(node->mark(), path + ".tls",
                   std::string(key) + " holds for the whole listener; write it with the first certificate");
    }
  }
  out.client_ca = file_path(certificates.front(), "client_ca");
  out.tls13_only = text(certificates.front(), "min_version") == "1.3";
  return out;
}

ListenerSettings read_listener(const Node& node, const std::string& path, Errors& errors) {
  ListenerSettings out;
  out.proxy_protocol = boolean(&node, "proxy_protocol", false);
  out.tls = read_listener_tls(node, path, errors);
  out.http2 = boolean(&node, "http2", out.tls.has_value());
  const std::string address = text(&node, "address");
  const std::string wrong = parse_listen_address(address, out);  // validation said what is wrong, if anything is
  out.address = address;
  out.name = text(&node, "name");
  out.backlog = static_cast<int>(integer(&node, "backlog", out.backlog));
  out.mark = node.mark();
  return out;
}

// Two listeners of one name, or of one address (but port 0, which is another one each time).
void check_listeners(const std::vector<ListenerSettings>& all, Errors& errors) {
  std::map<std::string, const ListenerSettings*> names;
  std::map<std::string, const ListenerSettings*> addresses;
  for (size_t i = 0; i < all.size(); ++i) {
    const ListenerSettings& l = all[i];
    const std::string path = "server.listen[" + std::to_string(i) + ']';
    if (l.address.empty()) continue;
    if (!l.name.empty()) {
      const auto [at, is_new] = names.try_emplace(l.name, &l);
      if (!is_new)
        errors.add(l.mark, path,
                   "the name " + quote(l.name) + " is taken by the listener at " + to_string(at->second->mark));
    }
    if (l.kind == ListenerSettings::Kind::kTcp && l.port == 0) continue;
    const auto [at, is_new] = addresses.try_emplace(l.address, &l);
    if (!is_new)
      errors.add(l.mark, path, quote(l.address) + " is listened on at " + to_string(at->second->mark) + " already");
  }
}

std::string parse_host_port(std::string_view text, ListenerSettings& out) {
  constexpr std::string_view kExample = "; write for example 0.0.0.0:8080, \"[::]:8080\" or unix:/run/viewgate.sock";
  const size_t colon = text.rfind(':');
  const bool port_alone = parse_u64(text).has_value();
  if (colon == std::string_view::npos || port_alone) {
    std::string wrong = quote(text) + (port_alone ? " has no address" : " has no port");
    return wrong + "; write for example " + (port_alone ? "0.0.0.0:" + std::string(text) : std::string(text) + ":8080");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto ip = parse_ip(host);
  if (host.empty() || host == "*")
    return quote(text) + " names no address; write 0.0.0.0:" + std::string(port) + " for all of them";
  if (!ip && parse_ip(text))
    return quote(text) + " has no port; write for example \"[" + std::string(text) + "]:8080\"";
  if (ip && brackets == (host.find(':') == std::string_view::npos)) {
    return brackets
               ? quote(text) + " has brackets around an IPv4 address; leave them out"
               : "an IPv6 address stands in brackets; write \"[" + std::string(host) + "]:" + std::string(port) + '"';
  }
  if (!ip && iequals(host, "localhost"))
    return "a listener's address is written in numbers; write 127.0.0.1:" + std::string(port);
  if (!ip) return quote(text) + " is not an address to listen on" + std::string(kExample);
  const auto number = parse_u64(port);
  if (!number || *number > 65535) return quote(port) + " is not a port; it may be from 0 to 65535";
  out.kind = ListenerSettings::Kind::kTcp;
  out.host = std::string(host);
  out.port = static_cast<uint16_t>(*number);
  return {};
}

}  // namespace

std::string parse_listen_address(std::string_view text, ListenerSettings& out) {
  constexpr size_t kLongestSocketPath = 107;  // sun_path, with its NUL
  if (text.starts_with("unix:")) {
    out.kind = ListenerSettings::Kind::kUnix;
    out.path = std::string(text.substr(5));
    if (!out.path.starts_with('/'))
      return quote(text) + " needs an absolute path; write for example unix:/run/viewgate.sock";
    return out.path.size() > kLongestSocketPath ? "the path of a unix socket may have at most 107 bytes"
                                                : std::string();
  }
  if (text.starts_with("systemd:")) {
    out.kind = ListenerSettings::Kind::kSystemd;
    out.path = std::string(text.substr(8));
    const bool fine = !out.path.empty() && out.path.find(':') == std::string::npos;
    return fine ? std::string() : quote(text) + " names no socket; write for example systemd:http";
  }
  for (const std::string_view scheme : {"http://", "https://", "tcp://"}) {
    if (text.starts_with(scheme)) return quote(text) + " is a URL; write the address alone, for example 0.0.0.0:8080";
  }
  return parse_host_port(text, out);
}

ServerSettings read_server(const Node* server, Errors& errors) {
  ServerSettings out;
  for (const Node* listener : each(server, "listen")) {
    out.listen.push_back(read_listener(*listener, "server.listen[" + std::to_string(out.listen.size()) + ']', errors));
  }
  check_listeners(out.listen, errors);
  if (out.listen.empty()) {
    ListenerSettings& standard = out.listen.emplace_back();
    standard.address = "0.0.0.0:8080";
    standard.host = "0.0.0.0";
    standard.port = 8080;
  }
  out.workers = count(server, "workers", 0);
  for (const std::string& range : texts(server, "trusted_proxies")) {
    if (const auto cidr = parse_cidr(range)) out.trusted_proxies.push_back(*cidr);
  }
  out.drain_timeout = duration(server, "drain_timeout", out.drain_timeout);
  const Node* limits = child(server, "limits");
  out.limits.header_bytes = size_bytes(limits, "header_bytes", out.limits.header_bytes);
  out.limits.headers = count(limits, "headers", out.limits.headers);
  out.limits.uri_bytes = size_bytes(limits, "uri_bytes", out.limits.uri_bytes);
  out.limits.body_bytes = size_bytes(limits, "body_bytes", out.limits.body_bytes);
  out.limits.connections = count(limits, "connections", out.limits.connections);
  const Node* timeouts = child(server, "timeouts");
  out.timeouts.header = duration(timeouts, "header", out.timeouts.header);
  out.timeouts.body = duration(timeouts, "body", out.timeouts.body);
  out.timeouts.write = duration(timeouts, "write", out.timeouts.write);
  out.timeouts.idle = duration(timeouts, "idle", out.timeouts.idle);
  out.cache_memory_bytes = size_bytes(child(server, "cache"), "memory", out.cache_memory_bytes);
  out.idempotency_memory_bytes = size_bytes(child(server, "idempotency"), "memory", out.idempotency_memory_bytes);
  const std::string slash = text(server, "trailing_slash", "strict");
  out.trailing_slash = slash == "redirect" ? TrailingSlash::kRedirect
                       : slash == "ignore" ? TrailingSlash::kIgnore
                                           : TrailingSlash::kStrict;
  return out;
}

AdminSettings read_admin(const Node* admin, Errors& errors) {
  AdminSettings out;
  out.token = text(admin, "token");
  const Node* listen = child(admin, "listen");
  if (listen == nullptr) return out;
  out.listen = read_listener(*listen, "admin.listen", errors);
  const auto ip = out.listen->kind == ListenerSettings::Kind::kTcp ? parse_ip(out.listen->host) : std::nullopt;
  const bool open = (ip && !is_loopback(*ip)) || out.listen->kind == ListenerSettings::Kind::kSystemd;
  if (open && child(admin, "token") == nullptr) {
    errors.add(listen->mark(), "admin.listen",
               quote(out.listen->address) +
                   " can be reached from other machines, so admin.token is needed; write for example "
                   "token: \"${file:/run/secrets/viewgate-admin-token}\", or listen on 127.0.0.1");
  }
  return out;
}

LogSettings read_log(const Node* log) {
  LogSettings out;
  const std::string level = text(log, "level", "info");
  out.level = level == "debug"     ? LogSettings::Level::kDebug
              : level == "warning" ? LogSettings::Level::kWarning
              : level == "error"   ? LogSettings::Level::kError
                                   : LogSettings::Level::kInfo;
  out.json = text(log, "format") == "json";
  out.access = boolean(log, "access", out.access);
  out.file = text(log, "file", out.file);
  if (child(log, "redact") != nullptr) out.redact = texts(log, "redact");
  for (std::string& name : out.redact) name = lower(name);
  return out;
}

}  // namespace vg::config
