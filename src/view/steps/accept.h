// Which members of the client's content are taken, and which the configuration adds: `accept`, `strict_body`, `set`.
// SPEC section 5, "create / update".
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "pipeline/view.h"
#include "view/steps/field_errors.h"

namespace vg::view {

class Accept {
 public:
  static std::vector<config::Key> keys();
  static Accept create(pipeline::Build& build, const tmpl::Scope& scope);

  /// Content must be an object: its members matter.
  bool needs_object() const { return limited_ || set_.has_value(); }
  /// Appends what is taken of `body`, as it came. Under strict_body the others are errors.
  void take(json::Value body, std::string& out, FieldErrors& errors) const;
  /// Appends `taken` with the members of `set`, which replace the client's own of their names even where they have no
  /// value. Errors: kBadRequest: a value that its conversion does not take.
  Result<void> add_set(json::Value taken, const tmpl::Values& values, std::string& out) const;
  /// Nothing is taken away or added.
  bool plain() const { return !needs_object(); }

 private:
  bool takes(const json::Member& member) const;

  std::vector<std::string> accept_;
  bool limited_ = false;
  bool strict_ = false;
  std::optional<tmpl::JsonTemplate> set_;
  std::vector<std::string> set_names_;
};

}  // namespace vg::view
