// What `select:` and `count:` take of an answer: "data.items", with indices of arrays as steps ("items.0.id"), or a
// JSON Pointer (RFC 6901) where it begins with a slash, which can name every member there is. Parsed at load.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace vg::json {

/// Immutable once parsed. Thread: any.
class Selector {
 public:
  Selector() = default;
  /// Errors: nullopt for an empty step between dots, and for a `~` in a pointer that is neither ~0 nor ~1; `error`, if
  /// given, then says what is wrong.
  static std::optional<Selector> parse(std::string_view text, std::string* error = nullptr);

  /// Absent if there is nothing at that place.
  Value find(Value root) const { return root.at(steps_); }
  /// It takes the whole.
  bool empty() const { return steps_.empty(); }
  std::span<const std::string> steps() const { return steps_; }

 private:
  std::vector<std::string> steps_;
};

}  // namespace vg::json
