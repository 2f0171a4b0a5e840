#include "gateway/route_table.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <unordered_map>

#include "base/strings.h"
#include "config/read.h"
#include "gateway/policy_order.h"
#include "gateway/route_path.h"
#include "policy/builtin.h"
#include "view/builtin.h"

namespace vg::gateway {

namespace {

using UpstreamIndex = std::unordered_map<std::string_view, uint32_t>;

class TableBuild final : public pipeline::Build {
 public:
  TableBuild(const config::RouteConfig& route, const tmpl::Scope& scope, config::Errors& errors, const RouteTable& table,
             const UpstreamIndex& index)
      : Build(route, scope, errors), table_(table), index_(index) {}
  std::optional<uint32_t> find_upstream(std::string_view name) const override {
    const auto found = index_.find(name);
    if (found == index_.end()) return std::nullopt;
    return found->second;
  }
  std::shared_ptr<upstream::Upstream> upstream(uint32_t i) const override { return table_.upstreams[i]; }
  std::vector<std::string_view> upstream_names() const override {
    std::vector<std::string_view> out;
    for (const auto& u : table_.upstreams) out.emplace_back(u->name());
    return out;
  }

 private:
  const RouteTable& table_;
  const UpstreamIndex& index_;
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

std::unique_ptr<pipeline::Route> build_route(const config::RouteConfig& config, TableBuild& build, const RouteTable& table) {
  static const auto kPolicies = ordered_policies();
  auto route = std::make_unique<pipeline::Route>();
  route->name = config.name;
  route->path = config::text(config.settings, "path");
  route->host = config::text(config.settings, "host");
  route->listener = config::text(config.settings, "listener");
  route->methods = config::texts(config.settings, "methods");
  route->view_name = config.view;
  route->mark = config.mark;
  route->body_bytes = config::size_bytes(config::child(config.settings, "limits"), "body_bytes", table.server.limits.body_bytes);
  for (const auto& [name, entry] : kPolicies) {
    const config::Node* settings = config::child(config.settings, name);
    if (settings == nullptr) continue;
    if (auto policy = entry->create(*settings, build)) {
      route->policies.push_back(std::move(policy));
      route->policy_names.emplace_back(name);
    }
  }
  if (const pipeline::ViewEntry* entry = find_view(config.view)) route->view = entry->create(build);
  return route;
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
    case config::TrailingSlash::kStrict: return TrailingSlash::kStrict;
    case config::TrailingSlash::kRedirect: return TrailingSlash::kRedirect;
    case config::TrailingSlash::kIgnore: return TrailingSlash::kIgnore;
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

}  // namespace

const config::Schema& schema() {
  static const config::Schema* const kSchema = [] {
    auto* s = new config::Schema(config::base_schema());
    for (const pipeline::ViewEntry& e : view::builtin()) s->add_view(e.describe());
    for (const pipeline::PolicyEntry& e : policy::builtin()) s->add_policy(e.describe());
    return s;
  }();
  return *kSchema;
}

std::shared_ptr<RouteTable> build_route_table(config::LoadResult& loaded, const RouteTable* previous) {
  std::shared_ptr<RouteTable> table(new RouteTable, [](const RouteTable* t) { delete_aside(t); });
  table->server = loaded.server_settings;
  table->admin = loaded.admin_settings;
  table->log = loaded.log_settings;
  table->limits = limits_of(table->server);
  const UpstreamIndex index = add_upstreams(loaded, previous, *table);
  std::vector<RoutePattern> patterns;
  patterns.reserve(loaded.routes.size());
  for (const config::RouteConfig& config : loaded.routes) {
    const tmpl::Scope scope = tmpl::request_scope(RoutePath::parse(config::text(config.settings, "path"), [](size_t, std::string) {}).params);
    TableBuild build(config, scope, loaded.errors, *table, index);
    table->routes.push_back(build_route(config, build, *table));
    table->uses_hosts = table->uses_hosts || !table->routes.back()->host.empty();
    patterns.push_back(pattern_of(*table->routes.back(), static_cast<uint32_t>(table->routes.size() - 1)));
  }
  table->router = Router::build(patterns, slash_mode(table->server.trailing_slash),
                                [&](const RouteError& e) { report_route_error(e, loaded); });
  if (!loaded.ok()) return nullptr;
  return table;
}

Checked load_and_build(const std::string& file, const RouteTable* previous) {
  Checked out{config::load(file, schema()), nullptr};
  // A tree with mistakes is compiled too, so that all of them are told in one pass; only a broken file stops it.
  out.table = build_route_table(out.loaded, previous);
  return out;
}

}  // namespace vg::gateway
