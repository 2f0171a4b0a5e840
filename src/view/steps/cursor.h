// The cursor of a list whose source links its pages (RFC 8288, rel="next"): where the next page is, as opaque text for
// clients. It is signed, since it says what is asked of an upstream with the gateway's credentials: a client can use a
// cursor that it was given, for the list that it was given for, and make none of its own.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "http/head.h"

namespace vg::view {

/// The target of the first link with this relation; nullopt if there is none. Lifetime: views the head.
std::optional<std::string_view> find_link(const http::Head& head, std::string_view relation);
/// The path and query that `link` leads to, if that is below `base_path` of the endpoint `authority`, without the base
/// path; nullopt if it leads elsewhere. `target`: of the request that was answered, against which relative links count.
std::optional<std::string> resolve_link(std::string_view link, std::string_view target, std::string_view base_path,
                                        std::string_view authority);

/// Signs and checks cursors. `secret`: what only this configuration says, so that all processes that run it understand
/// each other. Immutable.
class CursorKey {
 public:
  CursorKey() = default;
  explicit CursorKey(std::string secret) : secret_(std::move(secret)) {}
  /// `list`: what the cursor belongs to, the request of the first page.
  std::string encode(std::string_view target, std::string_view list) const;
  /// nullopt: not one of ours, or of another list.
  std::optional<std::string> decode(std::string_view cursor, std::string_view list) const;

 private:
  std::string sign(std::string_view target, std::string_view list) const;
  std::string secret_;
};

}  // namespace vg::view
