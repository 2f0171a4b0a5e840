// Which of the client's query parameters a list takes: filters and order for its source, fields for itself. SPEC
// section 5, "list".
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/view.h"

namespace vg::view {

class ListQuery {
 public:
  static std::vector<config::Key> keys();
  static ListQuery create(pipeline::Build& build);
  /// Reports filters that mean two things: `own` are the list's other parameters, `sent` what it sends its source
  /// itself (encoded).
  void check(pipeline::Build& build, const std::vector<std::string>& own, const std::vector<std::string>& sent) const;
  /// A parameter that something else of the view reads: not unknown under strict_query.
  void know(std::string name) { known_.push_back(std::move(name)); }

  /// Appends what the source gets of the client's query. Errors: 400: under strict_query, a parameter or an order that
  /// is not declared.
  Result<void> append_upstream_query(const pipeline::Context& ctx, std::string& out) const;

 private:
  struct Filter {
    std::string name;
    std::string encoded;  // as the upstream calls it
  };
  Result<void> append_order(std::string_view value, std::string& out) const;
  bool knows(std::string_view name) const;

  std::vector<Filter> filters_;
  std::vector<std::string> order_;
  std::vector<std::string> known_;
  bool strict_ = false;
};

}  // namespace vg::view
