// The values of a request that a test writes down.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "template/template.h"
#include "template/values.h"

namespace vg::tmpl {

inline Scope scope_of_views(std::vector<Param> params, std::vector<std::string> calls) {
  Scope scope = request_scope(std::move(params));
  for (const Root r : {Root::kBody, Root::kObject, Root::kItem, Root::kItems, Root::kCalls}) scope.offer(r);
  scope.calls = std::move(calls);
  return scope;
}

struct FakeValues final : Values {
  std::vector<std::string> params;
  std::string query;
  std::map<std::string, std::string, std::less<>> headers, cookies;
  std::map<Root, std::string> roots;  // JSON
  std::vector<std::string> calls;     // JSON, of each call of the scope

  PathParam param(size_t i) const override { return {params[i], params[i].find('%') != std::string::npos}; }
  std::string_view query_string() const override { return query; }
  std::optional<std::string_view> header(std::string_view name) const override { return in(headers, name); }
  std::optional<std::string_view> cookie(std::string_view name) const override { return in(cookies, name); }
  std::string_view client_ip() const override { return "192.0.2.7"; }
  std::string_view request_id() const override { return "0af7651916cd43dd"; }
  std::optional<std::string_view> tls_subject() const override { return std::nullopt; }
  vg::json::Value json(Root root, uint32_t call) const override {
    if (root == Root::kCalls) return vg::json::Value::of(calls.at(call));
    const auto at = roots.find(root);
    return at == roots.end() ? vg::json::Value() : vg::json::Value::of(at->second);
  }

 private:
  static std::optional<std::string_view> in(const std::map<std::string, std::string, std::less<>>& map,
                                            std::string_view name) {
    const auto at = map.find(name);
    return at == map.end() ? std::nullopt : std::optional<std::string_view>(at->second);
  }
};

struct Mistake {
  size_t offset;
  std::string message;
};

}  // namespace vg::tmpl
