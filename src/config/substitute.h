// Substitution of `${NAME}`, `${NAME:-default}` and `${file:PATH}` in values. What comes in is text and nothing else:
// it is not looked at for further `${`, and in a template its braces are literal. `$${` is a literal `${`. SPEC
// section 2.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "config/loader.h"

namespace vg::config {

/// Thread: one. Lifetime: the environment outlives it.
class Substituter {
 public:
  struct Result {
    std::string text;
    std::string as_template;  ///< with the braces that came in doubled
    std::string error;        ///< what is wrong; empty if nothing is
  };

  explicit Substituter(const Environment& environment) : environment_(environment) {}

  /// `folder` ends in a slash or is empty: `${file:…}` is relative to it.
  Result substitute(std::string_view text, const std::string& folder);

 private:
  std::string value_of(std::string_view reference, const std::string& folder, std::string& error);
  std::string variable(std::string_view reference, std::string& error);
  std::string file(const std::string& path, std::string& error);

  const Environment& environment_;
  std::map<std::string, Environment::File> files_;  // each is read once
  size_t total_bytes_ = 0;
};

}  // namespace vg::config
