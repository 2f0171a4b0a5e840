#include <algorithm>

#include "base/strings.h"
#include "config/host_port.h"
#include "config/path.h"
#include "config/read.h"
#include "config/settings.h"

namespace vg::config {
namespace {

constexpr std::string_view kExample = "; write for example redis://127.0.0.1:6379/0 or unix:/run/redis/redis.sock";

// What other clients know and this one does not, by what stands before the colon.
std::string check_scheme(std::string_view scheme) {
  const std::string name = lower(scheme);
  if (name == "redis" || name == "rediss" || name == "unix") return {};
  if (name == "redis+tls") return quote(name) + " is not known; write rediss:// for Redis over TLS";
  if (name.find("sentinel") != std::string::npos) {
    return "Redis Sentinel (" + quote(name) +
           ") is not supported; write the redis:// address at which the master is reached";
  }
  if (name.find("cluster") != std::string::npos)
    return "Redis Cluster (" + quote(name) + ") is not supported; write the redis:// address of one server";
  if (name == "redis+unix" || name == "redis-socket" || name == "redis+socket")
    return quote(name) + " is not known; write for example unix:/run/redis/redis.sock";
  return "this is not an address of Redis" + std::string(kExample);
}

std::string decode(std::string_view text, std::string_view what, std::string& out) {
  auto decoded = percent_decode(text);
  if (!decoded)
    return "the " + std::string(what) + " has a % that is not followed by two hexadecimal digits; write %25";
  out = std::move(*decoded);
  return {};
}

// Everything before the last @: a password may have any characters, since it may come from a variable or a file.
std::string take_credentials(std::string_view& rest, RedisSettings& out) {
  const size_t at = rest.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view both = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  const size_t colon = both.find(':');
  if (colon == std::string_view::npos || colon + 1 == both.size())
    return "there is no password before the @; write redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST";
  std::string wrong = decode(both.substr(0, colon), "user", out.user);
  if (wrong.empty()) wrong = decode(both.substr(colon + 1), "password", out.password);
  return wrong;
}

std::string parse_database(std::string_view text, RedisSettings& out) {
  constexpr uint64_t kMost = 1'000'000;
  const auto number = parse_u64(text);
  if (!number || *number > kMost) return quote(text) + " is not the number of a database; it may be from 0 to 1000000";
  out.database = static_cast<uint32_t>(*number);
  return {};
}

std::string parse_tcp(std::string_view rest, RedisSettings& out) {
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  std::string_view database = rest.substr(end);
  if (authority.find(',') != std::string_view::npos)
    return "several hosts are not supported; write the address of one server";
  HostPort at;
  std::string wrong = parse_host_port(authority, "redis://127.0.0.1:6379/0", "redis://[::1]:6379/0", at);
  if (!wrong.empty()) return wrong;
  if (database.find_first_of("?#") != std::string_view::npos)
    return "the address of a Redis has no ? and no #; the database stands behind a slash: redis://127.0.0.1:6379/0";
  if (database.starts_with('/')) database.remove_prefix(1);
  if (!database.empty()) wrong = parse_database(database, out);
  out.host = std::move(at.host);
  out.is_ip = at.is_ip;
  if (at.port != 0) out.port = at.port;
  const bool v6 = out.host.find(':') != std::string::npos;
  out.label = (out.tls ? "rediss://" : "redis://") + (v6 ? '[' + out.host + ']' : out.host) + ':' +
              std::to_string(out.port) + '/' + std::to_string(out.database);
  return wrong;
}

std::string parse_unix(std::string_view rest, RedisSettings& out) {
  constexpr size_t kLongestSocketPath = 107;  // sun_path, with its NUL
  std::string wrong;
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    wrong = take_credentials(rest, out);
    if (!wrong.empty()) return wrong;
  }
  const size_t question = std::min(rest.find('?'), rest.size());
  const std::string_view path = rest.substr(0, question);
  const std::string_view query = rest.substr(question);
  if (!path.starts_with('/'))
    return "the path of Redis's socket is absolute; write for example unix:/run/redis/redis.sock";
  if (path.size() > kLongestSocketPath) return "the path of a unix socket may have at most 107 bytes";
  if (!query.empty()) {
    if (!query.starts_with("?db=")) return quote(query) + " is not known; only ?db=NUMBER may follow the path";
    wrong = parse_database(query.substr(4), out);
  }
  out.is_unix = true;
  out.path = std::string(path);
  out.label = "unix:" + out.path + (out.database != 0 ? "?db=" + std::to_string(out.database) : "");
  return wrong;
}

}  // namespace

std::string parse_redis_url(std::string_view text, RedisSettings& out) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return "the address has a space or a control character; in a password it is written as %XX";
  }
  const size_t colon = text.find(':');
  const std::string_view scheme = text.substr(0, colon);
  const bool is_url = colon != std::string_view::npos && text.substr(colon).starts_with("://");
  if (!is_url && !text.starts_with("unix:")) return "this is not an address of Redis" + std::string(kExample);
  std::string wrong = check_scheme(scheme);
  if (!wrong.empty()) return wrong;
  if (lower(scheme) == "unix") return parse_unix(text.substr(colon + 1), out);
  out.tls = iequals(scheme, "rediss");
  std::string_view rest = text.substr(colon + 3);
  wrong = take_credentials(rest, out);
  return wrong.empty() ? parse_tcp(rest, out) : wrong;
}

std::optional<RedisSettings> read_redis(const Node* redis, Errors& errors) {
  if (redis == nullptr) return std::nullopt;
  RedisSettings out;
  const std::string wrong = parse_redis_url(text(redis, "url"), out);  // validation said what is wrong, if anything is
  out.prefix = text(redis, "prefix", out.prefix);
  out.timeout = duration(redis, "timeout", out.timeout);
  if (const Node* tls = child(redis, "tls")) {
    out.client_tls = read_client_tls(*tls, "redis.tls", errors);
    if (wrong.empty() && !out.tls)
      errors.add(tls->mark(), "redis.tls", "tls is for rediss:// alone; write it in the url");
  }
  return out;
}

}  // namespace vg::config
