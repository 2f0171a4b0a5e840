#include "gateway/route_table.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <unordered_map>

#include "base/strings.h"
#include "config/read.h"
#include "gateway/load_tls.h"
#include "gateway/policy_order.h"
#include "gateway/route_path.h"
#include "policy/builtin.h"
#include "policy/idempotency.h"
#include "policy/rate_limit.h"
#include "source/call_policy.h"
#include "view/builtin.h"

namespace vg::gateway {

namespace {

using UpstreamIndex = std::unordered_map<std::string_view, uint32_t>;

class TableBuild final : public pipeline::Build {
 public:
  TableBuild(const config::RouteConfig& route, const tmpl::Scope& scope, config::LoadResult& loaded,
             const UpstreamIndex& index, RouteTable& table, KeptState& of_table)
      : Build(route, scope, loaded), loaded_(loaded), index_(index), table_(table), of_table_(of_table) {}
  std::optional<uint32_t> find_upstream(std::string_view name) const override {
    const auto found = index_.find(name);
    if (found == index_.end()) return std::nullopt;
    return found->second;
  }
  const config::UpstreamSettings& upstream_settings(uint32_t i) const override { return loaded_.upstream_settings[i]; }
  std::vector<std::string_view> upstream_names() const override {
    std::vector<std::string_view> out;
    for (const config::UpstreamSettings& u : loaded_.upstream_settings) out.emplace_back(u.name);
    return out;
  }
  KeptState& kept() const override { return *table_.kept; }
  void keep_answers_in(pipeline::StoreKind store, const config::Node* node, std::string_view key) override {
    table_.keeps_answers_in[static_cast<size_t>(store)] = true;
    if (store != pipeline::StoreKind::kMemory && !has_redis())
      error(*node, key,
            "there is no redis: to keep it in; write for example redis: {url: \"redis://127.0.0.1:6379/0\"}");
  }
  const pipeline::View* view() const override { return view_; }
  void made(const pipeline::View* view) { view_ = view; }
  KeptState& shared() const override { return of_table_; }
  bool has_redis() const override { return loaded_.redis_settings.has_value(); }

 private:
  const config::LoadResult& loaded_;  // its upstreams are numbered as the table's
  const UpstreamIndex& index_;
  RouteTable& table_;
  KeptState& of_table_;
  const pipeline::View* view_ = nullptr;
};

UpstreamIndex add_upstreams(const config::LoadResult& loaded, const RouteTable* previous, RouteTable& table) {
  UpstreamIndex index;
  for (const config::UpstreamSettings& settings : loaded.upstream_settings) {
    std::shared_ptr<upstream::Upstream> shared;
    if (previous != nullptr) {
      for (const auto& old : previous->upstreams) {
        if (upstream::same_settings(old->settings(), settings)) shared = old;
      }
    }
    if (!shared) shared = std::make_shared<upstream::Upstream>(settings);
    index.emplace(shared->name(), static_cast<uint32_t>(table.upstreams.size()));
    table.upstreams.push_back(std::move(shared));
  }
  return index;
}

const pipeline::ViewEntry* find_view(std::string_view name) {
  static const auto* const kByName = [] {
    auto* map = new std::unordered_map<std::string, const pipeline::ViewEntry*>;
    for (const pipeline::ViewEntry& e : view::builtin()) map->emplace(e.describe().name, &e);
    return map;
  }();
  const auto found = kByName->find(std::string(name));
  return found == kByName->end() ? nullptr : found->second;
}

std::vector<std::pair<std::string_view, const pipeline::PolicyEntry*>> ordered_policies() {
  std::vector<std::pair<std::string_view, const pipeline::PolicyEntry*>> out;
  for (const std::string_view name : policy_order()) {
    for (const pipeline::PolicyEntry& e : policy::builtin()) {
      if (e.describe().name == name) out.emplace_back(name, &e);
    }
  }
  return out;
}

// Makes the policies of the routes: once for all that have the same settings, which are then the same nodes.
class Chains {
 public:
  std::shared_ptr<const pipeline::PolicyChain> chain_of(const config::RouteConfig& config, TableBuild& build) {
    static const auto kPolicies = ordered_policies();
    std::vector<const config::Node*> key;
    bool shared = true;
    for (const auto& [name, entry] : kPolicies) {
      key.push_back(config::child(config.settings, name));
      shared = shared && (key.back() == nullptr || entry->of_settings_alone);
    }
    static const auto kOfCalls = source::describe_call_policies();
    for (const config::PolicyType& p : kOfCalls) key.push_back(config::child(config.settings, p.name));
    if (shared) {
      if (const auto found = made_.find(key); found != made_.end()) return found->second;
    }
    auto chain = std::make_shared<pipeline::PolicyChain>();
    for (size_t i = 0; i < kOfCalls.size(); ++i) {
      if (key[kPolicies.size() + i] != nullptr) chain->of_calls.push_back(kOfCalls[i].name);
    }
    for (size_t i = 0; i < kPolicies.size(); ++i) {
      if (key[i] == nullptr) continue;
      if (auto policy = kPolicies[i].second->create(*key[i], build)) {
        chain->policies.push_back(std::move(policy));
        chain->names.emplace_back(kPolicies[i].first);
      }
    }
    if (shared) made_.emplace(std::move(key), chain);
    return chain;
  }

 private:
  std::map<std::vector<const config::Node*>, std::shared_ptr<const pipeline::PolicyChain>> made_;
};

tmpl::Scope scope_of(const config::RouteConfig& route) {
  const auto silent = [](size_t, std::string) {};  // mistakes are the router's to tell
  return tmpl::request_scope(RoutePath::parse(config::text(route.settings, "path"), silent).params);
}

std::string_view keep(RouteTable& table, const config::Node* settings, std::string_view key) {
  const config::Node* node = config::child(settings, key);
  return node == nullptr || !node->is_scalar() ? std::string_view() : *table.texts.emplace(node->text()).first;
}

// Those that are written, else those that the view implies; of these alone may be written.
std::vector<std::string> methods_of(const config::RouteConfig& config, TableBuild& build) {
  std::vector<std::string> methods = config::texts(config.settings, "methods");
  if (config.type == nullptr || config.type->methods.empty()) return methods;
  const std::vector<std::string>& implied = config.type->methods;
  std::string list;
  for (const std::string& m : implied) list += (list.empty() ? "" : ", ") + m;
  for (const config::Node* node : config::each(config.settings, "methods")) {
    const bool known = std::find(implied.begin(), implied.end(), node->text()) != implied.end();
    const bool head = node->text() == "HEAD" && implied.front() == "GET";
    if (!known && !head)
      build.error(*node, "methods",
                  "view " + config.view + " does not answer " + std::string(node->text()) + "; it answers " + list);
  }
  return methods.empty() ? implied : methods;
}

void build_route(const config::RouteConfig& config, TableBuild& build, Chains& chains, RouteTable& table,
                 pipeline::Route& route) {
  route.name = config.name;
  const config::Node* path = config::child(config.settings, "path");
  const bool named_after_path = path != nullptr && path->text() == route.name;
  route.path = named_after_path ? std::string_view(route.name) : keep(table, config.settings, "path");
  route.host = keep(table, config.settings, "host");
  route.listener = keep(table, config.settings, "listener");
  route.methods = methods_of(config, build);
  route.view_name = *table.texts.emplace(config.view).first;
  route.body_bytes =
      config::size_bytes(config::child(config.settings, "limits"), "body_bytes", table.server.limits.body_bytes);
  if (const pipeline::ViewEntry* entry = find_view(config.view)) route.view = entry->create(build);
  build.made(route.view.get());
  route.chain = chains.chain_of(config, build);
}

RoutePattern pattern_of(const pipeline::Route& route, uint32_t index) {
  RoutePattern p;
  p.path = route.path;
  p.host = route.host;
  p.methods = route.methods;
  p.listener = route.listener;
  p.route = index;
  p.any_has_options = route.view_name == "proxy-fetch";
  return p;
}

TrailingSlash slash_mode(config::TrailingSlash mode) {
  switch (mode) {
    case config::TrailingSlash::kStrict:
      return TrailingSlash::kStrict;
    case config::TrailingSlash::kRedirect:
      return TrailingSlash::kRedirect;
    case config::TrailingSlash::kIgnore:
      return TrailingSlash::kIgnore;
  }
  return TrailingSlash::kStrict;
}

// The columns of a route's error: that of the setting that it is about, where it is written.
void report_route_error(const RouteError& e, config::LoadResult& loaded) {
  const config::RouteConfig& route = loaded.routes[e.pattern];
  const char* key = e.in == RouteError::In::kHost ? "host" : e.in == RouteError::In::kMethods ? "methods" : "path";
  const config::Node* node = config::child(route.settings, key);
  config::Mark mark = node != nullptr ? node->mark() : route.mark;
  std::string message = e.message;
  if (e.other != RouteError::kNoOther) {
    const config::RouteConfig& other = loaded.routes[e.other];
    const config::Node* there = config::child(other.settings, key);
    message += " (" + other.label + ", " + config::to_string(there != nullptr ? there->mark() : other.mark) + ")";
  } else if (node != nullptr && e.in == RouteError::In::kPath) {
    mark.column += static_cast<uint32_t>(e.offset) + (node->quoted() ? 1 : 0);
  }
  loaded.errors.add(mark, route.label + "." + key, std::move(message));
}

http::ConnectionLimits limits_of(const config::ServerSettings& s) {
  http::ConnectionLimits out;
  out.head.header_bytes = static_cast<uint32_t>(s.limits.header_bytes);
  out.head.headers = s.limits.headers;
  out.head.uri_bytes = static_cast<uint32_t>(s.limits.uri_bytes);
  out.body_bytes = s.limits.body_bytes;
  out.header_timeout = s.timeouts.header;
  out.body_timeout = s.timeouts.body;
  out.write_timeout = s.timeouts.write;
  out.idle_timeout = s.timeouts.idle;
  return out;
}

void delete_aside(const RouteTable* table) {
  if (!table->served) {
    delete table;
    return;
  }
  std::thread([table] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
    delete table;
    malloc_trim(0);
  }).detach();
}

// Views that ask others learn of them when all are there.
void connect_views(config::LoadResult& loaded, const UpstreamIndex& index, KeptState& of_table, RouteTable& table) {
  std::unordered_map<std::string_view, const pipeline::Route*> by_name;
  for (const auto& route : table.routes) by_name.emplace(route.name, &route);
  const auto find = [&](std::string_view name) {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  };
  for (size_t i = 0; i < table.routes.size(); ++i) {
    const config::RouteConfig& config = loaded.routes[i];
    if (!table.routes[i].view || config::child(config.settings, "etag") == nullptr) continue;
    const tmpl::Scope scope = scope_of(config);
    TableBuild build(config, scope, loaded, index, table, of_table);
    table.routes[i].view->connect(build, find);
  }
}

}  // namespace

const config::Schema& schema() {
  static const config::Schema* const kSchema = [] {
    auto* s = new config::Schema(config::base_schema());
    for (const pipeline::ViewEntry& e : view::builtin()) s->add_view(e.describe());
    for (const pipeline::PolicyEntry& e : policy::builtin()) s->add_policy(e.describe());
    for (config::PolicyType& p : source::describe_call_policies()) s->add_policy(std::move(p));
    return s;
  }();
  return *kSchema;
}

std::shared_ptr<RouteTable> build_route_table(config::LoadResult& loaded, const RouteTable* previous) {
  std::shared_ptr<RouteTable> table(new RouteTable, [](const RouteTable* t) { delete_aside(t); });
  table->kept = previous != nullptr ? previous->kept : std::make_shared<KeptState>();
  table->kept->sweep();
  table->server = loaded.server_settings;
  table->admin = loaded.admin_settings;
  table->log = loaded.log_settings;
  if (loaded.redis_settings) table->redis = store::RedisHub::kept(*loaded.redis_settings, *table->kept);
  table->limits = limits_of(table->server);
  const UpstreamIndex index = add_upstreams(loaded, previous, *table);
  load_tls(loaded, previous, *table);
  Chains chains;
  KeptState of_table;
  std::vector<RoutePattern> patterns;
  patterns.reserve(loaded.routes.size());
  table->routes = std::vector<pipeline::Route>(loaded.routes.size());
  for (size_t i = 0; i < table->routes.size(); ++i) {
    const config::RouteConfig& config = loaded.routes[i];
    pipeline::Route& route = table->routes[i];
    const tmpl::Scope scope = scope_of(config);
    TableBuild build(config, scope, loaded, index, *table, of_table);
    build_route(config, build, chains, *table, route);
    table->breakers.insert(table->breakers.end(), build.made_breakers().begin(), build.made_breakers().end());
    table->uses_hosts = table->uses_hosts || !route.host.empty();
    patterns.push_back(pattern_of(route, static_cast<uint32_t>(i)));
  }
  table->limit_counts = table->kept->find<store::MemoryLimitStore>(policy::kLimitCounts);
  table->claims = table->kept->find<store::MemoryClaimStore>(policy::kClaims);
  connect_views(loaded, index, of_table, *table);
  table->router = Router::build(patterns, slash_mode(table->server.trailing_slash),
                                [&](const RouteError& e) { report_route_error(e, loaded); });
  if (!loaded.ok()) return nullptr;
  return table;
}

void RouteTable::put_in_force() {
  for (size_t i = 0; i < upstreams.size(); ++i) upstreams[i]->tls().set(upstream_tls[i]);
  if (redis) redis->tls().set(redis_tls);
  served = true;
}

Checked load_and_build(const std::string& file, const RouteTable* previous) {
  Checked out{config::load(file, schema()), nullptr};
  // A tree with mistakes is compiled too, so that all of them are told in one pass; only a broken file stops it.
  out.table = build_route_table(out.loaded, previous);
  return out;
}

}  // namespace vg::gateway
