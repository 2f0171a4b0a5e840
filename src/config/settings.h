// The settings that are not routes', as the gateway uses them: typed, with defaults filled in. Their tables (what
// `check` accepts) are in settings_spec.cc, reading the validated nodes into these structs in settings.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/cidr.h"
#include "config/errors.h"
#include "config/node.h"
#include "config/values.h"

namespace vg::config {

/// What a listener shows (paths as written), and whom it lets in.
struct ListenerTls {
  struct Certificate {
    std::string certificate, key;
    std::string ocsp;  ///< empty: none
    Mark mark;
  };
  std::vector<Certificate> certificates;  ///< never empty
  std::string client_ca;                  ///< empty: clients need no certificate
  bool tls13_only = false;
};

struct ListenerSettings {
  enum class Kind : uint8_t { kTcp, kUnix, kSystemd };
  std::string address;  ///< as written
  Kind kind = Kind::kTcp;
  std::string host;   ///< kTcp: a numeric address without brackets
  uint16_t port = 0;  ///< kTcp: 0 takes a free one
  std::string path;   ///< kUnix: the socket's path; kSystemd: the name of the descriptor
  std::string name;   ///< what `listener: NAME` of a route refers to; empty: serves routes that name none
  int backlog = 1024;
  std::optional<ListenerTls> tls;
  bool proxy_protocol = false;
  bool http2 = false;  ///< for clients that choose it: by ALPN, or with prior knowledge where there is no TLS
  Mark mark;
};

struct ServerLimits {
  uint64_t header_bytes = 16 * 1024;
  uint32_t headers = 100;
  uint64_t uri_bytes = 8 * 1024;
  uint64_t body_bytes = 1024 * 1024;
  uint32_t connections = 10000;
};

struct ServerTimeouts {
  Nanoseconds header = std::chrono::seconds(10);
  Nanoseconds body = std::chrono::seconds(30);
  Nanoseconds write = std::chrono::seconds(30);
  Nanoseconds idle = std::chrono::seconds(75);
};

enum class TrailingSlash : uint8_t { kStrict, kRedirect, kIgnore };

struct ServerSettings {
  std::vector<ListenerSettings> listen;  ///< never empty
  uint32_t workers = 0;                  ///< 0: one for each CPU the process may use
  std::vector<Cidr> trusted_proxies;
  Nanoseconds drain_timeout = std::chrono::seconds(30);
  ServerLimits limits;
  ServerTimeouts timeouts;
  TrailingSlash trailing_slash = TrailingSlash::kStrict;
  uint64_t cache_memory_bytes = uint64_t{256} << 20;
  uint64_t idempotency_memory_bytes = uint64_t{64} << 20;
};

struct AdminSettings {
  std::optional<ListenerSettings> listen;  ///< nullopt: off
  std::string token;                       ///< empty: none is asked for
};

struct LogSettings {
  enum class Level : uint8_t { kDebug, kInfo, kWarning, kError };
  Level level = Level::kInfo;
  bool json = false;
  bool access = true;
  std::string file = "stderr";                                    ///< stderr, stdout or a path
  std::vector<std::string> redact = {"authorization", "cookie"};  ///< lower case
};

/// How the peers of an upstream or of Redis are spoken to by TLS. Paths are as written.
struct ClientTls {
  std::string ca;                ///< empty: the system's authorities
  std::string certificate, key;  ///< empty: none is shown
  std::string server_name;       ///< empty: the host of the url
  bool verify = true;
  Mark mark;
  bool operator==(const ClientTls& b) const {
    return ca == b.ca && certificate == b.certificate && key == b.key && server_name == b.server_name &&
           verify == b.verify;
  }
};

struct EndpointSettings {
  std::string host;  ///< a name, an IPv4 address, or an IPv6 address without brackets
  uint16_t port = 80;
  std::string base_path;  ///< of the url, without a slash at its end: "" or "/api/v1"
  std::string authority;  ///< what Host says: host[:port], the port left out where it is the scheme's; IPv6 in brackets
  bool is_ip = false;     ///< `host` needs no resolver
  bool https = false;
  uint32_t weight = 1;
  bool backup = false;
  Mark mark;
};

/// What a failed attempt is repeated for, and how often.
struct RetrySettings {
  uint32_t attempts = 1;  ///< extra ones
  std::optional<Nanoseconds> attempt_timeout;
  bool on_connect = true;
  bool on_reset = true;
  std::vector<uint16_t> on_statuses = {502, 503, 504};  ///< sorted
  std::vector<std::string> methods;                     ///< beside the idempotent ones, as the user lists them
  double budget_percent = 20;
  Nanoseconds backoff = std::chrono::milliseconds(25);

  bool operator==(const RetrySettings&) const = default;
};

/// When an endpoint is no longer asked, and for how long.
struct BreakerSettings {
  uint32_t failures = 5;  ///< consecutive ones
  Nanoseconds open_for = std::chrono::seconds(60);
  uint32_t half_open = 1;  ///< trials at a time
  std::optional<double> ratio_percent;
  Nanoseconds window = std::chrono::seconds(10);  ///< of the ratio
  uint32_t min_requests = 20;                     ///< in the window; with fewer the ratio says nothing

  bool operator==(const BreakerSettings&) const = default;
};

/// Active checks of an upstream's endpoints.
struct HealthSettings {
  std::string path;
  Nanoseconds interval = std::chrono::seconds(5);
  Nanoseconds timeout = std::chrono::seconds(2);
  uint32_t unhealthy_after = 3;
  uint32_t healthy_after = 2;

  bool operator==(const HealthSettings&) const = default;
};

/// What keeps the answer of one call. RFC 9111 says the rest.
struct CallCacheSettings {
  std::optional<Nanoseconds> ttl;
  std::optional<Nanoseconds> stale_if_error;
  std::string store = "memory";  ///< memory, redis or both
  uint64_t max_bytes = 1024 * 1024;
};

enum class Balance : uint8_t { kRoundRobin, kLeastRequests, kHash };
enum class HashBy : uint8_t { kClientIp, kPath, kHeader };

/// A header that every call to an upstream carries. `value` is a template's text (Node::template_text()).
struct HeaderSetting {
  std::string name;
  std::string value;
  Mark mark;
};

struct PoolSettings {
  uint32_t connections = 100;
  uint32_t per_endpoint = 30;
  Nanoseconds idle = std::chrono::seconds(60);
};

struct UpstreamSettings {
  std::string name;
  std::vector<EndpointSettings> endpoints;   ///< never empty in a valid configuration
  std::vector<std::string> forward_headers;  ///< lower case
  std::vector<std::string> forward_cookies;
  std::vector<HeaderSetting> headers;
  PoolSettings pool;
  uint32_t max_pending = 1000;
  Nanoseconds dns_ttl = std::chrono::seconds(300);
  Balance balance = Balance::kRoundRobin;
  HashBy hash_by = HashBy::kClientIp;
  std::string hash_header;  ///< HashBy::kHeader: lower case
  Nanoseconds connect_timeout = std::chrono::seconds(1);
  Nanoseconds timeout = std::chrono::seconds(10);
  RetrySettings retry;
  std::optional<BreakerSettings> breaker = BreakerSettings();
  std::optional<HealthSettings> health;
  Nanoseconds hedge{};                     ///< after so long a second attempt is made; 0: none
  std::optional<CallCacheSettings> cache;  ///< of the GET calls that views make
  ClientTls tls;                           ///< of its https endpoints
  bool http2 = false;                      ///< calls go by HTTP/2, and nothing else
  Mark mark;
};

/// One Redis server, shared by all processes that have the same url and prefix.
struct RedisSettings {
  bool is_unix = false;
  std::string host;  ///< a name, an IPv4 address, or an IPv6 address without brackets
  uint16_t port = 6379;
  bool is_ip = false;  ///< `host` needs no resolver
  std::string path;    ///< is_unix: the socket's
  std::string user;    ///< empty: the default user
  std::string password;
  uint32_t database = 0;
  bool tls = false;  ///< rediss://
  ClientTls client_tls;
  std::string label;  ///< the url without user and password: for the log and for people
  std::string prefix = "viewgate:";
  Nanoseconds timeout = std::chrono::milliseconds(50);  ///< of one command
  bool operator==(const RedisSettings&) const = default;
};

/// Reads validated, normalised nodes; nullptr is a section that is not written. What no table can say (a listener's
/// name used twice, an admin port open to the network without a token) goes to `errors`.
ServerSettings read_server(const Node* server, Errors& errors);
AdminSettings read_admin(const Node* admin, Errors& errors);
LogSettings read_log(const Node* log);
UpstreamSettings read_upstream(std::string_view name, const Node& upstream, const Mark& mark, Errors& errors);
/// A map with the keys of client_tls_spec(); `path` is what errors call it.
ClientTls read_client_tls(const Node& tls, const std::string& path, Errors& errors);
std::optional<RedisSettings> read_redis(const Node* redis, Errors& errors);  ///< nullopt: not written
/// A map with the keys of retry_spec(), breaker_spec() or hedge_spec(), or nullptr. What it does not say is the
/// weaker's.
RetrySettings read_retry(const Node* retry, RetrySettings weaker = {});
BreakerSettings read_breaker(const Node* breaker, BreakerSettings weaker = {});
Nanoseconds read_hedge(const Node* hedge, Nanoseconds weaker = {});
CallCacheSettings read_call_cache(const Node* cache);  ///< a map with the keys of call_cache_spec()

/// "0.0.0.0:8080", "[::]:8080", "unix:/path", "systemd:NAME". Returns what is wrong, empty if nothing is.
std::string parse_listen_address(std::string_view text, ListenerSettings& out);
/// "http://host:port/base", or https. Returns what is wrong, empty if nothing is.
std::string parse_upstream_url(std::string_view text, EndpointSettings& out);
/// "redis://[USER:PASSWORD@]HOST[:PORT][/DB]", "unix:/PATH[?db=DB]", "unix://USER:PASSWORD@/PATH[?db=DB]". Returns what
/// is wrong, empty if nothing is; a password is never in it.
std::string parse_redis_url(std::string_view text, RedisSettings& out);

}  // namespace vg::config
