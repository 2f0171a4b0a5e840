// Random patterns and paths: the router neither crashes nor disagrees with itself. The input is lines: the first says
// the mode, those up to an empty one are patterns, the rest are paths.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/strings.h"
#include "gateway/router.h"

using vg::gateway::Match;

namespace {

/// What the caller of the router has checked: valid escapes, no dot segments, no NUL (SPEC section 3).
bool is_checked(std::string_view path) {
  const auto decoded = vg::percent_decode(path);
  if (!decoded || decoded->find('\0') != std::string::npos) return false;
  for (const auto segment : vg::split(path, '/')) {
    const auto s = vg::percent_decode(segment);
    if (!s || *s == "." || *s == "..") return false;
  }
  return true;
}

void require(bool good) {
  if (!good) std::abort();
}

void check(const vg::gateway::Router& router, std::string_view path, vg::gateway::TrailingSlash mode) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "X"}) {
    Match m;
    router.match("a.example.com", method, path, "", &m);
    std::string allow;
    router.append_allow(m.allow, allow);
    for (size_t i = 0; i < m.params.size(); ++i) {
      const auto p = m.params[i];
      require(p.encoded == (p.raw.find('%') != std::string_view::npos));
      require(p.raw.empty() ||
              (p.raw.data() >= path.data() && p.raw.data() + p.raw.size() <= path.data() + path.size()));
    }
    if (m.outcome != Match::Outcome::kRedirectSlash) continue;
    require(mode == vg::gateway::TrailingSlash::kRedirect);
    // Where it redirects to, there is the route: no loop, no dead end.
    const std::string other =
        path.ends_with('/') ? std::string(path.substr(0, path.size() - 1)) : std::string(path) + "/";
    Match next;
    router.match("a.example.com", method, other, "", &next);
    require(next.outcome == Match::Outcome::kRoute && next.route == m.route);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size == 0) return 0;
  const auto mode = static_cast<vg::gateway::TrailingSlash>(data[0] % 3);
  std::vector<vg::gateway::RoutePattern> patterns;
  std::vector<std::string_view> paths;
  bool in_paths = false;
  for (const auto line : vg::split(input.substr(1), '\n')) {
    if (line.empty()) {
      in_paths = true;
    } else if (in_paths) {
      paths.push_back(line);
    } else {
      auto& p = patterns.emplace_back();
      p.path = line;
      p.route = static_cast<uint32_t>(patterns.size());
      if (patterns.size() % 3 == 0) p.methods = {"GET"};
      if (patterns.size() % 5 == 0) p.host = "*.example.com";
    }
  }
  const auto router = vg::gateway::Router::build(
      patterns, mode, [&](vg::gateway::RouteError e) { require(e.pattern < patterns.size()); });
  for (const auto path : paths) {
    if (is_checked(path)) check(router, path, mode);
  }
  return 0;
}
