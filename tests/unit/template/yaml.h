// A tree out of YAML, for tests of what compiles nodes.
#pragma once
#include <gtest/gtest.h>

#include <string_view>

#include "config/yaml_reader.h"

namespace vg::tmpl {

/// Lifetime: owns the nodes.
class Yaml {
 public:
  explicit Yaml(std::string_view text) : substituter_(config::real_environment()) {
    root = config::read_yaml({document_, substituter_, limits_, errors_}, document_.add_file("t.yaml"), text);
    EXPECT_TRUE(errors_.empty()) << errors_.text();
  }
  const config::Node* root = nullptr;

 private:
  config::Document document_;
  config::Substituter substituter_;
  config::ReadLimits limits_;
  config::Errors errors_;
};

}  // namespace vg::tmpl
