// The types that views and policies share. A view answers a request by filling ctx.response; a policy stands around it:
// it answers itself, or awaits next.run(ctx) and looks at what came back. Both are made once, at load, and are shared
// by all loops: they are immutable.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/kept_state.h"
#include "config/loader.h"
#include "coro/task.h"
#include "pipeline/context.h"
#include "template/call_target.h"
#include "template/json_template.h"
#include "template/template.h"

namespace vg::pipeline {

/// One call of a view, for `viewgate explain`.
struct PlannedCall {
  std::string name;
  std::string call;                    ///< "GET catalog/products/{id}"
  std::vector<std::string> waits_for;  ///< names of calls
  uint32_t wave = 1;                   ///< calls of one wave run at once
  std::string note;                    ///< "required", "per item", "default [] when it fails", …
};

class Build;

/// What of the client's request the calls of a view carry, beside its query: two requests that differ in none of it get
/// the same answer. For whoever keeps answers.
struct Carried {
  std::vector<uint32_t> params;      ///< path parameters
  std::vector<std::string> headers;  ///< lower case
  std::vector<std::string> cookies;
  bool client_ip = false;
  bool tls_subject = false;
  bool all_fields = false;  ///< the client's header fields go along, whatever they are: the upstream's Vary tells
  void add(const tmpl::Reference& reference);
  void add_header(std::string_view name);
  void add_cookie(std::string_view name);
};

class View {
 public:
  virtual ~View() = default;
  /// Fills ctx.response. Errors: whatever failed; gateway/render_error makes it an answer. Cancel: ctx.cancel.
  virtual coro::Task<Result<void>> run(Context& ctx) const = 0;
  /// The calls that it makes, in the order that they are declared.
  virtual std::vector<PlannedCall> plan() const { return {}; }
  virtual Carried carried() const { return {}; }
  /// Called once all routes are made, for a view that asks another one something. `find`: a route by its name; nullptr:
  /// there is none. Mistakes go to `build`, which is the one that the view was made from.
  using FindRoute = std::function<const Route*(std::string_view name)>;
  virtual void connect(Build& build, const FindRoute& find) {
    (void)build;
    (void)find;
  }
};

class Policy;

/// The rest of a route's chain: policies, then the view.
class Next {
 public:
  Next(std::span<const std::unique_ptr<Policy>> policies, const View* view) : policies_(policies), view_(view) {}
  coro::Task<Result<void>> run(Context& ctx) const;

 private:
  std::span<const std::unique_ptr<Policy>> policies_;
  const View* view_;
};

/// One limit of a route, as /metrics, /status and `viewgate explain` show it.
struct ShownLimit {
  std::string name;         ///< of those of its route
  std::string text;         ///< "60/m by client_ip, sliding_window, in memory"
  uint32_t metrics_id = 0;  ///< set before the table is served
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual coro::Task<Result<void>> run(Context& ctx, Next next) const = 0;
  /// What it does for this route beside its settings, name and text, for `viewgate explain`.
  virtual std::vector<std::pair<std::string, std::string>> explain() const { return {}; }
  virtual std::vector<ShownLimit*> limits() { return {}; }
};

inline coro::Task<Result<void>> Next::run(Context& ctx) const {
  if (policies_.empty()) return view_->run(ctx);
  return policies_.front()->run(ctx, Next(policies_.subspan(1), view_));
}

/// The policies of a route, in the order that they run. Routes that say the same share them.
struct PolicyChain {
  std::vector<std::unique_ptr<Policy>> policies;
  std::vector<std::string> names;
  std::vector<std::string> of_calls;  ///< policies that are settings of the route's calls, no links of the chain
};

/// One compiled route. Immutable, shared by all loops. There are ten thousand of them: what most have in common, or not
/// at all, is no member, and what a request reads is one cache line. Lifetime: its texts are its name's and the
/// table's.
struct alignas(64) Route {
  std::shared_ptr<const PolicyChain> chain;
  std::unique_ptr<View> view;
  uint64_t body_bytes = 0;  ///< limits.body_bytes
  uint32_t metrics_id = 0;

  std::string name;
  std::string_view path;
  std::string_view view_name;
  std::string_view listener;
  std::string_view host;
  std::vector<std::string> methods;

  Route() = default;
  Route(const Route&) = delete;
  coro::Task<Result<void>> run(Context& ctx) const { return Next(chain->policies, view.get()).run(ctx); }
  /// Asks the processor for the view's first line, which run() will read: it comes while others are waited for.
  void prefetch() const { __builtin_prefetch(view.get()); }
  std::vector<ShownLimit*> limits() const {
    std::vector<ShownLimit*> out;
    for (const auto& policy : chain->policies) {
      const std::vector<ShownLimit*> more = policy->limits();
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }
};

/// A header field that a setting names, and its value.
using NamedTemplate = std::pair<std::string, tmpl::Template>;

/// What a view or policy is made from. `create` functions read validated settings; what only they can know to be wrong
/// goes to error().
class Build {
 public:
  Build(const config::RouteConfig& route, const tmpl::Scope& scope, config::LoadResult& loaded)
      : route_(route), scope_(scope), loaded_(loaded), errors_(loaded.errors) {}
  virtual ~Build() = default;

  const config::RouteConfig& route() const { return route_; }
  const config::Node* settings() const { return route_.settings; }
  const tmpl::Scope& scope() const { return scope_; }
  config::Errors& errors() { return errors_; }
  /// Reports what is wrong with `node`, the route's setting `key` ("source", "request.set.X-A").
  void error(const config::Node& node, std::string_view key, std::string message) {
    errors_.add(node.mark(), route_.label + "." + std::string(key), std::move(message));
  }
  /// Compiles a template; mistakes are reported at its place.
  tmpl::Template compile(const config::Node& node, std::string_view key, tmpl::Place place) {
    return compile(node, key, place, scope_);
  }
  tmpl::Template compile(const config::Node& node, std::string_view key, tmpl::Place place, const tmpl::Scope& scope);
  /// The same for a JSON value with templates in it.
  tmpl::JsonTemplate compile_json(const config::Node& node, std::string_view key, const tmpl::Scope& scope);
  /// Compiles the text form of a call; nullopt if it is wrong, which was reported. Its upstream is declared.
  std::optional<tmpl::CallTarget> compile_call(const config::Node& node, std::string_view key) {
    return compile_call(node, key, scope_);
  }
  std::optional<tmpl::CallTarget> compile_call(const config::Node& node, std::string_view key,
                                               const tmpl::Scope& scope);
  /// The number of an upstream in the table; nullopt if it is not declared.
  virtual std::optional<uint32_t> find_upstream(std::string_view name) const = 0;
  virtual const config::UpstreamSettings& upstream_settings(uint32_t index) const = 0;
  virtual std::vector<std::string_view> upstream_names() const = 0;
  /// A setting of calls ("retry") in the layers that say it, weakest first; nullptr: says nothing.
  struct CallLayers {
    const config::Node* defaults = nullptr;
    const config::Node* upstream = nullptr;
    const config::Node* route = nullptr;
  };
  CallLayers call_layers(std::string_view key, uint32_t upstream);
  /// The breakers of the route, or of its call at `place`, for the endpoints of an upstream. A reload that changes none
  /// of it keeps them.
  std::shared_ptr<upstream::Breakers> breakers(std::string_view place, uint32_t upstream,
                                               const config::BreakerSettings& settings);
  /// All that breakers() gave.
  const std::vector<std::shared_ptr<upstream::Breakers>>& made_breakers() const { return made_breakers_; }
  /// The route's view; nullptr while that itself is made. Policies are made after it.
  virtual const View* view() const = 0;
  /// What a reload keeps, by name.
  virtual KeptState& kept() const = 0;
  /// Answers are kept in this store from now on. `key` at `node` says so; where there is no such store it is a mistake.
  virtual void keep_answers_in(StoreKind store, const config::Node* node, std::string_view key) = 0;
  /// What routes of this table share, by name; begins empty with each load.
  virtual KeptState& shared() const = 0;
  virtual bool has_redis() const = 0;
  /// The templates of an upstream's own headers, compiled for this route's scope.
  std::vector<NamedTemplate> upstream_headers(uint32_t index);

 private:
  const config::RouteConfig& route_;
  const tmpl::Scope& scope_;
  config::LoadResult& loaded_;
  config::Errors& errors_;
  std::vector<std::shared_ptr<upstream::Breakers>> made_breakers_;
};

/// One line of the table of views (view/builtin.cc).
struct ViewEntry {
  config::ViewType (*describe)();
  std::unique_ptr<View> (*create)(Build& build);
};

/// One line of the table of policies (policy/builtin.cc). create() gives nullptr where the policy is off.
struct PolicyEntry {
  config::PolicyType (*describe)();
  std::unique_ptr<Policy> (*create)(const config::Node& settings, Build& build);
  bool of_settings_alone = false;  ///< create() looks at its settings alone: routes that share them share the policy
};

}  // namespace vg::pipeline
