#include "config/route_specs.h"

#include <algorithm>

namespace vg::config {
namespace {

bool has(const std::vector<Key>& keys, std::string_view name) {
  return std::any_of(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
}

void add_new(std::vector<Key>& keys, Key key) {
  if (!has(keys, key.name)) keys.push_back(std::move(key));
}

Key policy_key(const PolicyType& policy) {
  if (policy.refused) return refused_key(policy.name);
  return key(policy.name, policy.spec).fallback(policy.default_text).summary(policy.about);
}

// The names of the contract that nothing has claimed.
void add_refused(std::vector<Key>& keys, const Schema& schema) {
  for (const std::string& name : schema.refused_route_keys) add_new(keys, refused_key(name));
}

// A key that several views know, each in its own way, is any of these where no view is known.
void add_of_views(std::vector<Key>& keys, const Schema& schema) {
  for (const ViewType& view : schema.views) {
    for (const Key& k : view.keys) {
      const auto at = std::find_if(keys.begin(), keys.end(), [&](const Key& o) { return o.name == k.name; });
      if (at == keys.end()) {
        keys.push_back(k);
        keys.back().is_required = false;
      } else if (at->refused.empty()) {
        if (at->spec.type != Type::kAnyOf) at->spec = any_of({at->spec});
        at->spec.of.push_back(k.spec);
      }
    }
  }
}

// A policy that means nothing to a view is no setting of it.
Key policy_key_of(const Key& policy_as_key, const PolicyType& policy, const ViewType& view) {
  const std::vector<std::string>& views = policy.views;
  if (views.empty() || std::find(views.begin(), views.end(), view.name) != views.end()) return policy_as_key;
  Key key = refused_key(policy.name);
  std::string all;
  for (const std::string& v : views) all += (all.empty() ? "" : ", ") + v;
  key.refused = "this is not a setting of view " + view.name + "; it is one of " + all;
  return key;
}

// What other views know is not unknown: it is named as theirs.
void add_foreign(std::vector<Key>& keys, const ViewType& view, const Schema& schema) {
  for (const ViewType& other : schema.views) {
    for (const Key& k : other.keys) {
      if (has(keys, k.name)) continue;
      keys.push_back(refused_key(k.name));
      keys.back().refused = "this is a setting of view " + other.name + ", not of view " + view.name;
    }
  }
}

void forbid(std::vector<Key>& keys, std::string_view name, std::string_view where, std::string_view instead) {
  Key key;
  key.name = std::string(name);
  key.spec = json();
  key.refused = "\"" + key.name + "\" can't stand in " + std::string(where);
  if (!instead.empty()) key.refused += "; " + std::string(instead);
  const auto at = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
  if (at == keys.end()) {
    keys.push_back(std::move(key));
  } else {
    *at = std::move(key);
  }
}

}  // namespace

RouteSpecs::RouteSpecs(const Schema& schema) : schema_(schema) {
  std::vector<Key> policies;
  for (const PolicyType& policy : schema.policies) policies.push_back(policy_key(policy));

  for (const ViewType& view : schema.views) {
    if (view.refused) {
      views_.emplace_back();  // no route has it
      continue;
    }
    std::vector<Key> keys = schema.route_keys;
    for (const Key& k : view.keys) add_new(keys, k);
    for (size_t i = 0; i < policies.size(); ++i) add_new(keys, policy_key_of(policies[i], schema.policies[i], view));
    add_refused(keys, schema);
    add_foreign(keys, view, schema);
    PerView& specs = views_.emplace_back();
    specs.route = map(keys);
    forbid(keys, "name", "a named view", "it is the route's own");
    forbid(keys, "path", "a named view", "it is the route's own");
    specs.named = map(std::move(keys));
  }

  std::vector<Key> keys = schema.route_keys;
  for (const Key& k : policies) add_new(keys, k);
  add_of_views(keys, schema);
  add_refused(keys, schema);
  forbid(keys, "name", "a named view", "it is the route's own");
  forbid(keys, "path", "a named view", "it is the route's own");
  any_view_ = map(keys);
  forbid(keys, "name", "a mixin", "it is the route's own");
  forbid(keys, "path", "a mixin", "it is the route's own");
  forbid(keys, "view", "a mixin", "put it into a named view under views:");
  forbid(keys, "extends", "a mixin", "write mixins: [NAME] for another mixin");
  mixin_ = map(keys);
  for (const Key& k : schema.route_keys) forbid(keys, k.name, "defaults", "");
  defaults_ = map(std::move(keys));
}

}  // namespace vg::config
