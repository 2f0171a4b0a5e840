#include "config/settings_spec.h"

#include "base/strings.h"
#include "config/path.h"
#include "config/schema.h"
#include "config/settings.h"

namespace vg::config {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1000 * kMillisecond;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;
constexpr int64_t kGiB = 1024 * kMiB;

std::string check_listen(std::string_view text) {
  ListenerSettings ignored;
  return parse_listen_address(text, ignored);
}

std::string check_url(std::string_view text) {
  EndpointSettings ignored;
  return parse_upstream_url(text, ignored);
}

std::string check_redis_url(std::string_view text) {
  RedisSettings ignored;
  return parse_redis_url(text, ignored);
}

// What is in every key's name, and in what an operator types after `redis-cli --scan --pattern`.
std::string check_prefix(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c == 0x7f)
      return "a prefix of keys is printable ASCII without spaces; write for example viewgate:";
  }
  return {};
}

std::string check_cidr(std::string_view text) {
  if (parse_cidr(text)) return {};
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos && parse_ip(text.substr(0, slash)) &&
      parse_u64(text.substr(slash + 1)).value_or(129) <= 128) {
    return quote(text) + " has bits set behind its prefix, or a prefix that is too long; write for example 10.0.0.0/8";
  }
  return quote(text) + " is not an address or a range of addresses; write for example 10.0.0.0/8 or 127.0.0.1";
}

std::string check_workers(std::string_view text) {
  if (text == "auto") return {};
  const auto count = parse_integer(text);
  if (!count) return quote(text) + " is not a number of workers; write auto, or for example 4";
  if (*count < 1 || *count > 256) return std::string(text) + " is out of range; it may be from 1 to 256, or auto";
  return {};
}

std::string check_hash_by(std::string_view text) {
  if (text == "client_ip" || text == "path") return {};
  if (text.starts_with("header:") && is_token(text.substr(7))) return {};
  return quote(text) + " is not known; write client_ip, path or header:NAME";
}

std::string check_name(std::string_view text) {
  if (is_name(text)) return {};
  return quote(text) + " is not a name; names begin with a letter a-z and go on with a-z, 0-9, - and _";
}

std::string check_method(std::string_view text) {
  if (text == "CONNECT" || text == "TRACE") return quote(text) + " is never served";
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (is_token(text) && upper == text) return {};
  return quote(text) + " is not a method; write for example " + (is_token(text) ? upper : std::string("GET"));
}

std::string check_host(std::string_view text) {
  std::string_view name = text;
  if (name.starts_with("*.")) name.remove_prefix(2);
  bool fine = !name.empty() && name.size() <= 253 && name.front() != '.' && name.back() != '.' && name.front() != '-';
  for (const char c : name) fine = fine && (is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_');
  if (fine && name.find("..") == std::string_view::npos) return {};
  if (const size_t colon = text.rfind(':'); colon != std::string_view::npos && parse_u64(text.substr(colon + 1))) {
    return quote(text) + " has a port; a route's host is a name alone";
  }
  return quote(text) + " is not a host; write for example www.example.com or \"*.example.com\"";
}

std::string check_path(std::string_view text) {
  if (text.starts_with('/')) return {};
  return quote(text) + " is not a path; a path begins with /";
}

std::string check_server_name(std::string_view text) {
  const std::string wrong = text.starts_with('*') ? "has a wildcard" : check_host(text);
  return wrong.empty() ? wrong : quote(text) + " is not a host name; write for example api.example.com";
}

Spec count(int64_t least, int64_t most) { return integer().between(least, most); }
Spec time_span(int64_t least, int64_t most) { return duration().between(least, most); }

}  // namespace

std::string check_header_name(std::string_view text) {
  return is_token(text) ? std::string() : quote(text) + " is not the name of a header; write for example X-Api-Key";
}

std::string check_cookie_name(std::string_view text) {
  return is_token(text) ? std::string() : quote(text) + " is not the name of a cookie; write for example sid";
}

// Headers that the gateway writes itself, and which would break the message or its routing.
std::string check_set_header(std::string_view text) {
  for (const std::string_view own : {"host", "connection", "content-length", "transfer-encoding", "te", "trailer",
                                     "upgrade", "keep-alive", "proxy-connection", "expect"}) {
    if (iequals(text, own)) return quote(text) + " is set by the gateway itself";
  }
  return check_header_name(text);
}

Spec certificate_file(const char* example) { return text().at_least(1).called("a file").example(example); }

Spec certificate_spec() {
  return map({key("certificate", certificate_file("/etc/viewgate/tls/fullchain.pem"))
                  .required()
                  .summary("PEM: the certificate, then the chain that leads to its authority"),
              key("key", certificate_file("/etc/viewgate/tls/privkey.pem"))
                  .required()
                  .summary("PEM: its private key, not encrypted"),
              key("ocsp", certificate_file("/etc/viewgate/tls/ocsp.der"))
                  .summary("DER: an OCSP response, which is stapled"),
              key("client_ca", certificate_file("/etc/viewgate/tls/clients.pem"))
                  .summary("PEM: clients need a certificate of one of these authorities"),
              key("min_version", one_of({"1.2", "1.3"})).fallback("\"1.2\"").summary("the oldest TLS that is spoken")})
      .called("a certificate");
}

Spec client_tls_spec() {
  return map(
      {key("ca", certificate_file("/etc/viewgate/tls/ca.pem"))
           .summary("PEM: the authorities that are trusted, in place of the system's"),
       key("certificate", certificate_file("/etc/viewgate/tls/client.pem")).summary("PEM: shown to the peer"),
       key("key", certificate_file("/etc/viewgate/tls/client.key")).summary("PEM: its private key, not encrypted"),
       key("server_name", text().check(check_server_name).called("a host name").example("api.example.com"))
           .summary("asked for, and looked for in the certificate, in place of the url's host"),
       key("verify", boolean()).summary("false: whoever answers is believed; true, if it does not say")});
}

Spec listener_spec() {
  return map({key("address", text().check(check_listen).called("an address").example("0.0.0.0:8080"))
                  .required()
                  .summary("HOST:PORT, \"[IPV6]:PORT\", unix:/PATH or systemd:NAME"),
              key("name", name()).summary("routes with `listener: NAME` are served here alone"),
              key("backlog", count(1, 65535)).fallback("1024").summary("connections that may wait to be accepted"),
              key("http2", boolean())
                  .summary("HTTP/2 for clients that choose it; if it does not say, true with tls and false without"),
              key("proxy_protocol", boolean())
                  .fallback("false")
                  .summary("every connection begins with a header of the PROXY protocol, which says who the client is"),
              key("tls", one_or_list(certificate_spec()).at_least(1).nullable())
                  .summary("https; a list is chosen from by the name that the client asks for")})
      .short_form("address")
      .called("an address");
}

Spec server_spec() {
  Spec limits = map(
      {key("header_bytes", size().between(kKiB, kMiB)).fallback("16KiB").summary("the head of a request; more: 431"),
       key("headers", count(1, 1000)).fallback("100").summary("header fields of a request; more: 431"),
       key("uri_bytes", size().between(256, kMiB)).fallback("8KiB").summary("the request target; more: 414"),
       key("body_bytes", size().between(0, 1024 * kGiB)).fallback("1MiB").summary("a request's body; more: 413"),
       key("connections", count(1, 1'000'000)).fallback("10000").summary("at the last, accepting pauses")});
  Spec timeouts =
      map({key("header", time_span(kMillisecond, kDay)).fallback("10s").summary("for a request's head"),
           key("body", time_span(kMillisecond, kDay)).fallback("30s").summary("between two reads of a body"),
           key("write", time_span(kMillisecond, kDay)).fallback("30s").summary("between two writes"),
           key("idle", time_span(kMillisecond, kDay)).fallback("75s").summary("between two requests")});
  Spec cache = map({key("memory", size().between(kMiB, 1024 * kGiB))
                        .fallback("256MiB")
                        .summary("what cached answers may take; none is taken in advance")});
  Spec idempotency = map({key("memory", size().between(kMiB, 1024 * kGiB))
                              .fallback("64MiB")
                              .summary("what claims and kept answers may take; none is taken in advance")});
  return map(
      {key("listen", one_or_list(listener_spec()).at_least(1))
           .fallback("0.0.0.0:8080")
           .summary("where clients are served"),
       key("workers", text().check(check_workers).called("a number of workers").example("auto or 4"))
           .fallback("auto")
           .summary("event loops; auto: one for each CPU the process may use"),
       key("trusted_proxies",
           one_or_list(text().check(check_cidr).called("a range of addresses").example("10.0.0.0/8")))
           .fallback("[]")
           .summary("peers whose X-Forwarded-For and Forwarded are believed"),
       key("drain_timeout", time_span(0, kDay)).fallback("30s").summary("how long a stop waits for requests in flight"),
       key("limits", std::move(limits)), key("timeouts", std::move(timeouts)),
       key("trailing_slash", one_of({"strict", "redirect", "ignore"})).fallback("strict"),
       key("cache", std::move(cache)).summary("where answers are kept that routes cache"),
       key("idempotency", std::move(idempotency)).summary("where it is kept what became of an Idempotency-Key")});
}

Spec admin_spec() {
  return map(
      {key("listen", listener_spec()).summary("off where it is not written"),
       key("token", text().at_least(16).called("a token")).summary("asked for as `Authorization: Bearer TOKEN`")});
}

Spec log_spec() {
  return map(
      {key("level", one_of({"debug", "info", "warning", "error"})).fallback("info"),
       key("format", one_of({"text", "json"})).fallback("text"), key("access", boolean()).fallback("true"),
       key("file", text().at_least(1).called("stderr, stdout or a file").example("/var/log/viewgate/viewgate.log"))
           .fallback("stderr"),
       key("redact", one_or_list(text().check(check_header_name).called("a header's name").example("authorization")))
           .fallback("[authorization, cookie]")});
}

Spec redis_spec() {
  Spec url = text().check(check_redis_url).called("an address").example("redis://127.0.0.1:6379/0");
  Spec prefix = text().between(0, 100).check(check_prefix).called("a prefix of keys").example("\"viewgate:\"");
  return map(
      {key("url", std::move(url))
           .required()
           .summary("redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, or unix:/PATH[?db=DB]"),
       key("prefix", std::move(prefix)).fallback("\"viewgate:\"").summary("what the name of every key begins with"),
       key("timeout", time_span(kMillisecond, 60 * kSecond)).fallback("50ms").summary("for one command"),
       key("tls", client_tls_spec().nullable()).summary("of a rediss:// url")});
}

Spec call_cache_spec() {
  return map({key("ttl", time_span(kMillisecond, 365 * kDay))
                  .summary("how long it is fresh, whatever the upstream says; without it the upstream says"),
              key("stale_if_error", time_span(0, 365 * kDay))
                  .summary("behind its lifetime: it stands in where the call fails"),
              key("store", one_of({"memory", "redis", "both"})).summary("where it is kept; memory, if it does not say"),
              key("max_bytes", size().between(1, kGiB))
                  .summary("larger answers are not kept; 1MiB, if it does not say")})
      .short_form("ttl")
      .example("1m");
}

Spec upstream_spec() {
  Spec endpoint =
      map({key("url", text().check(check_url).called("an address").example("http://catalog:8000/api/v1")).required(),
           key("weight", count(1, 1000)).fallback("1"), key("backup", boolean()).fallback("false")})
          .short_form("url");
  Spec url = text().check(check_url).called("an address").example("http://catalog:8000/api/v1");
  Spec header_name = text().check(check_set_header).called("a header's name").example("authorization");
  Spec cookie_name = text().check(check_cookie_name).called("a cookie's name").example("sid");
  Spec pool = map(
      {key("connections", count(1, 100'000)).fallback("100").summary("of the whole process"),
       key("per_endpoint", count(1, 100'000)).fallback("30"),
       key("idle", time_span(kMillisecond, kDay)).fallback("60s").summary("how long an unused connection is kept")});
  return map(
      {key("url", std::move(url)), key("urls", one_or_list(std::move(endpoint)).at_least(1)),
       key("forward_headers", one_or_list(std::move(header_name))),
       key("forward_cookies", one_or_list(std::move(cookie_name))),
       key("headers", named(template_text()).check(check_set_header)), key("pool", std::move(pool)),
       key("max_pending", count(0, 1'000'000)).fallback("1000").summary("calls that may wait for a connection"),
       key("dns_ttl", time_span(kSecond, kDay)).fallback("300s").summary("an upper bound on the record's own TTL"),
       key("balance", one_of({"round_robin", "least_requests", "hash"})).fallback("round_robin"),
       key("hash_by", text().check(check_hash_by).called("client_ip, path or header:NAME").example("client_ip"))
           .fallback("client_ip"),
       key("connect_timeout", time_span(kMillisecond, kHour)).fallback("1s"),
       key("timeout", time_span(kMillisecond, kHour)).fallback("10s").summary("pool wait, connect and all attempts"),
       key("retry", retry_spec()),
       key("circuit_breaker", breaker_spec().nullable()).summary("of each endpoint; null: none"),
       key("health", health_spec().nullable()).summary("active checks of each endpoint"),
       key("hedge", hedge_spec()).summary("for safe methods"),
       key("tls", client_tls_spec().nullable()).summary("of https urls"),
       key("http2", boolean())
           .fallback("false")
           .summary("many calls at once on one connection; with an http url by prior knowledge"),
       key("cache", call_cache_spec().nullable()).summary("keeps the answers of GET calls that views make")});
}

std::vector<Key> route_keys() {
  return {key("name", name()),
          key("path", text().check(check_path).called("a path").example("\"/articles/{id}\"")).required(),
          key("view", text().called("a view").example("proxy-fetch")).required(),
          key("extends", name()),
          key("mixins", one_or_list(name())),
          key("methods", one_or_list(text().check(check_method).called("a method").example("GET")).at_least(1)),
          key("host", text().check(check_host).called("a host").example("www.example.com")),
          key("listener", name())};
}

Schema base_schema() {
  Schema out;
  Spec included = one_or_list(text().at_least(1).called("a file or a pattern").example("routes/*.yaml"));
  out.top = map(
      {key("include", std::move(included).nullable()), key("server", server_spec().nullable()),
       key("admin", admin_spec().nullable()), key("log", log_spec().nullable()),
       key("upstreams",
           named(upstream_spec()).check(check_name).nullable().example("{catalog: {url: http://catalog:8000}}")),
       key("defaults", json()), key("mixins", named(json()).check(check_name).nullable()),
       key("views", named(json()).check(check_name).nullable()),
       key("routes", list(json()).nullable().example("[{path: /, view: respond}]")),
       key("redis", redis_spec().nullable()), refused_key("databases"), refused_key("plugins"), refused_key("debug")});
  out.route_keys = route_keys();
  for (const char* view : {"list", "detail", "create", "update", "delete", "bulk-update", "aggregate", "proxy-fetch",
                           "respond", "redirect"}) {
    out.views.push_back({view, {}, {}, true});
  }
  for (const char* policy : {"timeout", "cors", "auth", "rate_limit", "idempotency", "cache", "retry", "hedge",
                             "circuit_breaker", "ip", "security_headers", "csrf", "compress", "errors", "debug"}) {
    out.policies.push_back({policy, {}, {}, {}, true, {}});
  }
  out.refused_route_keys = {"template"};
  return out;
}

}  // namespace vg::config
