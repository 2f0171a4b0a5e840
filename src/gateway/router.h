// Finds the route of a request: host first, then segment by segment from the left (literal, int, uuid, slug, plain,
// rest), whatever their place in the file. Built once at load as a trie of segments for each listener and host; a
// lookup costs the same with ten routes and with ten thousand, allocates nothing, and never visits a node twice. SPEC
// section 3.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "template/values.h"

namespace vg::gateway {

enum class TrailingSlash : uint8_t {
  kStrict,    ///< "/a" and "/a/" are two paths
  kRedirect,  ///< what matches nothing is redirected to the other form if that one matches
  kIgnore,    ///< both forms match, and two routes that differ in it alone are an error
};

/// What a route asks of a request.
struct RoutePattern {
  std::string path;
  std::string host;                  ///< "" any, "a.b", "*.a.b"; in any case
  std::vector<std::string> methods;  ///< in upper case; none: any
  std::string listener;              ///< "": every listener that has no name
  uint32_t route = 0;                ///< what Match::route says
  bool any_has_options = true;  ///< without methods: whether OPTIONS is among "any" (proxy-fetch: yes; other views: no)
};

/// A mistake in the patterns: which of them, which other one it collides with if any, and what is wrong.
struct RouteError {
  static constexpr size_t kNoOther = static_cast<size_t>(-1);
  enum class In : uint8_t { kPath, kHost, kMethods, kRoute };
  size_t pattern = 0;
  size_t other = kNoOther;  ///< a pattern that matches the same requests with the same rank
  In in = In::kRoute;
  size_t offset = 0;  ///< in the path, in bytes
  std::string message;
};
using RouteErrorSink = std::function<void(RouteError)>;

/// What a lookup found. Reusable. Lifetime: `params` view the path that was looked up.
struct Match {
  enum class Outcome : uint8_t {
    kRoute,
    kNotFound,          ///< 404
    kMethodNotAllowed,  ///< 405, or 204 for OPTIONS, with Router::append_allow(allow)
    kRedirectSlash,     ///< 308 to the path with a slash added at its end, or with the one that is there taken off
  };
  Outcome outcome = Outcome::kNotFound;
  uint32_t route = 0;       ///< with kRoute; with kRedirectSlash the route that the other form matches
  uint64_t allow = 0;       ///< with kMethodNotAllowed: a set of methods, for append_allow
  tmpl::PathParams params;  ///< with kRoute
};

namespace trie {
struct Tables;
}

/// All routes. Immutable once built. Thread: any, at once.
class Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// Errors: each goes to `errors`; patterns with mistakes are left out. Many are found in one pass.
  static Router build(const std::vector<RoutePattern>& patterns, TrailingSlash mode, const RouteErrorSink& errors);

  /// `host`: in lower case, without port. `method`: as it came. `path`: as it came, with valid escapes and no dot
  /// segments (http::check_path). `listener`: the name of the one the request came through, "" if it has none.
  void match(std::string_view host, std::string_view method, std::string_view path, std::string_view listener,
             Match* out) const;

  /// Appends the value of an Allow field: HEAD goes with GET, OPTIONS is always there.
  void append_allow(uint64_t allow, std::string& out) const;

  size_t memory_bytes() const;  ///< of the tables, for /status and tests
  size_t node_count() const;    ///< a lookup visits at most these, each once

 private:
  std::unique_ptr<const trie::Tables> tables_;
};

}  // namespace vg::gateway
