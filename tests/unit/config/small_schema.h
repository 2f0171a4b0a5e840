// A schema with three views and one policy, and a made-up world to read from, for the tests of this room.
#pragma once
#include <fnmatch.h>

#include <map>
#include <string>

#include "config/loader.h"
#include "config/settings_spec.h"

namespace vg::config::testing {

inline Spec timeout_spec() {
  return map({key("after", duration().between(1'000'000, 86'400'000'000'000)).required(),
              key("status", one_of({"504", "503", "408"})).fallback("504")})
      .short_form("after");
}

inline Spec call_spec() {
  return map({key("call", template_text().at_least(1).called("a call").example("catalog/articles/{id}")).required(),
              key("query", named(template_text())), key("timeout", duration())})
      .short_form("call");
}

inline Schema small_schema() {
  Schema out = base_schema();
  out.add_policy({"timeout", timeout_spec(), "30s", "from the request's head to the response's", false, {}});
  out.add_view({"proxy-fetch",
                {key("source", call_spec()).required(), key("preserve_host", boolean()).fallback("false"),
                 key("limits", map({key("body_bytes", size())}))},
                {},
                false});
  out.add_view(
      {"respond",
       {key("status", integer().between(200, 599)).fallback("200"), key("json", json()), key("text", template_text()),
        key("headers", named(template_text())), key("delay", duration()), key("pass", percent().between(0, 100)),
        key("tags", one_or_list(any_of({text(), map({key("tag", text()).required()})})))},
       {},
       false});
  out.add_view({"redirect",
                {key("to", template_text()).required(), key("status", integer().between(301, 308)).fallback("308")},
                {},
                false});
  return out;
}

/// Files and variables out of maps.
class FakeEnvironment final : public Environment {
 public:
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;

  std::optional<std::string> variable(const std::string& name) const override {
    const auto at = variables.find(name);
    if (at == variables.end()) return std::nullopt;
    return at->second;
  }
  File read(const std::string& path, size_t limit) const override {
    const auto at = files.find(path);
    if (at == files.end()) return {{}, "does not exist"};
    if (at->second.size() > limit) return {{}, "is larger than " + format_size(limit)};
    return {at->second, {}};
  }
  std::vector<std::string> glob(const std::string& pattern) const override {
    std::vector<std::string> out;
    for (const auto& [name, _] : files) {
      if (fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) out.push_back(name);
    }
    return out;
  }
  std::string identity(const std::string& path) const override { return path; }
};

inline LoadResult load_small(std::string_view yaml, const Environment& environment = FakeEnvironment()) {
  static const Schema schema = small_schema();
  return load_text("v.yaml", yaml, schema, environment);
}
inline std::string errors_of(std::string_view yaml, const Environment& environment = FakeEnvironment()) {
  return load_small(yaml, environment).errors.text();
}

}  // namespace vg::config::testing
