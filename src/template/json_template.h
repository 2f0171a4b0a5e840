// A JSON value with templates in it, written in YAML: the `body:` of a call, the `set:` of a view. What is constant is
// bytes since load; a scalar that is one reference keeps the JSON type of its value, and text around a reference makes
// a string. Whatever bytes a value has, the result is JSON and has no member that the configuration does not write.
// SPEC section 4, "Templates".
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "config/node.h"
#include "template/template.h"

namespace vg::tmpl {

/// Compiled. Immutable. Thread: any. Lifetime: needs neither the node nor the scope.
class JsonTemplate {
 public:
  /// Takes a mistake: the node where it stands, its offset in that one's template_text(), and what is wrong.
  using Sink = std::function<void(const config::Node& at, size_t offset, std::string message)>;

  JsonTemplate() = default;
  /// Keys are data, whatever their bytes. Of scalars those in quotes are text; plain ones are what they look like
  /// (template/plain_json.h). Errors: each goes to `errors`; the result is then of no use.
  static JsonTemplate compile(const config::Node& node, const Scope& scope, const Sink& errors);

  /// Appends one JSON value. A member or element whose value is missing is left out; kMissing if that is the whole.
  ///
  /// A scalar that is one reference: a path parameter that was declared as an int is a number, other values of the
  /// request are strings, JSON values are as they came (null too), {items.a} is the array of the distinct values. With
  /// a conversion: the number, boolean or JSON. A fallback is a string, or what the conversion makes of it. In text, a
  /// reference is what it would be in a query, unencoded.
  Rendered render(const Values& values, std::string& out) const;

  bool empty() const { return pieces_.empty(); }  ///< nothing was compiled; an empty map is not empty
  bool constant() const;                          ///< no references
  void for_each_reference(const ReferenceVisitor& visit) const;

 private:
  friend class JsonCompiler;
  /// A run of bytes that goes out as it is, and the value that follows it, if any.
  struct Piece {
    std::string bytes;      // whole members, brackets, or the name of the value's member with its colon
    Template value;         // empty: the bytes are all
    bool separate = false;  // begins with a member or element: a comma stands before it unless it is the first
    bool typed = false;     // the value is one reference
    Rendered append_value(const Values& values, std::string& out) const;
  };
  std::vector<Piece> pieces_;
};

}  // namespace vg::tmpl
