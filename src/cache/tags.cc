#include "cache/tags.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"

namespace vg::cache {
namespace {

std::string_view without_query(std::string_view target) { return target.substr(0, target.find_first_of("?#")); }

std::string_view without_last_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// RFC 3986 section 5.2.4, for a path that begins with a slash.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  const std::vector<std::string_view> parts = split(path.substr(1), '/');
  for (const std::string_view part : parts) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (part != ".") {
      kept.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : kept) out.append("/").append(part);
  if (parts.back() == "." || parts.back() == "..") out.push_back('/');
  return out.empty() ? "/" : out;
}

// Takes "//authority" from the beginning. False: it is another one.
bool take_authority(std::string_view& reference, std::string_view authority) {
  reference.remove_prefix(2);
  const size_t end = std::min(reference.find('/'), reference.size());
  const bool same = iequals(reference.substr(0, end), authority);
  reference.remove_prefix(end);
  return same;
}

}  // namespace

std::string tag_of(std::string_view upstream, std::string_view target) {
  return std::string(upstream).append(without_last_slash(target.substr(0, target.find('?'))));
}

std::string path_tag(std::string_view path) { return std::string("path:").append(without_last_slash(path)); }

std::optional<std::string> local_path(std::string_view reference, std::string_view authority, std::string_view path) {
  reference = without_query(reference);
  for (const std::string_view scheme : {"http:", "https:"}) {
    if (reference.size() < scheme.size() || !iequals(reference.substr(0, scheme.size()), scheme)) continue;
    reference.remove_prefix(scheme.size());
    if (!reference.starts_with("//")) return std::nullopt;
    break;
  }
  if (reference.starts_with("//")) {
    if (!take_authority(reference, authority)) return std::nullopt;
    return reference.empty() ? "/" : without_dots(reference);
  }
  if (reference.starts_with('/')) return without_dots(reference);
  const std::string_view first = reference.substr(0, reference.find('/'));
  if (!path.starts_with('/') || first.find(':') != std::string_view::npos) return std::nullopt;  // another scheme
  if (reference.empty()) return std::string(path);
  return without_dots(std::string(path.substr(0, path.rfind('/') + 1)).append(reference));
}

}  // namespace vg::cache
