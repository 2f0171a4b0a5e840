#include <algorithm>

#include "base/strings.h"
#include "config/host_port.h"
#include "config/path.h"
#include "config/read.h"
#include "config/settings.h"

namespace vg::config {
namespace {

// What stands before "://" says what was meant.
std::string check_scheme(std::string_view text, size_t scheme_end) {
  if (scheme_end == std::string_view::npos) {
    return quote(text) + " is not a URL; write http://" + std::string(text.substr(text.starts_with("//") ? 2 : 0));
  }
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme == "http" || scheme == "https") return {};
  return quote(scheme) + " is not a scheme of an upstream; write http://" + std::string(text.substr(scheme_end + 3));
}

std::string parse_authority(std::string_view authority, EndpointSettings& out) {
  HostPort at;
  const uint16_t standard = out.https ? 443 : 80;
  out.port = standard;
  const std::string wrong = parse_host_port(authority, "http://catalog:8000", "http://[::1]:8000", at);
  if (!wrong.empty()) return wrong;
  if (at.port != 0) out.port = at.port;
  const bool brackets = authority.starts_with('[');
  out.host = std::move(at.host);
  out.is_ip = at.is_ip;
  out.authority =
      (brackets ? '[' + out.host + ']' : out.host) + (out.port == standard ? "" : ':' + std::to_string(out.port));
  return {};
}

std::string check_base_path(std::string_view path) {
  if (path.find_first_of("?#") != std::string_view::npos)
    return "an upstream's url has no query and no fragment; put a query into the calls";
  if (path.find_first_of("{}") != std::string_view::npos) {
    return "an upstream's url can't hold a template; put what follows into the route's source";
  }
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' ||
        c == '|') {
      return "a character of the url's path must be written as %XX";
    }
  }
  if (!percent_decode(path)) return "the url's path has a % that is not followed by two hexadecimal digits";
  return {};
}

void read_endpoints(const Node& upstream, UpstreamSettings& out, const Mark& mark, Errors& errors) {
  const std::string path = "upstreams." + out.name;
  const Node* url = child(&upstream, "url");
  const Node* urls = child(&upstream, "urls");
  const bool broken = (upstream.get("url") != nullptr && upstream.get("url")->broken()) ||
                      (upstream.get("urls") != nullptr && upstream.get("urls")->broken());
  if (broken) return;
  if (url != nullptr && urls != nullptr) {
    errors.add(urls->mark(), path + ".urls", "url and urls can't both be written; put all into urls");
  } else if (url == nullptr && urls == nullptr) {
    errors.add(mark, path, "\"url\" is missing; write for example url: http://catalog:8000/api/v1");
  }
  const auto add = [&](std::string_view text, const Mark& at) -> EndpointSettings& {
    EndpointSettings& endpoint = out.endpoints.emplace_back();
    const std::string wrong = parse_upstream_url(text, endpoint);  // validation said what is wrong, if anything is
    endpoint.mark = at;
    return endpoint;
  };
  if (url != nullptr) add(url->text(), url->mark());
  for (const Node* node : each(&upstream, "urls")) {
    EndpointSettings& endpoint = add(text(node, "url"), node->mark());
    endpoint.weight = static_cast<uint32_t>(integer(node, "weight", 1));
    endpoint.backup = boolean(node, "backup", false);
  }
  for (size_t i = 0; i < out.endpoints.size(); ++i) {
    const EndpointSettings& a = out.endpoints[i];
    for (size_t k = 0; k < i && !a.host.empty(); ++k) {
      const EndpointSettings& b = out.endpoints[k];
      if (a.https != b.https || a.authority != b.authority || a.base_path != b.base_path) continue;
      errors.add(a.mark, path + ".urls[" + std::to_string(i) + ']',
                 "the same endpoint stands at " + to_string(b.mark) + " already; give it a weight instead");
      break;
    }
  }
  const bool all_backup = !out.endpoints.empty() && std::all_of(out.endpoints.begin(), out.endpoints.end(),
                                                                [](const auto& e) { return e.backup; });
  if (all_backup) errors.add(urls->mark(), path + ".urls", "all endpoints are backups; at least one must not be");
}

void read_balance(const Node& upstream, UpstreamSettings& out, Errors& errors) {
  const std::string kind = text(&upstream, "balance", "round_robin");
  out.balance = kind == "hash"             ? Balance::kHash
                : kind == "least_requests" ? Balance::kLeastRequests
                                           : Balance::kRoundRobin;
  const Node* by = child(&upstream, "hash_by");
  if (by == nullptr) return;
  if (out.balance != Balance::kHash && child(&upstream, "balance") != nullptr) {
    errors.add(by->mark(), "upstreams." + out.name + ".hash_by", "hash_by works with balance: hash alone");
  } else if (out.balance != Balance::kHash) {
    errors.add(by->mark(), "upstreams." + out.name + ".hash_by", "hash_by needs balance: hash beside it");
  }
  const std::string_view how = by->text();
  out.hash_by = how == "path" ? HashBy::kPath : how.starts_with("header:") ? HashBy::kHeader : HashBy::kClientIp;
  if (out.hash_by == HashBy::kHeader) out.hash_header = lower(how.substr(7));
}

std::optional<HealthSettings> read_health(const Node* health) {
  if (health == nullptr) return std::nullopt;
  HealthSettings out;
  out.path = text(health, "path");
  out.interval = duration(health, "interval", out.interval);
  out.timeout = duration(health, "timeout", out.timeout);
  out.unhealthy_after = static_cast<uint32_t>(integer(health, "unhealthy_after", out.unhealthy_after));
  out.healthy_after = static_cast<uint32_t>(integer(health, "healthy_after", out.healthy_after));
  return out;
}

}  // namespace

std::string parse_upstream_url(std::string_view text, EndpointSettings& out) {
  const size_t scheme_end = text.find("://");
  std::string wrong = check_scheme(text, scheme_end);
  if (!wrong.empty()) return wrong;
  out.https = iequals(text.substr(0, scheme_end), "https");
  std::string_view rest = text.substr(scheme_end + 3);
  const size_t path_at = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, path_at);
  std::string_view path = rest.substr(path_at);
  if (authority.find('@') != std::string_view::npos) {
    return "a url with a user name or password is not supported; set a header: {Authorization: \"Basic …\"}";
  }
  wrong = parse_authority(authority, out);
  if (wrong.empty()) wrong = check_base_path(path);
  if (!wrong.empty()) return wrong;
  while (path.ends_with('/')) path.remove_suffix(1);
  out.base_path = std::string(path);
  return {};
}

CallCacheSettings read_call_cache(const Node* cache) {
  CallCacheSettings out;
  if (child(cache, "ttl") != nullptr) out.ttl = duration(cache, "ttl", {});
  if (child(cache, "stale_if_error") != nullptr) out.stale_if_error = duration(cache, "stale_if_error", {});
  out.store = text(cache, "store", out.store);
  out.max_bytes = size_bytes(cache, "max_bytes", out.max_bytes);
  return out;
}

ClientTls read_client_tls(const Node& tls, const std::string& path, Errors& errors) {
  ClientTls out;
  out.ca = file_path(&tls, "ca");
  out.certificate = file_path(&tls, "certificate");
  out.key = file_path(&tls, "key");
  out.server_name = text(&tls, "server_name");
  out.verify = boolean(&tls, "verify", true);
  out.mark = tls.mark();
  if (out.certificate.empty() != out.key.empty())
    errors.add(tls.mark(), path,
               out.key.empty() ? "a certificate needs its key beside it" : "a key needs its certificate beside it");
  if (!out.verify && !out.ca.empty())
    errors.add(tls.mark(), path, "ca says whom to trust, and verify: false trusts everybody; leave one of them out");
  return out;
}

UpstreamSettings read_upstream(std::string_view name, const Node& upstream, const Mark& mark, Errors& errors) {
  UpstreamSettings out;
  out.name = std::string(name);
  out.mark = mark;
  read_endpoints(upstream, out, mark, errors);
  out.forward_headers = texts(&upstream, "forward_headers");
  for (std::string& header : out.forward_headers) header = lower(header);
  out.forward_cookies = texts(&upstream, "forward_cookies");
  if (const Node* headers = child(&upstream, "headers")) {
    for (const Member& m : headers->members()) {
      for (const HeaderSetting& other : out.headers) {
        if (!iequals(other.name, m.key)) continue;
        errors.add(m.key_mark(), "upstreams." + out.name + ".headers." + std::string(m.key),
                   "the same header stands at " + to_string(other.mark) + " already; names of headers ignore case");
      }
      out.headers.push_back({std::string(m.key), std::string(m.value->template_text()), m.value->mark()});
    }
  }
  const Node* pool = child(&upstream, "pool");
  out.pool.connections = static_cast<uint32_t>(integer(pool, "connections", out.pool.connections));
  out.pool.per_endpoint = static_cast<uint32_t>(integer(pool, "per_endpoint", out.pool.per_endpoint));
  out.pool.idle = duration(pool, "idle", out.pool.idle);
  out.max_pending = static_cast<uint32_t>(integer(&upstream, "max_pending", out.max_pending));
  out.dns_ttl = duration(&upstream, "dns_ttl", out.dns_ttl);
  read_balance(upstream, out, errors);
  out.connect_timeout = duration(&upstream, "connect_timeout", out.connect_timeout);
  out.timeout = duration(&upstream, "timeout", out.timeout);
  out.retry = read_retry(child(&upstream, "retry"));
  const Node* breaker = upstream.get("circuit_breaker");
  if (breaker != nullptr && breaker->is_null()) {
    out.breaker.reset();
  } else {
    out.breaker = read_breaker(breaker);
  }
  out.health = read_health(child(&upstream, "health"));
  out.hedge = read_hedge(child(&upstream, "hedge"));
  out.http2 = boolean(&upstream, "http2", false);
  if (const Node* cache = child(&upstream, "cache")) out.cache = read_call_cache(cache);
  if (const Node* tls = child(&upstream, "tls")) {
    out.tls = read_client_tls(*tls, "upstreams." + out.name + ".tls", errors);
    const bool https = std::any_of(out.endpoints.begin(), out.endpoints.end(), [](const auto& e) { return e.https; });
    if (!https && !out.endpoints.empty())
      errors.add(tls->mark(), "upstreams." + out.name + ".tls",
                 "tls is for https urls, and there is none; write https://");
  }
  return out;
}

}  // namespace vg::config
