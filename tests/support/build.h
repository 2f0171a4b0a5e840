// What views and policies are made from, for one route of a configuration that a test writes down.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "pipeline/view.h"

namespace vg::test {

/// Offers the configuration's first route, and its only upstream, "shop". Lifetime: all that it is given outlives it.
class TestBuild final : public pipeline::Build {
 public:
  TestBuild(config::LoadResult& loaded, const tmpl::Scope& scope, const pipeline::View* view = nullptr)
      : Build(loaded.routes.at(0), scope, loaded), loaded_(loaded), view_(view) {}
  std::optional<uint32_t> find_upstream(std::string_view name) const override {
    return name == "shop" ? std::optional<uint32_t>(0) : std::nullopt;
  }
  const config::UpstreamSettings& upstream_settings(uint32_t) const override { return loaded_.upstream_settings.at(0); }
  const pipeline::View* view() const override { return view_; }
  void keep_answers_in(pipeline::StoreKind, const config::Node*, std::string_view) override {}
  KeptState& kept() const override { return kept_; }
  KeptState& shared() const override { return shared_; }
  bool has_redis() const override { return false; }
  std::vector<std::string_view> upstream_names() const override { return {"shop"}; }

 private:
  config::LoadResult& loaded_;
  const pipeline::View* view_;
  mutable KeptState kept_, shared_;
};

}  // namespace vg::test
