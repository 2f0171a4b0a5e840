// The path of a route as it is declared: "/articles/{id:int}/{rest...}" taken apart into segments, and everything that
// is wrong with it. The router is built of these; templates take their scope from `params`. SPEC section 3.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "template/template.h"

namespace vg::gateway {

/// A segment's form, in the order of rank: what stands first wins.
enum class SegmentKind : uint8_t { kLiteral, kInt, kUuid, kSlug, kPlain, kRest };

struct Segment {
  SegmentKind kind = SegmentKind::kLiteral;
  std::string text;  ///< a literal's decoded bytes (empty for the one behind a trailing slash), a parameter's name
};

/// A declared path. Limits: 64 segments, 32 parameters, 255 bytes in a literal segment.
struct RoutePath {
  static constexpr size_t kMaxSegments = 64;
  static constexpr size_t kMaxLiteralBytes = 255;
  std::vector<Segment> segments;
  std::vector<tmpl::Param> params;  ///< in the order of Match::params

  /// Errors: each goes to `errors` with its offset in the text; the result is then of no use.
  static RoutePath parse(std::string_view text, const std::function<void(size_t offset, std::string message)>& errors);
};

}  // namespace vg::gateway
