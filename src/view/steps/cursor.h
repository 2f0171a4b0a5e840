// The cursor of a list whose source links its pages (RFC 8288, rel="next"): what the next page is asked with, as opaque
// text for clients. It is signed, since it says what is asked of an upstream with the gateway's credentials: a client
// can use a cursor that it was given, for the list that it was given for, and make none of its own.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "http/head.h"

namespace vg::view {

/// The target of the first link with this relation; nullopt if there is none. Lifetime: views the head.
std::optional<std::string_view> find_link(const http::Head& head, std::string_view relation);
/// The query of the link's target, without '?': all that is followed of it. The next page is asked for where the first
/// one was, whatever the upstream or a client may say; so a cursor leads nowhere else. Empty: there is none to follow,
/// or it leads to another host than `authority`, the endpoint's.
std::string_view query_of_link(std::string_view link, std::string_view authority);

/// Signs and checks cursors. `secret`: what only this configuration says, so that all processes that run it understand
/// each other. Immutable.
class CursorKey {
 public:
  CursorKey() = default;
  explicit CursorKey(std::string secret) : secret_(std::move(secret)) {}
  /// `list`: what the cursor belongs to, the request of the first page.
  std::string encode(std::string_view query, std::string_view list) const;
  /// nullopt: not one of ours, or of another list.
  std::optional<std::string> decode(std::string_view cursor, std::string_view list) const;

 private:
  std::string sign(std::string_view query, std::string_view list) const;
  std::string secret_;
};

}  // namespace vg::view
