// `set` and `remove`: what a route does to the header fields of a message that passes.
#pragma once
#include <string>
#include <vector>

#include "pipeline/view.h"

namespace vg::view {

/// The fields that a setting `{set: {NAME: TEMPLATE}, remove: [NAME]}` names. Immutable.
class HeaderEdit {
 public:
  static config::Spec spec();
  /// `key`: the setting's name, for messages. Framing and connection fields are refused: they are the gateway's.
  static HeaderEdit create(const config::Node* node, std::string_view key, pipeline::Build& build);
  /// From a map of name -> value alone: what a view's `headers` says.
  static HeaderEdit create_set(const config::Node& set, const std::string& key, pipeline::Build& build);

  /// Of the templates of `set`.
  void for_each_reference(const tmpl::ReferenceVisitor& visit) const {
    for (const auto& [name, value] : set_) value.for_each_reference(visit);
  }
  bool empty() const { return set_.empty() && remove_.empty(); }
  /// True if the field is to be left out: removed, or set anew.
  bool drops(std::string_view name) const;
  /// Appends the fields of `set` to a head that is being written. A missing value leaves its field out.
  /// Errors: kBadRequest: a value that its conversion does not take.
  Result<void> append(const tmpl::Values& values, std::string& out) const;
  /// Edits a head that was parsed.
  Result<void> apply(const tmpl::Values& values, http::Head& head) const;

 private:
  std::vector<std::pair<std::string, tmpl::Template>> set_;
  std::vector<std::string> remove_;
};

/// Why a header of this name may not be set by a configuration; empty if it may.
std::string check_header_name(std::string_view name);
/// True if a conversion refused a value that the client sent. One that an upstream sent is as good as none.
bool is_clients_mistake(const tmpl::Rendered& rendered);
/// The error of a value that a conversion refused.
Error bad_value(const tmpl::Rendered& rendered);

}  // namespace vg::view
