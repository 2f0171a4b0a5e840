// The text form of a call, "METHOD UPSTREAM/path?name=value": which upstream it goes to, and the target it asks for.
// Method, upstream and names of query parameters are fixed at load; path and values are templates. SPEC section 4.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "template/template.h"

namespace vg::tmpl {

/// One query parameter of a call. One whose value is missing is left out.
struct QueryParam {
  std::string name;       ///< decoded, to compare with names in the call's map
  std::string encoded;    ///< as sent
  bool has_value = true;  ///< "?a" has none, "?a=" has an empty one
  Template value;
};

/// A call's target, compiled. Immutable. Thread: any.
struct CallTarget {
  bool has_path = false;   ///< a slash follows the upstream's name
  bool has_query = false;  ///< the text has a '?', be it followed by nothing; else `query` is empty
  Template path;           ///< what follows that slash
  std::vector<QueryParam> query;
  std::optional<std::string> method;  ///< upper case; nullopt: the view's own
  std::string upstream;               ///< not yet looked up: whether it is declared is the caller's check
  size_t upstream_at = 0;             ///< its offset in the text, for that check's message

  /// Appends the request target: `base_path` (of the upstream's url; "", "/" and "/a/" will do), one slash, the path,
  /// and the query if any parameter has a value. On failure nothing is appended.
  Rendered render(const Values& values, std::string_view base_path, std::string& out) const;
  /// True if a value is in the path's last segment: "articles/{id}", not "articles/{id}/publish".
  bool ends_in_value() const;
  /// Those of the path, then those of the query.
  void for_each_reference(const ReferenceVisitor& visit) const;
};

/// Errors: each goes to `errors`, and the result is nullopt.
std::optional<CallTarget> parse_call(std::string_view text, const Scope& scope, const ErrorSink& errors);

}  // namespace vg::tmpl
