// One route of a configuration with an upstream "shop", and what views are made from.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "config/read.h"
#include "source/call_policy.h"
#include "support/build.h"
#include "view/builtin.h"

namespace vg::view::test {

inline const config::Schema& schema() {
  static const config::Schema kSchema = [] {
    config::Schema s = config::base_schema();
    for (const pipeline::ViewEntry& e : builtin()) s.add_view(e.describe());
    for (config::PolicyType& p : source::describe_call_policies()) s.add_policy(std::move(p));
    return s;
  }();
  return kSchema;
}

/// `route` is what stands between the braces of its entry, `upstream` between those of the upstream.
class LoadedRoute {
 public:
  explicit LoadedRoute(const std::string& route, const std::string& upstream = "url: \"http://shop.test:8000/api\"",
                       std::vector<tmpl::Param> params = {{"id", tmpl::ParamKind::kPlain}})
      : loaded_(config::load_text(
            "viewgate.yaml",
            "server: {listen: \"127.0.0.1:0\"}\nupstreams: {shop: {" + upstream + "}}\nroutes:\n- {" + route + "}\n",
            schema())),
        scope_(tmpl::request_scope(std::move(params))),
        build_(loaded_, scope_) {
    EXPECT_TRUE(loaded_.ok()) << loaded_.errors.text();
  }
  LoadedRoute(const LoadedRoute&) = delete;
  pipeline::Build& build() { return build_; }
  std::string error_text() const { return loaded_.errors.text(); }
  const config::UpstreamSettings& upstream() const { return loaded_.upstream_settings.at(0); }

 private:
  config::LoadResult loaded_;
  tmpl::Scope scope_;
  vg::test::TestBuild build_;
};

}  // namespace vg::view::test
