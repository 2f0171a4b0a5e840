// Any bytes as a configuration: loading ends, with a result or with errors that can be printed. The world it reads from
// is made up: no file, one variable.
#include <cstdint>
#include <string_view>

#include "config/loader.h"
#include "config/settings_spec.h"

namespace {

class FuzzEnvironment final : public vg::config::Environment {
 public:
  std::optional<std::string> variable(const std::string& name) const override {
    if (name == "X") return "{x} ${Y}";
    return std::nullopt;
  }
  File read(const std::string&, size_t) const override { return {{}, "does not exist"}; }
  std::vector<std::string> glob(const std::string&) const override { return {}; }
  std::string identity(const std::string& path) const override { return path; }
};

vg::config::Schema make_schema() {
  using namespace vg::config;
  Schema out = base_schema();
  Spec timeout = map({key("after", duration().at_least(1)).required(), key("status", integer())}).short_form("after");
  out.add_policy({"timeout", std::move(timeout), "30s", {}, false});
  Spec source = map({key("call", template_text()).required(), key("query", named(template_text()))}).short_form("call");
  out.add_view({"proxy-fetch", {key("source", std::move(source)).required()}, {}, false});
  Spec body = any_of({text(), map({key("a", one_or_list(integer())), key("b", json())}).short_form("a"), list(rate())});
  out.add_view(
      {"respond",
       {key("status", integer().between(200, 599)).fallback("200"), key("body", std::move(body)), key("json", json())},
       {},
       false});
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const vg::config::Schema schema = make_schema();
  static const FuzzEnvironment environment;
  if (size > 16 * 1024) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const vg::config::LoadResult result = vg::config::load_text("fuzz.yaml", text, schema, environment);
  const std::string said = result.ok() ? vg::config::describe(result, schema, true) : result.errors.text();
  if (said.empty()) __builtin_trap();
  return 0;
}
