#include "config/settings.h"

#include <gtest/gtest.h>

#include "unit/config/small_schema.h"

namespace vg::config::testing {
namespace {
using namespace std::chrono_literals;

TEST(Settings, HaveTheContractsDefaultsWhereNothingIsWritten) {
  const LoadResult r = load_small("routes: []");
  ASSERT_EQ(r.errors.text(), "");
  const ServerSettings& s = r.server_settings;
  ASSERT_EQ(s.listen.size(), 1U);
  EXPECT_EQ(s.listen[0].host, "0.0.0.0");
  EXPECT_EQ(s.listen[0].port, 8080);
  EXPECT_EQ(s.workers, 0U);
  EXPECT_EQ(s.drain_timeout, 30s);
  EXPECT_EQ(s.limits.header_bytes, 16384U);
  EXPECT_EQ(s.limits.headers, 100U);
  EXPECT_EQ(s.limits.uri_bytes, 8192U);
  EXPECT_EQ(s.limits.body_bytes, 1048576U);
  EXPECT_EQ(s.limits.connections, 10000U);
  EXPECT_EQ(s.timeouts.header, 10s);
  EXPECT_EQ(s.timeouts.body, 30s);
  EXPECT_EQ(s.timeouts.write, 30s);
  EXPECT_EQ(s.timeouts.idle, 75s);
  EXPECT_EQ(s.trailing_slash, TrailingSlash::kStrict);
  EXPECT_EQ(s.cache_memory_bytes, uint64_t{256} << 20);
  EXPECT_FALSE(r.admin_settings.listen);
  EXPECT_EQ(r.log_settings.level, LogSettings::Level::kInfo);
  EXPECT_TRUE(r.log_settings.access);
  EXPECT_EQ(r.log_settings.redact, (std::vector<std::string>{"authorization", "cookie"}));
}

// The tables say the defaults in YAML, the structs in C++: they must say the same.
TEST(Settings, ReadTheDefaultsOfTheTablesAsThoseOfTheStructs) {
  const Schema schema = small_schema();
  const Spec upstream = upstream_spec();
  std::string yaml;
  for (const char* section : {"server", "log"}) {
    yaml += std::string(section) + ":\n";
    for (const Key& k : schema.top.find(section)->spec.keys) {
      if (!k.default_text.empty()) yaml += "  " + k.name + ": " + k.default_text + "\n";
      if (k.refused.empty() && k.spec.type == Type::kMap) {
        yaml += "  " + k.name + ":\n";
        for (const Key& inner : k.spec.keys) yaml += "    " + inner.name + ": " + inner.default_text + "\n";
      }
    }
  }
  yaml += "upstreams:\n  a:\n    url: http://a\n";
  for (const Key& k : upstream.keys) {
    if (!k.default_text.empty() && k.name != "hash_by") yaml += "    " + k.name + ": " + k.default_text + "\n";
    if (k.refused.empty() && k.spec.type == Type::kMap) {
      yaml += "    " + k.name + ":\n";
      for (const Key& inner : k.spec.keys) {
        const std::string required =
            inner.name == "path" ? "/" : "0s";  // health, hedge: off where they are not written
        if (inner.default_text.empty() && !inner.is_required) continue;  // it has none
        yaml += "      " + inner.name + ": " + (inner.is_required ? required : inner.default_text) + "\n";
      }
    }
  }
  const LoadResult written = load_small(yaml);
  const LoadResult absent = load_small("upstreams: {a: {url: http://a}}");
  ASSERT_EQ(written.errors.text(), "") << yaml;
  const auto& w = written.server_settings;
  const auto& d = absent.server_settings;
  EXPECT_EQ(w.listen[0].address, d.listen[0].address);
  EXPECT_EQ(w.workers, d.workers);
  EXPECT_EQ(w.drain_timeout, d.drain_timeout);
  EXPECT_EQ(w.limits.header_bytes, d.limits.header_bytes);
  EXPECT_EQ(w.limits.body_bytes, d.limits.body_bytes);
  EXPECT_EQ(w.limits.uri_bytes, d.limits.uri_bytes);
  EXPECT_EQ(w.limits.headers, d.limits.headers);
  EXPECT_EQ(w.limits.connections, d.limits.connections);
  EXPECT_EQ(w.timeouts.header, d.timeouts.header);
  EXPECT_EQ(w.timeouts.body, d.timeouts.body);
  EXPECT_EQ(w.timeouts.write, d.timeouts.write);
  EXPECT_EQ(w.timeouts.idle, d.timeouts.idle);
  EXPECT_EQ(written.log_settings.redact, absent.log_settings.redact);
  EXPECT_EQ(written.log_settings.file, absent.log_settings.file);
  const auto& u = written.upstream_settings.at(0);
  const auto& v = absent.upstream_settings.at(0);
  EXPECT_EQ(u.pool.connections, v.pool.connections);
  EXPECT_EQ(u.pool.per_endpoint, v.pool.per_endpoint);
  EXPECT_EQ(u.pool.idle, v.pool.idle);
  EXPECT_EQ(u.max_pending, v.max_pending);
  EXPECT_EQ(u.dns_ttl, v.dns_ttl);
  EXPECT_EQ(u.balance, v.balance);
  EXPECT_EQ(u.connect_timeout, v.connect_timeout);
  EXPECT_EQ(u.timeout, v.timeout);
  EXPECT_EQ(u.retry, v.retry);
  EXPECT_EQ(u.breaker, v.breaker);
  EXPECT_EQ(u.hedge, v.hedge);
  HealthSettings health;
  health.path = "/";
  EXPECT_EQ((u.health ? u.health : v.health), health);
}

TEST(Listeners, HaveFourForms) {
  const LoadResult r = load_small(R"(
server:
  listen: [127.0.0.1:0, "[::1]:8080", "unix:/run/v.sock", {address: "systemd:http", name: public, backlog: 7}]
)");
  ASSERT_EQ(r.errors.text(), "");
  const auto& l = r.server_settings.listen;
  ASSERT_EQ(l.size(), 4U);
  EXPECT_EQ(l[0].host, "127.0.0.1");
  EXPECT_EQ(l[0].port, 0);
  EXPECT_EQ(l[1].host, "::1");
  EXPECT_EQ(l[1].port, 8080);
  EXPECT_EQ(l[2].kind, ListenerSettings::Kind::kUnix);
  EXPECT_EQ(l[2].path, "/run/v.sock");
  EXPECT_EQ(l[3].kind, ListenerSettings::Kind::kSystemd);
  EXPECT_EQ(l[3].path, "http");
  EXPECT_EQ(l[3].name, "public");
  EXPECT_EQ(l[3].backlog, 7);
}

TEST(Admin, NeedsATokenOffLoopback) {
  EXPECT_NE(errors_of("admin: {listen: 0.0.0.0:9901}").find("admin.token is needed"), std::string::npos);
  EXPECT_NE(errors_of("admin: {listen: \"[::]:9901\"}").find("admin.token is needed"), std::string::npos);
  EXPECT_NE(errors_of("admin: {listen: systemd:admin}").find("admin.token is needed"), std::string::npos);
  EXPECT_EQ(errors_of("admin: {listen: 127.0.0.1:9901}"), "");
  EXPECT_EQ(errors_of("admin: {listen: \"[::1]:9901\"}"), "");
  EXPECT_EQ(errors_of("admin: {listen: \"unix:/run/admin.sock\"}"), "");
  EXPECT_EQ(errors_of("admin: {listen: 0.0.0.0:9901, token: 0123456789abcdef}"), "");
}

TEST(UpstreamUrls, AreTakenApart) {
  struct Case {
    const char* url;
    const char* host;
    uint16_t port;
    const char* base_path;
    const char* authority;
    bool is_ip;
  };
  for (const Case& c :
       {Case{"http://catalog:8000/api/v1/", "catalog", 8000, "/api/v1", "catalog:8000", false},
        Case{"http://Catalog.Example", "catalog.example", 80, "", "catalog.example", false},
        Case{"HTTP://a:80//", "a", 80, "", "a", false}, Case{"http://10.0.0.1/", "10.0.0.1", 80, "", "10.0.0.1", true},
        Case{"http://[FD00::1]:81/x%20y", "fd00::1", 81, "/x%20y", "[fd00::1]:81", true}}) {
    EndpointSettings e;
    EXPECT_EQ(parse_upstream_url(c.url, e), "") << c.url;
    EXPECT_EQ(e.host, c.host) << c.url;
    EXPECT_EQ(e.port, c.port) << c.url;
    EXPECT_EQ(e.base_path, c.base_path) << c.url;
    EXPECT_EQ(e.authority, c.authority) << c.url;
    EXPECT_EQ(e.is_ip, c.is_ip) << c.url;
  }
}

TEST(UpstreamUrls, OfAnotherFormAreRefused) {
  for (const char* url : {"",
                          "http://",
                          "http:///a",
                          "a:80",
                          "//a",
                          "https://a:0",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:",
                          "http://[::1",
                          "http://[::1]x",
                          "http://[a]",
                          "http://[1.2.3.4]",
                          "http://a b",
                          "http://a/b c",
                          "http://a/%",
                          "http://a/%2",
                          "http://a/\xc3\xa9",
                          "http://1.2.3",
                          "http://-a",
                          "http://a..b",
                          "http://u@a",
                          "http://a#b",
                          "http://a?b"}) {
    EndpointSettings e;
    EXPECT_NE(parse_upstream_url(url, e), "") << url;
  }
}

TEST(Upstreams, AreReadWithAllTheirSettings) {
  FakeEnvironment environment;
  environment.variables["KEY"] = "k{1}";
  const LoadResult r = load_small(R"(
upstreams:
  catalog:
    urls: [http://a:1, {url: http://b:2/x, weight: 3, backup: true}]
    forward_headers: [Authorization]
    forward_cookies: sid
    headers: {X-Key: "${KEY}-{id}", X-Version: 1.2}
    pool: {connections: 9, per_endpoint: 8, idle: 7s}
    max_pending: 6
    dns_ttl: 5s
    balance: hash
    hash_by: header:X-User
    connect_timeout: 4s
    timeout: 3s
    retry: {attempts: 2, attempt_timeout: 1s, on: [reset, 503, 429, 503], methods: POST, budget: 12.5%, backoff: 0s}
    circuit_breaker: {failures: 6, open_for: 7s, half_open: 2, ratio: 0.25, window: 8s, min_requests: 9}
    health: {path: "/up?x=1", interval: 1s, timeout: 2s, unhealthy_after: 4, healthy_after: 5}
    hedge: 30ms
  plain: {url: http://p, circuit_breaker: null, health: null}
)",
                                  environment);
  ASSERT_EQ(r.errors.text(), "");
  const UpstreamSettings& u = r.upstream_settings.at(0);
  EXPECT_EQ(u.name, "catalog");
  ASSERT_EQ(u.endpoints.size(), 2U);
  EXPECT_EQ(u.endpoints[1].weight, 3U);
  EXPECT_TRUE(u.endpoints[1].backup);
  EXPECT_EQ(u.forward_headers, std::vector<std::string>{"authorization"});
  EXPECT_EQ(u.forward_cookies, std::vector<std::string>{"sid"});
  ASSERT_EQ(u.headers.size(), 2U);
  EXPECT_EQ(u.headers[0].value, "k{{1}}-{id}") << "what is substituted is no template";
  EXPECT_EQ(u.headers[1].value, "1.2") << "as it is written";
  EXPECT_EQ(u.pool.connections, 9U);
  EXPECT_EQ(u.pool.per_endpoint, 8U);
  EXPECT_EQ(u.pool.idle, 7s);
  EXPECT_EQ(u.max_pending, 6U);
  EXPECT_EQ(u.dns_ttl, 5s);
  EXPECT_EQ(u.balance, Balance::kHash);
  EXPECT_EQ(u.hash_by, HashBy::kHeader);
  EXPECT_EQ(u.hash_header, "x-user");
  EXPECT_EQ(u.connect_timeout, 4s);
  EXPECT_EQ(u.timeout, 3s);
  EXPECT_EQ(u.retry.attempts, 2U);
  EXPECT_EQ(u.retry.attempt_timeout, 1s);
  EXPECT_FALSE(u.retry.on_connect);
  EXPECT_TRUE(u.retry.on_reset);
  EXPECT_EQ(u.retry.on_statuses, (std::vector<uint16_t>{429, 503}));
  EXPECT_EQ(u.retry.budget_percent, 12.5);
  EXPECT_EQ(u.retry.backoff, 0s);
  EXPECT_EQ(u.retry.methods, std::vector<std::string>{"POST"});
  BreakerSettings breaker;
  breaker.failures = 6;
  breaker.open_for = 7s;
  breaker.half_open = 2;
  breaker.ratio_percent = 25;
  breaker.window = 8s;
  breaker.min_requests = 9;
  EXPECT_EQ(u.breaker, breaker);
  HealthSettings health;
  health.path = "/up?x=1";
  health.interval = 1s;
  health.timeout = 2s;
  health.unhealthy_after = 4;
  health.healthy_after = 5;
  EXPECT_EQ(u.health, health);
  EXPECT_EQ(u.hedge, 30ms);
  EXPECT_EQ(r.upstream_settings.at(1).breaker, std::nullopt);
  EXPECT_EQ(r.upstream_settings.at(1).health, std::nullopt);
}

TEST(Settings, OfCallsAreReadOverWeakerOnes) {
  const LoadResult r = load_small(R"(
upstreams:
  a:
    url: http://a
    retry: {attempts: 3, on: [503], budget: 50%}
    circuit_breaker: {failures: 9, ratio: 50%}
    hedge: 1s
  b: {url: http://b, retry: {backoff: 9ms}, circuit_breaker: {open_for: 1s}}
)");
  ASSERT_EQ(r.errors.text(), "");
  const Node* strong = r.upstreams.at(1).settings;
  const RetrySettings retry = read_retry(strong->get("retry"), r.upstream_settings.at(0).retry);
  EXPECT_EQ(retry.attempts, 3U);
  EXPECT_EQ(retry.on_statuses, std::vector<uint16_t>{503});
  EXPECT_FALSE(retry.on_connect);
  EXPECT_EQ(retry.budget_percent, 50);
  EXPECT_EQ(retry.backoff, 9ms);
  const BreakerSettings breaker = read_breaker(strong->get("circuit_breaker"), *r.upstream_settings.at(0).breaker);
  EXPECT_EQ(breaker.failures, 9U);
  EXPECT_EQ(breaker.ratio_percent, 50);
  EXPECT_EQ(breaker.open_for, 1s);
  EXPECT_EQ(read_hedge(nullptr, 1s), 1s);
}

struct RedisUrl {
  const char* text;
  const char* label;
  const char* user;
  const char* password;
};

class RedisUrls : public ::testing::TestWithParam<RedisUrl> {};

TEST_P(RedisUrls, AreTakenApart) {
  RedisSettings out;
  EXPECT_EQ(parse_redis_url(GetParam().text, out), "");
  EXPECT_EQ(out.label, GetParam().label);
  EXPECT_EQ(out.user, GetParam().user);
  EXPECT_EQ(out.password, GetParam().password);
}

INSTANTIATE_TEST_SUITE_P(All, RedisUrls,
                         ::testing::Values(RedisUrl{"redis://localhost", "redis://localhost:6379/0", "", ""},
                                           RedisUrl{"REDIS://Cache.Internal:7000/12", "redis://cache.internal:7000/12",
                                                    "", ""},
                                           RedisUrl{"redis://[::1]/", "redis://[::1]:6379/0", "", ""},
                                           RedisUrl{"redis://:p%20w@10.0.0.1", "redis://10.0.0.1:6379/0", "", "p w"},
                                           RedisUrl{"redis://u:a/b@c?d#e:f@h:1/2", "redis://h:1/2", "u", "a/b@c?d#e:f"},
                                           RedisUrl{"unix:/run/redis.sock", "unix:/run/redis.sock", "", ""},
                                           RedisUrl{"unix:///run/redis.sock?db=4", "unix:/run/redis.sock?db=4", "", ""},
                                           RedisUrl{"unix://u:p@/run/r.sock", "unix:/run/r.sock", "u", "p"}));

}  // namespace
}  // namespace vg::config::testing
