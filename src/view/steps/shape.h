// The form of an object that is answered: which members, in which order, under which names, with those that calls add.
// Where nothing inside changes the upstream's bytes are spliced, never built anew. SPEC section 5.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "pipeline/view.h"

namespace vg::view {

/// A member that a call adds to an object. Its name is taken even where it has no value: an object's own member of that
/// name is not shown in its place.
struct Extra {
  std::string_view name;
  std::string_view key;  ///< the name as JSON, with its colon
  json::Value value;     ///< absent: left out
};

/// A member's name, and the same as JSON with its colon.
struct Name {
  explicit Name(std::string_view text);
  std::string text;
  std::string key;
  Extra extra(json::Value value) const { return {text, key, value}; }
};

/// `fields` and `rename`. Immutable.
class Shape {
 public:
  Shape() = default;
  /// `fields`: names as the source has them or as `rename` gives them; empty: all. `rename`: from -> to.
  Shape(const std::vector<std::string>& fields, const std::vector<std::pair<std::string, std::string>>& rename);
  static std::vector<config::Key> keys();
  /// `added`: the names of members that calls add: nothing may be renamed to one of them.
  static Shape create(pipeline::Build& build, std::span<const std::string> added);

  /// True if `fields` shows a member of this name.
  bool shows(std::string_view name) const;
  /// True if it leaves every object as it is.
  bool plain() const { return fields_.empty() && rename_.empty(); }
  /// Appends `object` with `extras` behind its own members. Whatever is no object is appended as it is, without them.
  /// `only`: of what would be written, the members of these names alone (?fields=); empty: all.
  void append(json::Value object, std::span<const Extra> extras, std::span<const std::string_view> only,
              std::string& out) const;

 private:
  struct Field {
    std::string from;
    Name to;
  };
  void append_fields(json::Value object, std::span<const Extra> extras, std::span<const std::string_view> only,
                     std::string& out) const;
  void append_members(json::Value object, std::span<const Extra> extras, std::span<const std::string_view> only,
                      std::string& out) const;
  const Field* renamed(const json::Member& member) const;

  std::vector<Field> fields_;
  std::vector<Field> rename_;
};

}  // namespace vg::view
