// What content must be before it is saved: its schema, and what the calls of `validate` say of it. All errors of both
// are told together, by field. SPEC section 5, "create / update".
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "json/schema.h"
#include "view/call_run.h"
#include "view/steps/field_errors.h"

namespace vg::view {

class Validate {
 public:
  static std::vector<config::Key> keys();
  /// The names of the calls: those of a map; in a list they have none.
  static std::vector<std::string> names(const pipeline::Build& build);

  /// Compiles the schema, and the calls into phase 0 of `graph`, whose first calls they are.
  static Validate create(pipeline::Build& build, CallGraph& graph, const tmpl::Scope& scope);

  bool has_calls() const { return !checks_.empty(); }
  void check_schema(json::Value body, FieldErrors& errors) const;
  /// After phase 0 has ended.
  void check_answers(const CallRun& run, FieldErrors& errors) const;

 private:
  struct Check {
    std::string expect;  // JSON; empty: that it succeeds
    std::string field;
    std::string message;
  };
  void read_schema(pipeline::Build& build, const config::Node& node);
  void add_check(pipeline::Build& build, CallGraph& graph, const config::Node& node, std::string name,
                 std::string place, const tmpl::Scope& scope);

  std::shared_ptr<const json::Schema> schema_;
  std::vector<Check> checks_;  // numbered as the graph's first calls
};

}  // namespace vg::view
