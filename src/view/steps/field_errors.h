// What is wrong with a client's content, field by field: the `errors` of a 422. SPEC section 5, "create / update".
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/context.h"

namespace vg::view {

class FieldErrors {
 public:
  /// The name that stands for the whole.
  static constexpr std::string_view kWhole = "non_field_errors";

  /// More fields than this are not told: who sends a hundred thousand names gets no list of them.
  static constexpr size_t kMostFields = 100;
  void add(std::string_view field, std::string message);
  bool empty() const { return fields_.empty(); }
  bool has(std::string_view field) const;
  /// The 422 that tells all of them.
  Error to_error(pipeline::Context& ctx) const;

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> fields_;  // in the order they came up
};

}  // namespace vg::view
