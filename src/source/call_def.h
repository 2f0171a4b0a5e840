// One request to an upstream as a view declares it, compiled at load: `"reviews/products/{id}"` or a map with query,
// headers, body, select, default and the rest. SPEC section 4. Immutable. Thread: any.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "json/select.h"
#include "pipeline/view.h"
#include "source/call_policy.h"
#include "template/json_template.h"

namespace vg::source {

struct CallCache;

struct CallDef {
  std::string name;                    ///< "object", "reviews": what Viewgate-Degraded and {calls.NAME} call it
  std::string text;                    ///< as written, with its method: for people
  std::string place;                   ///< of the setting, for messages: "include.reviews"
  const config::Node* node = nullptr;  ///< while the configuration is loaded
  uint32_t upstream = 0;
  std::string upstream_name;
  http::Method method = http::Method::kGet;
  std::string method_text = "GET";
  tmpl::CallTarget target;
  std::vector<pipeline::NamedTemplate> headers;  ///< the upstream's and the call's; the nearer one only
  std::vector<std::string> forward_headers;      ///< lower case
  std::vector<std::string> forward_cookies;
  std::optional<tmpl::JsonTemplate> body;
  std::optional<json::Selector> select;
  std::optional<std::string> fallback;  ///< `default`, as JSON
  bool required = false;
  std::optional<Duration> timeout;
  uint64_t max_bytes = 0;
  std::optional<tmpl::JsonTemplate> when;
  std::shared_ptr<const upstream::CallPolicy> policy;  ///< nullptr: the upstream's settings are all
  std::shared_ptr<const CallCache> cache;              ///< nullptr: its answer is not kept by itself
  bool sets_own_fields = false;  ///< a header of `headers` or `forward_headers` replaces one of ours

  void for_each_reference(const std::function<void(const tmpl::Reference&)>& visit) const;
};

/// What may be written where a call stands; `more` are the keys that it has in one place alone.
config::Spec call_spec(std::vector<config::Key> more = {});

/// Adds the parameters of a call's `query` map to those of its text; one that stands in both is a mistake.
void compile_query(pipeline::Build& build, const config::Node& call, const std::string& place, const tmpl::Scope& scope,
                   tmpl::CallTarget& target);

/// Compiles a call. `node` is its map form; `place` the setting's path within the route; `method` is used where the
/// text names none. Mistakes are reported to `build`.
CallDef compile_call(pipeline::Build& build, const config::Node& node, std::string name, std::string place,
                     std::string_view method, const tmpl::Scope& scope);

}  // namespace vg::source
